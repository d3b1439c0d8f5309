"""Nine languages without a text model; experiments/untaught.py comes before."""

from pathlib import Path

from ml_collections import ConfigDict

from experiments.small import LANGUAGES
from experiments.tiny import recipe

TEACHER = Path("runs/untaught/teacher").resolve()


def get_config() -> ConfigDict:
    """Return the recipe."""
    return recipe(TEACHER, LANGUAGES, letters=2048, windows=13_184)
