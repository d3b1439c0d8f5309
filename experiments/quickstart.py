"""The whole recipe on the generated world: no download, about ten minutes on two cores.

English comes first; three generated languages in three scripts are unseen until the language
stage, so that the rows before it show zero-shot transfer.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.base import PIVOT, average, part, stage
from experiments.base import get_config as defaults

LANGUAGES = (PIVOT, "vel", "dor", "ash")
ROUNDS = 2
BATCH, LENGTH = 128, 16

CHARACTERS = {
    "transpose_characters": {"rate": 0.05},
    "insert_characters": {"rate": 0.03},
    "delete_characters": {"rate": 0.03},
    "keyboard_neighbours": {"rate": 0.05},
}
SHUFFLED = {"shuffle_words": {"rate": 1.0}}
NEARLY_ORDERED = {"shuffle_words_within_window": {"rate": 1.0, "window": 2}}
# With a word missing here and there, one shared word is not enough to tell a sentence from others.
DROPPED = {"drop_words": {"rate": 0.2}}
# The task scored inside the stages.
DEV = "sts-en-dev"


def world(task: str, *languages: str, split: str = "train", size: int = 200_000) -> dict[str, Any]:
    """Return the source of one task of the generated world."""
    return {
        "name": "world",
        "task": task,
        "split": split,
        "size": size,
        "languages": languages or (PIVOT,),
        "seed": 0,
    }


def columns(anchor: str, positive: str, negative: str | None = None) -> dict[str, Any]:
    """Return the pair maker that takes columns of a record."""
    return {"name": "columns", "anchor": anchor, "positive": positive, "negative": negative}


def visual(*start: str, perturb: dict[str, Any], steps: int, peak: float, seed: int) -> ConfigDict:
    """Return one visual-alignment run: a sentence and itself, both perturbed."""
    return stage(
        init_from=start,
        data={"sentences": part(world("sentences"), {"name": "identity", "text": "text"})},
        perturb=perturb | DROPPED,
        evaluate_tasks=(DEV,),
        seed=seed,
        steps=steps,
        peak=peak,
        warmup=steps // 4,
        batch_size=BATCH,
        length=LENGTH,
        report=False,
    )


def nli(start: str, steps: int, peak: float, *, hard_negatives: bool) -> ConfigDict:
    """Return an NLI stage: a premise, what it entails, and what contradicts it.

    A contradiction differs from its premise in one thing, which may be in a word that is dropped:
    words are dropped where there are no hard negatives.
    """
    config = stage(
        init_from=(start,),
        data={"nli": part(world("nli"), columns("premise", "entailment", "contradiction"))},
        hard_negatives=hard_negatives,
        perturb={} if hard_negatives else DROPPED,
        evaluate_tasks=(DEV,),
        steps=steps,
        peak=peak,
        warmup=30,
        batch_size=BATCH,
        length=LENGTH,
    )
    config.objective.temperature = 0.1
    return config


def languages(start: str, steps: int) -> ConfigDict:
    """Return a language stage: a sentence and its translation."""
    return stage(
        init_from=(start,),
        data={"parallel": part(world("parallel", *LANGUAGES), columns("sentence1", "sentence2"))},
        perturb={"drop_words": {"rate": 0.1}},
        evaluate_tasks=(DEV,),
        steps=steps,
        peak=2e-3,
        warmup=30,
        batch_size=BATCH,
        length=LENGTH,
    )


def tasks() -> dict[str, Any]:
    """Return similarity in every language and retrieval of translations, on test compositions."""
    dev = world("similarity", PIVOT, split="dev", size=400)
    found: dict[str, Any] = {DEV: {"name": "sts", "source": dev}}
    for code in LANGUAGES:
        source = world("similarity", code, split="test", size=1000)
        found[f"sts-{code}"] = {"name": "sts", "source": source}
    for code in LANGUAGES[1:]:
        source = world("parallel", PIVOT, code, split="test", size=500)
        sides = {"first": "sentence1", "second": "sentence2"}
        found[f"{PIVOT}-{code}"] = {"name": "bitext", "source": source, **sides}
    return found


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    config.render.patch_width = 32
    config.render.max_patches = 24
    config.model.update({"width": 128, "depth": 2, "heads": 4, "mlp_width": 512})
    config.model.update({"patch_hidden": 512, "dropout": 0.0})
    both = SHUFFLED | CHARACTERS
    perturbations = {
        "characters": CHARACTERS,
        "shuffled": SHUFFLED,
        "nearly_ordered": NEARLY_ORDERED,
        "both": both,
    }
    # Runs from scratch drift too far apart to be averaged, so four short ones share a start.
    stages = {"visual_start": visual(perturb=both, steps=80, peak=2e-3, seed=0)}
    runs = {
        f"visual_{name}": visual("visual_start", perturb=perturb, steps=20, peak=3e-4, seed=number)
        for number, (name, perturb) in enumerate(perturbations.items(), start=1)
    }
    stages |= runs | {"visual": average(*runs)}
    stages["topical"] = stage(
        init_from=("visual",),
        data={
            "documents": part(
                world("documents"), {"name": "spans", "text": "text", "shortest": 6, "longest": 12}
            )
        },
        evaluate_tasks=(DEV,),
        steps=80,
        peak=1e-3,
        warmup=20,
        batch_size=BATCH,
        length=LENGTH,
    )
    stages["nli_0"] = nli("topical", 900, 2e-3, hard_negatives=False)
    for number in range(1, ROUNDS + 1):
        stages[f"languages_{number}"] = languages(f"nli_{number - 1}", 250)
        stages[f"nli_{number}"] = nli(f"languages_{number}", 80, 3e-4, hard_negatives=True)
    config.stages = ConfigDict(stages)
    config.order = tuple(stages)
    config.tasks = ConfigDict(tasks())
    config.evaluate.report_tasks = tuple(name for name in config.tasks if name != DEV)
    return config
