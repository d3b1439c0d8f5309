"""Fine-tuning of a model on one's own pairs, triplets or graded pairs, with early stopping."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from tqdm import tqdm

from pixel_linguist.data.loader import text_id
from pixel_linguist.data.records import column, open_records, text_of
from pixel_linguist.evaluate.batches import lengths
from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.embed import Embedder
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.model.store import Model
from pixel_linguist.objective import Objective
from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.cosent import CoSENT
from pixel_linguist.render import Renderer
from pixel_linguist.train.devices import AXIS, Backend, place
from pixel_linguist.train.optim import OptimizerConfig, learning_rate
from pixel_linguist.train.step import init_state, mapped_step

# Names of the columns, as STS data sets and sentence-transformers have them.
FIRST, SECOND = ("sentence1", "anchor"), ("sentence2", "positive")
NEGATIVE, SCORE = "negative", "score"
# As `experiments/base.py` has them.
ADAMW = OptimizerConfig(0.9, 0.999, 1e-8, weight_decay=0.01, clip_norm=1.0, accumulate=1)
TEMPERATURE = 0.05
BACKEND: Backend = "pmap"


class Pair(NamedTuple):
    """Two texts that belong together, or that have a score; with it perhaps one that does not."""

    first: str
    second: str
    negative: str | None = None
    score: float | None = None


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a model is fine-tuned.

    Attributes:
        epochs: at most.
        batch_size: pairs; rounded down to a multiple of the devices.
        peak: highest learning rate, after a tenth of the steps; then it falls linearly to 0.
        held_out: share of the pairs on which the model is scored after each epoch.
        patience: epochs without a better score after which it stops.
        seed: of the split, the order and dropout.
    """

    epochs: int = 10
    batch_size: int = 64
    peak: float = 2e-4
    held_out: float = 0.1
    patience: int = 2
    seed: int = 0


class FineTuned(NamedTuple):
    """The best model, the name of its metric, and the score before training and by epoch."""

    model: Model
    metric: str
    scores: list[float]


def read_pairs(path: Path) -> list[Pair]:
    """Read pairs from .tsv, .jsonl or .parquet.

    Columns are sentence1 and sentence2, or anchor and positive; with "score" (higher is more alike)
    pairs are graded, with "negative" they are triplets.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the line, for a missing column, or a score that is no finite number.
    """
    pairs = []
    for record, where in open_records(path):
        first, second = (
            text_of(record, next((name for name in names if name in record), names[0]), where)
            for names in (FIRST, SECOND)
        )
        negative = text_of(record, NEGATIVE, where) if NEGATIVE in record else None
        pairs.append(Pair(first, second, negative, _score(record, where)))
    check_pairs(pairs)
    return pairs


def _score(record: dict[str, Any], where: str) -> float | None:
    if SCORE not in record:
        return None
    value = column(record, SCORE, where)
    try:
        score = float(value)
    except (TypeError, ValueError):
        score = float("nan")
    if not np.isfinite(score):
        raise ValueError(f"{where}: the score {value!r} is not a finite number")
    return score


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


