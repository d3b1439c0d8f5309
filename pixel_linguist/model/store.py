"""A model on disk: one folder with config.json, weights.safetensors and README.md, its card."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from flax import traverse_util
from safetensors import SafetensorError
from safetensors.numpy import load, load_file, save

from pixel_linguist.files import read_json, write_json, write_whole
from pixel_linguist.model.card import model_card
from pixel_linguist.model.encoder import EncoderConfig, Params, ViTEncoder
from pixel_linguist.model.encoders import encoder_settings, make_encoder

FORMAT = "pixel_linguist/1"
# In the folders of stages; that of a run's model, for users, holds the encoder alone.
OBJECTIVE = "objective.safetensors"
# The name of the SHA-256 in the metadata of weights.safetensors.
HASH = "sha256"
Stored = Literal["float32", "float16", "int8"]
# The suffix of the array that says what one step of an int8 kernel is worth.
STEP = ".step"
# Fields that an architecture has no longer, with the values that they had in a transformer.
RETIRED = {
    **dict.fromkeys(("cell_pixels", "cell_hidden", "cell_width", "window_cells"), 0),
    **dict.fromkeys(("window_rows", "row_codes", "fine_codes", "letters"), 0),
    "cell_scales": 1,
    "final_norm": True,
}


class Model(NamedTuple):
    """An encoder with what its pictures must look like.

    `renderer` holds the renderer's settings, `fonts` the SHA-256 of each font file by name;
    `about` is Markdown for the card: what it was trained on, what it reaches, what it is not for.
    `languages` are those of its training texts with their scripts, as BCP 47 has them: "en-Latn";
    `never_trained` are those that were kept out of them (ISO 639).
    """

    encoder: ViTEncoder
    params: Params
    renderer: dict[str, Any]
    fonts: dict[str, str]
    about: str = ""
    languages: tuple[str, ...] = ()
    never_trained: tuple[str, ...] = ()

    @property
    def config(self) -> EncoderConfig:
        """The encoder's architecture."""
        return self.encoder.config


def save_model(folder: Path, model: Model, dtype: Stored = "float32") -> None:
    """Write a model; config.json comes last, so that a folder that has it is complete.

    Args:
        dtype: of the weights on disk; "float16" halves them, rounded to 11 bits; "int8" has
            kernels of 8 bits with a scale for each output, the rest in float16.

    Raises:
        ValueError: if a parameter is too large for the dtype, or not finite.
    """
    stored: dict[str, np.ndarray] = {}
    for name, array in traverse_util.flatten_dict(model.params, sep="/").items():
        stored |= _stored(name, np.ascontiguousarray(array), dtype)
    # The hash is inside the file: a folder that is overwritten never has the hash of other weights.
    write_whole(folder / "weights.safetensors", save(stored, {HASH: _sha256(stored)}))
    card = model_card(model.config, *model[1:], dtype)
    write_whole(folder / "README.md", card.encode())
    write_json(
        folder / "config.json",
        {
            "format": FORMAT,
            "model": encoder_settings(model.encoder),
            "renderer": model.renderer,
            "fonts": model.fonts,
            "about": model.about,
            "languages": model.languages,
            "never_trained": model.never_trained,
        },
    )


def load_model(folder: Path) -> Model:
    """Read a model; its parameters are float32, however they were stored.

    Raises:
        FileNotFoundError: if the folder holds no model.
        ValueError: if it is of another format, its weights have changed since they were written,
            or do not fit its config.
    """
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(
            f"no model in {folder}: it has no config.json; a model folder is what a finished stage "
            "leaves under stages/NAME/model"
        )
    stored = read_json(folder / "config.json")
    found = stored.get("format") if isinstance(stored, dict) else None
    if found != FORMAT:
        raise ValueError(
            f"{folder} is of format {found!r}; a transformer's is {FORMAT!r}, and no other model "
            "can be trained, exported or converted"
        )
    try:
        encoder = make_encoder(_present_fields(stored["model"]))
        renderer, fonts = stored["renderer"], stored["fonts"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder}/config.json is damaged: {error}") from error
    flat = read_weights(folder / "weights.safetensors")
    params = traverse_util.unflatten_dict(
        {name: _restored(name, flat) for name in flat if not name.endswith(STEP)}, sep="/"
    )
    check_same_shapes(params, encoder.shapes(), f"{folder}/weights.safetensors")
    # Older model folders have none of these.
    languages, never = (tuple(stored.get(key, ())) for key in ("languages", "never_trained"))
    return Model(encoder, params, renderer, fonts, stored.get("about", ""), languages, never)


