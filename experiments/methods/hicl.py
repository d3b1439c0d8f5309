"""HICL's encoder of posts: several posts of a hashtag against another one, hashtags hidden.

    ./run.sh train experiments/methods/hicl.py --config.data_dir=DATA --workdir runs/hicl

Half of the hashtags are hidden at random, or they would give the answer away (Tan et al. 2025,
arXiv 2308.09985). The encoder then finds a related post for each post of a task, and the objective
"joined_classification" reads both with trainable patches between: `benchmarks.methods` writes the
table of related posts and trains that classifier.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.untaught import defaults_of_start, fine_tuned
from pixel_linguist.recipe import info_nce, part

SPLITS = {"train": (2, 3, 4, 5, 6, 7, 8, 9), "dev": (1,), "test": (0,)}


def posts(split: str, least: int) -> dict[str, Any]:
    """Return the hashtags of a split, each with its posts."""
    path = "posts/hashtags.tsv.gz"
    return {"name": "tagged_posts", "path": path, "least": least, "remainders": SPLITS[split]}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.tags = fine_tuned(
        {"posts": part(posts("train", 3), {"name": "tagged_posts", "joined": 3})},
        objective=info_nce(hard_negatives=False),
        perturb={"hide_tags": {"rate": 0.5}},
        length=48,
        window=4,
    )
    config.order = ("tags",)
    for split in ("dev", "test"):
        config.tasks[split] = {"name": "shared_tags", "source": posts(split, 2)}
    config.evaluate.report_tasks = ("test",)
    return config
