"""The start that six methods share: tiny-untaught, an English model of pictures of words.

    ./run.sh train experiments/methods/untaught.py --config.data_dir=DATA --workdir runs/untaught

It was trained by contrast alone, without a text model. Its stem, which reads a word, stays as it
is, and the transformer above is trained. By itself this recipe is the plain contrast (InfoNCE) of
a sentence with itself, told apart by dropout (SimCSE: Gao et al. 2021, arXiv 2104.08821), which
`benchmarks.methods` measures beside each method.
"""

import json
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.pretrained import find_model
from pixel_linguist.recipe import get_config as defaults
from pixel_linguist.recipe import info_nce, part, stage

START = str(find_model("tiny-untaught"))
DEV = "stsb-en-dev"
IDENTITY = {"name": "identity", "text": "text"}


def sentences(*paths: str) -> dict[str, Any]:
    """Return the source of the distinct sentences of tables of pairs."""
    return {"name": "sentences", "paths": paths, "columns": ("sentence1", "sentence2")}


def english() -> dict[str, Any]:
    """Return the sentences of the training splits of STS-B and SICK-R."""
    return sentences("sts/stsb/en/train.tsv", "sts/sickr/train.tsv")


def defaults_of_start() -> ConfigDict:
    """Return defaults of the start's architecture, with dropout, and the tasks of English STS."""
    config = defaults()
    settings = json.loads((Path(START) / "config.json").read_text())
    model, render = settings["model"], settings["renderer"]
    height, width = render.pop("patch")
    config.render.update({**render, "patch_height": height, "patch_width": width})
    for name in ("patch_height", "patch_width", "max_patches"):
        del model[name]
    config.model.update({**model, "dropout": 0.1})
    for name, path in (
        (DEV, "sts/stsb/en/dev.tsv"),
        ("stsb-en", "sts/stsb/en/test.tsv"),
        ("sickr", "sts/sickr/test.tsv"),
    ):
        config.tasks[name] = {"name": "sts", "source": {"name": "tsv", "path": path}}
    config.evaluate.report_tasks = ("stsb-en", "sickr")
    return config


def fine_tuned(data: dict[str, Any], **changes: Any) -> ConfigDict:
    """Return a stage from the start, in which all but the stem is trained."""
    settings = {"steps": 100, "peak": 1e-4, "warmup": 10, "batch_size": 64, "length": 24}
    config = stage(init_from=(START,), data=data, **(settings | changes))
    config.optimizer.frozen = ("stem",)
    return config


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.plain = fine_tuned(
        {"sentences": part(english(), IDENTITY)}, objective=info_nce(hard_negatives=False)
    )
    config.order = ("plain",)
    return config
