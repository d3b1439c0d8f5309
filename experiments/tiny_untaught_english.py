"""English alone without a text model; what comes before is as for experiments/tiny_untaught.py."""

from ml_collections import ConfigDict

from experiments.tiny import recipe
from experiments.tiny_untaught import TEACHER


def get_config() -> ConfigDict:
    """Return the recipe."""
    return recipe(TEACHER, {"stsb": 1.0}, misspelled=0.2, rarity=0.4, whitening=0.3, steps=100)
