"""A run's folder such as training leaves it."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist.report import page

TASKS = {
    "sts-en": {"metric": "spearman"},
    "sts-vel": {"metric": "spearman"},
    "en-vel": {"metric": "accuracy"},
    "en-dor": {"metric": "accuracy"},
}


def stage(start: tuple[str, ...], steps: int) -> dict[str, Any]:
    """Return a stage's settings as config.json has them."""
    data = {"sentences": {"source": {"name": "toy"}, "pairs": {"name": "identity"}}}
    return {
        "init_from": list(start),
        "data": data if steps else {},
        "perturb": {"shuffle_words": {"rate": 0.5, "window": 2}} if steps else {},
        "steps": steps,
        "schedule": {"peak": 1e-3, "warmup": 10},
        "batch_size": 128,
        "length": 20,
        "objective": {"name": "info_nce", "hard_negatives": False},
    }


STAGES = {
    "visual_characters": stage((), 60),
    "visual_words": stage((), 60),
    "visual": stage(("visual_characters", "visual_words"), 0),
    "topical": stage(("visual",), 160),
    "nli": stage(("topical",), 400),
}


def metric_lines() -> list[str]:
    """Return the lines of metrics.jsonl: metrics every 20 steps, scores every 40."""
    records = []
    for name, settings in STAGES.items():
        for step in range(20, settings["steps"] + 1, 20):
            done = step / settings["steps"]
            where = {"stage": name, "step": step}
            values = {
                "loss": 4.8 * math.exp(-2 * done),
                "accuracy": 0.9 * done,
                "alignment": 0.8 - 0.5 * done,
                "uniformity": -1 - 2 * done,
                "gradient_norm": 2 - done,
                "examples_per_second": 800 + step,
                "waiting_share": 0.03,
                "seconds": 3.2,
                "learning_rate": 1e-3 * (1 - done),
            }
            records.append({"kind": "train", **where, **values})
            if step % 40 == 0:
                scores = {"sts-en": {"spearman": 0.3 + 0.5 * done, "pearson": 0.1}}
                records.append({"kind": "evaluation", **where, "scores": scores})
    return [json.dumps(record) for record in records]


def score_rows() -> list[dict[str, Any]]:
    """Return a row for each model that is reported."""
    rng = np.random.default_rng(0)
    return [
        {
            "model": model,
            "scores": {
                task: {about["metric"]: float(rng.uniform(0.1, 0.95)), "other": 2.0}
                for task, about in TASKS.items()
            },
        }
        for model in ("tfidf", "untrained", "visual", "topical", "nli")
    ]


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a run's folder without the parts that are named."""

    def make(*without: str) -> Path:
        folder = tmp_path / "quickstart"
        folder.mkdir()
        parts = {
            "config.json": json.dumps({"seed": 0, "order": list(STAGES), "stages": STAGES}),
            "metrics.jsonl": "\n".join(metric_lines()) + "\n",
            "scores.json": json.dumps({"rows": score_rows(), "tasks": TASKS}),
        }
        for name, text in parts.items():
            if name not in without:
                (folder / name).write_text(text, encoding="utf-8")
        for name in STAGES if "models" not in without else ():
            model = folder / "stages" / name / "model"
            model.mkdir(parents=True)
            (model / "config.json").write_text("{}", encoding="utf-8")
        return folder

    return make


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the plots out, for tests of the text alone."""
    for name in ("training_plots", "score_plots", "detail_plots"):
        monkeypatch.setattr(page, name, lambda run: {})
