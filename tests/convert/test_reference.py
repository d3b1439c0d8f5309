"""Checkpoints of the reference: both ways without loss, and nothing is ignored."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.convert import convert
from pixel_linguist.cli.main import main
from pixel_linguist.convert.reference import (
    Converted,
    load_decoder,
    read_reference,
    save_decoder,
    write_reference,
)
from pixel_linguist.model import ViTEncoder
from pixel_linguist.model.decoder import DecoderConfig, init_decoder
from pixel_linguist.model.store import Model, load_model, save_model
from pixel_linguist.render.patches import one_text_a_row

Tensors = dict[str, np.ndarray]
Make = Callable[..., ViTEncoder]
FIXTURES = ("pixel_tiny_a", "pixel_mae_tiny")
POSITIONS = "vit.embeddings.position_embeddings"
# Of an encoder that the reference has too.
THEIRS: dict[str, Any] = {"channels": 3, "cls_token": True, "paper_is_one": True}


def bits(tensors: Tensors) -> dict[str, tuple[Any, ...]]:
    return {name: (x.shape, x.dtype, x.tobytes()) for name, x in tensors.items()}


def copy(source: Path, folder: Path, change: Callable[[Tensors], Any], **config: Any) -> Path:
    """Copy a checkpoint with its tensors and its config changed."""
    folder.mkdir()
    tensors = load_file(source / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    stored = json.loads((source / "config.json").read_text()) | config
    (folder / "config.json").write_text(json.dumps(stored))
    return folder


@pytest.mark.parametrize("name", FIXTURES)
def test_there_and_back_is_the_same_file(tmp_path: Path, shared: Path, name: str) -> None:
    source = shared / "fixtures" / name
    convert(source, tmp_path / "ours", None)
    convert(tmp_path / "ours", tmp_path / "back", None)
    theirs = load_file(source / "model.safetensors")
    assert bits(load_file(tmp_path / "back" / "model.safetensors")) == bits(theirs)
    original = json.loads((source / "config.json").read_text())
    written = json.loads((tmp_path / "back" / "config.json").read_text())
    assert written == {key: original[key] for key in written}
    content = (tmp_path / "back" / "model.safetensors").read_bytes()
    assert content[8:].startswith(b'{"__metadata__":{"format":"pt"}')


def base_tensors(shared: Path, kind: str) -> Tensors:
    """Draw a checkpoint with the names and shapes of the real base model."""
    listing = (shared / "fixtures" / "pixel_base_keys.txt").read_text()
    (section,) = (part for part in re.split(r"^# ", listing, flags=re.M) if kind in part[:60])
    rows = re.findall(r"^(\S+)\t\(([\d, ]+)\)", section, flags=re.M)
    rng = np.random.default_rng(0)
    return {
        name: rng.standard_normal([int(n) for n in shape.split(",") if n], dtype=np.float32)
        for name, shape in rows
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "number", "max_patches"),
    [
        ("PIXELForPreTraining", 334, None),
        ("PIXELForSequenceClassification", 202, 64),
        ("PIXELForRepresentation", 198, 64),
    ],
)
def test_the_real_base_model_both_ways(
    tmp_path: Path, shared: Path, kind: str, number: int, max_patches: int | None
) -> None:
    tensors = base_tensors(shared, kind)
    assert len(tensors) == number
    source = tmp_path / "source"
    source.mkdir()
    save_file(tensors, source / "model.safetensors")
    listing = (shared / "fixtures" / "pixel_base_keys.txt").read_text()
    config = re.search(r"^\{\n.*?^\}", listing, flags=re.M | re.S)
    assert config
    (source / "config.json").write_text(config[0])
    convert(source, tmp_path / "ours", max_patches)
    convert(tmp_path / "ours", tmp_path / "back", None)
    if max_patches:
        tensors[POSITIONS] = tensors[POSITIONS][:, : 1 + max_patches].copy()
    assert bits(load_file(tmp_path / "back" / "model.safetensors")) == bits(tensors)


def test_positions_are_cut_as_the_reference_cuts_them(tmp_path: Path, shared: Path) -> None:
    stored = np.load(shared / "fixtures" / "pixel_tiny_a" / "resize.npz")
    source = copy(
        shared / "fixtures" / "pixel_tiny_a",
        tmp_path / "long",
        lambda tensors: tensors.update({POSITIONS: stored["position_embeddings_529"]}),
        image_size=[16, 16 * 529],
    )
    model, _ = read_reference(source, 64)
    assert np.array_equal(model.params["positions"], stored["position_embeddings_resized"][0])
    assert read_reference(source).model.config.max_patches == 529
    assert read_reference(source, 529).model.config.max_patches == 529
    for impossible in (530, 0, -1):
        with pytest.raises(ValueError, match=f"max_patches is {impossible}; .*529"):
            read_reference(source, impossible)


def test_positions_of_an_autoencoder_are_cut_in_its_decoder_too(
    tmp_path: Path, shared: Path
) -> None:
    source = shared / "fixtures" / "pixel_mae_tiny"
    stored = load_file(source / "model.safetensors")
    model, decoder = read_reference(source, 9)
    assert decoder
    assert np.array_equal(model.params["positions"], stored[POSITIONS][0, :10])
    assert np.array_equal(decoder[1]["positions"], stored["decoder.decoder_pos_embed"][0, :10])
    # What is cut draws no more patches than it has positions for, and encodes them.
    assert model.renderer["max_patches"] == 9
    encoder = SentenceEncoder(model)
    with pytest.warns(UserWarning, match="9 patches"):
        assert np.isfinite(encoder.encode(["A man is playing a very large guitar."])).all()


def test_a_checkpoint_in_shards_is_read_alike(tmp_path: Path, shared: Path) -> None:
    source = shared / "fixtures" / "pixel_mae_tiny"
    tensors = load_file(source / "model.safetensors")
    shutil.copy(source / "config.json", tmp_path)
    files = {name: f"part-{number % 3}.safetensors" for number, name in enumerate(tensors)}
    for file in set(files.values()):
        part = {name: tensor for name, tensor in tensors.items() if files[name] == file}
        save_file(part, tmp_path / file)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": files}))
    read = [jax.tree.leaves(read_reference(folder)) for folder in (tmp_path, source)]
    for found, expected in zip(*read, strict=True):
        np.testing.assert_array_equal(found, expected)
    (tmp_path / "part-1.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"part-1\.safetensors"):
        read_reference(tmp_path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "pointer"),
        (b"", "empty"),
        (b"<html>not found</html>", "damaged"),
        (-200, "damaged"),
    ],
)
def test_weights_that_are_none_are_named(
    tmp_path: Path, shared: Path, content: bytes | int, word: str
) -> None:
    source = shared / "fixtures" / "pixel_tiny_a"
    whole = (source / "model.safetensors").read_bytes()
    shutil.copy(source / "config.json", tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(whole[:content] if isinstance(content, int) else content)
    with pytest.raises(ValueError, match=word) as error:
        SentenceEncoder.load(tmp_path)
    assert str(weights) in str(error.value)
    with pytest.raises(SystemExit, match=word):
        main(["convert", str(tmp_path), str(tmp_path / "out")])


def test_a_pickled_checkpoint_is_read_alike(tmp_path: Path, shared: Path) -> None:
    pytest.importorskip("torch", reason="torch is an extra; pytorch_model.bin needs it")
    for name in FIXTURES:
        folder = tmp_path / name
        folder.mkdir()
        for file in ("config.json", "pytorch_model.bin"):
            shutil.copy(shared / "fixtures" / name / file, folder)
        convert(folder, folder / "ours", None)
        convert(folder / "ours", folder / "back", None)
        back = load_file(folder / "back" / "model.safetensors")
        assert bits(back) == bits(load_file(shared / "fixtures" / name / "model.safetensors"))


def test_a_pickle_that_would_run_code_is_not_read(tmp_path: Path, shared: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is an extra; pytorch_model.bin needs it")
    shutil.copy(shared / "fixtures" / "pixel_tiny_a" / "config.json", tmp_path)
    torch.save({"vit": Path("a")}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="plain"):
        read_reference(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(extra=np.zeros((2, 3), np.float32)), r"unknown extra \(2, 3\)"),
        (lambda t: t.pop("vit.layernorm.bias"), r"missing vit.layernorm.bias \(48,\)"),
        (lambda t: t.pop("pooler.ln.bias"), r"missing pooler.ln.bias \(48,\)"),
        (
            lambda t: t.update({"vit.layernorm.bias": np.zeros(47, np.float32)}),
            r"misshapen vit.layernorm.bias \(47,\), not \(48,\)",
        ),
        (lambda t: t.pop(POSITIONS), f"missing {POSITIONS}"),
        (lambda t: t.update({POSITIONS: np.zeros(3, np.float32)}), f"misshapen {POSITIONS}"),
    ],
)
def test_every_parameter_that_is_not_as_expected_is_named(
    tmp_path: Path, shared: Path, change: Callable[[Tensors], Any], message: str
) -> None:
    def both(tensors: Tensors) -> None:
        change(tensors)
        del tensors["vit.embeddings.cls_token"]

    source = copy(shared / "fixtures" / "pixel_tiny_a", tmp_path / "changed", both)
    for asked in (None, 8):
        with pytest.raises(ValueError, match="2 parameters are not as expected") as caught:
            read_reference(source, asked)
        assert re.search(message, str(caught.value))
        assert "missing vit.embeddings.cls_token (1, 1, 48)" in str(caught.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act is 'relu', not 'gelu'"),
        ({"qkv_bias": False}, "qkv_bias is False, not True"),
        ({"attention_probs_dropout_prob": 0.2}, "attention_probs_dropout_prob is 0.2, not 0.1"),
        ({"num_hidden_layers": 4}, r"missing vit.encoder.layer.3.output.dense.bias \(48,\)"),
        ({"model_type": "bert"}, 'no checkpoint of PIXEL: a config.json of type "pixel"'),
    ],
)
def test_settings_without_a_match_are_refused(
    tmp_path: Path, shared: Path, config: dict[str, Any], message: str
) -> None:
    source = copy(shared / "fixtures" / "pixel_tiny_a", tmp_path / "x", lambda t: None, **config)
    with pytest.raises(ValueError, match=message):
        read_reference(source)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"pooling": "attention", "patch_hidden": 16, "channels": 1, "cls_token": False},
            ("channels is 1", "cls_token is False", "patch_hidden is 16", "pooling is 'attention'"),
        ),
        ({"word_buckets": 8, "top_words": 2}, ("word_buckets is 8",)),
        ({"max_rows": 2}, ("max_rows is 2",)),
    ],
)
def test_what_the_reference_cannot_compute_is_refused(
    tmp_path: Path, tiny_encoder: Make, changes: dict[str, Any], words: tuple[str, ...]
) -> None:
    encoder = tiny_encoder(**THEIRS | changes)
    save_model(tmp_path / "ours", Model(encoder, encoder.init(0), {}, {}))
    with pytest.raises(ValueError, match="architecture") as caught:
        convert(tmp_path / "ours", tmp_path / "theirs", None)
    assert all(word in str(caught.value) for word in words)
    assert not (tmp_path / "theirs").exists()


def test_a_decoder_is_stored_beside_its_model_and_one_from_an_embedding_is_refused(
    tmp_path: Path, tiny_encoder: Make
) -> None:
    encoder = tiny_encoder(**THEIRS)
    assert load_decoder(tmp_path) is None
    decoder = DecoderConfig(16, 1, 2, 32, from_embedding=True)
    params = init_decoder(encoder.config, decoder, jax.random.key(0))
    save_decoder(tmp_path, decoder, params)
    loaded = load_decoder(tmp_path)
    assert loaded and loaded[0] == decoder
    jax.tree.map(np.testing.assert_array_equal, loaded[1], params)
    with pytest.raises(ValueError, match="embedding"):
        model = Model(encoder, encoder.init(0), {}, {})
        write_reference(tmp_path / "theirs", Converted(model, loaded))
    assert not (tmp_path / "theirs").exists()


def test_what_we_trained_goes_back_and_computes_the_same(
    tmp_path: Path, tiny_encoder: Make
) -> None:
    encoder = tiny_encoder(**THEIRS, head="none")
    params = encoder.init(3)
    write_reference(tmp_path, Converted(Model(encoder, params, {}, {}), None))
    (again, read, *_), _ = read_reference(tmp_path)
    assert again == encoder
    jax.tree.map(np.testing.assert_array_equal, read, params)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 8, 8), np.uint8)
    patches = one_text_a_row(pixels, np.array([3, 64], np.int32))
    run = jax.jit(lambda params: encoder.encode(params, patches)["embedding"])
    assert np.array_equal(run(read), run(params))


def test_the_command_says_what_it_did_or_what_is_wrong(
    tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = str(shared / "fixtures" / "pixel_mae_tiny"), str(tmp_path / "ours")
    main(["convert", source, target, "--max-patches", "32"])
    assert "with its decoder, 140,672 numbers, up to 32 patches" in capsys.readouterr().out
    assert load_model(tmp_path / "ours").config.max_patches == 32
    for arguments, message in (
        ([source, target], "holds a model already"),
        ([str(tmp_path), target + "2"], "no model in"),
        ([target, target + "2", "--max-patches", "8"], "max-patches"),
    ):
        with pytest.raises(SystemExit, match=message):
            main(["convert", *arguments])
