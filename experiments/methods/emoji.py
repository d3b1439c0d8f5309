"""Pictures and captions in one tower: emoji beside their names, read by the same encoder.

    ./run.sh train experiments/methods/emoji.py --workdir runs/emoji --config.data_dir=DATA

A picture of 64 x 64 pixels in three channels is a grid of 4 x 4 patches; its name and keywords are
drawn as text into patches of the same size, in grey. Nothing tells the encoder which of the two it
reads. The contrast is symmetric, as in CLIPPO (Tschannen et al. 2023, arXiv 2212.08045), whose
captions are drawn too; the captions of an emoji are a group. DATA/emoji holds emoji.tsv and
sheet64.png (see `pixel_linguist.data.emoji`); an emoji is in one split with all its texts.
"""

from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.recipe import get_config as defaults
from pixel_linguist.recipe import info_nce, part, stage


def emoji(split: str) -> dict[str, Any]:
    """Return the emoji of a split."""
    return {"name": "emoji", "path": "emoji", "split": split}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    config.data_dir = "data"
    config.render.max_patches = 32
    config.model.update({"width": 128, "depth": 2, "heads": 4, "mlp_width": 512})
    config.model.update({"channels": 3, "max_rows": 4, "head": "none", "dropout": 0.1})
    config.stages.emoji = stage(
        data={"emoji": part(emoji("train"), {"name": "captioned", "shift": 4})},
        objective={**info_nce(hard_negatives=False), "temperature": 0.1},
        steps=400,
        peak=1e-3,
        warmup=40,
        batch_size=128,
        length=20,
        evaluate_every=100,
        evaluate_tasks=("dev",),
        best_metric="dev/recall@10",
    )
    config.order = ("emoji",)
    for split in ("dev", "test"):
        task = {"name": "picture_retrieval", "source": emoji(split), "caption": "name"}
        config.tasks[split] = task
    config.tasks["test-keywords"] = {
        "name": "picture_retrieval",
        "source": emoji("test"),
        "caption": "keywords",
    }
    config.evaluate.report_tasks = ("test", "test-keywords")
    return config
