"""Fine-tuning of a model on one's own pairs, triplets or scored pairs: a recipe of one stage."""

import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pixel_linguist.data.pair_columns import FIRST, NEGATIVE, SCORE, SECOND, check_columns
from pixel_linguist.data.records import number_of, open_records, text_of
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.files import write_whole
from pixel_linguist.model.encoders import encoder_settings
from pixel_linguist.model.store import Model, load_model, save_model
from pixel_linguist.recipe import columns, get_config, info_nce, part, stage
from pixel_linguist.render import Renderer
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.run import run_recipe
from pixel_linguist.word_embedder import make_embedder

STAGE, TASK = "fine_tuning", "held_out"
# Numbers of patches to which batches are padded, at most.
LENGTHS = 6


class Pair(NamedTuple):
    """Two texts that belong together, or that have a score; with it perhaps one that does not."""

    sentence1: str
    sentence2: str
    negative: str | None = None
    score: float | None = None


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings of fine-tuning.

    Attributes:
        epochs: at most.
        batch_size: pairs; rounded down to a multiple of the devices.
        peak: highest learning rate, after a tenth of the steps; then it falls linearly to 0.
        held_out: share of the pairs on which the model is scored after each epoch.
        patience: epochs without a better score after which it stops.
        seed: of the split, the order and dropout.

    Raises:
        ValueError: for a number out of range.
    """

    epochs: int = 10
    batch_size: int = 64
    peak: float = 2e-4
    held_out: float = 0.1
    patience: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        for name, fits, wanted in (
            ("epochs", self.epochs >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 2, "at least 2"),
            ("peak", 0 < self.peak < np.inf, "above 0 and finite"),
            ("held_out", 0 < self.held_out < 1, "between 0 and 1"),
            ("patience", self.patience >= 0, "at least 0"),
            ("seed", self.seed >= 0, "at least 0"),
        ):
            if not fits:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be {wanted}")


class FineTuned(NamedTuple):
    """The best model, the name of its metric, and the score before training and by epoch."""

    model: Model
    metric: str
    scores: list[float]


def read_pairs(path: Path) -> list[Pair]:
    """Read pairs from .tsv, .jsonl or .parquet.

    Columns are sentence1 and sentence2, or anchor and positive; with "score" (higher is more alike)
    pairs are scored pairs, with "negative" triplets.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the line, for a missing column, another one that may change the meaning,
            or a score that is no finite number.
    """
    pairs = []
    for record, where in open_records(path):
        first, second = (
            text_of(record, next((name for name in names if name in record), names[0]), where)
            for names in (FIRST, SECOND)
        )
        check_columns(record, where)
        negative = text_of(record, NEGATIVE, where) if NEGATIVE in record else None
        score = number_of(record, SCORE, where) if SCORE in record else None
        pairs.append(Pair(first, second, negative, score))
    check_pairs(pairs)
    return pairs


def check_pairs(pairs: Sequence[Pair]) -> None:
    """Refuse pairs from which nothing can be learned."""
    kinds = {(pair.negative is None, pair.score is None) for pair in pairs}
    if len(kinds) > 1:
        raise ValueError("some pairs have a score or a negative, others have none: give one kind")
    if (False, False) in kinds:
        raise ValueError("pairs have both a score and a negative: give one of them")
    scores = {pair.score for pair in pairs}
    if scores != {None} and len(scores) < 2:
        raise ValueError(f"all scores are {scores.pop()}: there is no order to learn")


def split(pairs: Sequence[Pair], settings: Settings) -> tuple[list[Pair], list[Pair]]:
    """Split pairs at random into those trained on and those held out; they share no sentence.

    Raises:
        ValueError: if there are too few, or sentences connect nearly all of them.
    """
    wanted, devices = round(len(pairs) * settings.held_out), jax.device_count()
    order = np.random.default_rng(settings.seed).permutation(len(pairs))
    # Pairs and their texts are a graph; sentences connect the pairs of a component.
    numbers: dict[str, int] = {}
    edges = [
        (number, len(pairs) + numbers.setdefault(text, len(numbers)))
        for number, pair in enumerate(pairs)
        for text in texts_of(pair)
    ]
    ends, nodes = np.array(edges, int).reshape(-1, 2).T, len(pairs) + len(numbers)
    graph = coo_array((np.ones(len(edges)), (ends[0], ends[1])), shape=(nodes, nodes))
    component = connected_components(graph, directed=False)[1][: len(pairs)]
    sizes, held_components, size = np.bincount(component), set(), 0
    for own in dict.fromkeys(component[order].tolist()):
        if size < wanted and size + sizes[own] <= max(2 * wanted, 2):
            held_components.add(own)
            size += sizes[own]
    held = {number for number, own in enumerate(component.tolist()) if own in held_components}
    if len(held) < 2 or len(pairs) - len(held) < 2 * devices:
        raise ValueError(
            f"{len(pairs)} pairs are too few: at least 2 that share no sentence with the others "
            f"are held out (found: {len(held)}), and {2 * devices} trained on; held_out is "
            f"{settings.held_out}"
        )
    kept = [pairs[i] for i in order.tolist() if i not in held]
    return kept, [pairs[i] for i in sorted(held)]


def texts_of(pair: Pair) -> list[str]:
    """Return the texts of a pair that are not empty."""
    return [text for text in (pair.sentence1, pair.sentence2, pair.negative) if text]


def make_recipe(model: Model, kind: Pair, number: int, settings: Settings) -> ConfigDict:
    """Return the recipe of one stage that fine-tunes a model.

    Args:
        model: whose architecture and renderer it has, without a head that is not kept.
    """
    devices = jax.device_count()
    size = max(min(settings.batch_size, number) // devices, 1) * devices
    epoch = max(number // size, 1)
    config = get_config()
    config.seed = settings.seed
    shape = encoder_settings(headless(model).encoder)
    height, width = model.renderer["patch"]
    config.render.update({**model.renderer, "patch_height": height, "patch_width": width})
    del config.render["patch"]
    for name in ("patch_height", "patch_width", "max_patches"):
        del shape[name]
    config.model = ConfigDict(shape)
    fields = [name for name, value in kind._asdict().items() if value is not None]
    source = {"name": "jsonl", "columns": tuple(fields)}
    pairs: dict[str, Any] = columns("sentence1", "sentence2", NEGATIVE if kind.negative else None)
    objective = info_nce(hard_negatives=kind.negative is not None)
    task: dict[str, Any] = {"name": "bitext", "first": "sentence1", "second": "sentence2"}
    if kind.score is not None:
        pairs = {"name": "scored_pair", "anchor": "sentence1", "positive": "sentence2"}
        pairs["score"] = SCORE
        objective = {"name": "cosent", "scale": 20.0}
        task = {"name": "sts"}
    config.tasks = ConfigDict({TASK: {**task, "source": {**source, "path": "held_out.jsonl"}}})
    longest = config.render.max_patches
    config.stages = ConfigDict(
        {
            STAGE: stage(
                init_from=("start",),
                data={"pairs": part({**source, "path": "train.jsonl"}, pairs)},
                objective=objective,
                steps=settings.epochs * epoch,
                peak=settings.peak,
                warmup=settings.epochs * epoch // 10,
                batch_size=size,
                length=longest,
                length_buckets=min(LENGTHS, longest),
                window=min(8, epoch),
                evaluate_every=epoch,
                evaluate_tasks=(TASK,),
                best_metric=f"{TASK}/{make_metric(kind)}",
                patience=settings.patience,
            )
        }
    )
    config.stages[STAGE].schedule.decay = "linear"
    config.order = (STAGE,)
    return config


def make_metric(kind: Pair) -> str:
    """Return the metric by which pairs of a kind are scored."""
    return "accuracy" if kind.score is None else "spearman"


def headless(model: Model) -> Model:
    """Return a model without a projection head that is not kept at inference."""
    config = model.encoder.config
    if config.keep_head or config.head == "none":
        return model
    encoder = type(model.encoder)(dataclasses.replace(config, head="none"))
    params = {name: value for name, value in model.params.items() if name in encoder.shapes()}
    return model._replace(encoder=encoder, params=params)


def fine_tune(
    model: Model, pairs: Sequence[Pair], settings: Settings, folder: Path | None = None
) -> FineTuned:
    """Train a model on pairs and return the best by its score on those held out.

    Pairs and triplets are contrasted with the rest of their batch (InfoNCE), and scored by how
    often a held-out text finds its partner among those held out; scored pairs are put in order
    (CoSENT), and scored by Spearman's correlation of cosine and score. What is trained is the
    embedding as it is used, without the head.

    Args:
        model: to start from; it stays as it is.
        pairs: of one kind.
        folder: of the run, which resumes there if it is interrupted; None: a temporary one.

    Raises:
        ValueError: if there are too few pairs, or settings are out of range.
        FloatingPointError: if the loss is not finite.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as made:
            return fine_tune(model, pairs, settings, Path(made))
    check_pairs(pairs)
    kept, held = split(pairs, settings)
    config = make_recipe(model, pairs[0], len(kept), settings)
    data, start = folder / "data", headless(model)
    for name, some in (("train", kept), ("held_out", held)):
        lines = [json.dumps(pair._asdict(), ensure_ascii=False) + "\n" for pair in some]
        write_whole(data / f"{name}.jsonl", "".join(lines).encode("utf-8", "surrogatepass"))
    save_model(folder / "start", start)
    config.data_dir = str(data)
    config.stages[STAGE].init_from = (str(folder / "start"),)
    task = make_task(data, config.tasks[TASK].to_dict())
    size = config.evaluate.batch_size
    embed = make_embedder(start.encoder, start.params, Renderer(**start.renderer), size)
    scores = [task.score(embed)[task.metric]]
    run = run_recipe(config.lock(), folder / "run", Preemption())
    scores += [row["scores"][TASK][task.metric] for row in run.evaluations(STAGE)]
    best = model if np.argmax(scores) == 0 else load_model(run.model(STAGE))
    about = (
        f"{model.about}\n\nFine-tuned on {len(kept)} pairs; {task.metric} on {len(held)} held out "
        f"{scores[0]:.3f} before, {max(scores):.3f} after."
    )
    return FineTuned(best._replace(about=about.strip()), task.metric, scores)
