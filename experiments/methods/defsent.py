"""DefSent+: definitions point at their entries, whose vectors are made of definitions.

    ./run.sh train experiments/methods/defsent.py --config.data_dir=DATA --workdir runs/defsent

Three rounds, each from the same start, with the vectors of entries by the model of the round before
(Liu 2024, arXiv 2405.16153). Definitions are the 20,000 shortest of WordNet's in nine tenths;
`shortest=0` takes all 105,893. Entries have any number of words. The start has seen definitions.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import DEV, START, defaults_of_start, fine_tuned
from pixel_linguist.recipe import part

TRAIN, TEST = (1, 2, 3, 4, 5, 6, 7, 8, 9), (0,)
ROUNDS = ("def_1", "def_2", "def_3")


def definitions(remainders: tuple[int, ...] = TRAIN, shortest: int = 20_000) -> dict[str, Any]:
    """Return the source of definitions."""
    path = "definitions/wordnet.tsv"
    return {
        "name": "dictionary",
        "path": path,
        "shortest": shortest,
        "remainders": remainders,
    }


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    for name, model in zip(ROUNDS, (START, *ROUNDS), strict=False):
        annotate = {"name": "definitions", "model": model}
        config.stages[name] = fine_tuned(
            {"definitions": part(definitions(), {"name": "defined"}, annotate=annotate)},
            objective={"name": "entry_prediction", "whitened": True},
            evaluate_tasks=(DEV,),
        )
    config.order = ROUNDS
    return config
