"""What an encoder is, and the vision transformer: patches in, one vector a text out."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol, get_args, get_origin

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.model.pooling import AttentionPool, VectorAttentionPool, mean_pool, membership
from pixel_linguist.model.positions import sincos_2d
from pixel_linguist.model.vit import Block, Dropout, Options, Remat, block_stack
from pixel_linguist.model.words import WordLogits, sparsify
from pixel_linguist.render.patches import Patches, one_text_a_row

Params = dict[str, Any]

PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {"width": 192, "depth": 4, "heads": 3, "mlp_width": 768},
    "small": {"width": 384, "depth": 6, "heads": 6, "mlp_width": 1536},
    "base": {"width": 768, "depth": 12, "heads": 12, "mlp_width": 3072},
}


def preset(name: str) -> dict[str, Any]:
    """Return width, depth, heads and MLP width of a preset; base is ViT-B (86M parameters)."""
    if name not in PRESETS:
        raise ValueError(f"no model preset {name!r}; there are {', '.join(PRESETS)}")
    return dict(PRESETS[name])


class Encoder(Protocol):
    """What training, inference and objectives ask of an encoder.

    Equal encoders have equal hashes, so that they share one compiled step.
    """

    def __hash__(self) -> int:
        """Return the hash of the settings."""
        ...

    @property
    def config(self) -> Any:
        """Return the settings, a dataclass with `patch_height`, `patch_width`, `max_patches`."""
        ...

    @property
    def dimension(self) -> int:
        """Return the length of an embedding."""
        ...

    @property
    def packs(self) -> bool:
        """Tell whether several texts may share a row at no cost."""
        ...

    def init(self, seed: int) -> Params:
        """Draw parameters: a nested dict of float32 NumPy arrays."""
        ...

    def encode(
        self,
        params: Params,
        patches: Patches,
        *,
        keys: jax.Array | None = None,
        outputs: Sequence[str] = ("embedding",),
        **options: Any,
    ) -> dict[str, jax.Array]:
        """Return outputs by name, among them "embedding" float32 [R, K, D], not normalised.

        Raises:
            ValueError: for an output or option that the encoder lacks.
        """
        ...


@dataclasses.dataclass(frozen=True)
class EncoderConfig:
    """Everything that fixes a vision transformer's architecture.

    Attributes:
        patch_height: pixels.
        patch_width: pixels.
        max_patches: columns of the positions; a longer row is refused.
        width: of the residual stream.
        depth: number of blocks.
        heads: attention heads; divides the width.
        mlp_width: hidden width of each block's MLP.
        patch_hidden: hidden width of an MLP that embeds each patch; 0 embeds it linearly, as
            ViT does.
        positions: "learned"; "sincos_2d" (fixed); or "frozen", a stored table, sine-cosine at
            first, that is not trained (PIXEL's autoencoder).
        pooling: "mean" over text patches, "cls" token, "attention" (MAP) over all patches, or
            "vector" (attention of each dimension by itself).
        head: projection head: "none", "patches" (before pooling, as Pixel-Linguist has it: linear,
            GELU, layer norm, dropout), or "pooled" (after it).
        keep_head: whether the head is kept at inference.
        channels: 1, or 3 for colour (grey is repeated).
        dropout: rate in [0, 1).
        norm_epsilon: of the blocks' layer norms.
        dtype: compute type, "float32" or "bfloat16"; parameters and embeddings are float32.
        remat: what is computed again in the backward pass to save memory: "none", "blocks" (all of
            them, the least memory), or "dots" (all but products with weights).
        cls_token: whether a CLS token stands in front, with a row of the positions for itself.
        paper_is_one: whether pixels are read as PIXEL reads them, paper 1 and ink 0.
        word_buckets: V, buckets of hashed words whose logits stand in the embedding, beside the
            D numbers of the sentence's own (DupMAE: Xiao et al. 2023, arXiv 2305.02564); 0: none.
        top_words: how many of them, the highest, are not set to 0.
        max_rows: rows of a page; row 0 adds nothing, so that lines of text need no more than 1.
        drophead: share of attention heads that training drops, in [0, 1); at least one stays.
    """

    patch_height: int
    patch_width: int
    max_patches: int
    width: int
    depth: int
    heads: int
    mlp_width: int
    patch_hidden: int
    positions: Literal["learned", "sincos_2d", "frozen"]
    pooling: Literal["mean", "cls", "attention", "vector"]
    head: Literal["none", "patches", "pooled"]
    keep_head: bool
    channels: int
    dropout: float
    norm_epsilon: float
    dtype: Literal["float32", "bfloat16"]
    remat: Remat
    # Folders of earlier versions lack these.
    cls_token: bool = False
    paper_is_one: bool = False
    word_buckets: int = 0
    top_words: int = 0
    max_rows: int = 1
    drophead: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            choices = get_args(field.type) if get_origin(field.type) is Literal else ()
            value = getattr(self, field.name)
            if choices and value not in choices:
                raise ValueError(f"model.{field.name} is {value!r}; choose one of {choices}")
        if self.width % self.heads:
            raise ValueError(f"model.width {self.width} is not divisible by heads {self.heads}")
        for name in ("dropout", "drophead"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"model.{name} is {getattr(self, name)}; it must be in [0, 1)")
        if self.channels not in (1, 3):
            raise ValueError(f"model.channels is {self.channels}; it must be 1 or 3")
        if self.pooling == "cls" and not self.cls_token:
            raise ValueError("model.pooling is 'cls'; it needs model.cls_token")
        if self.max_rows < 1:
            raise ValueError(f"model.max_rows is {self.max_rows}; at least 1 is needed")
        least = min(self.word_buckets, 1)
        if self.word_buckets < 0 or not least <= self.top_words <= self.word_buckets:
            raise ValueError(
                f"model.top_words is {self.top_words}; of {self.word_buckets} model.word_buckets "
                f"it must be {least} to {max(self.word_buckets, 0)}"
            )

    @property
    def dimension(self) -> int:
        """The length of an embedding: D, or D + V."""
        return self.width + self.word_buckets


class VisionTransformer(nn.Module):
    """The transformer of R rows."""

    config: Any

    @nn.compact
    def __call__(
        self,
        patches: Patches,
        keys: jax.Array | None,
        keep: jax.Array | None,
        units: int,
        options: Options,
    ) -> dict[str, jax.Array]:
        """Return every output by name; what is not used is not computed under jit."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        segments, tokens = patches.owner.shape[1], 0
        embedded, segment, unit = self.embed(patches.pixels, dtype), patches.segment, patches.unit
        table = jnp.asarray(self.position_table()).astype(dtype)
        x = embedded + self.positions(table, patches.position)
        if keep is not None:
            x = jnp.take_along_axis(x, keep[..., None], axis=1)
            segment, unit = (jnp.take_along_axis(s, keep, axis=1) for s in (segment, unit))
        readers = segment
        if config.cls_token:
            # Each segment has a CLS token of its own.
            tokens = segments
            # len(x) would refuse the symbolic batch of an export.
            rows = x.shape[0]
            front = self.cls(options).astype(dtype) + table[:1]
            front = jnp.broadcast_to(front, (rows, tokens, config.width))
            x = jnp.concatenate([front, x], axis=1)
            own = jnp.broadcast_to(jnp.arange(tokens, dtype=segment.dtype), (rows, tokens))
            readers = jnp.concatenate([own, segment], axis=1)
        x = Dropout(config.dropout)(x, keys)
        x = self.blocks()(x, attention_mask(readers, segments), keys, options)[0]
        x = nn.LayerNorm(epsilon=config.norm_epsilon, dtype=dtype, name="norm")(x)
        outputs = {"patch_features": x[:, tokens:], "cls_features": x[:, :tokens]}
        outputs["patch_embeddings"] = embedded
        use_head = config.head if keys is not None or config.keep_head else "none"
        members = membership(segment, segments)
        headed = self.head(x, keys) if use_head == "patches" else x
        pooled = self.pool(headed[:, :tokens], headed[:, tokens:], members)
        if use_head == "pooled":
            pooled = self.head(pooled, keys)
        outputs["embedding"] = pooled.astype(jnp.float32)
        if units:
            of_unit = mean_pool(headed[:, tokens:], membership(unit, units))
            outputs["unit_embedding"] = of_unit.astype(jnp.float32)
        if config.word_buckets:
            words = WordLogits(config.word_buckets, dtype, name="words")
            outputs["word_logits"] = words(x[:, tokens:], members)
            sparse = sparsify(outputs["word_logits"], config.top_words)
            outputs["embedding"] = jnp.concatenate([outputs["embedding"], sparse], axis=-1)
        return outputs

    def cls(self, options: Options) -> jax.Array:
        """Return the CLS token without its position: float32 [1, 1, D], or [R, 1, D] by option."""
        return self.param("cls", nn.initializers.normal(0.02), (1, self.config.width))[None]

    def embed(self, pixels: jax.Array, dtype: jnp.dtype) -> jax.Array:
        """Map uint8 [R, S, H, W, C] to float [R, S, D], without positions; float stays."""
        config = self.config
        if pixels.ndim == 3:
            return pixels.astype(dtype)
        # Channels first in the weights, as in converted ones.
        x = jnp.moveaxis(pixels, -1, 2).reshape(*pixels.shape[:2], -1)
        x = (x / 255.0).astype(dtype)
        if config.paper_is_one:
            x = 1 - x
        if pixels.shape[-1] < config.channels:
            x = jnp.tile(x, (1, 1, config.channels))
        if config.patch_hidden:
            x = nn.gelu(nn.Dense(config.patch_hidden, dtype=dtype, name="embed_hidden")(x))
        return nn.Dense(config.width, dtype=dtype, name="embed")(x)

    def position_table(self) -> jax.Array:
        """Return float32 [N, D], a row for each column; the CLS token's is the first."""
        config = self.config
        fixed = sincos_2d(config.max_patches, config.width)
        fixed = np.pad(fixed, ((int(config.cls_token), 0), (0, 0)))
        if config.positions == "sincos_2d":
            return jnp.asarray(fixed)
        if config.positions == "frozen":
            return jax.lax.stop_gradient(self.param("positions", lambda _: jnp.asarray(fixed)))
        return self.param("positions", nn.initializers.normal(0.02), fixed.shape)

    def positions(self, table: jax.Array, position: jax.Array) -> jax.Array:
        """Return float [R, S, D] of int32 [R, S, 2]: the column's part plus the row's."""
        config = self.config
        found = table[int(config.cls_token) + position[..., 1]]
        if config.max_rows == 1:
            return found
        shape = (config.max_rows - 1, config.width)
        rows = self.param("rows", nn.initializers.normal(0.02), shape).astype(table.dtype)
        return found + jnp.pad(rows, ((1, 0), (0, 0)))[position[..., 0]]

    def blocks(self) -> nn.Module:
        """Return the stack of blocks."""
        config = self.config
        return block_stack(
            depth=config.depth,
            remat=config.remat,
            heads=config.heads,
            mlp_width=config.mlp_width,
            dropout=config.dropout,
            norm_epsilon=config.norm_epsilon,
            dtype=jnp.dtype(config.dtype),
            drophead=config.drophead,
            **self.block(),
        )

    def block(self) -> dict[str, Any]:
        """Return the kind of block and its own arguments."""
        return {"kind": Block}

    def pool(self, front: jax.Array, x: jax.Array, members: jax.Array) -> jax.Array:
        """Reduce CLS tokens [R, K, D] and patches [R, S, D] to float [R, K, D]."""
        if self.config.pooling == "cls":
            return front
        if self.config.pooling == "mean":
            return mean_pool(x, members)
        dtype = jnp.dtype(self.config.dtype)
        if self.config.pooling == "vector":
            return VectorAttentionPool(dtype, name="pool")(x, members)
        return AttentionPool(self.config.heads, dtype, name="pool")(x, members)

    def head(self, x: jax.Array, keys: jax.Array | None) -> jax.Array:
        """Apply the projection head to float [..., D]; its epsilon is the reference's 1e-12."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        x = nn.gelu(nn.Dense(config.width, dtype=dtype, name="head")(x), approximate=False)
        x = nn.LayerNorm(epsilon=1e-12, dtype=dtype, name="head_norm")(x)
        return Dropout(config.dropout)(x, keys)


def attention_mask(readers: jax.Array, segments: int) -> jax.Array:
    """Return who reads whom: int32 [R, T] to bool [R, 1, 1 or T, T]."""
    if segments == 1:
        return (readers >= 0)[:, None, None]
    return (readers[:, :, None] == readers[:, None])[:, None]


@dataclasses.dataclass(frozen=True)
class ViTEncoder:
    """A vision transformer as an `Encoder`.

    Outputs are "embedding" float32 [R, K, D or D + V]; "patch_features" float [R, S, D];
    "patch_embeddings" float [R, S, D], of all patches, before positions and blocks;
    "cls_features" float [R, K, D], of no tokens without `cls_token`; "word_logits" float32
    [R, K, V] with `word_buckets`; and "unit_embedding" float32 [R, U, D] with the option `units`.
    Options are `keep`, int32 [R, S'], the places of the patches that are read; and `units`, U, the
    number of units of a row.
    """

    config: EncoderConfig
    config_type: ClassVar[type[EncoderConfig]] = EncoderConfig
    module: ClassVar[type[VisionTransformer]] = VisionTransformer
    # Arrays [R] that blocks go by.
    block_options: ClassVar[tuple[str, ...]] = ()

    @property
    def dimension(self) -> int:
        """The length of an embedding."""
        return self.config.dimension

    @property
    def packs(self) -> bool:
        """Whether texts share rows: logits of words would be computed for each of them."""
        return not self.config.word_buckets

    def check_options(self, options: Mapping[str, np.ndarray]) -> None:
        """Refuse options [R] that blocks cannot go by, on the host: a step could not.

        Raises:
            ValueError: naming the option.
        """
        if unknown := set(options) - set(self.block_options):
            raise ValueError(
                f"the encoder has no option {', '.join(sorted(unknown))}; its blocks go by "
                f"{', '.join(self.block_options) or 'none'}"
            )

    def encode(
        self,
        params: Params,
        patches: Patches,
        *,
        keys: jax.Array | None = None,
        outputs: Sequence[str] = ("embedding",),
        **options: Any,
    ) -> dict[str, jax.Array]:
        """Encode R rows of patches.

        Args:
            params: as made by `init`.
            patches: rows of at most `config.max_patches`.
            keys: of dropout, one a row, [R]; given in training, None at inference.
            outputs: names of what is returned.
            options: as above.

        Raises:
            ValueError: for patches of another size, or an output or option that it lacks.
        """
        self._check(patches, options)
        keep, units = options.pop("keep", None), options.pop("units", 0)
        rngs = None if keys is None else {"dropout": jax.random.key(0)}
        module = self.module(self.config)
        arguments = patches, keys, keep, units, options
        found: Any = module.apply({"params": params}, *arguments, rngs=rngs)
        if missing := set(outputs) - set(found):
            raise ValueError(
                f"the encoder has no output {', '.join(sorted(missing))}; it has {', '.join(found)}"
            )
        return {name: found[name] for name in outputs}

    def _check(self, patches: Patches, options: Mapping[str, Any]) -> None:
        config, known = self.config, ("keep", "units", *self.block_options)
        if unknown := set(options) - set(known):
            raise ValueError(
                f"the encoder has no option {', '.join(sorted(unknown))}; it takes "
                f"{', '.join(known)}"
            )
        size = config.patch_height, config.patch_width
        given = size if patches.pixels.ndim == 3 else tuple(patches.pixels.shape[2:4])
        # A grid has more patches than columns.
        most = config.max_patches * config.max_rows
        if given != size or patches.pixels.shape[1] > most:
            raise ValueError(
                f"the encoder reads up to {most} patches of {size[0]} x {size[1]} pixels; it was "
                f"given {patches.pixels.shape[1]} of {given[0]} x {given[1]}"
            )

    def init(self, seed: int) -> Params:
        """Draw parameters; a nested dict of float32 NumPy arrays, the head's included."""
        return jax.tree.map(np.asarray, _draw(self, seed))

    def shapes(self) -> Params:
        """Return what `init` would, as `jax.ShapeDtypeStruct`, without computing it."""
        return jax.eval_shape(lambda: self.draw(0))

    def draw(self, seed: int) -> Params:
        """Draw parameters by reading one blank text."""
        config, key = self.config, jax.random.key(seed)
        shape = (1, config.max_patches, config.patch_height, config.patch_width)
        patches = one_text_a_row(jnp.zeros(shape, jnp.uint8), jnp.ones(1, jnp.int32), jnp)
        options = {name: jnp.zeros(1, jnp.int32) for name in self.block_options}
        variables = self.module(config).init(
            {"params": key, "dropout": key}, patches, key[None], None, 0, options
        )
        return variables["params"]


@functools.partial(jax.jit, static_argnums=0)
def _draw(encoder: ViTEncoder, seed: int) -> Params:
    """Draw parameters; compiled once for an architecture."""
    return encoder.draw(seed)
