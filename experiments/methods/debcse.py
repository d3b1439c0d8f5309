"""DebCSE, reconstructed: positives and negatives drawn by inverse propensity from candidates.

    ./run.sh train experiments/methods/debcse.py --config.data_dir=DATA --workdir runs/debcse

Before the stage, the start looks for candidates of each sentence among those of its table, near in
meaning, near in letters, and at random (`pixel_linguist.data.candidates`). The tables are STS-B,
two captions of each picture of COCO, and first halves of split sentences of Wikipedia. The paper
(Miao et al. 2023, arXiv 2309.07396) was known by its abstract alone: the weights are a
reconstruction. `weighted=False` draws from the same candidates without weights.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import START, defaults_of_start, fine_tuned
from pixel_linguist.recipe import info_nce, part

TABLES = {
    "sts": ("sts/stsb/en/train.tsv", ("sentence1", "sentence2")),
    "captions": ("captions/coco_val2017.tsv.gz", ("caption1", "caption2")),
    "wikisplit": ("paraphrase/wikisplit/train.tsv.gz", ("split1",)),
}


def mined(sources: dict[str, Any]) -> ConfigDict:
    """Return the stage on sources of texts, by name."""
    annotate = {"name": "candidates", "model": START, "text": "text", "count": 16, "weighted": True}
    pairs = {"name": "debiased", "text": "text"}
    return fine_tuned(
        {name: part(source, pairs, annotate=annotate) for name, source in sources.items()},
        objective=info_nce(hard_negatives=True),
    )


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.debcse = mined(
        {
            name: {"name": "sentences", "paths": (path,), "columns": columns}
            for name, (path, columns) in TABLES.items()
        }
    )
    config.order = ("debcse",)
    return config
