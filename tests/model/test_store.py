"""Models on disk: what is written is what is read, and nothing else is accepted."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from flax import traverse_util
from safetensors.numpy import load_file, save

from pixel_linguist.model import ViTEncoder
from pixel_linguist.model.store import Model, check_same_shapes, load_model, save_model
from pixel_linguist.model.vit import Remat

Make = Callable[..., ViTEncoder]


@pytest.fixture
def model(tiny_encoder: Make) -> Model:
    encoder = tiny_encoder(pooling="attention", dropout=0.125)
    renderer = {"family": "noto", "patch": [8, 8], "font_size": None}
    return Model(encoder, encoder.init(0), renderer, {"Sans.ttf": "ab" * 32})


def equal(a: Any, b: Any) -> bool:
    same = jax.tree.map(lambda x, y: x.dtype == y.dtype and np.array_equal(x, y), a, b)
    return all(jax.tree.leaves(same))


def edit(folder: Path, change: Callable[[Any], Any]) -> None:
    """Change what a model's config.json says."""
    path = folder / "config.json"
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))


def test_what_is_written_is_read_and_replaces_what_was_there(tmp_path: Path, model: Model) -> None:
    folder = tmp_path / "a" / "model"
    for seed in (0, 1):
        written = model._replace(params=model.encoder.init(seed))
        save_model(folder, written)
        loaded = load_model(folder)
        assert loaded[0] == model.encoder and loaded[2:] == model[2:]
        assert equal(loaded.params, written.params)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["README.md", "config.json", "weights.safetensors"]


def test_int8_keeps_each_kernel_within_half_a_step_and_the_rest_within_float16(
    tmp_path: Path, model: Model
) -> None:
    params = jax.tree.map(np.array, model.params)
    flat = traverse_util.flatten_dict(params, sep="/")
    kernels = [name for name in flat if name.endswith("/kernel")]
    # Outputs of very different sizes, one of them without weights.
    flat[kernels[0]][..., 0] *= 1000
    flat[kernels[0]][..., 1] = 0
    save_model(tmp_path, model._replace(params=params), "int8")
    read = traverse_util.flatten_dict(load_model(tmp_path).params, sep="/")
    for name, array in flat.items():
        step = np.abs(array).max(axis=-2, keepdims=True) / 127 if name in kernels else 0
        assert read[name].dtype == np.float32 and read[name].shape == array.shape
        assert np.all(np.abs(read[name] - array) <= 0.501 * step + 1e-3 * np.abs(array) + 1e-7)
    stored = load_file(tmp_path / "weights.safetensors")
    assert all(stored[name].dtype == np.int8 for name in kernels)
    assert "stored as int8" in (tmp_path / "README.md").read_text()


def test_config_comes_last(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("pixel_linguist.model.store.write_json", full)
    with pytest.raises(OSError, match="no space"):
        save_model(tmp_path, model)
    with pytest.raises(FileNotFoundError, match="no model"):
        load_model(tmp_path)


@pytest.mark.parametrize("keep", [0, 4, 100, 0.5, -1])
def test_truncated_weights_are_named(tmp_path: Path, model: Model, keep: float) -> None:
    save_model(tmp_path, model)
    weights = tmp_path / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: int(keep * len(content)) if keep == 0.5 else int(keep)])
    with pytest.raises(ValueError, match="damaged"):
        load_model(tmp_path)


def test_a_flipped_bit_is_named(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path, model)
    weights = tmp_path / "weights.safetensors"
    content, rng, named = weights.read_bytes(), np.random.default_rng(0), 0
    for place in rng.integers(len(content), size=100):
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
    assert named > 90


def test_weights_without_a_hash_are_read(tmp_path: Path, model: Model) -> None:
    save_model(tmp_path, model)
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(save(load_file(weights)))
    assert equal(load_model(tmp_path).params, model.params)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda stored: stored["model"].update(mlp_width=128), "mlp_in/bias"),
        (lambda stored: stored.update(format="torch/2"), "torch/2"),
        (lambda stored: stored.clear(), "format"),
        (lambda stored: stored.pop("renderer"), "renderer"),
        (lambda stored: stored["model"].pop("width"), "width"),
        (lambda stored: stored["model"].update(colour=1), "colour"),
        (lambda stored: stored["model"].update(pooling="max"), "pooling"),
        (lambda stored: stored["model"].update(name="resnet"), "resnet"),
    ],
)
def test_a_wrong_config_is_named(
    tmp_path: Path, model: Model, change: Callable[[Any], Any], word: str
) -> None:
    save_model(tmp_path, model)
    edit(tmp_path, change)
    with pytest.raises(ValueError, match=word):
        load_model(tmp_path)


@pytest.mark.parametrize("content", ["[1]", '"model"', '{"format": "pixel'])
def test_config_of_another_kind_is_refused(tmp_path: Path, model: Model, content: str) -> None:
    save_model(tmp_path, model)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=r"format|JSON"):
        load_model(tmp_path)


def test_missing_files_are_named(tmp_path: Path, model: Model) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        load_model(tmp_path / "nothing")
    save_model(tmp_path, model)
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"weights.safetensors"):
        load_model(tmp_path)


@pytest.mark.parametrize(("stored_as", "remat"), [(False, "none"), (True, "blocks")])
def test_a_folder_of_an_earlier_version_is_read(
    tmp_path: Path, model: Model, stored_as: bool, remat: Remat
) -> None:
    def earlier(stored: Any) -> None:
        stored["model"] |= {"remat": stored_as, "cell_pixels": 0, "cell_scales": 1, "letters": 0}
        later = ("name", "cls_token", "paper_is_one", "word_buckets", "top_words", "max_rows")
        for name in later:
            del stored["model"][name]
        del stored["about"]

    save_model(tmp_path, model)
    edit(tmp_path, earlier)
    (tmp_path / "README.md").unlink()
    loaded = load_model(tmp_path)
    assert loaded.config == dataclasses.replace(model.config, remat=remat)
    assert loaded.about == "" and equal(loaded.params, model.params)


def test_shapes_that_differ_are_named(tiny_encoder: Make) -> None:
    ours, other = tiny_encoder().shapes(), tiny_encoder(cls_token=True, max_patches=15).shapes()
    check_same_shapes(tiny_encoder().init(1), ours, "there")
    message = r"runs/x.*2 parameters.*cls: \(1, 32\) there.*positions: \(16, 32\) there"
    with pytest.raises(ValueError, match=message):
        check_same_shapes(other, ours, "runs/x")
    with pytest.raises(ValueError, match="cls: missing there"):
        check_same_shapes(ours, other, "runs/x")


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
    with pytest.raises(ValueError, match="embed/bias"):
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
