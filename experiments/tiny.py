"""The model that comes with the package: a dictionary of letters' windows, solved, then scores.

    python -m experiments.shipped.teach --data_dir DATA
    ./run.sh train experiments/tiny.py --workdir runs/tiny --config.data_dir=DATA
    python -m pixel_linguist.evaluate runs/tiny/model

The student sees words as pictures, more than half of the texts perturbed; its targets are a text
teacher's vectors, for translations that of the English sentence. The first stage solves for them
(pixel_linguist/train/dictionary.py); then the scores of STS-B's train split, in nine languages,
put its cosines in order. It never sees a test split, nor Tatoeba, SICK, XNLI or MRPC.
"""

from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from experiments.base import PIVOT, closed_form, optimizer, part, stage
from experiments.base import get_config as defaults
from experiments.shipped import teach
from experiments.small import LANGUAGES

TEACHER = Path("runs/teacher").resolve()
DEV = "stsb-en-dev"
# A few of these in each perturbed text, and strong.
PERTURBED = {
    "shuffle_words_within_window": {"rate": 0.5, "window": 3},
    "drop_words": {"rate": 0.05},
    "repeat_words": {"rate": 0.05},
    "scramble_inner_letters": {"rate": 0.6},
    "transpose_characters": {"rate": 0.05},
    "insert_characters": {"rate": 0.05},
    "delete_characters": {"rate": 0.05},
    "substitute_characters": {"rate": 0.05},
    "keyboard_neighbours": {"rate": 0.1},
    "repeat_characters": {"rate": 0.1},
    "look_alikes": {"rate": 0.5},
    "leetspeak": {"rate": 0.5},
    "add_diacritics": {"rate": 0.5},
    "full_width": {"rate": 0.7},
    "insert_zero_width": {"rate": 0.2},
    "change_case": {"rate": 0.7},
    "change_whitespace": {"rate": 0.1},
}
PERTURB: dict[str, Any] = {"perturb": PERTURBED, "perturb_probability": 0.5, "perturb_each": 0.15}


def taught(path: Path, weight: float) -> dict[str, Any]:
    """Return one of the teacher's files, with its share of a stage."""
    source = {
        "name": "parquet",
        "paths": (str(path),),
        "columns": ("text", "vector"),
    }
    return part(source, {"name": "taught", "text": "text", "target": "vector"}, weight)


def graded(code: str) -> dict[str, Any]:
    """Return STS-B's train split in one language; English counts four times."""
    source = {"name": "tsv", "path": f"sts/stsb/{code}/train.tsv"}
    columns = {"anchor": "sentence1", "positive": "sentence2", "score": "score"}
    return part(source, {"name": "graded", **columns}, 4.0 if code == PIVOT else 1.0)


def tasks() -> dict[str, Any]:
    """Return STS-B's dev split in three languages; test splits are scored once, at the end."""
    paths = {code: f"sts/stsb/{code}/dev.tsv" for code in (PIVOT, "de", "ru")}
    return {
        f"stsb-{code}-dev": {"name": "sts", "source": {"name": "tsv", "path": path}}
        for code, path in paths.items()
    }


def shape_encoder(config: ConfigDict, *, windows: int) -> None:
    """Set how letters are drawn and how many windows are told apart."""
    # A patch holds nearly every word whole, a cell of it a letter.
    config.render.update({"family": "cells", "patch_width": 64, "max_patches": 48})
    config.model.update({"width": teach.WIDTH, "depth": 1, "heads": 4, "mlp_width": 512})
    config.model.update({"cell_pixels": 8, "cell_width": 32, "window_cells": 4})
    config.model.update({"patch_hidden": windows, "final_norm": False})
    config.model.update({"head": "none", "dropout": 0.0})


def recipe(teacher: Path) -> ConfigDict:
    """Return the recipe with a teacher's folder."""
    config = defaults()
    shape_encoder(config, windows=13_824)
    config.train.log_every = 20
    shape: dict[str, Any] = {
        "length": 32,
        "length_buckets": 8,
        "window": 8,
        "evaluate_tasks": (DEV,),
    }
    stages = {
        "dictionary": stage(
            objective={"name": "distillation", "temperature": 0.05, "similarity_weight": 0.0},
            data={
                "stsb": taught(teacher / "stsb.parquet", 1.5),
                "translations": taught(teacher / "translations.parquet", 4.0),
                "sentences": taught(teacher / "sentences.parquet", 2.5),
                "words": taught(teacher / "words.parquet", 0.5),
            },
            closed_form=closed_form() | {"texts": 40_000},
            steps=200,
            peak=0.0,
            warmup=0,
            batch_size=1024,
            **PERTURB,
            **shape,
        ),
        "scores": stage(
            init_from=("dictionary",),
            objective={"name": "cosent", "scale": 20.0},
            data={code: graded(code) for code in (PIVOT, *LANGUAGES)},
            optimizer={**optimizer(), "frozen": ("windows",)},
            steps=300,
            # A word wakes hundreds of units at once: at 3e-4 all texts become alike.
            peak=2e-5,
            warmup=30,
            batch_size=64,
            **PERTURB,
            **shape,
        ),
    }
    config.stages = ConfigDict(stages)
    config.order = tuple(stages)
    config.tasks = ConfigDict(tasks())
    config.evaluate.report_tasks = tuple(tasks())
    return config


def get_config() -> ConfigDict:
    """Return the recipe."""
    return recipe(TEACHER)
