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
BATCH = 128

CHARACTERS = {
    "transpose_characters": {"rate": 0.05},
    "insert_characters": {"rate": 0.03},
    "delete_characters": {"rate": 0.03},
    "keyboard_neighbours": {"rate": 0.05},
}
SHUFFLED = {"shuffle_words": {"rate": 1.0}, "drop_words": {"rate": 0.2}}
NEARLY_ORDERED = {
    "shuffle_words_within_window": {"rate": 1.0, "window": 2},
    "drop_words": {"rate": 0.2},
}


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


def visual(perturb: dict[str, Any], seed: int) -> ConfigDict:
    """Return one visual-alignment run: a sentence and itself, both perturbed."""
    return stage(
        data={"sentences": part(world("sentences"), {"name": "identity", "text": "text"})},
        perturb=perturb,
        seed=seed,
        steps=60,
        peak=1e-3,
        warmup=20,
        batch_size=BATCH,
        length=20,
        report=False,
    )


def nli(start: str, steps: int, peak: float) -> ConfigDict:
    """Return an NLI stage: a premise, what it entails, and what contradicts it."""
    return stage(
        init_from=(start,),
        data={"nli": part(world("nli"), columns("premise", "entailment", "contradiction"))},
        hard_negatives=True,
        steps=steps,
        peak=peak,
        warmup=30,
        batch_size=BATCH,
        length=20,
    )


def languages(start: str, steps: int) -> ConfigDict:
    """Return a language stage: a sentence and its translation."""
    return stage(
        init_from=(start,),
        data={"parallel": part(world("parallel", *LANGUAGES), columns("sentence1", "sentence2"))},
        steps=steps,
        peak=1e-3,
        warmup=30,
        batch_size=BATCH,
        length=24,
    )


def tasks() -> dict[str, Any]:
    """Return similarity in every language and retrieval of translations, on test compositions."""
    found: dict[str, Any] = {}
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
    config.model.update(
        {"width": 128, "depth": 3, "heads": 4, "mlp_width": 512, "patch_hidden": 512}
    )
    stages = {
        "visual_characters": visual(CHARACTERS, seed=1),
        "visual_shuffled": visual(SHUFFLED, seed=2),
        "visual_nearly_ordered": visual(NEARLY_ORDERED, seed=3),
        "visual_both": visual(SHUFFLED | CHARACTERS, seed=4),
    }
    stages["visual"] = average(*stages)
    stages["topical"] = stage(
        init_from=("visual",),
        data={
            "documents": part(
                world("documents"), {"name": "spans", "text": "text", "shortest": 6, "longest": 12}
            )
        },
        steps=150,
        peak=1e-3,
        warmup=30,
        batch_size=BATCH,
        length=24,
    )
    stages["nli_0"] = nli("topical", 500, 1e-3)
    for number in range(1, ROUNDS + 1):
        stages[f"languages_{number}"] = languages(f"nli_{number - 1}", 400)
        stages[f"nli_{number}"] = nli(f"languages_{number}", 150, 3e-4)
    config.stages = ConfigDict(stages)
    config.order = tuple(stages)
    config.tasks = ConfigDict(tasks())
    config.evaluate.report_tasks = tuple(tasks())
    return config
