"""The recipe of experiments/tiny.py in nine languages: translations mean what the English does.

    python -m experiments.shipped.join runs/teacher runs/untaught/teacher --out runs/teachers
    ./run.sh train experiments/tiny_multilingual.py --workdir runs/tiny-multilingual \\
        --config.data_dir=DATA

A text teacher's vectors come with what experiments/untaught.py finds that sentences have in common
with their translations: by that, more translations are found.
"""

from pathlib import Path

from ml_collections import ConfigDict

from experiments.small import LANGUAGES
from experiments.tiny import recipe

TEACHER = Path("runs/teachers").resolve()


def get_config() -> ConfigDict:
    """Return the recipe."""
    lessons = {
        "stsb": 1.0,
        "sentences": 1.0,
        "words": 0.25,
        "captions": 0.5,
        "translations": 10.0,
        "names": 1.5,
        "chinese": 2.0,
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
