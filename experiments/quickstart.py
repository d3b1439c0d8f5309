"""The whole recipe on the generated world: no download, about eight minutes on two cores.

English comes first. Velian, in Latin letters, is unseen until its word list, so that the rows
before it show zero-shot transfer; Doran (Cyrillic) and Ashani (Devanagari) are never trained.
"""

from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.recipe import PIVOT, columns, part, stage, visual_alignment
from pixel_linguist.recipe import get_config as defaults

LANGUAGES = (PIVOT, "vel", "dor", "ash")
TRAINED = "vel"
BATCH, LENGTH = 128, 12

CHARACTERS = {
    "transpose_characters": {"rate": 0.05},
    "insert_characters": {"rate": 0.03},
    "delete_characters": {"rate": 0.03},
    "keyboard_neighbours": {"rate": 0.05},
}
TYPOS = {"transpose_characters": {"rate": 0.03}}
SHUFFLED = {"shuffle_words": {"rate": 1.0}}
NEARLY_ORDERED = {"shuffle_words_within_window": {"rate": 1.0, "window": 2}}
# With words dropped, one shared word is not enough to tell a sentence from the others.
DROPPED = {"drop_words": {"rate": 0.2}}
# The task scored inside the stages.
DEV = "sts-en-dev"


def world(task: str, *languages: str, split: str = "train", size: int = 200_000) -> dict[str, Any]:
    """Return the source of one task of the generated world."""
    return {
        "name": "toy",
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


def words(start: str, steps: int, pairs: dict[str, Any]) -> ConfigDict:
    """Return a stage on a word list: two forms for one concept, of which one patch is shown."""
    config = stage(
        init_from=(start,),
        data={"words": part(pairs, columns("word1", "word2"))},
        perturb=TYPOS,
        evaluate_tasks=(DEV,),
        steps=steps,
        peak=2e-3,
        warmup=30,
        batch_size=4 * BATCH,
        length=1,
    )
    config.objective.temperature = 0.1
    return config


def entailment() -> dict[str, Any]:
    """Return NLI's premises with what they entail and what contradicts them."""
    return part(world("nli"), columns("premise", "entailment", "contradiction", alternatives=True))


def translations(weight: float) -> dict[str, Any]:
    """Return parallel sentences, with their share of a stage."""
    return part(world("parallel", PIVOT, TRAINED), columns("sentence1", "sentence2"), weight)


def nli(
    start: str, steps: int, peak: float, *, hard_negatives: bool, **rehearsed: Any
) -> ConfigDict:
    """Return an NLI stage that rehearses data of earlier stages as well.

    A contradiction differs from its premise in one thing, which may be in a word that is dropped:
    words are dropped where there are no hard negatives.
    """
    config = stage(
        init_from=(start,),
        data={"nli": entailment()} | rehearsed,
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

    One pair in three is English, without which the new words pull the known ones out of place.
    """
    config = stage(
        init_from=(start,),
        data={"parallel": translations(2.0), "nli": entailment()},
        perturb={"drop_words": {"rate": 0.1}},
        evaluate_tasks=(DEV,),
        steps=steps,
        peak=2e-3,
        warmup=20,
        batch_size=BATCH,
        length=LENGTH,
    )
    config.objective.temperature = 0.1
    return config


def tasks() -> dict[str, Any]:
    """Return similarity in every language and retrieval of translations, on test compositions.

    The geometry of sentences told in all languages gives the report its distances and its map.
    """
    dev = world("similarity", PIVOT, split="dev", size=400)
    found: dict[str, Any] = {DEV: {"name": "sts", "source": dev}}
    for code in LANGUAGES:
        source = world("similarity", code, split="test", size=1000)
        found[f"sts-{code}"] = {"name": "sts", "source": source}
    for code in LANGUAGES[1:]:
        source = world("parallel", PIVOT, code, split="test", size=500)
        sides = {"first": "sentence1", "second": "sentence2"}
        found[f"{PIVOT}-{code}"] = {"name": "bitext", "source": source, **sides}
    aligned = {code: world("translations", code, split="test", size=300) for code in LANGUAGES}
    found["geometry"] = {"name": "geometry", "sources": aligned}
    return found


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    # A patch holds nearly every word whole, so that what it means is one map from its picture.
    config.render.patch_width = 64
    config.render.max_patches = 24
    config.model.update({"width": 128, "depth": 2, "heads": 4, "mlp_width": 512})
    config.model.update({"patch_hidden": 1024, "dropout": 0.0})
    # The loss shapes the head's output; features before the head score lower on every task here.
    config.model.keep_head = True
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
    stages["words"] = words("topical", 120, world("words", PIVOT))
    stages["nli_0"] = nli("words", 400, 2e-3, hard_negatives=False)
    stages["words_languages"] = words("nli_0", 400, world("words", PIVOT, TRAINED))
    start = "words_languages"
    for number, steps in enumerate((200, 400), start=1):
        stages[f"languages_{number}"] = languages(start, steps)
        start = f"nli_{number}"
        stages[start] = nli(
            f"languages_{number}",
            40,
            1e-4,
            hard_negatives=True,
            parallel=translations(1.0),
        )
    config.stages = ConfigDict(stages)
    config.order = tuple(stages)
    config.tasks = ConfigDict(tasks())
    config.evaluate.report_tasks = tuple(name for name in tasks() if name != DEV)
    return config
