"""HEADLINES: headlines of one story are positives of each other, misread as old print is.

    ./run.sh train experiments/methods/headlines.py --config.data_dir=DATA --workdir runs/headlines

The paper's data (Silcock and Dell 2023, arXiv 2306.17810) are 34 million headlines of 1920 to 1989,
in clusters of one wire article; a part of the data a decade, by `years`, with equal weights draws
decades evenly:

    part({"name": "clusters", "path": "1950_headlines.jsonl", "text": "headline",
          "group": "group_id", "date": "date", "years": (1950, 1959)}, {"name": "cluster_pair"})

Here they are stories of 2014 (UCI News Aggregator) and of the Fake News Challenge. A story is in
one split, by its number.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import defaults_of_start, fine_tuned
from pixel_linguist.recipe import info_nce, part

FILES = {"uci": "news/uci_headlines.tsv.gz", "fnc": "news/fnc_train_headlines.tsv.gz"}
SPLITS = {"train": (2, 3, 4, 5, 6, 7, 8, 9), "dev": (1,), "test": (0,)}
OCR = {"ocr_confusions": {"rate": 0.1}}


def stories(name: str, split: str) -> dict[str, Any]:
    """Return the clusters of a split."""
    columns = {"text": "headline", "group": "story"}
    return {"name": "clusters", "path": FILES[name], **columns, "remainders": SPLITS[split]}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.headlines = fine_tuned(
        {name: part(stories(name, "train"), {"name": "cluster_pair"}) for name in FILES},
        objective=info_nce(hard_negatives=False),
        perturb=OCR,
        perturb_probability=0.5,
        window=4,
    )
    config.order = ("headlines",)
    for split in ("dev", "test"):
        task = {"name": "clustering", "source": stories("fnc", split), "limit": 10}
        config.tasks[split] = task
    config.evaluate.report_tasks = ("test",)
    return config
