"""The decoder of a converted checkpoint, as a stage of masked autoencoding goes on from it."""

import dataclasses
from pathlib import Path

from pixel_linguist.files import read_json, write_json
from pixel_linguist.model.decoder import DecoderConfig
from pixel_linguist.model.encoder import Params
from pixel_linguist.model.store import load_objectives, save_objectives

OBJECTIVE = "masked_autoencoder"


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
