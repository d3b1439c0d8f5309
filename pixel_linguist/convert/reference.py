"""Folders of the reference: config.json with model.safetensors or pytorch_model.bin."""

import dataclasses
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from flax import traverse_util
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from pixel_linguist.convert.names import Piece, decoder_pieces, encoder_pieces
from pixel_linguist.files import damage, read_json, write_json
from pixel_linguist.model.decoder import DecoderConfig, decoder_shapes
from pixel_linguist.model.encoder import EncoderConfig, Params, ViTEncoder
from pixel_linguist.model.store import Model, load_objectives, save_objectives
from pixel_linguist.render import Renderer
from pixel_linguist.render.renderer import PRESETS

POSITIONS = "vit.embeddings.position_embeddings"
# The objective that goes on from a converted decoder.
OBJECTIVE = "masked_autoencoder"


class Converted(NamedTuple):
    """A model of ours, and its decoder if it is a masked autoencoder."""

    model: Model
    decoder: tuple[DecoderConfig, Params] | None


class Tensors(NamedTuple):
    """The parameters of a file, read one at a time."""

    path: Path
    shapes: dict[str, tuple[int, ...]]
    read: Callable[[str], np.ndarray]


def is_reference(folder: Path) -> bool:
    """Tell whether a folder holds a checkpoint of the reference."""
    path = folder / "config.json"
    stored = read_json(path) if path.is_file() else None
    return isinstance(stored, dict) and stored.get("model_type") == "pixel"


def read_reference(folder: Path, max_patches: int | None = None) -> Converted:
    """Read a checkpoint of PIXEL or Pixel-Linguist.

    Args:
        folder: with config.json and model.safetensors (also in shards, by
            model.safetensors.index.json), or pytorch_model.bin (which needs torch).
        max_patches: positions to keep, the first ones, as the reference truncates; None: all.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: for a damaged file; for unknown, missing or misshapen parameters, all of them
            named; for settings that this project has no match for; or if there are fewer positions
            than asked for.
    """
    if not is_reference(folder):
        raise ValueError(f'{folder} holds no checkpoint of PIXEL: a config.json of type "pixel"')
    tensors = _open(folder)
    table = tensors.shapes.get(POSITIONS, ())
    # A table that is missing or of another rank is named below, with all else that is wrong.
    stored = table[1] - 1 if len(table) == 3 else max_patches or 1
    patches = stored if max_patches is None else max_patches
    if not 1 <= patches <= stored:
        raise ValueError(
            f"max_patches is {patches}; {folder} has positions for {stored} patches, of which the "
            f"first 1 to {stored} can be kept: none are made up"
        )
    config = _encoder_config(folder, tensors.shapes, patches)
    decoder = _decoder_config(folder) if "decoder.mask_token" in tensors.shapes else None
    pieces = _pieces(config, decoder, stored)
    _check_shapes(tensors, pieces)
    params = _fill(_empty(config, decoder), pieces, tensors.read)
    renderer = Renderer(**PRESETS["pixel"], patch=config.patch_height, max_patches=patches)
    drawn = renderer.settings(), renderer.font_hashes()
    model = Model(ViTEncoder(config), params["encoder"], *drawn)
    return Converted(model, (decoder, params["decoder"]) if decoder else None)


def write_reference(folder: Path, converted: Converted) -> None:
    """Write a model as the reference's code loads it; config.json comes last.

    Raises:
        ValueError: if the reference cannot compute what the model does; all reasons are named.
    """
    model, decoder = converted
    config = model.config
    _check_expressible(config)
    if decoder and decoder[0].from_embedding:
        raise ValueError("the reference has no decoder that reads a text's embedding")
    tensors = reference_tensors(
        config, model.params, decoder and decoder[0], decoder and decoder[1]
    )
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "model.safetensors.partial"
    save_file(tensors, partial, metadata={"format": "pt"})
    partial.replace(folder / "model.safetensors")
    write_json(folder / "config.json", _reference_config(config, decoder and decoder[0]))


def save_decoder(folder: Path, decoder: DecoderConfig, params: Params) -> None:
    """Write a decoder into its model's folder, before the model, whose config.json comes last."""
    save_objectives(folder, {OBJECTIVE: {"decoder": params}})
    write_json(folder / "decoder.json", dataclasses.asdict(decoder))


