"""Every default of a recipe, in one place; recipes change what differs.

A recipe is a `ConfigDict` with these groups. It is locked when it is loaded: an unknown key stops
with the nearest known one.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.model import preset

PIVOT = "en"


def optimizer(weight_decay: float = 0.01) -> dict[str, Any]:
    """AdamW, with weight decay on kernels."""
    return {
        "b1": 0.9,
        "b2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": weight_decay,
        "clip_norm": 1.0,
        "accumulate": 1,
        # Groups of the encoder's parameters that are not trained.
        "frozen": (),
    }


def info_nce(*, hard_negatives: bool) -> dict[str, Any]:
    """In-batch negatives at temperature 0.05, both ways unless there are hard negatives."""
    return {
        "name": "info_nce",
        "temperature": 0.05,
        "learnable_temperature": False,
        "symmetric": not hard_negatives,
        "hard_negatives": hard_negatives,
        "mask_false_negatives": True,
    }


def matryoshka(
    objective: dict[str, Any], prefixes: tuple[int, ...] = (64, 128, 256)
) -> dict[str, Any]:
    """The objective `info_nce` or `cosent` on prefixes of the embeddings, with equal weights.

    The last prefix is the encoder's dimension; `evaluate.truncate_dims` gives the others rows in
    the table of scores.
    """
    return {"name": "matryoshka", "objective": objective, "prefixes": prefixes, "weights": ()}


def masked_autoencoder(
    *,
    mask_ratio: float = 0.25,
    embedding_weight: float = 0.0,
    word_buckets: int = 0,
    word_weight: float = 0.1,
) -> dict[str, Any]:
    """PIXEL's pretraining: a quarter of each text's patches is hidden, in spans, and drawn again.

    With an embedding_weight, 1 in the paper, it is RetroMAE's: a second decoder draws each patch
    from the embedding and half of the other patches. With word_buckets such as 2048 the words of
    the text are predicted as well, as in DupMAE; the stage needs `words_fact`. Decoders are of the
    quickstart's size; PIXEL's has width 512, depth 8, 16 heads and MLPs of 2048.
    """
    return {
        "name": "masked_autoencoder",
        "mask_ratio": mask_ratio,
        "encoder_weight": 1.0,
        "embedding_weight": embedding_weight,
        "embedding_mask_ratio": 0.5,
        "normalise_pixels": True,
        "word_buckets": word_buckets,
        "word_weight": word_weight,
        "words_from_embedding": False,
        "decoder": {"width": 96, "depth": 1, "heads": 3, "mlp_width": 384},
    }


def words_fact(buckets: int) -> dict[str, Any]:
    """Return the fact that a masked autoencoder with `word_buckets` needs."""
    return {"words": {"name": "bag_of_words", "view": "anchor", "buckets": buckets}}


def part(
    source: dict[str, Any],
    pairs: dict[str, Any],
    weight: float = 1.0,
    annotate: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one part of a stage's data.

    Args:
        weight: share of the part in the mixture.
        annotate: {"name": an annotator, "model": a stage or folder, **arguments}; None: nothing.
    """
    return {"source": source, "pairs": pairs, "weight": weight, "annotate": annotate or {}}


def columns(
    anchor: str, positive: str, negative: str | None = None, *, alternatives: bool = False
) -> dict[str, Any]:
    """Return the pair maker that takes columns of a record: `alternatives` that bars separate."""
    return {
        "name": "columns",
        "anchor": anchor,
        "positive": positive,
        "negative": negative,
        "alternatives": alternatives,
    }


