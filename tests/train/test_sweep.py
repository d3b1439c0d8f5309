"""Sweeps: which runs they are made of, and the table that they end with."""

import json
from pathlib import Path
from typing import Any

import jax
import pytest

from pixel_linguist.train import sweep
from pixel_linguist.train.pictures import Report
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.run_folder import RunFolder
from pixel_linguist.train.sweep import run_sweep, sweep_configs
from tests.train.tiny import EXPERIMENTS, change, recipe

BARE: Any = {"report": Report(), "baselines": {}}
QUICKSTART = EXPERIMENTS / "quickstart.py"


def test_all_choices_of_all_keys_are_runs() -> None:
    varied = ["--sweep.stages.nli_0.schedule.peak=1e-4,3e-4", "--sweep.seed=1,2"]
    runs = sweep_configs([QUICKSTART], ["--config.model.depth=3"], varied)
    settings = {name: (c.stages.nli_0.schedule.peak, c.seed) for name, c in runs.items()}
    assert settings == {
        f"quickstart,stages.nli_0.schedule.peak={peak},seed={seed}": (float(peak), seed)
        for peak in ("1e-4", "3e-4")
        for seed in (1, 2)
    }
    assert all(config.model.depth == 3 for config in runs.values())
    assert list(sweep_configs([QUICKSTART, EXPERIMENTS / "small.py"], [], [])) == [
        "quickstart",
        "small",
    ]


@pytest.mark.parametrize(
    ("varied", "message"),
    [
        ("--sweep.seed", "--sweep.key=value"),
        ("--sweep.sed=1,2", "'seed'"),
        ("--sweep.seed=1,1", "quickstart,seed=1"),
    ],
)
def test_mistakes_are_named(varied: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sweep_configs([QUICKSTART], [], [varied])


def test_a_sweep_ends_with_a_table_though_a_run_diverges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def run_recipe(config: Any, folder: Path, preemption: Preemption, **_: Any) -> RunFolder:
        if config.seed == 2:
            raise FloatingPointError("the loss is not finite")
        folder.mkdir(parents=True)
        rows = [
            {"model": "tfidf", "scores": {"sts": {"spearman": 0.9}}},
            {"model": "nli", "scores": {"sts": {"spearman": config.seed / 10}}},
        ]
        tasks = {"sts": {"metric": "spearman"}}
        (folder / "scores.json").write_text(json.dumps({"rows": rows, "tasks": tasks}))
        return RunFolder(folder)

    monkeypatch.setattr(sweep, "run_recipe", run_recipe)
    monkeypatch.setattr(sweep, "prepare", lambda config, folder: None)
    runs = sweep_configs([QUICKSTART], [], ["--sweep.seed=1,2,3"])
    caplog.set_level("INFO", "pixel_linguist")
    run_sweep(runs, tmp_path, Preemption(), **BARE)
    assert [line.split() for line in caplog.messages[-1].splitlines()[-4:]] == [
        ["sts"],
        ["quickstart,seed=1", "0.100"],
        ["quickstart,seed=2", "-"],
        ["quickstart,seed=3", "0.300"],
    ]
    assert "quickstart,seed=2 is given up: the loss is not finite" in caplog.messages
    assert set(json.loads((tmp_path / "sweep.json").read_text())["runs"]) == set(runs)


def test_on_another_host_a_sweep_reads_its_own_scores_and_leaves_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def run_recipe(config: Any, folder: Path, preemption: Preemption, **_: Any) -> RunFolder:
        run = RunFolder(tmp_path / "own" / folder.name)
        run.add_scores("nli", {"sts": {"spearman": 0.25}}, {"sts": {"metric": "spearman"}})
        return run

    monkeypatch.setattr(sweep, "run_recipe", run_recipe)
    monkeypatch.setattr(sweep, "prepare", lambda config, folder: None)
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    caplog.set_level("INFO", "pixel_linguist")
    run_sweep(sweep_configs([QUICKSTART], [], []), tmp_path / "sweep", Preemption(), **BARE)
    assert caplog.messages[-1].splitlines()[-1].split() == ["quickstart", "0.250"]
    assert not (tmp_path / "sweep").exists()


def test_every_run_is_checked_before_the_first(tmp_path: Path) -> None:
    good, bad = recipe("both"), recipe("both")
    change(bad, "stages.both.batch_size", 3)
    with pytest.raises(ValueError, match="batch_size=3: stage both"):
        run_sweep({"batch_size=8": good, "batch_size=3": bad}, tmp_path, Preemption(), **BARE)
    assert list(tmp_path.iterdir()) == []
