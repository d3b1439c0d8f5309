"""Nine languages without a text model.

    ./run.sh train experiments/untaught.py --workdir runs/untaught --config.data_dir=DATA
    python -m experiments.shipped.teach --data_dir DATA --model runs/untaught/model \\
        --out runs/untaught/teacher
    python -m experiments.shipped.graded runs/untaught/teacher --data_dir DATA --out runs/graded
    ./run.sh train experiments/tiny_untaught.py --workdir runs/tiny-untaught --config.data_dir=DATA

The teacher is what sentences have in common with their translations, and the scores of STS-B's
train split.
"""

from pathlib import Path

from ml_collections import ConfigDict

from experiments.small import LANGUAGES
from experiments.tiny import recipe

TEACHER = Path("runs/graded").resolve()


def get_config() -> ConfigDict:
    """Return the recipe."""
    return recipe(
        TEACHER,
        {"stsb": 2.0, "translations": 8.0, "names": 1.0, "chinese": 1.0},
        LANGUAGES,
        misspelled=0.2,
        rarity=0.4,
        whitening=0.3,
        pictures=2048,
        rows=152_000,
        steps=200,
    )
