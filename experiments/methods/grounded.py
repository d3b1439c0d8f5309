"""Visually grounded sentences: names of emoji in two languages that meet in pictures alone.

    ./run.sh train experiments/methods/grounded.py --workdir runs/grounded --config.data_dir=DATA

A caption is to be nearer to its picture than to others by a margin (Merkx and Frank 2019, arXiv
1903.11393); letters are pixels, and nothing is known of words. Each example is a picture and its
name in one language, so that no name is ever paired with its translation: bitext is learned through
pictures, if at all. The rate goes up and down in three cycles, and the sum of the three
snapshots' vectors is a row of its own, beside the average of their parameters.

"features" reads names beside what a frozen network makes of the picture, "texts" is the contrast of
a name with itself, without pictures; both take as many steps as all cycles. DATA/emoji is described
in `pixel_linguist.data.emoji`.
"""

from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.recipe import average, info_nce, part, stage
from pixel_linguist.recipe import get_config as defaults

LANGUAGES = ("en", "ru")
CYCLES, STEPS, FEATURES = ("cycle_1", "cycle_2", "cycle_3"), 100, 512

MARGIN = {"name": "grounded", "margin": 0.2, "features": 0}
# An encoder of texts and of pictures of 64 x 64 pixels.
SMALL: dict[str, Any] = {
    "render": {"max_patches": 32},
    "model": {
        **{"width": 128, "depth": 2, "heads": 4, "mlp_width": 512},
        **{"channels": 3, "max_rows": 4, "head": "none", "pooling": "vector"},
    },
}


def emoji(split: str, **arguments: Any) -> dict[str, Any]:
    """Return the emoji of a split with their names in both languages."""
    source = {"name": "emoji", "path": "emoji", "split": split, "languages": LANGUAGES}
    return source | arguments


def trained(data: dict[str, Any], steps: int, objective: dict[str, Any], **changes: Any) -> Any:
    """Return a stage in which the rate rises for half of a cycle and falls for the other half."""
    settings = {"peak": 2e-3, "warmup": STEPS // 2, "batch_size": 128, "length": 16}
    return stage(data=data, steps=steps, objective=objective, **(settings | changes))


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    config.data_dir = "data"
    config.languages = ("en-Latn", "ru-Cyrl")
    config.update(SMALL)
    pictures = {"name": "captioned", "shift": 4, "languages": LANGUAGES}
    stages = config.stages
    for number, name in enumerate(CYCLES):
        data = {"emoji": part(emoji("train"), pictures)}
        stages[name] = trained(data, STEPS, MARGIN, init_from=CYCLES[:number][-1:])
    stages.average = average(*CYCLES)
    data = {"emoji": part(emoji("train", features=FEATURES), pictures | {"facts": ("features",)})}
    stages.features = trained(data, len(CYCLES) * STEPS, MARGIN | {"features": FEATURES})
    data = {
        language: part(emoji("train"), {"name": "identity", "text": language})
        for language in LANGUAGES
    }
    stages.texts = trained(data, len(CYCLES) * STEPS, info_nce(hard_negatives=False))
    config.order = (*CYCLES, "average", "features", "texts")
    config.evaluate.ensembles = {"ensemble": CYCLES}
    for name, split in (("dev", "dev"), ("test", "test"), ("seen", "train")):
        source = emoji(split)
        config.tasks[name] = {"name": "picture_retrieval", "source": source, "caption": "en"}
        bitext = {"name": "bitext", "source": source, "first": "en", "second": "ru"}
        config.tasks[f"{name}-en-ru"] = bitext
    sts = {"name": "tsv", "path": "sts/stsb/en/test.tsv"}
    config.tasks["stsb-en"] = {"name": "sts", "source": sts}
    config.evaluate.report_tasks = ("test", "test-en-ru", "seen-en-ru", "stsb-en")
    return config