def fine_tune(model: Model, pairs: Sequence[Pair], settings: Settings) -> FineTuned:
    """Train a model on pairs and return the best by its score on those held out.

    Pairs and triplets are contrasted with the rest of their batch (InfoNCE), and scored by how
    often a held-out text finds its partner among those held out; graded pairs are put in order
    (CoSENT), and scored by Spearman's correlation of cosine and score. What is trained is the
    embedding as it is used, without the head.

    Raises:
        ValueError: if there are too few pairs, or settings are out of range.
        FloatingPointError: if the loss is not finite.
    """
    kept, held = split(pairs, settings)
    encoder = model.config
    if not encoder.keep_head:
        encoder = dataclasses.replace(encoder, head="none")
    renderer = Renderer(**model.renderer)
    objective = objective_of(pairs[0])
    state = init_state(model.params, objective, ADAMW)
    step_fn = mapped_step(encoder, objective, ADAMW, BACKEND)
    task = task_of(held)
    size = batch_size_of(len(kept), settings)
    steps = settings.epochs * (len(kept) // size)

    def score(params: Any) -> float:
        embed = Embedder(model.config, params, renderer, settings.batch_size)
        return task.score(embed)[task.metric]

    best, scores = model.params, [score(model.params)]
    rng = np.random.default_rng(settings.seed)
    with tqdm(total=steps, unit="step", desc="fine-tuning") as progress:
        for _ in range(settings.epochs):
            for batch in batches(kept, renderer, objective.views, size, rng):
                step = int(progress.n)
                rate = learning_rate(
                    step, peak=settings.peak, warmup=steps // 10, steps=steps, decay="linear"
                )
                state, metrics = step_fn(
                    state, place(batch, BACKEND), np.float32(rate), np.uint32(settings.seed)
                )
                progress.update()
            if not np.isfinite(metrics["loss"]):
                raise FloatingPointError(f"the loss is {metrics['loss']}; lower the learning rate")
            params = jax.device_get(state["params"]["encoder"])
            scores.append(score(params))
            progress.set_postfix({f"held-out {task.metric}": f"{scores[-1]:.3f}"})
            if scores[-1] == max(scores) > max(scores[:-1]):
                best = params
            if np.argmax(scores) < len(scores) - settings.patience:
                break
    about = (
        f"{model.about}\n\nFine-tuned on {len(kept)} pairs; {task.metric} on {len(held)} held out "
        f"{scores[0]:.3f} before, {max(scores):.3f} after."
    )
    return FineTuned(model._replace(params=best, about=about.strip()), task.metric, scores)


def split(pairs: Sequence[Pair], settings: Settings) -> tuple[list[Pair], list[Pair]]:
    """Split pairs at random into those trained on and those held out."""
    check_pairs(pairs)
    held = round(len(pairs) * settings.held_out)
    if held < 2 or len(pairs) - held < 2 * jax.device_count():
        raise ValueError(
            f"{len(pairs)} pairs, {held} of them held out, are too few: at least 2 are held out, "
            f"and {2 * jax.device_count()} trained on; held_out is {settings.held_out}"
        )
    order = np.random.default_rng(settings.seed).permutation(len(pairs))
    return [pairs[i] for i in order[held:]], [pairs[i] for i in order[:held]]


def objective_of(pair: Pair) -> Objective:
    """Return what pairs of this kind are trained for."""
    if pair.score is not None:
        return CoSENT(scale=1 / TEMPERATURE, axis=AXIS)
    triplets = pair.negative is not None
    return InfoNCE(
        temperature=TEMPERATURE,
        learnable_temperature=False,
        symmetric=not triplets,
        hard_negatives=triplets,
        mask_false_negatives=True,
        axis=AXIS,
    )


def task_of(pairs: Sequence[Pair]) -> STS | Bitext:
    """Return what pairs that were held out are scored by."""
    first, second = (tuple(texts) for texts in zip(*(pair[:2] for pair in pairs), strict=True))
    if pairs[0].score is None:
        return Bitext(first, second)
    return STS(first, second, tuple(pair.score for pair in pairs if pair.score is not None))


def batch_size_of(number: int, settings: Settings) -> int:
    """Return the batch size that the devices share evenly."""
    if settings.batch_size < 2 or settings.epochs < 1 or not settings.peak > 0:
        raise ValueError(f"batch_size must be at least 2, epochs 1, peak above 0: {settings}")
    devices = jax.device_count()
    return max(min(settings.batch_size, number) // devices, 1) * devices


def batches(
    pairs: Sequence[Pair],
    renderer: Renderer,
    views: Sequence[str],
    size: int,
    rng: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    """Yield one epoch's batches in random order; the last, incomplete one is left out.

    Patches are uint8 [B, S, H, W].
    """
    order = rng.permutation(len(pairs))
    buckets = lengths(renderer.max_patches)
    for start in range(0, len(pairs) - size + 1, size):
        chosen = [pairs[i] for i in order[start : start + size]]
        texts = {
            "anchor": [pair.first for pair in chosen],
            "positive": [pair.second for pair in chosen],
            "negative": [pair.negative or "" for pair in chosen],
        }
        used = [text for view in views for text in texts[view]]
        longest = min(int(renderer.count_patches(used).max()), renderer.max_patches)
        length = next(n for n in buckets if n >= longest)
        batch: dict[str, Any] = {
            "group": np.full(size, -1, np.int32),
            "text_id": {view: np.array([*map(text_id, texts[view])], np.int32) for view in views},
            "has_negative": np.array([bool(pair.negative) for pair in chosen]),
            "score": np.array([pair.score or 0.0 for pair in chosen], np.float32),
        }
        for view in views:
            rendered = renderer(texts[view], length)
            batch[view] = {"patches": rendered.patches, "count": rendered.count}
        yield batch
