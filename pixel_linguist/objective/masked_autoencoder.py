"""Masked autoencoding: the pixels of patches that the encoder did not see."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.model.decoder import Decoder, DecoderConfig, init_decoder, target_pixels
from pixel_linguist.model.encoder import Encoder
from pixel_linguist.model.words import WordLogits
from pixel_linguist.objective.bag_of_words import bag_of_words_loss
from pixel_linguist.objective.masking import kept, span_noise
from pixel_linguist.objective.protocol import AXIS, Batch, Encode, Objective
from pixel_linguist.render.patches import Patches

Tree = Any


def mean_and_deviation(pixels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return what a patch is normalised by: float [..., 1] each, of float [..., P].

    The variance is unbiased and 1e-6 is added to it.

    Source: He et al. 2022 (arXiv 2111.06377), section 4.1, as PIXEL has it.
    """
    variance = pixels.var(axis=-1, keepdims=True, ddof=1)
    return pixels.mean(axis=-1, keepdims=True), jnp.sqrt(variance + 1e-6)


def squared_error(predictions: jax.Array, targets: jax.Array, counts: jax.Array) -> jax.Array:
    """Return the mean squared error of the patches that count, summed: float [].

    Args:
        predictions: float32 [B, S, P].
        targets: float32 [B, S, P].
        counts: bool [B, S].
    """
    return jnp.where(counts, ((predictions - targets) ** 2).mean(axis=-1), 0).sum()


