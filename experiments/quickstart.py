"""The whole recipe on the generated world: no download, about ten minutes on two cores.

English comes first. Velian, in Latin letters, is unseen until its word list, so that the rows
before it show zero-shot transfer; Doran (Cyrillic) and Ashani (Devanagari) are never trained.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.base import PIVOT, columns, part, stage, visual_alignment
from experiments.base import get_config as defaults

LANGUAGES = (PIVOT, "vel", "dor", "ash")
TRAINED = "vel"
ROUNDS = 2
BATCH, LENGTH = 128, 16

CHARACTERS = {
    "transpose_characters": {"rate": 0.05},
    "insert_characters": {"rate": 0.03},
    "delete_characters": {"rate": 0.03},
    "keyboard_neighbours": {"rate": 0.05},
}
TYPOS = {"transpose_characters": {"rate": 0.03}}
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


def words(start: str, steps: int, *lists: dict[str, Any]) -> ConfigDict:
    """Return a stage on word lists: two forms for one concept. Words cost little and teach much."""
    config = stage(
        init_from=(start,),
        data={f"list_{i}": part(words, columns("word1", "word2")) for i, words in enumerate(lists)},
        perturb=TYPOS,
        evaluate_tasks=(DEV,),
        steps=steps,
        peak=2e-3,
        warmup=30,
        batch_size=4 * BATCH,
        length=4,
    )
    config.objective.temperature = 0.1
    return config


def entailment() -> dict[str, Any]:
    """Return NLI's premises with what they entail and what contradicts them."""
    return part(world("nli"), columns("premise", "entailment", "contradiction"))


def nli(start: str, steps: int, peak: float, *, hard_negatives: bool) -> ConfigDict:
    """Return an NLI stage.

    A contradiction differs from its premise in one thing, which may be in a word that is dropped:
    words are dropped where there are no hard negatives.
    """
    config = stage(
        init_from=(start,),
        data={"nli": entailment()},
        hard_negatives=hard_negatives,
        perturb={} if hard_negatives else DROPPED,
        evaluate_tasks=(DEV,),
        steps=steps,
        peak=peak,
        warmup=20,
        batch_size=BATCH,
        length=LENGTH,
    )
    config.objective.temperature = 0.1
    return config


def languages(start: str, steps: int) -> ConfigDict:
    """Return a language stage: a sentence and its translation.

    One pair in four is English, without which the new words pull the known ones out of place.
    """
    parallel = world("parallel", PIVOT, TRAINED)
    config = stage(
        init_from=(start,),
        data={
            "parallel": part(parallel, columns("sentence1", "sentence2"), 3.0),
            "nli": entailment(),
        },
        perturb={"drop_words": {"rate": 0.1}},
        evaluate_tasks=(DEV,),
        steps=steps,
        peak=1.5e-3,
        warmup=20,
        batch_size=BATCH,
        length=LENGTH,
    )
    config.objective.temperature = 0.1
    return config


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
    stages = visual_alignment(
        visual, CHARACTERS, SHUFFLED, NEARLY_ORDERED, start_steps=40, steps=15
    )
    stages["topical"] = stage(
        init_from=("visual",),
        data={
            "documents": part(
                world("documents"), {"name": "spans", "text": "text", "shortest": 6, "longest": 12}
            )
        },
        evaluate_tasks=(DEV,),
        steps=40,
        peak=1e-3,
        warmup=10,
        batch_size=BATCH,
        length=LENGTH,
    )
    english, both_lists = world("words", PIVOT), world("words", PIVOT, TRAINED)
    stages["words"] = words("topical", 150, english)
    stages["nli_0"] = nli("words", 550, 2e-3, hard_negatives=False)
    stages["words_languages"] = words("nli_0", 350, english, both_lists)
    start = "words_languages"
    for number in range(1, ROUNDS + 1):
        stages[f"languages_{number}"] = languages(start, 180)
        stages[f"nli_{number}"] = nli(f"languages_{number}", 40, 3e-4, hard_negatives=True)
        start = f"nli_{number}"
    config.stages = ConfigDict(stages)
    config.order = tuple(stages)
    config.tasks = ConfigDict(tasks())
    config.evaluate.report_tasks = tuple(name for name in tasks() if name != DEV)
    return config
