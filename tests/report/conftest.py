"""A run's folder such as training leaves it."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist.report import drawing, html

TASKS = {
    "sts-en": {"metric": "spearman"},
    "sts-vel": {"metric": "spearman"},
    "en-vel": {"metric": "accuracy"},
    "en-dor": {"metric": "accuracy"},
}


def stage(start: tuple[str, ...], steps: int, **changes: Any) -> dict[str, Any]:
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
        **changes,
    }


STAGES = {
    "visual_characters": stage((), 60),
    "visual_words": stage((), 60),
    "visual": stage(("visual_characters", "visual_words"), 0),
    "topical": stage(("visual",), 160),
    "nli": stage(("topical",), 400),
}


def train_lines(rng: np.random.Generator) -> list[str]:
    """Return the lines of metrics.jsonl: every stage's metrics and two evaluations in each."""
    lines = []
    for name, settings in STAGES.items():
        for step in range(20, settings["steps"] + 1, 20):
            done = step / settings["steps"]
            values = {
                "loss": 4.8 * math.exp(-2 * done) + rng.normal(0, 0.05),
                "accuracy": 0.9 * done,
                "alignment": 0.8 - 0.5 * done,
                "uniformity": -1 - 2 * done,
                "temperature": 0.05,
                "gradient_norm": 2 - done,
                "examples_per_second": 800 + rng.normal(0, 20),
                "waiting_share": 0.03,
                "seconds": 3.2,
                "learning_rate": 1e-3 * (1 - done),
            }
            lines.append(json.dumps({"kind": "train", "stage": name, "step": step, **values}))
            if step % 40 == 0:
                scores = {"sts-en": {"spearman": 0.3 + 0.5 * done, "pearson": 0.1}}
                record = {"kind": "evaluation", "stage": name, "step": step, "scores": scores}
                lines.append(json.dumps(record))
    return lines


def score_rows(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return a row for each model that is reported."""
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
    """Return a function that writes a run's folder; the parts named are left out."""

    def make(*without: str, seed: int = 0) -> Path:
        rng = np.random.default_rng(seed)
        folder = tmp_path / "quickstart"
        folder.mkdir()
        config = {"seed": 0, "order": list(STAGES), "stages": STAGES}
        parts = {
            "config.json": json.dumps(config),
            "metrics.jsonl": "\n".join(train_lines(rng)) + "\n",
            "scores.json": json.dumps({"rows": score_rows(rng), "tasks": TASKS}),
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


@pytest.fixture(autouse=True)
def coarse_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw plots with fewer dots, which is faster."""
    monkeypatch.setattr(drawing, "DOTS_PER_INCH", 50)


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the plots out, for tests of the text alone."""
    monkeypatch.setattr(html, "draw_plots", lambda run, theme: {})