@dataclasses.dataclass(frozen=True)
class MaskedAutoencoder(Objective):
    """Reconstruction of masked text patches, as PIXEL pretrains, or from the embedding alone.

        loss = mean over masked text patches of |prediction - pixels|² + word_weight * words

    View: "anchor". Facts: with `word_buckets`, "words" int32 [B, W], each text's distinct buckets,
    -1 where there are no more. `decoder_mask_ratio` 0 is PIXEL (Rust et al. 2023, arXiv
    2207.06991): the decoder is given the features of the patches that the encoder read. Above 0 it
    is RetroMAE (Xiao et al. 2022, arXiv 2205.12035, section 3): the decoder is given the embedding,
    and the pixels of other patches. With `word_buckets` it is DupMAE (Xiao et al. 2023, arXiv
    2305.02564): the words of the text are predicted as well.

    >>> MaskedAutoencoder(decoder={"width": 512, "depth": 8, "heads": 16, "mlp_width": 2048})

    Attributes:
        decoder: width, depth, heads and MLP width of the decoder.
        mask_ratio: share of the text's patches that are masked, in spans; 0.25 in PIXEL.
        decoder_mask_ratio: share that is masked of what a decoder from the embedding is shown, 0.5
            to 0.7 in RetroMAE.
        normalise_pixels: whether each patch's target has mean 0 and variance 1.
        word_buckets: into which words are hashed; 0: pixels alone.
        word_weight: of the words' part of the loss.
    """

    decoder: Mapping[str, int]
    mask_ratio: float = 0.25
    decoder_mask_ratio: float = 0.0
    normalise_pixels: bool = True
    word_buckets: int = 0
    word_weight: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.mask_ratio < 1:
            raise ValueError(f"objective.mask_ratio is {self.mask_ratio}; it must be in (0, 1)")
        if not 0 <= self.decoder_mask_ratio < 1:
            raise ValueError(
                f"objective.decoder_mask_ratio is {self.decoder_mask_ratio}; it must be in [0, 1)"
            )
        for name in ("word_buckets", "word_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"objective.{name} is {getattr(self, name)}; it must be 0 or more")

    def __hash__(self) -> int:
        fields = {**dataclasses.asdict(self), "decoder": tuple(sorted(self.decoder.items()))}
        return hash(tuple(fields.values()))

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are drawn."""
        return ("anchor",)

    @property
    def reads_pixels(self) -> bool:
        """Pixels are the targets."""
        return True

    @property
    def decoder_config(self) -> DecoderConfig:
        """The decoder's architecture."""
        return DecoderConfig(**self.decoder, from_embedding=self.decoder_mask_ratio > 0)

    def init(
        self, key: jax.Array, encoder: Encoder, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return the decoder's parameters, and those of words that the encoder lacks."""
        config = encoder.config
        if config.word_buckets and self.word_buckets not in (0, config.word_buckets):
            raise ValueError(
                f"objective.word_buckets is {self.word_buckets}, but model.word_buckets "
                f"{config.word_buckets}: take the same"
            )
        params = {"decoder": init_decoder(config, self.decoder_config, key)}
        if self.word_buckets and not config.word_buckets:
            features, members = jnp.zeros((1, 1, config.width)), jnp.ones((1, 1, 1), bool)
            drawn = self._words(config).init(jax.random.fold_in(key, 1), features, members)
            params["words"] = drawn["params"]
        return params, {}, {}

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics, {}, {}).

        The loss of pixels is the mean over masked text patches of all devices' rows, so that their
        number changes nothing; a patch of padding never counts.
        """

        def reconstruct(params: Tree, patches: Patches, keys: jax.Array) -> Tree:
            mask_keys, drop_keys = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
            return self.reconstruct(params, encode.encoder, patches, mask_keys, drop_keys)

        found = encode.rows(reconstruct, params, batch.views["anchor"], key=key)
        counts = found["masked"] & found["text"]
        targets = found["pixels"]
        if self.normalise_pixels:
            mean, deviation = mean_and_deviation(targets)
            targets = (targets - mean) / deviation
        # The mean over devices of this is the sum of all errors by the number of all patches.
        number = jnp.maximum(jax.lax.pmean(counts.sum(), AXIS), 1)
        loss = squared_error(found["predictions"], targets, counts) / number
        metrics = {"masked_share": counts.sum() / found["text"].sum()}
        if self.word_buckets:
            if "words" not in batch.facts:
                raise ValueError("word_buckets needs the fact 'words' (recipe.words_fact)")
            words = bag_of_words_loss(found["word_logits"], batch.facts["words"])
            metrics |= {"pixel_loss": loss, "word_loss": words}
            loss = loss + self.word_weight * words
        return loss, metrics, {}, {}

    def reconstruct(
        self,
        params: Tree,
        encoder: Encoder,
        patches: Patches,
        mask_keys: jax.Array,
        drop_keys: jax.Array | None,
    ) -> dict[str, jax.Array]:
        """Encode a part of the patches of each text and predict all of its pixels.

        Args:
            patches: one text a row, R of them.
            mask_keys: [R].
            drop_keys: of dropout, [R]; None at inference.

        Returns:
            "predictions" and "pixels" float32 [R, S, H * W * C]; "masked" bool [R, S], the patches
            that the decoder knows only through the encoder; "text" bool [R, S]; and with words
            "word_logits" float32 [R, V].
        """
        config, text = encoder.config, patches.segment >= 0
        keep, shown = self.keep(mask_keys, text.sum(axis=1), text.shape[1])
        pair: Any = (None, None)
        if drop_keys is not None:
            pair = jnp.moveaxis(jax.vmap(jax.random.split)(drop_keys), 1, 0)
        outputs = ["embedding", "patch_features", "cls_features"]
        own_words = self.word_buckets and not config.word_buckets
        if self.word_buckets and not own_words:
            outputs.append("word_logits")
        encoded = encoder.encode(
            params["encoder"], patches, keys=pair[0], outputs=outputs, keep=keep
        )
        original, seen = target_pixels(config, patches.pixels), encoded["patch_features"]
        found = {"pixels": original, "text": text}
        if own_words:
            members = jnp.take_along_axis(text, keep, axis=1)[:, None]
            weights = {"params": params["objective"]["words"]}
            logits: Any = self._words(config).apply(weights, seen, members)
            encoded["word_logits"] = logits
        if self.word_buckets:
            found["word_logits"] = encoded["word_logits"][:, 0]
        front = encoded["cls_features"]
        if shown is not None:
            # Of an embedding joined with words the sentence's own part.
            keep, front = shown, encoded["embedding"][..., : config.width]
            seen = jnp.take_along_axis(original, keep[..., None], axis=1)
        found["predictions"] = Decoder(config, self.decoder_config).apply(
            {"params": params["objective"]["decoder"]},
            front,
            seen,
            keep,
            text,
            pair[1],
            rngs=None if drop_keys is None else {"dropout": jax.random.key(1)},
        )
        found["masked"] = jax.vmap(lambda m, k: m.at[k].set(False))(jnp.ones_like(text), keep)
        return found

    def keep(
        self, keys: jax.Array, count: jax.Array, length: int
    ) -> tuple[jax.Array, jax.Array | None]:
        """Draw the patches that the encoder reads, and those that the decoder is shown.

        Args:
            keys: one an example, [B].
            count: int32 [B], text patches.
            length: S.

        Returns:
            Their places, int32 [B, K] each; None for a decoder that is shown none of its own.
        """

        def draw(keys: jax.Array, ratio: float) -> jax.Array:
            return jax.vmap(lambda k, c: kept(span_noise(k, c, length, ratio), ratio))(keys, count)

        if not self.decoder_mask_ratio:
            return draw(keys, self.mask_ratio), None
        pair = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
        return draw(pair[0], self.mask_ratio), draw(pair[1], self.decoder_mask_ratio)

    def images(
        self, params: Tree, encoder: Encoder, patches: Patches, key: jax.Array
    ) -> dict[str, jax.Array]:
        """Return what the encoder saw of texts (masked patches grey), and what was predicted."""
        keys = jax.random.split(key, len(patches.pixels))
        found = self.reconstruct(params, encoder, patches, keys, None)
        predicted = found["predictions"]
        if self.normalise_pixels:
            # Mean and contrast are the true ones, as they were not to be predicted.
            mean, deviation = mean_and_deviation(found["pixels"])
            predicted = predicted * deviation + mean
        config = encoder.config
        shape = (*patches.pixels.shape[:4], config.channels)
        ink = predicted.reshape(shape).mean(axis=-1)
        ink = 1 - ink if config.paper_is_one else ink
        original = patches.pixels.mean(axis=-1) / 255
        masked = (found["masked"] & found["text"])[..., None, None]
        return {
            "masked": jnp.where(masked, 0.5, original),
            "predicted": jnp.where(masked, jnp.clip(ink, 0, 1), original),
        }

    def _words(self, config: Any) -> WordLogits:
        return WordLogits(self.word_buckets, jnp.dtype(config.dtype))
