"""The recipe of experiments/tiny.py in nine languages: translations mean what the English does.

./run.sh train experiments/tiny_multilingual.py --workdir runs/tiny-multilingual \
    --config.data_dir=DATA
"""

from ml_collections import ConfigDict

from experiments.small import LANGUAGES
from experiments.tiny import TEACHER, recipe


def get_config() -> ConfigDict:
    """Return the recipe."""
    lessons = {
        "stsb": 1.0,
        "sentences": 1.0,
        "words": 0.25,
        "captions": 0.5,
        "translations": 9.0,
        "names": 2.0,
        "chinese": 2.5,
    }
    return recipe(
        TEACHER,
        lessons,
        LANGUAGES,
        misspelled=0.2,
        rarity=0.7,
        whitening=0.5,
        pictures=2048,
        rows=152_000,
        steps=270,
    )
