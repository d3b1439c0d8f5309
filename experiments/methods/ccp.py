"""CCP on verses of the Bible in five languages, none of which is aligned with another in training.

    ./run.sh train experiments/methods/ccp.py --config.data_dir=DATA --workdir runs/ccp

A verse is to be near its neighbours, among verses of its language alone (Wu et al. 2022, arXiv
2206.03281). What follows what is much the same in all languages, so that their spaces should come
out alike; the tasks "...-scaled" and "...-rotated" lay them on each other afterwards. Where a
document of one language begins and ends says nothing of the others: each is shifted by its number.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import defaults_of_start, fine_tuned
from pixel_linguist.recipe import part

LANGUAGES = ("eng", "est", "lav", "swh", "ukr")
# Languages of Tatoeba among them, by its codes.
TATOEBA = ("est", "lvs", "ukr")
NEIGHBOURS = {"name": "neighbours", "text": "sentences", "radius": 2}


def verses(number: int) -> dict[str, Any]:
    """Return the documents of a language, whose examples note its number."""
    path, code = "bitext/bible.tsv.gz", LANGUAGES[number]
    source = {"name": "passages", "path": path, "text": code, "size": 11 + number}
    facts = {"language": number}
    return part(source, {"name": "with_facts", "pairs": NEIGHBOURS, "facts": facts})


def objective(languages: int) -> dict[str, Any]:
    """Return the objective for a number of languages."""
    settings = {"bank_size": 512, "by_language": True, "one_sided": True, "temperature": 0.05}
    return {"name": "context_prediction", "languages": languages, **settings}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.ccp = fine_tuned(
        {code: verses(number) for number, code in enumerate(LANGUAGES)},
        objective=objective(len(LANGUAGES)),
        length=32,
    )
    config.order = ("ccp",)
    for code in TATOEBA:
        source = {"name": "tsv", "path": f"bitext/tatoeba/{code}-eng.tsv"}
        for name, how in (("", ""), ("-scaled", "scale"), ("-rotated", "rotate")):
            task = {"name": "bitext", "source": source, "first": code, "second": "eng"}
            config.tasks[f"{code}-eng{name}"] = {**task, "calibrated": how}
    config.evaluate.report_tasks = tuple(f"{code}-eng" for code in TATOEBA)
    return config
