"""Nine languages without a text model; experiments/untaught.py comes before."""

from pathlib import Path

from ml_collections import ConfigDict

from experiments.small import LANGUAGES
from experiments.tiny import recipe

TEACHER = Path("runs/untaught/teacher").resolve()


def get_config() -> ConfigDict:
    """Return the recipe."""
    return recipe(
        TEACHER,
        {"stsb": 2.0, "translations": 8.0, "names": 1.0, "chinese": 1.0},
        LANGUAGES,
        misspelled=0.2,
        rarity=0.7,
        whitening=0.5,
        pictures=2048,
        rows=152_000,
        steps=200,
    )
