"""The model that comes with the package: letters, windows of them, and what those mean.

    python -m experiments.shipped.teach --data_dir DATA
    ./run.sh train experiments/tiny.py --workdir runs/tiny --config.data_dir=DATA
    pixel-linguist evaluate runs/tiny/model

Both stages are solved, not trained. The first finds out from pictures of texts in disguise which
letters are alike (pixel_linguist/train/letters.py). The second chooses windows of a few letters
and solves for a text teacher's vectors (pixel_linguist/train/dictionary.py), from texts of which
half are misspelled. It never sees a score of STS-B, a test split, Tatoeba, SICK, XNLI or MRPC.
experiments/tiny_multilingual.py does it in nine languages.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from experiments.base import PIVOT, closed_form, columns, part, stage
from experiments.base import get_config as defaults

TEACHER = Path("runs/teacher").resolve()
# What leaves each letter of a text in its place.
DISGUISES = {
    "look_alikes": {"rate": 0.7},
    "leetspeak": {"rate": 0.7},
    "add_diacritics": {"rate": 0.7},
    "change_case": {"rate": 1.0},
    "full_width": {"rate": 1.0},
}
# A few of these in each perturbed text, and strong. Letters in disguise are known by then.
MISSPELLINGS = {
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
    "change_whitespace": {"rate": 0.1},
}
# Numbers of an embedding: those that the regression on the teacher's 256 says most of.
WIDTH = 256
SHAPE: dict[str, Any] = {"length": 32, "length_buckets": 8, "window": 8}


def taught(path: Path, weight: float) -> dict[str, Any]:
    """Return one of the teacher's files, with its share of a stage."""
    source = {
        "name": "parquet",
        "paths": (str(path),),
        "columns": ("text", "vector"),
    }
    return part(source, {"name": "taught", "text": "text", "target": "vector"}, weight)


def tasks(codes: Sequence[str]) -> dict[str, Any]:
    """Return STS-B's dev splits, English attacked too; test splits are scored once, at the end."""
    dev = {
        code: {"name": "sts", "source": {"name": "tsv", "path": f"sts/stsb/{code}/dev.tsv"}}
        for code in codes
    }
    named: dict[str, Any] = {f"stsb-{code}-dev": task for code, task in dev.items()}
    return {**named, "attacked-en-dev": {"name": "robustness", "task": dev[PIVOT]}}


def shape_encoder(config: ConfigDict, *, pictures: int, rows: int, width: int = WIDTH) -> None:
    """Set how letters are drawn, how many pictures and windows are told apart, and the width."""
    # A patch holds nearly every word whole, of twice the width too, and a cell of it a letter.
    config.render.update({"family": "cells", "patch_width": 128, "max_patches": 48})
    config.model.update({"width": width, "depth": 1, "heads": 4, "mlp_width": 128})
    config.model.update({"cell_pixels": 8, "cell_scales": 2, "cell_hidden": pictures})
    config.model.update({"cell_width": 32, "window_cells": 5})
    config.model.update({"letters": 128, "window_rows": rows, "row_codes": 16, "fine_codes": 32})
    config.model.update({"final_norm": False, "head": "none", "dropout": 0.0})


def letters_stage(codes: Sequence[str]) -> ConfigDict:
    """Return the stage that finds out which letters are alike."""
    views = columns("sentence1", "sentence1")
    paths = {code: f"sts/stsb/{code}/train.tsv" for code in codes}
    return stage(
        data={code: part({"name": "tsv", "path": path}, views) for code, path in paths.items()},
        closed_form=closed_form() | {"fit": "letters", "penalty": 0.05},
        perturb=DISGUISES,
        perturb_probability=0.6,
        perturb_each=0.25,
        steps=12 * len(codes),
        peak=0.0,
        warmup=0,
        batch_size=512,
        report=False,
        **SHAPE,
    )


def recipe(
    teacher: Path,
    lessons: Mapping[str, float],
    others: Sequence[str] = (),
    *,
    misspelled: float,
    rarity: float,
    whitening: float,
    pictures: int = 1280,
    rows: int = 156_000,
    steps: int = 236,
) -> ConfigDict:
    """Return the recipe for English and others' languages.

    Args:
        teacher: folder of what `experiments.shipped.teach` writes.
        lessons: which of its files are read, with their shares.
        others: codes of languages.
        misspelled: share of the texts.
        rarity: the power of its inverse document frequency by which a window counts.
        whitening: how far the axes of embeddings are made to vary alike.
        pictures: of letters, by which others are known.
        rows: each of a window of letters.
        steps: batches of 1,024 texts that are read.
    """
    codes = (PIVOT, *others)
    config = defaults()
    shape_encoder(config, pictures=pictures, rows=rows)
    config.train.log_every = 20
    stages = {
        "letters": letters_stage(codes),
        "dictionary": stage(
            init_from=("letters",),
            objective={"name": "distillation", "temperature": 0.05, "similarity_weight": 0.0},
            data={
                name: taught(teacher / f"{name}.parquet", share) for name, share in lessons.items()
            },
            closed_form=closed_form() | {"texts": 80_000, "rarity": rarity, "whitening": whitening},
            perturb=MISSPELLINGS,
            perturb_probability=misspelled,
            perturb_each=0.15,
            steps=steps,
            peak=0.0,
            warmup=0,
            batch_size=1024,
            **SHAPE,
        ),
    }
    config.stages = ConfigDict(stages)
    config.order = tuple(stages)
    config.tasks = ConfigDict(tasks((PIVOT, *(code for code in ("de", "ru") if code in codes))))
    # Attacked texts are the slow ones: letters that are new wherever they stand.
    config.evaluate.report_tasks = tuple(name for name in config.tasks if "attacked" not in name)
    return config


def get_config() -> ConfigDict:
    """Return the recipe."""
    lessons = {"stsb": 3.0, "sentences": 3.0, "words": 0.5, "captions": 3.5}
    return recipe(TEACHER, lessons, misspelled=0.5, rarity=0.4, whitening=0.0, steps=272)
