"""B-PROP: of two sets of a document's words, the one that represents it better is to be nearer.

    ./run.sh train experiments/methods/bprop.py --config.data_dir=DATA --workdir runs/bprop

Before the stage, the start reads all passages: how much of an embedding a word has, against the
collection, says how well the word represents its passage (Ma et al. 2021, arXiv 2104.09791). Sets
of words are drawn as text, and so is a second passage of the document, for the contrast of spans.
`bootstrapped=False` draws and scores words by counts, as PROP does. Of the test collections the
documents alone are read, never queries.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import START, defaults_of_start, fine_tuned
from pixel_linguist.recipe import part

WIKIPEDIA = {"name": "articles", "path": "topical/wikipedia.jsonl", "minimum_words": 100}
COLLECTIONS = ("cranfield", "cisi")


def passages(documents: dict[str, Any]) -> dict[str, Any]:
    """Return the part of the passages of documents."""
    source = {"name": "cut_documents", "source": documents, "text": "text", "size": 40}
    annotate = {"name": "representatives", "model": START, "text": "text", "bootstrapped": True}
    return part(source, {"name": "representative_sets", "text": "text"}, annotate=annotate)


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    data = {"wikipedia": passages(WIKIPEDIA)}
    for name in COLLECTIONS:
        path = f"retrieval/{name}/corpus.jsonl"
        data[name] = passages({"name": "jsonl", "path": path, "columns": ("text",)})
        config.tasks[name] = {"name": "retrieval", "folder": f"retrieval/{name}"}
    config.stages.bprop = fine_tuned(
        data, objective={"name": "preference", "temperature": 0.05, "weight": 1.0, "contrast": 1.0}
    )
    config.stages.bprop.length = 48
    config.order = ("bprop",)
    config.evaluate.report_tasks = COLLECTIONS
    return config
