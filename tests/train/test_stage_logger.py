"""Figures of speed by a clock of our own, and where they are shown and logged."""

import json
import logging
import os
import struct
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.data.views import HostBatch
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.train import stage_logger
from pixel_linguist.train.cost import train_flops
from pixel_linguist.train.loggers import check_loggers, open_loggers
from pixel_linguist.train.run_folder import RunFolder
from pixel_linguist.train.stage_logger import Profile, StageLogger
from tests.train.tiny import encoder


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the clock."""
    clock = [100.0]
    monkeypatch.setattr("pixel_linguist.train.stage_logger.time.perf_counter", lambda: clock[0])
    return clock


def stage(folder: Path) -> Any:
    """Return what is asked of a stage."""
    context = SimpleNamespace(encoder=encoder(), profile=None, folder=RunFolder(folder))
    settings = SimpleNamespace(batch_size=8, steps=10)
    return SimpleNamespace(name="nli", context=context, settings=settings, draw_rate=lambda: 100.0)


def logged_lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_time_patches_and_operations_are_counted(
    tmp_path: Path,
    now: list[float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    needed = train_flops(encoder().config, 16, 6)
    monkeypatch.setattr(stage_logger, "matmul_peak", lambda dtype: needed)
    blank = np.zeros((8, 6, 8, 8), np.uint8)
    views = {
        "anchor": one_text_a_row(blank, np.full(8, 3)),
        "positive": one_text_a_row(blank, np.full(8, 2)),
    }
    with StageLogger(stage(tmp_path), 0) as log:
        for number, (loss, norm) in enumerate(((1.0, 2.0), (3.0, np.inf)), start=1):
            with log.waiting():
                now[0] += 0.5
            log.read(HostBatch(views, {}, {}, np.int32(3)))
            now[0] += 1.5
            log.step(number, {"loss": jnp.float32(loss), "gradient_norm": jnp.float32(norm)})
            log.ended.result()
        with log.paused():
            now[0] += 1000.0
        assert log.first_non_finite(2) == 1
        log.log(2, 0.5)
        assert not log.metrics
    (found,) = logged_lines(tmp_path)
    assert found.pop("memory_gib") > 0.01
    assert found == {
        "kind": "train",
        "stage": "nli",
        "step": 2,
        "drawable_per_second": 100.0,
        "loss": 2.0,
        "gradient_norm": np.inf,
        "examples_per_second": 4.0,
        "patches_per_second": 20.0,
        "flop_utilisation": 0.5,
        "waiting_share": 0.25,
        "padding_share": 1 - 80 / 192,
        "cut_texts": 6,
        "seconds": 4.0,
        "learning_rate": 0.5,
    }
    # Without a terminal there are plain lines.
    assert "nli 2/10: loss 2.000, 4 examples/s" in caplog.text


class _Metric:
    """A figure of a step that runs until it is told to end."""

    def __init__(self) -> None:
        self.end = threading.Event()

    def block_until_ready(self) -> "_Metric":
        """Wait for the step."""
        self.end.wait(timeout=60)
        return self


@pytest.mark.parametrize(("ends", "waited"), [("before", 0.75), ("while", 0.5), ("after", 0.0)])
def test_only_devices_without_work_wait_for_data(
    tmp_path: Path, now: list[float], ends: str, waited: float
) -> None:
    running = _Metric()
    step: Any = {"loss": running}
    with StageLogger(stage(tmp_path), 0) as log:

        def end() -> None:
            running.end.set()
            log.ended.result()

        log.step(1, step)
        if ends == "before":
            end()
        now[0] += 10.0
        with log.waiting():
            now[0] += 0.25
            if ends == "while":
                end()
            now[0] += 0.5
        assert log.waited == waited
        end()


@pytest.mark.slow
def test_a_profile_is_of_a_few_steps(tmp_path: Path) -> None:
    profile = Profile(tmp_path / "profile", first=3)
    for done in range(4, 30):
        profile.step(done, {"loss": jnp.float32(done)})
    assert list((tmp_path / "profile").glob("**/*.xplane.pb"))


def test_the_trace_and_the_threads_of_a_stage_that_stops_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(jax.profiler, "start_trace", lambda folder: calls.append("start"))
    monkeypatch.setattr(jax.profiler, "stop_trace", lambda: calls.append("stop"))
    profiled = stage(tmp_path)
    profiled.context.profile = tmp_path / "profile"
    with pytest.raises(RuntimeError, match="stops"), StageLogger(profiled, 0) as log:
        for done in range(1, stage_logger.PROFILE_AFTER + 2):
            log.step(done, {"loss": jnp.float32(done)})
        raise RuntimeError("stops")
    assert calls == ["start", "stop"]
    with pytest.raises(RuntimeError):
        log.watcher.submit(time.perf_counter)


def logged(tmp_path: Path, logger: str) -> None:
    run = RunFolder(tmp_path)
    run.loggers = open_loggers([logger], tmp_path, {"seed": 0})
    run.log("train", "nli", 20, {"loss": 1.5})
    run.log("train", "nli", 40, {"loss": 0.5})
    run.log("evaluation", "nli", 40, {"scores": {"sts": {"spearman": 0.75}}})
    for opened in run.loggers:
        opened.close()


def records(path: Path) -> list[bytes]:
    """Read TFRecord framing: length, checksum, content, checksum."""
    content, found = path.read_bytes(), []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        found.append(content[12 : 12 + length])
        content = content[16 + length :]
    return found


def test_tensorboard_has_what_was_logged(tmp_path: Path) -> None:
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    logged(tmp_path, "tensorboard")
    (path,) = (tmp_path / "tensorboard" / "nli").iterdir()
    events = [event_pb2.Event.FromString(record) for record in records(path)]
    values = {(v.tag, e.step): v.simple_value for e in events for v in e.summary.value}
    assert values == {
        ("train/loss", 20): 1.5,
        ("train/loss", 40): 0.5,
        ("evaluation/scores/sts/spearman", 40): 0.75,
    }
    # metrics.jsonl has it all as well.
    assert len(logged_lines(tmp_path)) == 3


@pytest.mark.slow
def test_weights_and_biases_has_what_was_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="Weights & Biases is an extra: '.[wandb]'")
    monkeypatch.setitem(os.environ, "WANDB_MODE", "offline")
    monkeypatch.setitem(os.environ, "WANDB_SILENT", "true")
    logged(tmp_path, "wandb")
    (path,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    wanted = (b"nli/train/loss", b"nli/evaluation/scores/sts/spearman", b"0.75")
    # A process of the library's own writes the file.
    end = time.monotonic() + 20
    while not all(part in path.read_bytes() for part in wanted):
        assert time.monotonic() < end, path.read_bytes()
        time.sleep(0.1)


def test_loggers_are_refused_before_work_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="tensorboard"):
        check_loggers(["tensorbord"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="wandb"):
        check_loggers(["wandb"])
