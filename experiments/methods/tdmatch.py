"""TDmatch: tuples of tables and texts, matched without a label that says which belong together.

    ./run.sh train experiments/methods/tdmatch.py --config.data_dir=DATA --workdir runs/tdmatch

Tuples, columns and texts are nodes of a graph that share n-grams, expanded by WordNet's synonyms
and compressed to shortest paths (`pixel_linguist.data.walks`). Two nodes near each other on a
random walk are a positive pair, so that the encoder stands in the place of the paper's word2vec
(Ahmadi et al. 2022, arXiv 2112.08776), and tuples that are new need no walk. The texts of a test
split are not in the graph.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import defaults_of_start, fine_tuned
from pixel_linguist.recipe import columns, info_nce, part

SYNONYMS = ("definitions/wordnet.tsv", "entries")
FOLDER = "tables/fodors-zagats"
# Parts of the data: where tuples and texts are.
TABLES = {
    "e2e": {
        "tuples": ("tables/e2e/dev.tsv.gz", "record"),
        "texts": ("tables/e2e/dev.tsv.gz", "text"),
    },
    "restaurants": {
        "tuples": (f"{FOLDER}/left.tsv", "record"),
        "texts": (f"{FOLDER}/right.tsv", "record"),
    },
}


def walks(name: str) -> dict[str, Any]:
    """Return the source of walks over the graph of two tables."""
    tables = {**TABLES[name], "synonyms": SYNONYMS}
    return {
        "name": "walks",
        "paths": {table: path for table, (path, _) in tables.items()},
        "columns": {table: column for table, (_, column) in tables.items()},
        "compressed": 1000,
        "count": 30,
    }


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.tdmatch = fine_tuned(
        {name: part(walks(name), columns("first", "second")) for name in TABLES},
        objective=info_nce(hard_negatives=False),
        length=40,
    )
    config.order = ("tdmatch",)
    for split in ("dev", "test"):
        path, names = f"tables/e2e/{split}.tsv.gz", {"record": "record", "text": "text"}
        source = {"name": "tuples", "path": path, **names, "every": 6}
        config.tasks[split] = {"name": "column_retrieval", "source": source, "query": "record"}
        config.tasks[split]["document"] = "text"
    pairs = {"name": "entity_pairs", "folder": FOLDER, "split": "test"}
    config.tasks.restaurants = {"name": "pair_classification", "source": pairs}
    config.evaluate.report_tasks = ("test", "restaurants")
    return config
