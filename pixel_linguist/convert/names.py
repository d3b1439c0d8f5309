"""Which parameter of the reference is which part of a parameter of ours."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pixel_linguist.model.decoder import DecoderConfig
from pixel_linguist.model.encoder import EncoderConfig

# An index of the stacked parameters of all blocks.
Part = tuple[Any, ...]
# Ours → theirs, in a block: linear layers, then layer norms.
BLOCK_LINEAR = {
    "attention/out": "attention.output.dense",
    "mlp_in": "intermediate.dense",
    "mlp_out": "output.dense",
}
BLOCK_NORM = {"norm_attention": "layernorm_before", "norm_mlp": "layernorm_after"}


class Piece(NamedTuple):
    """A parameter of the reference, and the part of ours that it is.

    Matrices and convolutions are [out, in ...] there and [in, out] here.
    """

    theirs: str
    shape: tuple[int, ...]
    ours: str
    part: Part = ()

    @property
    def transposed(self) -> bool:
        """Whether our part is the transpose."""
        return self.ours.endswith("/kernel")


def linear(theirs: str, ours: str, width_out: int, *width_in: int, part: Part = ()) -> list[Piece]:
    """Return the weight and the bias of a linear layer or a convolution."""
    return [
        Piece(f"{theirs}.weight", (width_out, *width_in), f"{ours}/kernel", part),
        Piece(f"{theirs}.bias", (width_out,), f"{ours}/bias", part),
    ]


def norm(theirs: str, ours: str, width: int, part: Part = ()) -> list[Piece]:
    """Return the weight and the bias of a layer norm."""
    return [
        Piece(f"{theirs}.weight", (width,), f"{ours}/scale", part),
        Piece(f"{theirs}.bias", (width,), f"{ours}/bias", part),
    ]


def blocks(theirs: str, ours: str, width: int, depth: int, mlp_width: int) -> Iterator[Piece]:
    """Yield the parameters of all blocks, which ours has stacked."""
    sizes = {"mlp_in": (mlp_width, width), "mlp_out": (width, mlp_width)}
    for layer in range(depth):
        for third, name in enumerate(("query", "key", "value")):
            columns = (layer, ..., slice(third * width, (third + 1) * width))
            yield from linear(
                f"{theirs}.{layer}.attention.attention.{name}",
                f"{ours}/blocks/attention/query_key_value",
                width,
                width,
                part=columns,
            )
        for our_name, name in BLOCK_LINEAR.items():
            size = sizes.get(our_name, (width, width))
            yield from linear(
                f"{theirs}.{layer}.{name}", f"{ours}/blocks/{our_name}", *size, part=(layer,)
            )
        for our_name, name in BLOCK_NORM.items():
            yield from norm(
                f"{theirs}.{layer}.{name}", f"{ours}/blocks/{our_name}", width, (layer,)
            )


def encoder_pieces(config: EncoderConfig, patches: int) -> Iterator[Piece]:
    """Yield an encoder's parameters; the reference has positions for `patches` patches."""
    width = config.width
    embeddings = "vit.embeddings"
    yield Piece(f"{embeddings}.cls_token", (1, 1, width), "encoder/cls")
    yield Piece(f"{embeddings}.position_embeddings", (1, 1 + patches, width), "encoder/positions")
    size = (config.channels, config.patch_height, config.patch_width)
    yield from linear(f"{embeddings}.patch_embeddings.projection", "encoder/embed", width, *size)
    yield from blocks("vit.encoder.layer", "encoder", width, config.depth, config.mlp_width)
    yield from norm("vit.layernorm", "encoder/norm", width)
    if config.head == "patches":
        yield from linear("pooler.linear", "encoder/head", width, width)
        yield from norm("pooler.ln", "encoder/head_norm", width)


def decoder_pieces(config: EncoderConfig, decoder: DecoderConfig, patches: int) -> Iterator[Piece]:
    """Yield a decoder's parameters; the reference has positions for `patches` patches."""
    width = decoder.width
    yield Piece("decoder.mask_token", (1, 1, width), "decoder/mask_token")
    yield Piece("decoder.decoder_pos_embed", (1, 1 + patches, width), "decoder/positions")
    yield from linear("decoder.decoder_embed", "decoder/embed", width, config.width)
    yield from blocks("decoder.decoder_layers", "decoder", width, decoder.depth, decoder.mlp_width)
    yield from norm("decoder.decoder_norm", "decoder/norm", width)
    numbers = config.channels * config.patch_height * config.patch_width
    yield from linear("decoder.decoder_pred", "decoder/pixels", numbers, width)
