"""Masked autoencoding: the pixels of patches that the encoder did not see."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.objective.bag_of_words import bag_of_words_loss
from pixel_linguist.objective.masking import kept, span_noise


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
class MaskedAutoencoder:
    """Reconstruction of masked text patches, as PIXEL pretrains, or from the embedding alone.

    Attributes:
        mask_ratio: share of the text's patches that are masked, in spans; 0.25 in PIXEL.
        decoder_mask_ratio: 0: the decoder is given the features of what the encoder read. Else
            it is given the text's embedding and the pixels of other patches, of which this share
            is masked, 0.5 to 0.7 (RetroMAE: Xiao et al. 2022, arXiv 2205.12035, section 3).
        normalise_pixels: whether each patch's target has mean 0 and variance 1.
        word_buckets: 0: pixels alone. Else the words of the text are predicted as well, each by one
            of so many buckets (DupMAE: Xiao et al. 2023, arXiv 2305.02564).
        word_weight: of that part of the loss.
        axis: name of the mapped device axis.
    """

    mask_ratio: float
    decoder_mask_ratio: float
    normalise_pixels: bool
    word_buckets: int
    word_weight: float
    axis: str

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

    @property
    def views(self) -> tuple[str, ...]:
        """The texts of an example that are encoded."""
        return ("anchor",)

    def init(self) -> tuple[Any, Any]:
        """Return (parameters, state), both empty."""
        return {}, {}

    def keep(
        self, keys: jax.Array, count: jax.Array, length: int
    ) -> tuple[jax.Array, jax.Array | None]:
        """Draw the patches that the encoder reads, and those that the decoder does.

        Args:
            keys: one an example, [B].
            count: int32 [B], text patches.
            length: S.

        Returns:
            Their places, int32 [B, K] each; None for a decoder that reads none of its own.
        """

        def draw(keys: jax.Array, ratio: float) -> jax.Array:
            return jax.vmap(lambda k, c: kept(span_noise(k, c, length, ratio), ratio))(keys, count)

        if not self.decoder_mask_ratio:
            return draw(keys, self.mask_ratio), None
        pair = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
        return draw(pair[0], self.mask_ratio), draw(pair[1], self.decoder_mask_ratio)

    def to_pixels(self, predictions: jax.Array, pixels: jax.Array) -> jax.Array:
        """Return predictions, float [B, S, P], as pixels; of each patch the mean and contrast are
        the true ones if they were not to be predicted.
        """
        if not self.normalise_pixels:
            return predictions
        mean, deviation = mean_and_deviation(pixels)
        return predictions * deviation + mean

    def __call__(
        self, params: Any, outputs: Any, batch: Any, state: Any, key: jax.Array
    ) -> tuple[jax.Array, dict[str, jax.Array], Any]:
        """Return (loss, metrics, state) of this device's rows.

        The loss of pixels is the mean over masked text patches of all devices' rows, so that their
        number changes nothing; a patch of padding never counts. That of words is added, by weight.

        Args:
            params: empty.
            outputs: "anchor" → {"predictions", "pixels" float32 [B, S, P], "masked" bool [B, S],
                with words "word_logits" float32 [B, V]}.
            batch: "anchor" → {"count" int32 [B]}; with words "words" int32 [B, W], each text's
                distinct buckets, below 0 where there are no more.
            state: returned as it came.
            key: not used.
        """
        view = outputs["anchor"]
        length = view["masked"].shape[1]
        text = jnp.arange(length) < batch["anchor"]["count"][:, None]
        counts = view["masked"] & text
        targets = view["pixels"]
        if self.normalise_pixels:
            mean, deviation = mean_and_deviation(targets)
            targets = (targets - mean) / deviation
        # The mean over devices of this is the sum of all errors by the number of all patches.
        number = jnp.maximum(jax.lax.pmean(counts.sum(), self.axis), 1)
        loss = squared_error(view["predictions"], targets, counts) / number
        metrics = {"masked_share": counts.sum() / text.sum()}
        if self.word_buckets:
            words = bag_of_words_loss(view["word_logits"], batch["words"])
            metrics |= {"pixel_loss": loss, "word_loss": words}
            loss = loss + self.word_weight * words
        return loss, metrics, state
