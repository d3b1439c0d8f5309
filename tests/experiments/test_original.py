"""The settings of `pixel_linguist.py` against the published scripts' and papers' numbers."""

import re
from pathlib import Path

import numpy as np
import pytest
from ml_collections import ConfigDict

from experiments.pixel_linguist import PARACRAWL, TED
from pixel_linguist.config import load, plain
from pixel_linguist.convert import read_reference
from pixel_linguist.model import make_encoder
from pixel_linguist.model.adapters import adapt
from pixel_linguist.model.store import check_same_shapes
from pixel_linguist.text.glue import glue_spaces
from pixel_linguist.train.run import prepare
from tests.train.tiny import EXPERIMENTS

# run_bash/*.sh of the original's repository (2d48a48): batch, steps, learning rate, warm-up.
STAGES = {
    r"visual_\w+": (768, 1300, 3e-6, 100),
    "topical": (128, 50_500, 3e-5, 5050),
    r"nli_\d": (128, 2600, 3e-5, 200),
    r"languages_\d": (128, 202_600, 3e-5, 20_000),
}
# Of each stage: the Trainer's defaults, and the loss of modeling_pixel.py.
OPTIMIZER = {"b1": 0.9, "b2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0, "clip_norm": 1.0}
LOSS = {
    "name": "info_nce",
    "temperature": 0.05,
    "learnable_temperature": False,
    "symmetric": True,
    "hard_negatives": False,
    "mask_false_negatives": False,
}
ORDER = (
    "pixel visual_characters visual_shuffled visual_nearly_ordered visual_both visual topical "
    "nli_0 languages_1 nli_1 languages_2 nli_2 languages_3 nli_3"
)
# PIXEL's config.json, and table 8 of its paper (arXiv 2207.06991).
MODEL = {
    "width": 768,
    "depth": 12,
    "heads": 12,
    "mlp_width": 3072,
    "patch_hidden": 0,
    "channels": 3,
    "dropout": 0.1,
    "norm_epsilon": 1e-12,
    "cls_token": True,
    "paper_is_one": True,
    "pooling": "mean",
    "dtype": "float32",
}
RENDER = {
    "family": "pixel",
    "strategy": "continuous",
    "patch_height": 16,
    "patch_width": 16,
    "end_patch": True,
    "glue_spaces": True,
}


@pytest.fixture(scope="module")
def config() -> ConfigDict:
    return load(EXPERIMENTS / "pixel_linguist.py")


def holds(settings: ConfigDict, expected: dict[str, object]) -> None:
    assert {name: settings[name] for name in expected} == expected


def test_every_stage_has_the_numbers_of_the_original(config: ConfigDict) -> None:
    assert config.order == tuple(ORDER.split())
    trained = {name: stage for name, stage in config.stages.items() if stage.steps}
    for name, stage in trained.items():
        (batch, steps, peak, warmup) = next(v for k, v in STAGES.items() if re.fullmatch(k, name))
        assert (stage.batch_size, stage.steps) == (batch, steps), name
        holds(stage.schedule, {"peak": peak, "warmup": warmup, "decay": "linear"})
        holds(stage.optimizer, {**OPTIMIZER, "accumulate": 1, "frozen": ()})
        holds(stage, {"length": 64, "perturb_views": ("positive",)})
        assert not stage.augment and not stage.styles and plain(stage.objective) == LOSS, name
        assert bool(stage.perturb) == name.startswith("visual"), name
    starts = [config.stages[name].init_from for name in ORDER.split()]
    visual = tuple(ORDER.split()[1:5])
    assert starts[:6] == [(), *[("pixel",)] * 4, visual]
    # Leapfrogging: each from the result of the one before.
    assert starts[6:] == [(name,) for name in ORDER.split()[5:-1]]
    holds(config.model, {**MODEL, "positions": "learned", "head": "patches", "keep_head": False})
    holds(config.render, {**RENDER, "max_patches": 64})


def test_pixel_is_pretrained_as_its_paper_says() -> None:
    config = load(EXPERIMENTS / "pixel.py")
    stage = config.stages.pretrain
    holds(stage, {"steps": 1_000_000, "batch_size": 256, "length": 529})
    holds(stage.schedule, {"peak": 1.5e-4, "warmup": 50_000, "decay": "cosine"})
    holds(stage.optimizer, {**OPTIMIZER, "weight_decay": 0.05})
    holds(stage.objective, {"mask_ratio": 0.25, "normalise_pixels": True})
    decoder = {"width": 512, "depth": 8, "heads": 16, "mlp_width": 2048}
    assert plain(stage.objective.decoder) == decoder
    holds(config.model, {**MODEL, "positions": "frozen", "head": "none"})
    holds(config.render, {**RENDER, "max_patches": 529})


def test_it_trains_all_languages_that_tfds_prepares_without_tensorflow(config: ConfigDict) -> None:
    assert set(config.stages.languages_1.data) == {*PARACRAWL, *TED}
    assert len({code.partition("-")[0] for code in (*PARACRAWL, *TED)}) == 57


@pytest.mark.parametrize("recipe", ["pixel_linguist", "pixel_linguist_plus"])
def test_without_pixel_it_stops_and_says_how_to_get_it(tmp_path: Path, recipe: str) -> None:
    config = load(EXPERIMENTS / f"{recipe}.py")
    with config.unlocked():
        config.tasks, config.evaluate.report_tasks = ConfigDict(), ()
    with pytest.raises(ValueError, match=r"stage pixel.*hf:.*convert.*pixel\.py"):
        prepare(config, tmp_path)


def test_an_autoencoder_becomes_a_sentence_encoder(shared: Path) -> None:
    found = read_reference(shared / "fixtures/pixel_mae_tiny").model
    settings = {**vars(found.config), "max_patches": 5, "head": "patches", "positions": "learned"}
    encoder = make_encoder(settings)
    adapted = adapt("to_sentence", found.params, encoder)
    check_same_shapes(adapted, encoder.shapes(), "it")
    np.testing.assert_array_equal(adapted["positions"], found.params["positions"][:6])
    # One that has a head keeps it.
    again = adapt("to_sentence", {**adapted, "head": {"kernel": 0}}, encoder)
    assert again["head"] == {"kernel": 0}


def test_spaces_are_glued_as_pixel_glues_them() -> None:
    split = "\" No ! \" , he said ( it 's n't [ so ] ) . # 1 / 2 ?"
    assert glue_spaces(split) == "\"No!\", he said (it'sn't [so]).# 1/ 2?"
    assert glue_spaces("do n't") == "don't"
