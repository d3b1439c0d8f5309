"""Adapters by name: parameters of one architecture as the start of another."""

from collections.abc import Callable

import numpy as np
from flax import traverse_util

from pixel_linguist.model.encoder import Params, ViTEncoder
from pixel_linguist.model.experts import to_experts
from pixel_linguist.model.hybrid import stem_only
from pixel_linguist.model.towers import to_towers
from pixel_linguist.registry import choose

# Parameters of a start, and the encoder that they are for → its parameters.
Adapter = Callable[[Params, ViTEncoder], Params]


def to_sentence(params: Params, encoder: ViTEncoder) -> Params:
    """Return PIXEL's autoencoder, or a sentence encoder, as the start of a sentence encoder.

    Of positions the first ones are kept, as the original does; a head that is missing is drawn.
    """
    config, fresh = encoder.config, encoder.init(0)
    head: Params = {name: fresh[name] for name in ("head", "head_norm") if name in fresh}
    rows = config.max_patches + config.cls_token
    return {**head, **params, "positions": np.asarray(params["positions"])[:rows]}


def to_longer(params: Params, encoder: ViTEncoder) -> Params:
    """Return the start of an encoder that reads longer rows: its positions are those, repeated.

    Source: Longformer (Beltagy et al. 2020, arXiv 2004.05150, section 5).
    """
    tokens, known = int(encoder.config.cls_token), np.asarray(params["positions"])
    place = tokens + np.arange(encoder.config.max_patches) % (len(known) - tokens)
    return {**params, "positions": np.concatenate([known[:tokens], known[place]])}


def to_wider(params: Params, encoder: ViTEncoder) -> Params:
    """Return the start of an encoder with wider hidden layers, which computes the same.

    Units that are added have drawn weights, and nothing reads them yet: what their outputs are
    multiplied by is 0, and learns. Only kernels and biases grow: norms and positions keep their
    size, so that another width of the blocks is refused as another architecture.

    Source: Net2Net (Chen et al. 2016, arXiv 1511.05641), with drawn units in place of copies.
    """
    drawn = traverse_util.flatten_dict(encoder.init(0), sep="/")
    flat = traverse_util.flatten_dict(params, sep="/")
    grown = {
        name: _grown(np.asarray(x), drawn[name])
        for name, x in flat.items()
        if name.endswith(("/kernel", "/bias")) and name in drawn
    }
    return traverse_util.unflatten_dict(flat | grown, sep="/")


def _grown(known: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return an array as large as `drawn`, with the known part of it; new inputs count 0."""
    wide = np.array(drawn)
    if known.ndim != wide.ndim or any(np.greater(known.shape, wide.shape)):
        return known
    if wide.ndim > 1:
        wide[..., known.shape[-2] :, :] = 0
    wide[tuple(map(slice, known.shape))] = known
    return wide


ADAPTERS: dict[str, Adapter] = {
    "to_experts": to_experts,
    "to_longer": to_longer,
    "to_sentence": to_sentence,
    "stem_only": stem_only,
    "to_towers": to_towers,
    "to_wider": to_wider,
}


def adapt(name: str, params: Params, encoder: ViTEncoder) -> Params:
    """Return the parameters that an encoder starts from; without a name, those given.

    Raises:
        ValueError: for an unknown name, naming the nearest known.
    """
    return choose("adapter", ADAPTERS, name)(params, encoder) if name else params
