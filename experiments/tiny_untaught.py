"""The shipped model `tiny-untaught`: as tiny.py, without any text model.

    ./run.sh train experiments/reading.py --config.data_dir=DATA --workdir runs/reading
    ./run.sh train experiments/tiny_untaught.py --config.data_dir=DATA --workdir runs/untaught \\
        --config.stages.pairs.init_from='("runs/reading/model",)'

Above the stem of reading.py, which stays as it is, a transformer learns from a contrast of pairs
alone. Then the stem learns to read worn text in any typeface as the model reads the same text when
it is clean. Shipped weights have wider hidden layers and were trained further: see their card.
"""

from ml_collections import ConfigDict

from experiments.tiny import contrasted, reread
from experiments.tiny import get_config as tiny


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = tiny()
    stages = {"pairs": contrasted((), steps=10_000), "typefaces": reread("pairs", steps=2_000)}
    stages["pairs"].update({"adapter": "stem_only", "start_required": True})
    config.stages, config.order = ConfigDict(stages), tuple(stages)
    return config
