"""DenseCLIP: which patch of a page of emoji shows what a text names.

    ./run.sh train experiments/methods/denseclip.py --workdir runs/dense --config.data_dir=DATA

A page of 8 x 8 patches has two to four emoji. Beside the contrast of page and name, each patch of
an emoji is to be nearest to its name among the texts of the batch (Rao et al. 2022, arXiv
2112.01518), which see the page themselves. "contrast" is the same without the map. Test pages are
of emoji that training never shows.
"""

from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.recipe import get_config as defaults
from pixel_linguist.recipe import part, stage


def pages(split: str, size: int) -> dict[str, Any]:
    """Return pages of the emoji of a split."""
    return {"name": "emoji_pages", "path": "emoji", "split": split, "size": size}


def trained(data: dict[str, Any], **objective: Any) -> ConfigDict:
    """Return a stage from scratch."""
    return stage(
        data=data,
        objective={"name": "score_map", "weight": 0.4, "temperature": 0.07} | objective,
        steps=200,
        peak=2e-3,
        warmup=20,
        batch_size=64,
        length=16,
    )


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    config.data_dir = "data"
    config.render.max_patches = 32
    config.model.update({"width": 128, "depth": 2, "heads": 4, "mlp_width": 512})
    config.model.update({"channels": 3, "max_rows": 8, "head": "none"})
    data = {"pages": part(pages("train", 20_000), {"name": "on_page"})}
    config.stages.dense = trained(data, prompting=True)
    config.stages.contrast = trained(data, weight=0.0, prompting=False)
    config.order = ("dense", "contrast")
    for name, split in (("seen", "train"), ("test", "test")):
        config.tasks[name] = {"name": "score_maps", "source": pages(split, 200) | {"seed": 1}}
    config.evaluate.report_tasks = ("seen", "test")
    return config
