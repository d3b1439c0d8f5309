"""Figures of speed by a clock of our own, and where they are shown and logged."""

import os
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model import EncoderConfig
from pixel_linguist.train import watch
from pixel_linguist.train.cost import train_flops
from pixel_linguist.train.loggers import check_loggers, open_loggers
from pixel_linguist.train.run import Run
from pixel_linguist.train.watch import Meter, Profile, Progress


def test_the_meter_counts_time_patches_and_operations(
    monkeypatch: pytest.MonkeyPatch, tiny_encoder: Callable[..., EncoderConfig]
) -> None:
    now, encoder = [100.0], tiny_encoder()
    monkeypatch.setattr("pixel_linguist.train.watch.time.perf_counter", lambda: now[0])
    needed = train_flops(encoder, 16, 12)
    monkeypatch.setattr(watch, "matmul_peak", lambda dtype: needed)
    meter = Meter(encoder, batch_size=8)
    views = {
        "anchor": {"count": np.full(8, 3), "patches": np.zeros((8, 12, 8, 8), np.uint8)},
        "positive": {"count": np.full(8, 2), "patches": np.zeros((8, 12, 8, 8), np.uint8)},
    }
    for loss, gradient_norm in ((1.0, 2.0), (3.0, np.inf)):
        with meter.waiting():
            now[0] += 0.5
        meter.read({**views, "cut": np.int32(3)}, ("anchor", "positive"))
        now[0] += 1.5
        meter.step({"loss": jnp.float32(loss), "gradient_norm": jnp.float32(gradient_norm)})
        meter.ended.result()
    with meter.paused():
        now[0] += 1000.0
    assert meter.finite().tolist() == [True, False]
    found = meter.report()
    assert found.pop("memory_gib") > 0.01
    assert found == {
        "loss": 2.0,
        "gradient_norm": np.inf,
        "examples_per_second": 4.0,
        "patches_per_second": 20.0,
        "flop_utilisation": 0.5,
        "waiting_share": 0.25,
        "padding_share": 1 - 80 / 384,
        "cut_texts": 6,
        "seconds": 4.0,
    }


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
    monkeypatch: pytest.MonkeyPatch,
    tiny_encoder: Callable[..., EncoderConfig],
    ends: str,
    waited: float,
) -> None:
    now = [100.0]
    monkeypatch.setattr("pixel_linguist.train.watch.time.perf_counter", lambda: now[0])
    meter, running = Meter(tiny_encoder(), batch_size=8), _Metric()

    def end() -> None:
        running.end.set()
        meter.ended.result()

    step: Any = {"loss": running}
    meter.step(step)
    if ends == "before":
        end()
    now[0] += 10.0
    with meter.waiting():
        now[0] += 0.25
        if ends == "while":
            end()
        now[0] += 0.5
    assert meter.waited == waited
    end()


def test_without_a_terminal_there_are_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("nli", first=0, steps=10)
    progress.step()
    progress.show(5, {"loss": 1.25, "accuracy": 0.5, "examples_per_second": 61.4})
    progress.close()
    said = capsys.readouterr()
    assert said.out.startswith("nli 5/10: loss 1.250, accuracy 0.500, 61 examples/s, 00:0")
    assert said.out.endswith(" left\n") and said.err == ""


def test_a_profile_is_of_a_few_steps(tmp_path: Path) -> None:
    profile = Profile(tmp_path / "profile", first=3)
    for done in range(4, 30):
        profile.step(done, {"loss": jnp.float32(done)})
    assert list((tmp_path / "profile").glob("**/*.xplane.pb"))


def logged(tmp_path: Path, logger: str) -> None:
    run = Run(tmp_path)
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
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 3


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
    with pytest.raises(ValueError, match=r"no logger 'tensorbord'; train\.loggers takes tens"):
        check_loggers(["tensorbord"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    message = r"'wandb', which needs wandb: pip install 'pixel-linguist\[wandb\]'"
    with pytest.raises(ValueError, match=message):
        check_loggers(["wandb"])
