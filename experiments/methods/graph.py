"""GraphCLIP on the citations of Cora: neighbourhoods written out, against summaries of them.

    ./run.sh train experiments/methods/graph.py --config.data_dir=DATA --workdir runs/graph

A paper with those that a random walk with restart meets is one text; the key words of all of them
are the other (Zhu et al. 2025, arXiv 2410.10329, whose summaries a language model writes). Words
and edges are dropped, and patches perturbed so that the loss rises. No class is read in training:
tasks find the class of test papers by its description, or from 5 papers a class: by regression, or
by patches that are trained before each text while the encoder stays as it is.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import defaults_of_start, fine_tuned
from pixel_linguist.recipe import info_nce, part

# By the number of the label in the table; the names are those of Cora.
CLASSES = {
    "neural": "neural networks",
    "reinforcement": "reinforcement learning",
    "probabilistic": "probabilistic methods, Bayesian inference",
    "theory": "learning theory",
    "genetic": "genetic algorithms, evolution",
    "case": "case-based reasoning",
    "rule": "rule learning, inductive logic programming",
}
SPLITS = {"train": (2, 3, 4, 5, 6, 7, 8, 9), "dev": (1,), "test": (0,)}


def papers(split: str, **options: Any) -> dict[str, Any]:
    """Return the papers of a split; all are in the graph."""
    paths = {"nodes": "graph/cora/nodes.tsv.gz", "edges": "graph/cora/edges.tsv"}
    return {"name": "neighbourhoods", **paths, "remainders": SPLITS[split], **options}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    contrast = {**info_nce(hard_negatives=False), "temperature": 0.07}
    config.stages.graph = fine_tuned(
        {"papers": part(papers("train"), {"name": "neighbourhood", "others": 4})},
        objective={
            "name": "adversarial",
            "objective": {**contrast, "learnable_temperature": True},
            "steps": 3,
            "size": 0.01,
        },
        perturb={"drop_words": {"rate": 0.3}},
        length=64,
        batch_size=32,
    )
    config.order = ("graph",)
    names = {"label_names": tuple(CLASSES)}
    for split in ("dev", "test"):
        for name, text in (("alone", "text"), ("graph", "written")):
            described = {"classes": CLASSES, "template": "This group of texts is about {}."}
            few = {"train": papers("train", shots=5, **names), "test": papers(split, **names)}
            zero_shot = {"source": papers(split, **names), "text": text, **described}
            prompts = {**few, "text": text, **described}
            config.tasks[f"{split}-{name}"] = {"name": "zero_shot", **zero_shot}
            config.tasks[f"{split}-few-{name}"] = {"name": "classification", **few, "text": text}
            config.tasks[f"{split}-prompts-{name}"] = {"name": "soft_prompts", **prompts}
    config.evaluate.report_tasks = ("test-alone", "test-graph")
    return config
