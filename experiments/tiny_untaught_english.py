"""English alone without a text model; experiments/untaught.py comes before."""

from ml_collections import ConfigDict

from experiments.tiny import recipe
from experiments.tiny_untaught import TEACHER


def get_config() -> ConfigDict:
    """Return the recipe."""
    return recipe(TEACHER, {"stsb": 1.0}, misspelled=0.2, rarity=0.7, whitening=0.5, steps=100)
