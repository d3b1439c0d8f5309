"""The recipe of experiments/tiny.py without a text model; experiments/untaught.py comes before."""

from pathlib import Path

from ml_collections import ConfigDict

from experiments.tiny import recipe

TEACHER = Path("runs/untaught/teacher").resolve()


def get_config() -> ConfigDict:
    """Return the recipe."""
    return recipe(TEACHER)