def load_decoder(folder: Path) -> tuple[DecoderConfig, Params] | None:
    """Read the decoder of a model's folder; None if it has none."""
    path = folder / "decoder.json"
    if not path.is_file():
        return None
    return DecoderConfig(**read_json(path)), load_objectives(folder)[OBJECTIVE]["decoder"]


def reference_tensors(
    config: EncoderConfig,
    params: Params,
    decoder: DecoderConfig | None = None,
    decoder_params: Params | None = None,
) -> dict[str, np.ndarray]:
    """Return parameters, or whatever else has their shapes, by the reference's names."""
    flat = traverse_util.flatten_dict({"encoder": params, "decoder": decoder_params}, sep="/")
    pieces = _pieces(config, decoder, config.max_patches)
    return {piece.theirs: _theirs(flat[piece.ours], piece) for piece in pieces}


def _open(folder: Path) -> Tensors:
    path = folder / "model.safetensors"
    index = folder / "model.safetensors.index.json"
    if path.is_file() or index.is_file():
        names = [path] if path.is_file() else _shards(index)
        files = {name: file for part in names for name, file in _safetensors(part).items()}
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name, file in files.items()}
        return Tensors(names[0], shapes, lambda name: files[name].get_tensor(name))
    path = folder / "pytorch_model.bin"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no model.safetensors and no pytorch_model.bin")
    try:
        import torch
    except ImportError as error:
        raise ValueError(
            f"reading {path} needs torch (pip install 'pixel-linguist[torch]'); a "
            "model.safetensors does not"
        ) from error
    try:
        loaded = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path} is not a plain file of tensors: {error}") from error
    except (RuntimeError, EOFError) as error:
        raise ValueError(damage(path, error)) from error
    shapes = {name: tuple(tensor.shape) for name, tensor in loaded.items()}
    return Tensors(path, shapes, lambda name: loaded[name].float().numpy())


def _shards(index: Path) -> list[Path]:
    """Return the files over which a checkpoint is spread."""
    weight_map = read_json(index).get("weight_map", {})
    paths = [index.with_name(name) for name in sorted(set(weight_map.values()))]
    if missing := [path.name for path in paths if not path.is_file()]:
        raise FileNotFoundError(f"{index} names {', '.join(missing)}, which {index.parent} lacks")
    return paths


def _safetensors(path: Path) -> dict[str, Any]:
    """Open a file of tensors: name → the file."""
    try:
        file = safe_open(path, "numpy")
    except SafetensorError as error:
        raise ValueError(damage(path, error)) from error
    return dict.fromkeys(file.keys(), file)


def _setting(folder: Path, name: str) -> Any:
    stored = read_json(folder / "config.json")
    if name not in stored:
        raise ValueError(f"{folder}/config.json has no {name!r}")
    return stored[name]


def _encoder_config(
    folder: Path, shapes: Mapping[str, tuple[int, ...]], max_patches: int
) -> EncoderConfig:
    def setting(name: str) -> Any:
        return _setting(folder, name)

    for name, only in (
        ("hidden_act", "gelu"),
        ("qkv_bias", True),
        ("attention_probs_dropout_prob", setting("hidden_dropout_prob")),
    ):
        if setting(name) != only:
            raise ValueError(f"{folder}/config.json: {name} is {setting(name)!r}, not {only!r}")
    autoencoder = "decoder.mask_token" in shapes
    return EncoderConfig(
        patch_height=setting("patch_size"),
        patch_width=setting("patch_size"),
        max_patches=max_patches,
        width=setting("hidden_size"),
        depth=setting("num_hidden_layers"),
        heads=setting("num_attention_heads"),
        mlp_width=setting("intermediate_size"),
        patch_hidden=0,
        positions="frozen" if autoencoder else "learned",
        pooling="mean",
        head="patches" if "pooler.linear.weight" in shapes else "none",
        keep_head=False,
        channels=setting("num_channels"),
        dropout=setting("hidden_dropout_prob"),
        norm_epsilon=setting("layer_norm_eps"),
        dtype="float32",
        remat="none",
        cls_token=True,
        paper_is_one=True,
    )


def _decoder_config(folder: Path) -> DecoderConfig:
    return DecoderConfig(
        width=_setting(folder, "decoder_hidden_size"),
        depth=_setting(folder, "decoder_num_hidden_layers"),
        heads=_setting(folder, "decoder_num_attention_heads"),
        mlp_width=_setting(folder, "decoder_intermediate_size"),
        from_embedding=False,
    )


