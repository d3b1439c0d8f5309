"""Masked autoencoding as a stage: it learns, leaves its decoder, and hands its encoder on."""

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from experiments.base import masked_autoencoder
from pixel_linguist import config as configs
from pixel_linguist.cli.convert import convert
from pixel_linguist.model import EncoderConfig, init_params
from pixel_linguist.model.decoder import load_decoder
from pixel_linguist.model.store import load_model
from pixel_linguist.train.hosts import AXIS, place
from pixel_linguist.train.loop import stage_objective
from pixel_linguist.train.optim import OptimizerConfig
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.reconstruction import Reconstruction, make_reconstruction
from pixel_linguist.train.stages import make_workshop, run_recipe
from pixel_linguist.train.step import AS_DRAWN, gradients, init_state, mapped_step

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
DECODER = {"width": 16, "depth": 1, "heads": 2, "mlp_width": 32}
OPTIMIZER = OptimizerConfig(
    b1=0.9, b2=0.999, epsilon=1e-8, weight_decay=0.01, clip_norm=1.0, accumulate=1
)


@pytest.fixture
def config() -> ConfigDict:
    """Return a recipe of two tiny stages: pretraining, then visual alignment."""
    config = configs.load(EXPERIMENTS / "quickstart.py").unlock()
    config.render.update(patch_height=8, patch_width=8, max_patches=16)
    config.model.update(width=16, depth=1, heads=2, mlp_width=32, patch_hidden=0)
    visual = config.stages.visual_both
    visual.update(batch_size=8, length=12, init_from=(), evaluate_tasks=())
    pretrain = visual.copy_and_resolve_references()
    pretrain.update(steps=60, evaluate_every=60, init_from=())
    pretrain.schedule.update(peak=5e-3, warmup=5)
    pretrain.objective = ConfigDict(masked_autoencoder() | {"decoder": DECODER})
    visual.update(steps=1, evaluate_every=1, init_from=("pretrain",))
    visual.schedule.update(peak=0.0, warmup=0)
    config.stages = ConfigDict({"pretrain": pretrain, "visual": visual})
    config.order = ("pretrain", "visual")
    config.tasks = ConfigDict({"sts-en": config.tasks["sts-en"]})
    config.tasks["sts-en"].source.size = 20
    config.evaluate.update(report_tasks=("sts-en",), batch_size=16)
    return config.lock()


@pytest.mark.slow
def test_a_stage_learns_and_hands_its_encoder_on(tmp_path: Path, config: ConfigDict) -> None:
    config.train.log_every = 10
    run_recipe(config, tmp_path, Preemption())
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if (line["stage"], line["kind"]) == ("pretrain", "train")]
    losses = [line["loss"] for line in steps]
    assert losses[-1] < 0.9 * losses[0]
    shares = [line["masked_share"] for line in steps]
    assert min(shares) >= 0.25 and max(shares) < 0.5
    model = tmp_path / "stages" / "pretrain" / "model"
    found = load_decoder(model, load_model(model).config)
    rest = {"from_embedding": False, "word_buckets": 0}
    assert found and dataclasses.asdict(found[0]) == DECODER | rest
    with Image.open(tmp_path / "reconstructions" / "pretrain.png") as picture:
        assert np.asarray(picture).std() > 10
    # At a rate of 0 the next stage leaves what it started from.
    after = tmp_path / "stages" / "visual" / "model"
    pretrained, started = load_model(model).params, load_model(after).params
    assert all(map(np.array_equal, jax.tree.leaves(started), jax.tree.leaves(pretrained)))
    assert not (after / "decoder.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("joined", [False, True])
def test_a_stage_learns_words_and_hands_its_encoder_on(
    tmp_path: Path, config: ConfigDict, joined: bool
) -> None:
    config.train.log_every = 10
    with config.unlocked():
        stage = config.stages.pretrain
        arguments = masked_autoencoder(decoder_mask_ratio=0.5, word_buckets=64, word_weight=1.0)
        stage.objective = ConfigDict(arguments | {"decoder": DECODER})
    if joined:
        config.model.update(word_buckets=64, top_words=8)
    run_recipe(config, tmp_path, Preemption())
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if (line["stage"], line["kind"]) == ("pretrain", "train")]
    assert steps[-1]["word_loss"] < 0.9 * steps[0]["word_loss"]
    for step in steps:
        assert step["loss"] == pytest.approx(step["pixel_loss"] + step["word_loss"], rel=1e-5)
    model, after = (tmp_path / "stages" / name / "model" for name in ("pretrain", "visual"))
    found = load_decoder(model, load_model(model).config)
    # The words are the encoder's own if it joins them, else they stay behind with the decoder.
    assert found and ("words" in found[1], found[0].word_buckets) == (not joined, 64 * (not joined))
    pretrained, started = load_model(model), load_model(after)
    assert started.config.dimension == (16 + 64 if joined else 16)
    assert ("words" in started.params) == joined
    assert all(
        map(np.array_equal, jax.tree.leaves(started.params), jax.tree.leaves(pretrained.params))
    )


