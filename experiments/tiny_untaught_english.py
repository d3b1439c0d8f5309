"""English alone without a text model; experiments/untaught.py comes before."""

from ml_collections import ConfigDict

from experiments.tiny import recipe
from experiments.tiny_untaught import TEACHER


def get_config() -> ConfigDict:
    """Return the recipe."""
    lessons = {"stsb": 1.5, "sentences": 8.0, "words": 0.5, "captions": 4.0}
    return recipe(TEACHER, lessons, misspelled=0.5, whitening=0.7, steps=272)
