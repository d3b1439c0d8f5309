"""Models on disk: what is written is what is read, and nothing else is accepted."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save

from pixel_linguist.model import EncoderConfig, init_params
from pixel_linguist.model.store import Model, average, check_same_shapes, load_model, save_model
from pixel_linguist.model.vit import Remat

Make = Callable[..., EncoderConfig]


@pytest.fixture
def model(tiny_encoder: Make) -> Model:
    config = tiny_encoder(pooling="attention", dropout=0.125)
    renderer = {"family": "noto", "patch": [8, 8], "font_size": None}
    return Model(config, init_params(config, 0), renderer, {"Sans.ttf": "ab" * 32})


def equal(a: Any, b: Any) -> bool:
    same = jax.tree.map(lambda x, y: x.dtype == y.dtype and np.array_equal(x, y), a, b)
    return all(jax.tree.leaves(same))


def test_round_trip(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path / "a" / "model", model)
    loaded = load_model(tmp_path / "a" / "model")
    assert (loaded.config, loaded.renderer, loaded.fonts) == (
        model.config,
        model.renderer,
        model.fonts,
    )
    assert equal(loaded.params, model.params)


def test_a_second_model_replaces_the_first(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path, model)
    save_model(tmp_path, model._replace(params=init_params(model.config, 1)))
    assert equal(load_model(tmp_path).params, init_params(model.config, 1))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["README.md", "config.json", "weights.safetensors"]


def test_config_comes_last(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("pixel_linguist.model.store.write_json", full)
    with pytest.raises(OSError, match="no space"):
        save_model(tmp_path, model)
    with pytest.raises(FileNotFoundError, match=r"no model in .*no config.json"):
        load_model(tmp_path)


def test_no_model_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"no model in {tmp_path / 'nothing'}"):
        load_model(tmp_path / "nothing")


@pytest.mark.parametrize("keep", [0, 4, 100, 0.5, -1])
def test_truncated_weights_are_named(tmp_path: Path, model: Model, keep: float) -> None:
    save_model(tmp_path, model)
    weights = tmp_path / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: int(keep * len(content)) if keep == 0.5 else int(keep)])
    with pytest.raises(ValueError, match=r"weights.safetensors is damaged"):
        load_model(tmp_path)


def test_a_flipped_bit_is_named(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path, model)
    weights = tmp_path / "weights.safetensors"
    content, rng, named = weights.read_bytes(), np.random.default_rng(0), 0
    for place in rng.integers(len(content), size=200):
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        weights.write_bytes(changed)
        try:
            loaded = load_model(tmp_path)
        except ValueError as error:
            named += "weights.safetensors" in str(error)
        else:
            # Such as a blank at the header's end.
            assert equal(loaded.params, model.params)
    assert named > 180


def test_weights_without_a_hash_are_read(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path, model)
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(save(load_file(weights)))
    assert equal(load_model(tmp_path).params, model.params)


def test_weights_that_do_not_fit_the_config_are_refused(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path, model)
    path = tmp_path / "config.json"
    stored = json.loads(path.read_text())
    stored["model"]["mlp_width"] = 128
    path.write_text(json.dumps(stored))
    message = r"weights.safetensors is of another architecture.*blocks/mlp_in/bias: \(2, 64\) there"
    with pytest.raises(ValueError, match=message):
        load_model(tmp_path)


@pytest.mark.parametrize("content", ['{"format": "torch/2"}', "{}", "[1]", '"model"'])
def test_another_format_is_named(tmp_path: Path, model: Model, content: str) -> None:
    save_model(tmp_path, model)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match="format"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda stored: stored.pop("renderer"), "config.json is damaged: 'renderer'"),
        (lambda stored: stored["model"].pop("width"), "config.json is damaged: .*width"),
        (lambda stored: stored["model"].update(colour=1), "config.json is damaged: .*colour"),
        (lambda stored: stored["model"].update(pooling="max"), "model.pooling is 'max'"),
    ],
)
def test_damaged_config_is_named(
    tmp_path: Path, model: Model, change: Callable[[Any], Any], message: str
) -> None:
    save_model(tmp_path, model)
    path = tmp_path / "config.json"
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=message):
        load_model(tmp_path)


@pytest.mark.parametrize(("stored_as", "remat"), [(False, "none"), (True, "blocks")])
def test_an_architecture_of_an_earlier_version_is_read(
    tmp_path: Path, model: Model, stored_as: bool, remat: Remat
) -> None:
    save_model(tmp_path, model)
    path = tmp_path / "config.json"
    stored = json.loads(path.read_text())
    stored["model"]["remat"] = stored_as
    stored["model"] |= {"cell_pixels": 0, "cell_scales": 1, "letters": 0, "final_norm": True}
    for later in ("cls_token", "paper_is_one", "word_buckets", "top_words"):
        del stored["model"][later]
    path.write_text(json.dumps(stored))
    assert load_model(tmp_path).config == dataclasses.replace(model.config, remat=remat)


def test_config_that_is_not_json_is_named(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path, model)
    (tmp_path / "config.json").write_text('{"format": "pixel')
    with pytest.raises(ValueError, match=r"config.json is not JSON"):
        load_model(tmp_path)


def test_missing_weights_are_named(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path, model)
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"weights.safetensors"):
        load_model(tmp_path)


def test_shapes_that_differ_are_named(tiny_encoder: Make) -> None:
    ours = init_params(tiny_encoder(), 0)
    check_same_shapes(init_params(tiny_encoder(), 1), ours, "there")
    wider = init_params(tiny_encoder(cls_token=True, max_patches=15), 0)
    message = (
        r"runs/x is of another architecture \(2 parameters differ\): cls: \(1, 32\) there, unknown "
        r"here; positions: \(16, 32\) there, \(64, 32\) here"
    )
    with pytest.raises(ValueError, match=message):
        check_same_shapes(wider, ours, "runs/x")
    with pytest.raises(ValueError, match=r"cls: missing there, \(1, 32\) here"):
        check_same_shapes(ours, wider, "runs/x")


def test_average_is_the_mean_of_each_parameter(tiny_encoder: Make) -> None:
    models = [init_params(tiny_encoder(), seed) for seed in range(3)]
    mean = average(models)
    for path in (("embed", "kernel"), ("blocks", "mlp_in", "kernel")):
        parts = [np.asarray(_at(model, path), np.float64) for model in models]
        np.testing.assert_allclose(_at(mean, path), np.mean(parts, axis=0), atol=1e-7)
    assert {x.dtype for x in jax.tree.leaves(mean)} == {np.dtype(np.float32)}
    assert equal(average(models[:1]), models[0])


def _at(tree: Any, path: tuple[str, ...]) -> np.ndarray:
    for name in path:
        tree = tree[name]
    return tree


def test_half_precision_is_half_the_size_and_read_as_float32(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path / "full", model)
    save_model(tmp_path / "half", model, "float16")
    sizes = [(tmp_path / name / "weights.safetensors").stat().st_size for name in ("full", "half")]
    assert 1.9 < sizes[0] / sizes[1] < 2.1
    loaded = load_model(tmp_path / "half").params
    assert equal(loaded, jax.tree.map(lambda x: np.float32(np.float16(x)), model.params))


@pytest.mark.parametrize(("value", "dtype"), [(1e5, "float16"), (np.nan, "float32")])
def test_what_the_stored_type_cannot_hold_is_refused(
    tmp_path: Path, model: Model, value: float, dtype: Any
) -> None:
    params = jax.tree.map(np.array, model.params)
    params["embed"]["bias"][3] = value
    with pytest.raises(ValueError, match=f"parameter embed/bias has values that {dtype}"):
        save_model(tmp_path, model._replace(params=params), dtype)
    assert not list(tmp_path.iterdir())


def test_the_card_says_what_the_model_is(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path, model._replace(about="Trained on letters.\n"), "float16")
    card = (tmp_path / "README.md").read_text()
    count = sum(x.size for x in jax.tree.leaves(model.params))
    facts = (
        "Trained on letters.\n\nThe model draws",
        "32 numbers",
        "64 patches, 8 x 8",
        f"{count:,}",
    )
    for fact in (*facts, "float16", "family noto, patch [8, 8]", "Sans.ttf"):
        assert fact in card
    assert load_model(tmp_path).about == "Trained on letters.\n"


def test_a_folder_of_an_earlier_version_is_read(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path, model)
    (tmp_path / "README.md").unlink()
    path = tmp_path / "config.json"
    stored = json.loads(path.read_text())
    del stored["about"], stored["model"]["cls_token"], stored["model"]["paper_is_one"]
    path.write_text(json.dumps(stored))
    loaded = load_model(tmp_path)
    assert (loaded.about, loaded.config) == ("", model.config)
