"""DebCSE on the generated world, where it is known what a sentence means.

    ./run.sh train experiments/methods/debcse_world.py --workdir runs/debcse_world

As `debcse.py`, on English sentences of the world, each of which has one relative whose similarity
of meaning is anything from 0 to 5. `benchmarks.methods` counts how many of the positives that are
drawn mean the same, and how many of the negatives do.
"""

from ml_collections import ConfigDict

from experiments.methods.debcse import mined
from experiments.methods.grounded_scenes import world
from experiments.methods.untaught import defaults_of_start

PAIRS = world("similarity", "train", 4_000, "en")
SIDES = ("sentence1", "sentence2")


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    texts = {"name": "texts", "source": PAIRS, "columns": SIDES}
    config.stages.debcse = mined({"sentences": texts})
    config.order = ("debcse",)
    for split in ("dev", "test"):
        source = world("similarity", split, 1_000, "en")
        config.tasks[split] = {"name": "sts", "source": source}
    config.evaluate.report_tasks = ("test",)
    return config
