"""Frozen models that look at data before a stage: ours by folder or stage, text models by name."""

import importlib
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from pixel_linguist.evaluate.similarity import Embed
from pixel_linguist.files import sha256
from pixel_linguist.model.store import load_model
from pixel_linguist.render import Renderer
from pixel_linguist.train.context import RunContext
from pixel_linguist.train.hosts import shared_by_hosts
from pixel_linguist.word_embedder import make_embedder

# Before the name or folder of a text model that sentence-transformers loads.
TEXT_MODEL = "st:"
# Of ours, and of PIXEL's checkpoints.
WEIGHTS = ("weights.safetensors", "model.safetensors", "pytorch_model.bin")


def frozen_embed(context: RunContext, name: str) -> Embed:
    """Return the embedding of texts by a model.

    Args:
        name: an earlier stage, a model folder, or "st:" and a text model of sentence-transformers.

    Raises:
        ModuleNotFoundError: without sentence-transformers, naming the extra.
        FileNotFoundError, ValueError: there is no such model, or it is damaged.
    """
    size = context.config.evaluate.batch_size
    if name.startswith(TEXT_MODEL):
        return _text_model(name.removeprefix(TEXT_MODEL), size)
    # It may be of another architecture, and draw texts in another style.
    model = load_model(context.start(name))
    embedder = make_embedder(model.encoder, model.params, Renderer(**model.renderer), size)
    return shared_by_hosts(embedder)


def _text_model(name: str, batch_size: int) -> Embed:
    model = sentence_transformers(name).SentenceTransformer(name)

    def embed(texts: Sequence[str]) -> np.ndarray:
        found = model.encode(list(texts), batch_size=batch_size, show_progress_bar=False)
        return np.asarray(found, np.float32)

    return embed


def sentence_transformers(model: str) -> ModuleType:
    """Import sentence-transformers for a text model; ModuleNotFoundError names the extra."""
    try:
        return importlib.import_module("sentence_transformers")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the text model {model} needs sentence-transformers: "
            "pip install 'pixel-linguist[peers]'"
        ) from error


def frozen_sha256(context: RunContext, name: str) -> str:
    """Return the SHA-256 of a model's weights; "" of a stage not yet trained, and of text models.

    A text model is known by its name alone.
    """
    if name.startswith(TEXT_MODEL):
        return ""
    paths = (context.start(name) / file for file in WEIGHTS)
    return next((sha256(path) for path in paths if path.is_file()), "")