def save_objectives(model_folder: Path, objectives: dict[str, Params]) -> None:
    """Write the parameters of objectives by name into a model's folder; none removes the file."""
    flat = traverse_util.flatten_dict(objectives, sep="/")
    path = model_folder / OBJECTIVE
    if flat:
        arrays = {name: np.ascontiguousarray(array) for name, array in flat.items()}
        write_whole(path, save(arrays))
    else:
        path.unlink(missing_ok=True)


def load_objectives(model_folder: Path) -> dict[str, Params]:
    """Read the parameters of objectives by name that a model's folder holds."""
    path = model_folder / OBJECTIVE
    flat = load_file(path) if path.is_file() else {}
    return traverse_util.unflatten_dict(flat, sep="/")


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Read arrays by name; those with a SHA-256 of their content are checked against it."""
    # In one read, as another process may replace the file.
    content = path.read_bytes()
    try:
        flat = load(content)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    expected = json.loads(header).get("__metadata__", {}).get(HASH)
    # Older models, and weights from elsewhere, have none.
    if expected and expected != _sha256(flat):
        raise ValueError(
            f"{path} is damaged: its content is not what was written (SHA-256); delete the stage's "
            "folder to train it again, or fetch the model anew"
        )
    return flat


def _stored(name: str, array: np.ndarray, dtype: Stored) -> dict[str, np.ndarray]:
    """Return the array or arrays that hold a parameter on disk."""
    smaller = "float16" if dtype == "int8" else dtype
    if not np.abs(array).max(initial=0) <= np.finfo(smaller).max:
        raise ValueError(f"parameter {name} has values that {smaller} cannot hold")
    if dtype != "int8" or not name.endswith("/kernel"):
        return {name: array.astype(smaller, copy=False)}
    # The outputs are the last axis, the inputs the one before.
    step = np.abs(array).max(axis=-2, keepdims=True).astype(np.float32) / 127
    whole = np.round(array / np.where(step > 0, step, 1)).astype(np.int8)
    return {name: whole, name + STEP: step}


def _restored(name: str, stored: dict[str, np.ndarray]) -> np.ndarray:
    """Return the float32 parameter that arrays on disk hold."""
    array = stored[name].astype(np.float32, copy=False)
    return array * stored[name + STEP] if name + STEP in stored else array


def _sha256(arrays: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 of arrays' names and contents, in hexadecimal."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        found.update(name.encode())
        found.update(array.tobytes())
    return found.hexdigest()


def _present_fields(model: dict[str, Any]) -> dict[str, Any]:
    """Return a stored architecture with the fields of today.

    `remat` was a bool, and transformers had unused fields of n-gram models (`RETIRED`).
    """
    remat = {True: "blocks", False: "none"}
    kept = {name: value for name, value in model.items() if RETIRED.get(name, ...) != value}
    return {**kept, "remat": remat.get(model["remat"], model["remat"])}


def check_same_shapes(params: Params, expected: Params, where: str) -> None:
    """Refuse parameters of another architecture, naming the first few that differ."""
    ours = {k: np.shape(v) for k, v in traverse_util.flatten_dict(expected, sep="/").items()}
    theirs = {k: np.shape(v) for k, v in traverse_util.flatten_dict(params, sep="/").items()}
    differences = [
        f"{name}: {theirs.get(name, 'missing')} there, {ours.get(name, 'unknown')} here"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]
    if differences:
        raise ValueError(
            f"{where} is of another architecture ({len(differences)} parameters differ): "
            + "; ".join(differences[:3])
        )