def test_a_stage_goes_on_from_a_converted_autoencoder(
    tmp_path: Path, shared: Path, config: ConfigDict
) -> None:
    folder = tmp_path / "converted"
    convert(shared / "fixtures" / "pixel_mae_tiny", folder, None)
    model = load_model(folder)
    found = load_decoder(folder, model.config)
    assert found
    decoder = dataclasses.asdict(found[0])
    del decoder["from_embedding"], decoder["word_buckets"]
    arguments = masked_autoencoder() | {"decoder": decoder}
    objective = make_reconstruction(model.config, arguments, axis=AXIS, start=str(folder), seed=0)
    taken = objective.init()[0]["decoder"]
    assert all(map(np.array_equal, jax.tree.leaves(taken), jax.tree.leaves(found[1])))
    # A decoder of another architecture is drawn.
    other = make_reconstruction(
        model.config, masked_autoencoder(), axis=AXIS, start=str(folder), seed=0
    )
    assert other.init()[0]["decoder"]["mask_token"].shape == (1, 96)
    # One that predicts words as well is taken as far as it goes.
    arguments = masked_autoencoder(word_buckets=64) | {"decoder": decoder}
    objective = make_reconstruction(model.config, arguments, axis=AXIS, start=str(folder), seed=0)
    words = dict(objective.init()[0]["decoder"])
    assert words.pop("words")["buckets"]["kernel"].shape == (model.config.width, 64)
    assert all(map(np.array_equal, jax.tree.leaves(words), jax.tree.leaves(found[1])))


def test_other_buckets_of_words_than_the_encoder_s_are_refused(
    tiny_encoder: Callable[..., EncoderConfig],
) -> None:
    config = tiny_encoder(word_buckets=32, top_words=4)
    arguments = masked_autoencoder(word_buckets=64) | {"decoder": DECODER}
    with pytest.raises(ValueError, match=r"objective.word_buckets is 64, but model.word_buckets 3"):
        make_reconstruction(config, arguments, axis=AXIS, start="", seed=0)


def test_a_stage_without_a_decoder_is_refused(tmp_path: Path, config: ConfigDict) -> None:
    shop = make_workshop(config, tmp_path)
    stage = config.stages.pretrain
    with stage.unlocked():
        del stage.objective["decoder"]
    with pytest.raises(ValueError, match="objective 'masked_autoencoder' needs a decoder"):
        stage_objective(shop, stage)


def batch() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    anchor = {
        "patches": rng.integers(0, 256, (8, 8, 8, 8), np.uint8),
        "count": rng.integers(1, 9, 8).astype(np.int32),
    }
    words = np.stack([rng.permutation(20)[:6] for _ in range(8)]).astype(np.int32)
    words[rng.random(words.shape) < 0.4] = -1
    return {"group": np.full(8, -1, np.int32), "anchor": anchor, "words": words}


def perturbed(state: dict[str, Any]) -> dict[str, Any]:
    """Move all parameters off the values at which they are drawn, zeros among them."""
    rng = np.random.default_rng(3)
    moved = jax.tree.map(
        lambda x: x + rng.normal(0, 0.05, x.shape).astype(x.dtype), state["params"]
    )
    return state | {"params": moved}


@pytest.mark.slow
@pytest.mark.parametrize("joined", [False, True])
def test_the_number_of_devices_changes_nothing(
    tiny_encoder: Callable[..., EncoderConfig], joined: bool
) -> None:
    config = tiny_encoder(max_patches=8, **({"word_buckets": 20, "top_words": 5} if joined else {}))
    arguments = masked_autoencoder(decoder_mask_ratio=0.5, word_buckets=20)
    objective = make_reconstruction(
        config, arguments | {"decoder": DECODER}, axis=AXIS, start="", seed=0
    )
    state = perturbed(init_state(init_params(config, 0), objective, OPTIMIZER))
    read = {name: state[name] for name in ("params", "step", "objective")}
    found = []
    for devices in (1, 2):
        step = jax.pmap(
            functools.partial(gradients, config, objective, AS_DRAWN, 0, ()),
            AXIS,
            in_axes=(None, 0, None),
            out_axes=None,
            devices=jax.devices()[:devices],
        )
        shared = jax.tree.map(lambda x, n=devices: x.reshape(n, -1, *x.shape[1:]), batch())
        grads, metrics, _ = step(read, shared, np.uint32(5))
        found.append((jax.device_get(grads), float(metrics["word_loss"])))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), *found)
    head = found[0][0]["encoder" if joined else "objective"]
    head = head["words"] if joined else head["decoder"]["words"]
    assert np.abs(head["buckets"]["kernel"]).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("decoder_mask_ratio", "word_buckets", "top_words"),
    [(0.0, 0, 0), (0.5, 0, 0), (0.5, 20, 0), (0.5, 20, 5)],
)
def test_the_back_end_changes_nothing(
    tiny_encoder: Callable[..., EncoderConfig],
    decoder_mask_ratio: float,
    word_buckets: int,
    top_words: int,
) -> None:
    joined = {"word_buckets": word_buckets, "top_words": top_words} if top_words else {}
    config = tiny_encoder(max_patches=8, **joined)
    objective = make_reconstruction(
        config,
        masked_autoencoder(decoder_mask_ratio=decoder_mask_ratio, word_buckets=word_buckets)
        | {"decoder": DECODER},
        axis=AXIS,
        start="",
        seed=0,
    )
    assert isinstance(objective, Reconstruction)
    found = []
    for backend in ("pmap", "shard_map"):
        state = init_state(init_params(config, 0), objective, OPTIMIZER)
        step = mapped_step(config, objective, OPTIMIZER, backend)
        state, metrics = step(state, place(batch(), backend), np.float32(1e-3), np.uint32(5))
        found.append((metrics["loss"], jax.device_get(state["params"])))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), *found)