def _reference_config(config: EncoderConfig, decoder: DecoderConfig | None) -> dict[str, Any]:
    """Return config.json of the reference; what it leaves out has the reference's defaults."""
    if decoder:
        architecture = "PIXELForPreTraining"
    elif config.head == "patches":
        architecture = "PIXELForSequenceClassification"
    else:
        architecture = "PIXELForRepresentation"
    stored = {
        "architectures": [architecture],
        "model_type": "pixel",
        "hidden_size": config.width,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.heads,
        "intermediate_size": config.mlp_width,
        "hidden_act": "gelu",
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": config.dropout,
        "layer_norm_eps": config.norm_epsilon,
        "image_size": [config.patch_height, config.patch_width * config.max_patches],
        "patch_size": config.patch_height,
        "num_channels": config.channels,
        "qkv_bias": True,
        "torch_dtype": "float32",
    }
    if not decoder:
        # Otherwise transformers names two outputs after labels that there are not.
        return stored | {"id2label": {}, "label2id": {}}
    return stored | {
        "decoder_hidden_size": decoder.width,
        "decoder_num_hidden_layers": decoder.depth,
        "decoder_num_attention_heads": decoder.heads,
        "decoder_intermediate_size": decoder.mlp_width,
    }


def _check_expressible(config: EncoderConfig) -> None:
    wanted: dict[str, tuple[Any, ...]] = {
        "channels": (3,),
        "cls_token": (True,),
        "paper_is_one": (True,),
        "patch_hidden": (0,),
        "patch_height": (config.patch_width,),
        "positions": ("learned", "frozen"),
        "pooling": ("mean",),
        "head": ("none", "patches"),
        "keep_head": (False,),
        "word_buckets": (0,),
        "max_rows": (1,),
    }
    wrong = [
        f"{name} is {getattr(config, name)!r}, not {' or '.join(map(repr, allowed))}"
        for name, allowed in wanted.items()
        if getattr(config, name) not in allowed
    ]
    if wrong:
        raise ValueError(f"the reference has no such architecture: {'; '.join(wrong)}")


def _pieces(config: EncoderConfig, decoder: DecoderConfig | None, patches: int) -> list[Piece]:
    found = list(encoder_pieces(config, patches))
    return found + (list(decoder_pieces(config, decoder, patches)) if decoder else [])


def _empty(config: EncoderConfig, decoder: DecoderConfig | None) -> dict[str, np.ndarray]:
    shapes = {"encoder": ViTEncoder(config).shapes()}
    if decoder:
        shapes["decoder"] = decoder_shapes(config, decoder)
    flat = traverse_util.flatten_dict(shapes, sep="/")
    return {name: np.empty(leaf.shape, np.float32) for name, leaf in flat.items()}


def _check_shapes(tensors: Tensors, pieces: list[Piece]) -> None:
    """Refuse a file whose parameters are not exactly those of the pieces, naming all others."""
    expected = {piece.theirs: piece.shape for piece in pieces}
    wrong = [f"missing {name} {expected[name]}" for name in expected.keys() - tensors.shapes.keys()]
    for name, shape in tensors.shapes.items():
        if name not in expected:
            wrong.append(f"unknown {name} {shape}")
        elif shape != expected[name]:
            wrong.append(f"misshapen {name} {shape}, not {expected[name]}")
    if wrong:
        lines = "\n  ".join(sorted(wrong))
        raise ValueError(f"{tensors.path}: {len(wrong)} parameters are not as expected:\n  {lines}")


def _fill(
    flat: dict[str, np.ndarray], pieces: list[Piece], read: Callable[[str], np.ndarray]
) -> Params:
    """Put each parameter of the reference in its place, one at a time."""
    for piece in pieces:
        part = flat[piece.ours][piece.part]
        tensor = read(piece.theirs)
        if piece.transposed:
            part[...] = tensor.reshape(len(tensor), -1).T
        else:
            # Of positions, the first ones.
            part[...] = tensor.reshape(-1, *part.shape[1:])[: len(part)]
    return traverse_util.unflatten_dict(flat, sep="/")


def _theirs(ours: np.ndarray, piece: Piece) -> np.ndarray:
    part = ours[piece.part]
    return np.ascontiguousarray(part.T if piece.transposed else part).reshape(piece.shape)
