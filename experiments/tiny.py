"""The model that comes with the package: words, then sentences, then how alike people find them.

    python -m experiments.shipped.teach --data_dir DATA
    ./run.sh train experiments/tiny.py --workdir runs/tiny --config.data_dir=DATA
    python -m pixel_linguist.evaluate runs/tiny/model

The student sees words as pictures, half of them perturbed; its targets are a text teacher's
vectors, for translations that of the English sentence. Then the scores of STS-B's train split, in
nine languages, put its cosines in order. It never sees a test split, nor Tatoeba, SICK, XNLI or
MRPC.
"""

from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from experiments.base import PIVOT, part, stage
from experiments.base import get_config as defaults
from experiments.small import LANGUAGES

TEACHER = Path("runs/teacher").resolve()
DEV = "stsb-en-dev"
PERTURBED = {
    "drop_words": {"rate": 0.03},
    "scramble_inner_letters": {"rate": 0.15},
    "transpose_characters": {"rate": 0.03},
    "insert_characters": {"rate": 0.02},
    "delete_characters": {"rate": 0.02},
    "substitute_characters": {"rate": 0.02},
    "keyboard_neighbours": {"rate": 0.04},
    "look_alikes": {"rate": 0.1},
    "leetspeak": {"rate": 0.1},
    "add_diacritics": {"rate": 0.05},
    "change_case": {"rate": 0.25},
}


def taught(file: str, weight: float) -> dict[str, Any]:
    """Return one of the teacher's files, with its share of a stage."""
    source = {
        "name": "parquet",
        "paths": (str(TEACHER / f"{file}.parquet"),),
        "columns": ("text", "vector"),
    }
    return part(source, {"name": "taught", "text": "text", "target": "vector"}, weight)


def distillation(**changes: Any) -> ConfigDict:
    """Return a stage that pulls embeddings to the teacher's."""
    return stage(
        objective={"name": "distillation", "temperature": 0.05, "similarity_weight": 0.5},
        perturb=PERTURBED,
        perturb_probability=0.5,
        evaluate_tasks=(DEV,),
        window=8,
        **changes,
    )


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


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    # A patch holds nearly every word whole.
    config.render.patch_width = 64
    config.render.max_patches = 48
    config.model.update({"width": 384, "depth": 1, "heads": 6, "mlp_width": 768})
    config.model.update({"patch_hidden": 1536, "head": "none", "dropout": 0.0})
    config.train.log_every = 50
    stages = {
        "words": distillation(
            data={"words": taught("words", 1.0)},
            steps=900,
            peak=2e-3,
            warmup=100,
            batch_size=512,
            length=2,
        ),
        "sentences": distillation(
            init_from=("words",),
            data={
                "stsb": taught("stsb", 3.0),
                "translations": taught("translations", 3.0),
                "sentences": taught("sentences", 3.0),
                "words": taught("words", 0.5),
            },
            steps=2600,
            peak=1.5e-3,
            warmup=100,
            batch_size=128,
            length=32,
            length_buckets=8,
        ),
        "scores": stage(
            init_from=("sentences",),
            objective={"name": "cosent", "scale": 20.0},
            data={code: graded(code) for code in (PIVOT, *LANGUAGES)},
            perturb=PERTURBED,
            perturb_probability=0.5,
            evaluate_tasks=(DEV,),
            steps=700,
            peak=4e-4,
            warmup=70,
            batch_size=64,
            length=32,
            length_buckets=8,
            window=8,
        ),
    }
    config.stages = ConfigDict(stages)
    config.order = tuple(stages)
    config.tasks = ConfigDict(tasks())
    config.evaluate.report_tasks = tuple(tasks())
    return config
