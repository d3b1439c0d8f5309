"""Visually grounded sentences of the generated world: two languages that meet in drawn scenes.

    ./run.sh train experiments/methods/grounded_scenes.py --workdir runs/grounded_scenes

As `grounded.py`, without a download and with a meaning that is known: each example is the picture
of a proposition and one sentence that says it, in English or in Velian, so that no sentence is ever
paired with its translation. "texts" is the contrast of a sentence with itself, without pictures,
for as many steps. Similarity and translations are those of the world's test split.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.grounded import MARGIN, SMALL, trained
from pixel_linguist.recipe import get_config as defaults
from pixel_linguist.recipe import info_nce, part

LANGUAGES = ("en", "vel")
STEPS = 600


def world(task: str, split: str, size: int, *languages: str) -> dict[str, Any]:
    """Return records of the generated world."""
    source = {"name": "toy", "task": task, "split": split, "size": size, "seed": 0}
    return source | {"languages": languages}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    config.languages = ("en-Latn", "vel-Latn")
    config.update(SMALL)
    scenes = world("scenes", "train", 20_000, *LANGUAGES)
    pictures = {"name": "captioned", "languages": LANGUAGES}
    config.stages.scenes = trained({"scenes": part(scenes, pictures)}, STEPS, MARGIN, length=32)
    data = {code: part(scenes, {"name": "identity", "text": code}) for code in LANGUAGES}
    config.stages.texts = trained(data, STEPS, info_nce(hard_negatives=False), length=32)
    config.order = ("scenes", "texts")
    tests = world("scenes", "test", 200, *LANGUAGES)
    config.tasks.test = {"name": "picture_retrieval", "source": tests, "caption": "en"}
    config.tasks["en-vel"] = {"name": "bitext", "source": tests, "first": "en", "second": "vel"}
    for code in LANGUAGES:
        source = world("similarity", "test", 500, code)
        config.tasks[f"sts-{code}"] = {"name": "sts", "source": source}
    config.evaluate.report_tasks = ("test", "en-vel", "sts-en", "sts-vel")
    return config
