"""Masked autoencoding as a stage: its objective put together with a decoder."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.model import EncoderConfig, encode
from pixel_linguist.model.decoder import (
    DecoderConfig,
    init_decoder_params,
    load_decoder,
    reconstruct,
    save_decoder,
)
from pixel_linguist.model.encoder import Params
from pixel_linguist.objective import Objective, make_objective
from pixel_linguist.objective.masked_autoencoder import MaskedAutoencoder
from pixel_linguist.render import Renderer
from pixel_linguist.report.text_pictures import save_reconstructions


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """A masked autoencoder's objective and the decoder that it trains; an `Objective` itself.

    Attributes:
        encoder: architecture of what is pretrained.
        decoder: architecture of the decoder, whose parameters are the objective's.
        loss: what is masked, and how a prediction is judged.
        start: a model's folder; if it has a decoder of this architecture, training goes on from
            it. "": none.
        seed: of the decoder's parameters otherwise.
    """

    encoder: EncoderConfig
    decoder: DecoderConfig
    loss: MaskedAutoencoder
    start: str
    seed: int

    @property
    def views(self) -> tuple[str, ...]:
        """The texts of an example that are encoded."""
        return self.loss.views

    def init(self) -> tuple[Any, Any]:
        """Return (parameters, state)."""
        drawn = init_decoder_params(self.encoder, self.decoder, self.seed)
        found = load_decoder(Path(self.start), self.encoder) if self.start else None
        if not found:
            return {"decoder": drawn}, {}
        decoder, params = found
        if decoder.word_buckets != self.decoder.word_buckets:
            # Words that one of them does not predict are no reason to draw the rest anew.
            decoder = dataclasses.replace(decoder, word_buckets=self.decoder.word_buckets)
            params = {name: value for name, value in params.items() if name != "words"}
        return {"decoder": drawn | params if decoder == self.decoder else drawn}, {}

    def __call__(
        self, params: Any, outputs: Any, batch: Any, state: Any, key: jax.Array
    ) -> tuple[jax.Array, dict[str, jax.Array], Any]:
        """Return (loss, metrics, state), as the objective does."""
        return self.loss(params, outputs, batch, state, key)


def forward(
    config: EncoderConfig,
    objective: Objective,
    params: Params,
    patches: jax.Array,
    count: jax.Array,
    keys: jax.Array,
) -> dict[str, jax.Array]:
    """Compute what an objective is given of its texts: all are encoded, or encoded and decoded.

    Args:
        config: the encoder's.
        objective: whose `views` the texts are.
        params: {"encoder": ..., "objective": ...}.
        patches: uint8 [B, S, H, W].
        count: int32 [B].
        keys: one an example, [B], for dropout and masks.
    """
    if not isinstance(objective, Reconstruction):
        return encode(config, params["encoder"], patches, count, keys)
    mask_keys, drop_keys = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
    keep, shown = objective.loss.keep(mask_keys, count, patches.shape[1])
    networks = {"encoder": params["encoder"], "decoder": params["objective"]["decoder"]}
    decoder = objective.decoder
    return reconstruct(config, decoder, networks, patches, count, keep, drop_keys, shown)


def word_buckets(objective: Objective) -> int:
    """Return into how many buckets the words that an objective needs are hashed; 0: none."""
    return objective.loss.word_buckets if isinstance(objective, Reconstruction) else 0


def make_reconstruction(
    encoder: EncoderConfig, arguments: Mapping[str, Any], *, axis: str, start: str, seed: int
) -> Reconstruction:
    """Make it from a stage's objective, which has the "decoder" in it.

    Raises:
        ValueError: if there is no decoder, or encoder and stage have other buckets of words.
    """
    rest = {**arguments, "axis": axis}
    if "decoder" not in rest:
        raise ValueError("objective 'masked_autoencoder' needs a decoder")
    shape = rest.pop("decoder")
    loss = make_objective(rest.pop("name"), rest)
    assert isinstance(loss, MaskedAutoencoder)
    if encoder.word_buckets and loss.word_buckets not in (0, encoder.word_buckets):
        raise ValueError(
            f"objective.word_buckets is {loss.word_buckets}, but model.word_buckets "
            f"{encoder.word_buckets}: take the same"
        )
    decoder = DecoderConfig(
        **shape,
        from_embedding=loss.decoder_mask_ratio > 0,
        word_buckets=0 if encoder.word_buckets else loss.word_buckets,
    )
    return Reconstruction(encoder, decoder, loss, start, seed)


def leave_reconstruction(
    objective: Reconstruction,
    params: Params,
    renderer: Renderer,
    texts: Sequence[str],
    *,
    length: int,
    model: Path,
    picture: Path,
) -> None:
    """Write the decoder into its model's folder, and a picture of texts reconstructed.

    Args:
        objective: of the stage.
        params: {"encoder": ..., "objective": ...}, as trained.
        renderer: of the texts.
        texts: a few.
        length: patches of each.
        model: folder.
        picture: path of the PNG.
    """
    decoder = params["objective"]["decoder"]
    save_decoder(model, objective.decoder, decoder)
    rendered = renderer(texts, length=length)
    keys = jax.random.split(jax.random.key(objective.seed), len(texts))
    keep, shown = objective.loss.keep(keys, jnp.asarray(rendered.count), length)
    networks = {"encoder": params["encoder"], "decoder": decoder}
    run = jax.jit(reconstruct, static_argnums=(0, 1))
    config = objective.encoder
    texts_drawn = rendered.patches, rendered.count
    found = run(config, objective.decoder, networks, *texts_drawn, keep, None, shown)
    values = objective.loss.to_pixels(found["predictions"], found["pixels"])
    shape = (*rendered.patches.shape, config.channels)
    grey = np.asarray(values).reshape(shape).mean(axis=-1)
    ink = 1 - grey if config.paper_is_one else grey
    masked = np.asarray(found["masked"])
    save_reconstructions(renderer, rendered.patches, rendered.count, masked, ink, picture)
