"""Masked autoencoding as a stage: it learns, and hands on its encoder and its decoder."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import pytest
from ml_collections import ConfigDict

from pixel_linguist.cli.convert import convert
from pixel_linguist.convert.reference import load_decoder
from pixel_linguist.model.store import OBJECTIVE, load_model, load_objectives
from pixel_linguist.objective import make_objective
from pixel_linguist.recipe import masked_autoencoder, words_fact
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.results import load_result
from pixel_linguist.train.run import run_recipe
from pixel_linguist.train.stage import handed_on
from tests.train.tiny import DECODER, begun, change, largest_difference, recipe

NAME = "masked_autoencoder"


def pretraining(steps: int, **arguments: Any) -> ConfigDict:
    """Return a recipe of pretraining, pretraining again and alignment, both at a rate of 0."""
    config = recipe("pretrain", "again", "visual")
    for name in ("pretrain", "again"):
        objective = masked_autoencoder(**arguments) | {"decoder": DECODER}
        change(config, f"stages.{name}.objective", objective)
        if buckets := arguments.get("word_buckets"):
            change(config, f"stages.{name}.facts", words_fact(buckets))
    first = {"peak": 5e-3, "warmup": 5, "decay": "cosine"}
    change(config, "stages.pretrain.schedule", first)
    change(config, "stages.pretrain.steps", steps)
    for name, start in (("again", "pretrain"), ("visual", "again")):
        change(config, f"stages.{name}.steps", 1)
        change(config, f"stages.{name}.schedule", {"peak": 0.0, "warmup": 0, "decay": "cosine"})
        change(config, f"stages.{name}.init_from", (start,))
    with config.unlocked():
        del config.stages["average"]
    change(config, "order", ("pretrain", "again", "visual"))
    return config


@pytest.mark.slow
def test_a_decoder_goes_on_into_the_stage_that_has_the_objective(tmp_path: Path) -> None:
    config = pretraining(3)
    run_recipe(config, tmp_path, Preemption())
    models = {name: tmp_path / "stages" / name / "model" for name in config.order}
    first, second = load_result(models["pretrain"]), load_result(models["again"])
    assert first.objectives.keys() == {NAME}
    # At a rate of 0 a stage leaves what it started from, and it is not what it would draw.
    assert largest_difference(first, second) == 0
    _, again, _ = begun(config, "again", tmp_path)
    drawn = again.objective.init(jax.random.key(again.seed), again.context.encoder, {}, {})[0]
    assert largest_difference(second.objectives[NAME], drawn) > 1e-3
    visual = load_result(models["visual"])
    assert largest_difference(visual.encoder, first.encoder) == 0 and not visual.objectives
    assert not (models["visual"] / OBJECTIVE).exists()
    assert not (tmp_path / "model" / OBJECTIVE).exists()


@pytest.mark.slow
@pytest.mark.parametrize("joined", [False, True])
def test_a_stage_learns_pixels_and_words(tmp_path: Path, joined: bool) -> None:
    config = pretraining(60, embedding_weight=1.0, word_buckets=64, word_weight=1.0)
    if joined:
        for key, value in (("word_buckets", 64), ("top_words", 8)):
            change(config, f"model.{key}", value)
    change(config, "train.log_every", 10)
    run_recipe(config, tmp_path, Preemption())
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if (line["stage"], line["kind"]) == ("pretrain", "train")]
    losses = ("word_loss", "decoder_loss", "embedding_decoder_loss")
    for name in losses:
        assert steps[-1][name] < 0.95 * steps[0][name]
    for step in steps:
        # A quarter of each text's patches, rounded up.
        assert 0.25 <= step["masked_share"] < 0.5
        assert step["loss"] == pytest.approx(sum(step[name] for name in losses), rel=1e-5)
    model = tmp_path / "stages" / "pretrain" / "model"
    # The words are the encoder's own if it joins them, else the objective's.
    own = load_objectives(model)[NAME]
    assert own.keys() == {"decoder", "embedding_decoder"} | (set() if joined else {"words"})
    params = load_model(tmp_path / "model")
    assert params.encoder.dimension == (16 + 64 if joined else 16)
    assert ("words" in params.params) == joined


def test_a_converted_decoder_is_the_start_of_a_stage(tmp_path: Path, shared: Path) -> None:
    folder = tmp_path / "converted"
    convert(shared / "fixtures" / "pixel_mae_tiny", folder, None)
    found, start = load_decoder(folder), load_result(folder)
    assert found
    settings = dataclasses.asdict(found[0])
    del settings["from_embedding"]
    objective = make_objective(masked_autoencoder() | {"decoder": settings})
    encoder = load_model(folder).encoder
    drawn = objective.init(jax.random.key(0), encoder, start.encoder, {})[0]
    own, origin = handed_on(drawn, start, NAME)
    assert origin == "restored" and largest_difference(own["decoder"], found[1]) == 0
