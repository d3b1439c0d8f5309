"""An n-gram model on disk: a folder with config.json, weights.safetensors and README.md."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pixel_linguist.files import read_json
from pixel_linguist.model.store import read_weights
from pixel_linguist.ngram.ngram_config import NgramConfig
from pixel_linguist.ngram.ngram_table import Arrays

FORMAT = "pixel_linguist/ngram-1"


class NgramModel(NamedTuple):
    """An n-gram model: its sizes, float32 arrays, the renderer's settings, font hashes, folder."""

    config: NgramConfig
    params: Arrays
    renderer: dict[str, Any]
    fonts: dict[str, str]
    about: str
    folder: Path


def is_ngram(folder: Path) -> bool:
    """Tell whether a folder holds an n-gram model."""
    path = folder / "config.json"
    stored = read_json(path) if path.is_file() else None
    return isinstance(stored, dict) and stored.get("format") == FORMAT


def read_ngram(folder: Path) -> NgramModel:
    """Read an n-gram model.

    weights.safetensors of the shipped models also has the blocks and positions of a transformer,
    with which they were once read; their outputs are 0, and they are left out.

    Raises:
        ValueError: for damaged files, or a config that is wrong or does not fit the weights.
    """
    stored = read_json(folder / "config.json")
    try:
        config = NgramConfig(**stored["model"])
        renderer, fonts, about = stored["renderer"], stored["fonts"], stored["about"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder}/config.json is damaged: {error}") from error
    arrays = read_weights(folder / "weights.safetensors")
    for name, shape in config.shapes().items():
        found = arrays[name].shape if name in arrays else "missing"
        if found != shape:
            raise ValueError(f"{folder}/weights.safetensors: {name} is {found}, not {shape}")
    params = {name: arrays[name].astype(np.float32) for name in config.shapes()}
    return NgramModel(config, params, renderer, fonts, about, folder)
