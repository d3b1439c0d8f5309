"""Contrastive context prediction on documents of the generated world, in four languages.

    ./run.sh train experiments/methods/ccp_world.py --config.data_dir=DATA --workdir runs/ccp_world

As `ccp.py`, where languages are known to say the same things: a document tells of one scene, in
one language, and no document is the translation of another. The start knows English alone; Aldish
is a sister of it, and Ashani is in Devanagari.
"""

from ml_collections import ConfigDict

from experiments.methods.ccp import NEIGHBOURS, bitexts, objective, of_language
from experiments.methods.grounded_scenes import world
from experiments.methods.untaught import defaults_of_start, fine_tuned

LANGUAGES = ("en", "ald", "vel", "ash")


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    neighbours = NEIGHBOURS | {"text": "text"}
    data = {}
    for number, code in enumerate(LANGUAGES):
        data[code] = of_language(world("documents", "train", 5_000, code), neighbours, number)
    config.stages.ccp = fine_tuned(data, objective=objective(len(LANGUAGES)), length=24)
    config.order = ("ccp",)
    dev = world("scenes", "dev", 200, "en", "vel")
    config.tasks.dev = {"name": "bitext", "source": dev, "first": "vel", "second": "en"}
    for code in LANGUAGES[1:]:
        source = world("scenes", "test", 200, "en", code)
        config.tasks.update(bitexts(f"{code}-en", source, code, "en"))
    config.tasks["sts-en"] = {"name": "sts", "source": world("similarity", "test", 500, "en")}
    config.evaluate.report_tasks = tuple(f"{code}-en" for code in LANGUAGES[1:])
    return config