def stage(
    *,
    data: dict[str, Any],
    steps: int,
    peak: float,
    warmup: int,
    batch_size: int,
    length: int,
    hard_negatives: bool = False,
    objective: dict[str, Any] | None = None,
    **changes: Any,
) -> ConfigDict:
    """Return one stage; `changes` replaces any of the defaults below, `objective` the contrast."""
    config = ConfigDict(
        {
            **starts(),
            "seed": 0,
            "data": data,
            # Parts are mixed by weight times size ** (1 / temperature); 0: by weight alone.
            "mixture_temperature": 0.0,
            # Perturbation → its arguments, drawn for each view on its own.
            "perturb": {},
            "perturb_probability": 1.0,
            # The probability that each perturbation takes part in a perturbed view.
            "perturb_each": 1.0,
            # The views that are perturbed; Pixel-Linguist perturbs one side alone.
            "perturb_views": ("anchor", "positive", "negative"),
            # Facts that depend on how texts are drawn: name → {"name": a fact maker, **arguments}.
            "facts": {},
            # Facts of examples that the encoder takes as options, by name.
            "encoder_options": (),
            # Aspect of style (family, size, weight, slant, spacing) → {"strength": 0 to 1}, drawn
            # for each view on its own; {}: evaluation's style.
            "styles": {},
            # Augmentation of pixels → {"strength": 0 to 1}, drawn on the device for each view.
            "augment": {},
            "objective": objective or info_nce(hard_negatives=hard_negatives),
            "optimizer": optimizer(),
            "steps": steps,
            "schedule": {"peak": peak, "warmup": warmup, "decay": "cosine"},
            # Over all devices and hosts.
            "batch_size": batch_size,
            # Patches to which each text is padded or cut.
            "length": length,
            # Numbers of patches in use, evenly spaced up to length: with more than 1, texts of
            # like lengths come into one batch, which is padded to its longest alone.
            "length_buckets": 1,
            # Batches that are arranged together: equal texts apart, like lengths together.
            "window": 1,
            # Examples that a device encodes at once, recomputed in the backward pass, so that
            # memory does not bound the batch; 0: all, without recomputation.
            "chunk_size": 0,
            **scoring(steps),
        }
    )
    config.update(changes)
    return config


def starts() -> dict[str, Any]:
    """Return the settings of a stage's start: scratch."""
    return {
        # Earlier stages, or model folders; several are averaged, none is scratch.
        "init_from": (),
        # How the encoders of starts become this one, by name; "": they are of its architecture.
        "adapter": "",
        # Whether a stage without init_from is refused.
        "start_required": False,
        # The task/metric by which models are averaged greedily; without one, all are.
        "average_by": "",
    }


