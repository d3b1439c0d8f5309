"""DebCSE, reconstructed: positives and negatives drawn by inverse propensity from candidates.

    ./run.sh train experiments/methods/debcse.py --config.data_dir=DATA --workdir runs/debcse

Before the stage, the start looks for candidates of each sentence, near in meaning, near in letters,
and at random (`pixel_linguist.data.candidates`). The paper (Miao et al. 2023, arXiv 2309.07396) was
known by its abstract alone: the weights are a reconstruction. `weighted=False` draws from the same
candidates without weights.
"""

from ml_collections import ConfigDict

from experiments.methods.untaught import START, defaults_of_start, english, fine_tuned
from pixel_linguist.recipe import info_nce, part


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    annotate = {"name": "candidates", "model": START, "text": "text", "count": 16, "weighted": True}
    config.stages.debcse = fine_tuned(
        {"sentences": part(english(), {"name": "debiased", "text": "text"}, annotate=annotate)},
        objective=info_nce(hard_negatives=True),
    )
    config.order = ("debcse",)
    return config
