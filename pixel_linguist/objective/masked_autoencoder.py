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
from pixel_linguist.objective.contrastive import mean_count
from pixel_linguist.objective.masking import kept, row_masks, span_noise
from pixel_linguist.objective.protocol import Batch, Encode, Objective
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
    """Reconstruction of masked text patches, of all patches from the embedding, and of the words.

        loss = encoder_weight * e + embedding_weight * d + word_weight * w

    where e is the mean over masked text patches of |prediction - pixels|², predicted from the
    features of the patches that the encoder read; d is the same mean over all text patches, each
    predicted from the embedding and a share of the other patches that is drawn for it; and w is
    `bag_of_words_loss` of logits from the features, or from the embedding.

    View: "anchor". Facts: with `word_buckets`, "words" int32 [B, W], each text's distinct buckets,
    -1 where there are no more. e alone is PIXEL (Rust et al. 2023, arXiv 2207.06991); e + d
    RetroMAE (Xiao et al. 2022, arXiv 2205.12035, section 3); e + d + w DupMAE (Xiao et al. 2023,
    arXiv 2305.02564, equation 9); e + w with `words_from_embedding` is the bag-of-words prediction
    of Ma et al. 2024 (arXiv 2401.11248), which drops the decoder d.

    >>> MaskedAutoencoder({"width": 96, "depth": 1, "heads": 3, "mlp_width": 384},
    ...                   mask_ratio=0.3, embedding_weight=1.0, word_buckets=4096, word_weight=1.0)

    Attributes:
        decoder: width, depth, heads and MLP width of each decoder.
        mask_ratio: share of the text's patches that are masked, in spans; 0.25 in PIXEL.
        encoder_weight: of e; with 0 the features have no decoder.
        embedding_weight: of d; with 0 the embedding has no decoder.
        embedding_mask_ratio: share of the other patches that is hidden from each prediction of d,
            0.5 to 0.7 in RetroMAE.
        normalise_pixels: whether each patch's target has mean 0 and variance 1.
        word_buckets: into which words are hashed; 0: no w.
        word_weight: of w; 1 in the paper, 0.1 in its code.
        words_from_embedding: whether the embedding has the logits, by a linear map, and not the
            patches, each bucket the highest of them.
    """

    decoder: Mapping[str, int]
    mask_ratio: float = 0.25
    encoder_weight: float = 1.0
    embedding_weight: float = 0.0
    embedding_mask_ratio: float = 0.5
    normalise_pixels: bool = True
    word_buckets: int = 0
    word_weight: float = 0.1
    words_from_embedding: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.mask_ratio < 1:
            raise ValueError(f"objective.mask_ratio is {self.mask_ratio}; it must be in (0, 1)")
        if not 0 <= (ratio := self.embedding_mask_ratio) < 1:
            raise ValueError(f"objective.embedding_mask_ratio is {ratio}; it must be in [0, 1)")
        for name in ("encoder_weight", "embedding_weight", "word_buckets", "word_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"objective.{name} is {getattr(self, name)}; it must be 0 or more")
        if not self.encoder_weight and not self.embedding_weight:
            raise ValueError("objective.encoder_weight and embedding_weight are 0; one is needed")

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
    def decoders(self) -> dict[str, DecoderConfig]:
        """The decoders' architectures, by the names of their parameters."""
        both = {
            "decoder": (self.encoder_weight, False),
            "embedding_decoder": (self.embedding_weight, True),
        }
        return {
            name: DecoderConfig(**self.decoder, from_embedding=from_embedding)
            for name, (weight, from_embedding) in both.items()
            if weight
        }

    def init(
        self, key: jax.Array, encoder: Encoder, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return the decoders' parameters, and those of words that the encoder lacks.

        Raises:
            ValueError: for an encoder whose own words are others.
        """
        config = encoder.config
        if config.word_buckets and self.word_buckets not in (0, config.word_buckets):
            raise ValueError(
                f"objective.word_buckets is {self.word_buckets}, but model.word_buckets "
                f"{config.word_buckets}: take the same"
            )
        if config.word_buckets and self.words_from_embedding:
            raise ValueError(
                "objective.words_from_embedding needs model.word_buckets 0, as the words that the "
                "encoder joins to its embedding come from patches and would not be trained"
            )
        params = {x: init_decoder(config, self.decoders[x], key) for x in self.decoders}
        if self.word_buckets and not config.word_buckets:
            features, members = jnp.zeros((1, 1, config.width)), jnp.ones((1, 1, 1), bool)
            drawn = self._words(config).init(jax.random.fold_in(key, 1), features, members)
            params["words"] = drawn["params"]
        return params, {}, {}

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics, {}, {}).

        Losses of pixels are means over text patches of all devices' rows, so that their number
        changes nothing; a patch of padding never counts.
        """

        def reconstruct(params: Tree, patches: Patches, keys: jax.Array) -> Tree:
            mask_keys, drop_keys = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
            return self.reconstruct(params, encode.encoder, patches, mask_keys, drop_keys)

        found = encode.rows(reconstruct, params, batch.views["anchor"], key=key)
        masked, text = found["masked"] & found["text"], found["text"]
        targets = found["pixels"]
        if self.normalise_pixels:
            mean, deviation = mean_and_deviation(targets)
            targets = (targets - mean) / deviation
        loss, metrics = jnp.float32(0), {"masked_share": masked.sum() / text.sum()}
        for name, counts, weight in (
            ("decoder", masked, self.encoder_weight),
            ("embedding_decoder", text, self.embedding_weight),
        ):
            if weight:
                own = squared_error(found[name], targets, counts) / mean_count(counts)
                metrics[f"{name}_loss"], loss = own, loss + weight * own
        if self.word_buckets:
            if "words" not in batch.facts:
                raise ValueError("word_buckets needs the fact 'words' (recipe.words_fact)")
            words = bag_of_words_loss(found["word_logits"], batch.facts["words"])
            metrics["word_loss"], loss = words, loss + self.word_weight * words
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
            "pixels" float32 [R, S, H * W * C], and those that each decoder predicts, by its name;
            "masked" bool [R, S], the patches that the encoder did not read; "text" bool [R, S];
            and with words "word_logits" float32 [R, V].
        """
        config, text = encoder.config, patches.segment >= 0
        keep = self.keep(mask_keys, text.sum(axis=1), text.shape[1])
        pair: Any = (None, None)
        if drop_keys is not None:
            pair = jnp.moveaxis(jax.vmap(jax.random.split)(drop_keys), 1, 0)
        outputs = ["embedding", "patch_features", "patch_embeddings", "cls_features"]
        own_words = self.word_buckets and not config.word_buckets
        if self.word_buckets and not own_words:
            outputs.append("word_logits")
        encoded = encoder.encode(
            params["encoder"], patches, keys=pair[0], outputs=outputs, keep=keep
        )
        # Of an embedding joined with words the sentence's own part.
        seen, embedding = encoded["patch_features"], encoded["embedding"][..., : config.width]
        found = {"pixels": target_pixels(config, patches.pixels), "text": text}
        if own_words:
            members = jnp.take_along_axis(text, keep, axis=1)[:, None]
            if self.words_from_embedding:
                seen, members = embedding, jnp.ones((len(text), 1, 1), bool)
            weights = {"params": params["objective"]["words"]}
            logits: Any = self._words(config).apply(weights, seen, members)
            encoded["word_logits"] = logits
        if self.word_buckets:
            found["word_logits"] = encoded["word_logits"][:, 0]
        for name, decoder in self.decoders.items():
            if decoder.from_embedding:
                visible = self.visible(mask_keys, text.sum(axis=1), text.shape[1])
                given = embedding, encoded["patch_embeddings"], visible
            else:
                given = encoded["cls_features"], encoded["patch_features"], keep
            found[name] = Decoder(config, decoder).apply(
                {"params": params["objective"][name]},
                *given,
                text,
                pair[1],
                rngs=None if drop_keys is None else {"dropout": jax.random.key(1)},
            )
        found["masked"] = jax.vmap(lambda m, k: m.at[k].set(False))(jnp.ones_like(text), keep)
        return found

    def keep(self, keys: jax.Array, count: jax.Array, length: int) -> jax.Array:
        """Draw the places of the patches that the encoder reads, int32 [B, K].

        Args:
            keys: one an example, [B].
            count: int32 [B], text patches.
            length: S.
        """
        ratio = self.mask_ratio
        draw = jax.vmap(lambda key, n: kept(span_noise(key, n, length, ratio), ratio))
        return draw(keys, count)

    def visible(self, keys: jax.Array, count: jax.Array, length: int) -> jax.Array:
        """Draw what each prediction from the embedding reads: bool [B, S, S], as `keep`."""

        def draw(key: jax.Array, n: jax.Array) -> jax.Array:
            return row_masks(jax.random.fold_in(key, 2), n, length, self.embedding_mask_ratio)

        return jax.vmap(draw)(keys, count)

    def images(
        self, params: Tree, encoder: Encoder, views: Mapping[str, Patches], key: jax.Array
    ) -> dict[str, Patches]:
        """Return what the encoder saw of texts (masked patches grey), and what was predicted."""
        patches = views[self.views[0]]
        keys = jax.random.split(key, len(patches.pixels))
        found = self.reconstruct(params, encoder, patches, keys, None)
        predicted = found["decoder" if self.encoder_weight else "embedding_decoder"]
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
        drawn = {
            "masked": jnp.where(masked, 0.5, original),
            "predicted": jnp.where(masked, jnp.clip(ink, 0, 1), original),
        }
        return {name: patches._replace(pixels=x[..., None]) for name, x in drawn.items()}

    def _words(self, config: Any) -> WordLogits:
        return WordLogits(self.word_buckets, jnp.dtype(config.dtype))