def scoring(steps: int) -> dict[str, Any]:
    """Return the settings of scores inside a stage."""
    return {
        # Tasks scored inside the stage, and the task/metric by which its best model is kept;
        # without one, its last is.
        "evaluate_every": max(steps // 4, 1),
        "evaluate_tasks": (),
        "best_metric": "",
        # Evaluations without a better score after which the stage ends; 0: it never ends early.
        "patience": 0,
        # Whether its model gets a row in the table of scores.
        "report": True,
    }


def claim(
    says: str,
    row: str,
    tasks: tuple[str, ...],
    over: Sequence[tuple[str, str, tuple[str, ...]]],
    *,
    heading: str,
    chance: bool = False,
) -> dict[str, Any]:
    """Return a claim, which the report of a run judges by bootstrap intervals.

    Args:
        says: what is claimed, as the end of "the run shows that".
        row: a row of the table of scores: a stage, "untrained" or "tfidf".
        tasks: whose mean score is meant, in that row.
        over: comparisons, each a name for readers, a row and its tasks. The claim is shown if the
            interval of the gain over each is above 0.
        heading: claims under one heading are told in one sentence.
        chance: the claim is shown if these intervals contain 0 instead.
    """
    return {
        "says": says,
        "row": row,
        "tasks": tasks,
        "over": tuple(over),
        "heading": heading,
        "chance": chance,
    }


def average(*stages: str, by: str = "") -> ConfigDict:
    """Return a stage that averages the models of others: all, or greedily `by` a task/metric."""
    return stage(
        data={},
        steps=0,
        peak=0.0,
        warmup=0,
        batch_size=0,
        length=0,
        init_from=tuple(stages),
        average_by=by,
    )


def visual_alignment(
    visual: Callable[..., ConfigDict],
    characters: dict[str, Any],
    shuffled: dict[str, Any],
    nearly_ordered: dict[str, Any],
    *,
    start_steps: int,
    steps: int,
) -> dict[str, ConfigDict]:
    """Return a common start from scratch, four short runs from it, and their average.

    Runs from scratch drift too far apart to be averaged. `visual` makes one run of an encoder,
    from the stages named first, with the perturbations, steps, peak rate and seed that follow.
    """
    both = shuffled | characters
    perturbations = {
        "characters": characters,
        "shuffled": shuffled,
        "nearly_ordered": nearly_ordered,
        "both": both,
    }
    runs = {
        f"visual_{name}": visual(
            "visual_start", perturb=perturb, steps=steps, peak=3e-4, seed=number
        )
        for number, (name, perturb) in enumerate(perturbations.items(), start=1)
    }
    start = visual(perturb=both, steps=start_steps, peak=2e-3, seed=0)
    return {"visual_start": start} | runs | {"visual": average(*runs)}


def architecture() -> dict[str, Any]:
    """Return the encoder: a small vision transformer."""
    return {
        # "vit", or another encoder of pixel_linguist.model.
        "name": "vit",
        **preset("tiny"),
        "patch_hidden": 0,
        "positions": "learned",
        "pooling": "mean",
        "head": "patches",
        "keep_head": False,
        "channels": 1,
        "dropout": 0.1,
        # Share of attention heads that training drops; at least one stays.
        "drophead": 0.0,
        "norm_epsilon": 1e-6,
        "dtype": "float32",
        # Recomputed in the backward pass to save memory: "none", "blocks", or "dots".
        "remat": "none",
        "cls_token": False,
        "paper_is_one": False,
        # Words beside the sentence in the embedding: buckets, and the number kept.
        "word_buckets": 0,
        "top_words": 0,
        # Rows of a page: 1 for lines of text.
        "max_rows": 1,
    }


def get_config() -> ConfigDict:
    """Return the defaults of all groups, with no stages and no tasks."""
    return ConfigDict(
        {
            "seed": 0,
            # Paths of sources are relative to it; it may be gs://BUCKET/FOLDER.
            "data_dir": "",
            # URLs of files in it, each by its own name, that TFDS does not have.
            "downloads": (),
            # Of the training texts, with their scripts ("en-Latn"), for the card and `evaluate`.
            "languages": (),
            # Languages (ISO 639) that no source may bring, so that what a model knows of them is
            # transferred; for the card and `evaluate`, too.
            "never_trained": (),
            "render": {
                "family": "noto",
                "strategy": "words",
                "patch_height": 16,
                "patch_width": 16,
                "max_patches": 64,
                "font_size": None,
                "end_patch": False,
                "weight": 400,
                "slant": 0,
                "spacing": 0,
                # Whether spaces before punctuation are left out, as PIXEL does.
                "glue_spaces": False,
            },
            "model": architecture(),
            "train": {
                # "pmap" or "shard_map".
                "backend": "pmap",
                # Whether each device keeps its share of the optimiser's state alone (shard_map).
                "shard_optimizer": False,
                # Processes that render; 0 renders in threads.
                "workers": 0,
                # Beside metrics.jsonl: "tensorboard", "wandb".
                "loggers": (),
                "log_every": 20,
                "checkpoint_every": 500,
                # Checkpoints kept: the latest ones, and those of steps divisible by the second
                # (0: none).
                "keep_checkpoints": 2,
                "keep_checkpoints_every": 0,
                "compilation_cache": "runs/.compilation",
            },
            "stages": {},
            "order": (),
            "tasks": {},
            # In the table of scores each model has a row more, NAME@D, for each length of
            # truncate_dims, to which its vectors are cut. An ensemble, name → stages, sums their
            # models' vectors in a row of its own.
            "evaluate": {
                "batch_size": 128,
                "report_tasks": (),
                "truncate_dims": (),
                "ensembles": {},
            },
            # Claims that the report judges, see `claim`.
            "claims": (),
        }
    )
