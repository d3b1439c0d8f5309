"""CLIP for image retrieval, its alignment with text kept: emoji, and the classes they are of.

    ./run.sh train experiments/methods/clip_retrieval.py --workdir runs/clip --config.data_dir=DATA

A small CLIP of two towers reads emoji and their names ("clip"). Its tower of pictures is then tuned
for retrieval of pictures of a class (Schall et al. 2024, arXiv 2409.01936), while the tower of
texts is frozen. By classes alone ("classes"), pictures move away from their texts, and the tower of
texts follows in a second step ("realigned": 2SFT). With the frozen tower's captions as further
proxies they stay ("captions": MCIP), and the second step has little left to do
("captions_realigned"). An emoji has two captions: its name, and that of its class.
"""

from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.recipe import get_config as defaults
from pixel_linguist.recipe import info_nce, part, stage

CLASSES = 99
CONTRAST = info_nce(hard_negatives=False) | {"temperature": 0.1}


def emoji(split: str) -> dict[str, Any]:
    """Return the emoji of a split, with their classes."""
    return {"name": "emoji", "path": "emoji", "split": split, "classes": "subcategory"}


def tuned(start: str, frozen: str, facts: tuple[str, ...] = (), **changes: Any) -> ConfigDict:
    """Return a stage from another one, with one tower frozen."""
    captions = {"name": "embeddings", "text": ("name", "class"), "column": "captions"}
    annotate = {**captions, "model": start} if "captions" in facts else None
    data = part(emoji("train"), {"name": "captioned", "shift": 4, "facts": facts}, 1.0, annotate)
    settings: dict[str, Any] = {
        "steps": 100,
        "peak": 5e-4,
        "warmup": 10,
        "batch_size": 128,
        "length": 16,
    }
    settings |= {"data": {"emoji": data}, "init_from": (start,) if start else ()}
    config = stage(**(settings | changes))
    config.optimizer.frozen = (frozen,) if frozen else ()
    return config


def margin(captions: int) -> dict[str, Any]:
    """Return the objective of the tower of pictures."""
    settings = {"classes": CLASSES, "captions": captions, "margin": 0.2, "scale": 30.0}
    return {"name": "arc_margin", **settings}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    config.data_dir = "data"
    config.render.max_patches = 32
    config.model.update({"name": "towers", "width": 128, "depth": 2, "heads": 4, "mlp_width": 512})
    config.model.update({"channels": 3, "max_rows": 4, "head": "none", "dropout": 0.1})
    again: dict[str, Any] = {"objective": CONTRAST, "steps": 50}
    stages = config.stages
    stages.clip = tuned("", "", objective=CONTRAST, steps=200, peak=2e-3, warmup=20)
    stages.classes = tuned("clip", "text", ("label",), objective=margin(0))
    stages.realigned = tuned("classes", "picture", **again)
    stages.captions = tuned("clip", "text", ("label", "captions"), objective=margin(2))
    stages.captions_realigned = tuned("captions", "picture", **again)
    config.order = ("clip", "classes", "realigned", "captions", "captions_realigned")
    for split in ("dev", "test"):
        task = {"name": "picture_retrieval", "source": emoji(split), "classes": "class"}
        config.tasks[split] = task
    config.evaluate.report_tasks = ("test",)
    return config
