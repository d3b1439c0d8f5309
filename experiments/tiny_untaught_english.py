"""English alone without a text model; experiments/untaught.py comes before."""

from ml_collections import ConfigDict

from experiments.tiny import recipe
from experiments.tiny_untaught import TEACHER
from experiments.untaught import WIDTH


def get_config() -> ConfigDict:
    """Return the recipe."""
    return recipe(
        TEACHER,
        {"stsb": 1.0},
        misspelled=0.5,
        whitening=0.3,
        rows=150_000,
        steps=120,
        width=WIDTH,
        depth=0,
    )
