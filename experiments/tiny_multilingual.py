"""The recipe of experiments/tiny.py in nine languages: translations mean what the English does.

./run.sh train experiments/tiny_multilingual.py --workdir runs/tiny-multilingual \
    --config.data_dir=DATA
"""

from ml_collections import ConfigDict

from experiments.small import LANGUAGES
from experiments.tiny import TEACHER, recipe


def get_config() -> ConfigDict:
    """Return the recipe."""
    return recipe(TEACHER, LANGUAGES, letters=2048, windows=13_184)
