"""Contriever on the generated world's documents: two crops, a momentum encoder and a queue.

    ./run.sh train experiments/methods/contriever.py --workdir runs/contriever

The authors crop 256 tokens of Wikipedia and CCNet for 500,000 steps of 2,048 with a queue of
131,072 (arXiv 2112.09118); here it is 300 steps of 64 with a queue of 2,048 and momentum 0.99,
whose half-life is 69 steps. A world has as many documents as one asks for, so that no key is of a
row's own document; groups would keep it out.
"""

from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.recipe import get_config as defaults
from pixel_linguist.recipe import part, stage


def world(task: str, split: str, size: int) -> dict[str, Any]:
    """Return the source of one task of the generated world, in English."""
    arguments = {"split": split, "size": size, "languages": ("en",), "seed": 0}
    return {"name": "toy", "task": task, **arguments}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    config.render.patch_width = 64
    config.render.max_patches = 24
    config.model.update({"width": 128, "depth": 2, "heads": 4, "mlp_width": 512})
    config.model.update({"patch_hidden": 1024, "head": "none", "dropout": 0.1})
    crops = {"name": "crops", "text": "text", "chunk_words": 64}
    shares = {"shortest_share": 0.1, "longest_share": 0.35}
    config.stages.crops = stage(
        data={"documents": part(world("documents", "train", 100_000), {**crops, **shares})},
        objective={
            "name": "contriever",
            "queue_size": 2048,
            "momentum": 0.99,
            "temperature": 0.05,
            # From scratch, without the scale that a pretrained encoder brings.
            "normalised": True,
            "groups": 1,
        },
        perturb={"drop_words": {"rate": 0.1}},
        perturb_views=("anchor", "positive"),
        steps=300,
        peak=1e-3,
        warmup=30,
        batch_size=64,
        length=24,
        evaluate_tasks=("dev",),
    )
    config.stages.crops.optimizer.update({"b2": 0.98, "epsilon": 1e-6})
    config.stages.crops.schedule.decay = "linear"
    config.order = ("crops",)
    for split, size in (("dev", 400), ("test", 1000)):
        source = world("similarity", split, size)
        config.tasks[split] = {"name": "sts", "source": source}
    config.evaluate.report_tasks = ("test",)
    return config
