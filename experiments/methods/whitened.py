"""WhitenedCSE on English sentences: shuffled group whitening, three positives of one text.

    ./run.sh train experiments/methods/whitened.py --config.data_dir=DATA --workdir runs/whitened

The 384 channels are whitened in 64 groups of 6, as the paper's 768 in 128 (Zhuo et al. 2023, arXiv
2305.17746); a batch of 64 is ten times a group.
"""

from ml_collections import ConfigDict

from experiments.methods.untaught import IDENTITY, defaults_of_start, english, fine_tuned
from pixel_linguist.recipe import part


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.whitened = fine_tuned(
        {"sentences": part(english(), IDENTITY)},
        objective={
            "name": "group_whitening",
            "groups": 64,
            "positives": 3,
            "shuffled": True,
            "head": True,
            "temperature": 0.05,
        },
    )
    config.order = ("whitened",)
    return config
