"""Nine languages without a text model; experiments/untaught.py comes before."""

from pathlib import Path

from ml_collections import ConfigDict

from experiments.small import LANGUAGES
from experiments.tiny import recipe

TEACHER = Path("runs/untaught/teacher").resolve()


def get_config() -> ConfigDict:
    """Return the recipe."""
    lessons = {"stsb": 1.5, "sentences": 2.0, "words": 0.5, "translations": 8.0, "names": 1.5}
    return recipe(
        TEACHER,
        lessons,
        LANGUAGES,
        misspelled=0.5,
        whitening=0.7,
        pictures=2048,
        rows=150_000,
    )
