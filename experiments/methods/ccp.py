"""CCP on the Bible and the Declaration of Human Rights in five languages, not aligned in training.

    ./run.sh train experiments/methods/ccp.py --config.data_dir=DATA --workdir runs/ccp

A verse or paragraph is to be near its neighbours, among those of its language alone (Wu et al.
2022, arXiv 2206.03281). What follows what is much the same in all languages, so that their spaces
should come out alike; the tasks "...-scaled" and "...-rotated" lay them on each other afterwards.
Where a document of one language begins and ends says nothing of the others: each is shifted by its
number.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import defaults_of_start, fine_tuned
from pixel_linguist.recipe import part

LANGUAGES = ("eng", "est", "lav", "swh", "ukr")
# Languages of Tatoeba and of NTREX among them, by their codes.
TATOEBA, NTREX = ("est", "lvs", "ukr"), ("swa", "ukr")
# The Declaration has 50 paragraphs; the verses of a language are two hundred times as many.
RIGHTS_WEIGHT = 0.02
NEIGHBOURS = {"name": "neighbours", "text": "sentences", "radius": 2}


def verses(number: int) -> dict[str, Any]:
    """Return the documents of a language, whose examples note its number."""
    path, code = "bitext/bible.tsv.gz", LANGUAGES[number]
    source = {"name": "passages", "path": path, "text": code, "size": 11 + number}
    return of_language(source, NEIGHBOURS, number)


def rights(number: int) -> dict[str, Any]:
    """Return the Declaration of Human Rights in a language as one document."""
    table = {"path": "bitext/udhr.tsv.gz", "text": "text", "where": {"language": LANGUAGES[number]}}
    source = {"name": "passages", **table, "size": 50}
    return of_language(source, NEIGHBOURS, number, RIGHTS_WEIGHT)


def of_language(
    source: dict[str, Any], pairs: dict[str, Any], number: int, weight: float = 1.0
) -> dict[str, Any]:
    """Return a part of the data whose examples note the number of their language."""
    noted = {"name": "with_facts", "pairs": pairs, "facts": {"language": number}}
    return part(source, noted, weight)


def bitexts(name: str, source: dict[str, Any], first: str, second: str) -> dict[str, Any]:
    """Return the tasks of a bitext: as embeddings are, and laid on each other in both ways."""
    task = {"name": "bitext", "source": source, "first": first, "second": second}
    kinds = {"": "", "-scaled": "scale", "-rotated": "rotate"}
    return {f"{name}{kind}": {**task, "calibrated": how} for kind, how in kinds.items()}


def objective(languages: int) -> dict[str, Any]:
    """Return the objective for a number of languages."""
    settings = {"bank_size": 512, "by_language": True, "one_sided": True, "temperature": 0.05}
    return {"name": "context_prediction", "languages": languages, **settings}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.ccp = fine_tuned(
        {
            **{code: verses(number) for number, code in enumerate(LANGUAGES)},
            **{f"rights_{code}": rights(number) for number, code in enumerate(LANGUAGES)},
        },
        objective=objective(len(LANGUAGES)),
        length=32,
    )
    config.order = ("ccp",)
    for code in TATOEBA:
        source = {"name": "tsv", "path": f"bitext/tatoeba/{code}-eng.tsv"}
        config.tasks.update(bitexts(f"{code}-eng", source, code, "eng"))
    for code in NTREX:
        rows = {"name": "tsv", "path": "bitext/ntrex.tsv.gz", "columns": (code, "eng")}
        config.tasks.update(bitexts(f"ntrex-{code}", rows, code, "eng"))
    config.evaluate.report_tasks = tuple(f"{code}-eng" for code in TATOEBA)
    return config
