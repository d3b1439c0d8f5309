"""Experts by domain: a vision transformer whose MLPs are chosen by the domain of each row."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.model.encoder import EncoderConfig, Params, VisionTransformer, ViTEncoder
from pixel_linguist.model.vit import Block, Options, gelu


@dataclasses.dataclass(frozen=True)
class ExpertsConfig(EncoderConfig):
    """A vision transformer with an MLP for each domain.

    Attributes:
        domains: N of them.
        experts: whether each block has an MLP for each domain; False: one for all.
        domain_tokens: whether each domain has a CLS token of its own, an ablation of the experts.
    """

    domains: int = 1
    experts: bool = True
    domain_tokens: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.domains < 1:
            raise ValueError(f"model.domains is {self.domains}; at least 1 is needed")
        if self.domain_tokens and not self.cls_token:
            raise ValueError("model.domain_tokens needs model.cls_token")


class ExpertWeights(nn.Module):
    """The weights of a linear map for each of E experts."""

    experts: int
    inputs: int
    outputs: int

    @nn.compact
    def __call__(self) -> tuple[jax.Array, jax.Array]:
        """Return kernel float32 [E, I, O], each drawn as a dense layer's, and bias [E, O]."""
        draw = nn.initializers.lecun_normal(batch_axis=(0,))
        kernel = self.param("kernel", draw, (self.experts, self.inputs, self.outputs))
        return kernel, self.param("bias", nn.initializers.zeros, (self.experts, self.outputs))


class ExpertBlock(Block):
    """A transformer block whose MLP is that of a row's domain; attention and norms are shared.

    Rows are sorted by domain and multiplied group by group, so that no weights are copied for
    examples. At 4 experts, a step of the MLP on a CPU takes 1.4 times that of a dense one; with
    weights copied for each row it takes 2.7 times, and with all experts on all rows 5.3 times (64
    rows of 16 patches, width 128).
    """

    experts: int

    def mlp(self, x: jax.Array, options: Options) -> jax.Array:
        """Map float [R, S, D] to the same, by "domain" int32 [R]; without it, the experts' mean."""
        width = x.shape[-1]
        weights = (
            *ExpertWeights(self.experts, width, self.mlp_width, name="mlp_in")(),
            *ExpertWeights(self.experts, self.mlp_width, width, name="mlp_out")(),
        )
        inner, inner_bias, outer, outer_bias = (w.astype(self.dtype) for w in weights)
        domain = options.get("domain")
        if domain is None or self.experts == 1:
            each = [
                gelu(x @ inner[e] + inner_bias[e]) @ outer[e] + outer_bias[e]
                for e in range(self.experts)
            ]
            return sum(each[1:], each[0]) / self.experts
        rows, length, _ = x.shape
        domain = jnp.asarray(domain)
        order = jnp.argsort(domain)
        # Patches of each domain.
        sizes = (domain[:, None] == jnp.arange(self.experts)).sum(axis=0, dtype=jnp.int32) * length
        own = jnp.repeat(domain[order], length)
        y = x[order].reshape(rows * length, width)
        y = gelu(jax.lax.ragged_dot(y, inner, sizes) + inner_bias[own])
        y = jax.lax.ragged_dot(y, outer, sizes) + outer_bias[own]
        return y.reshape(rows, length, width)[jnp.argsort(order)]


class ExpertsTransformer(VisionTransformer):
    """A vision transformer with experts, domain tokens, or both."""

    def block(self) -> dict[str, Any]:
        """Return the kind of block and its own arguments."""
        if not self.config.experts:
            return super().block()
        return {"kind": ExpertBlock, "experts": self.config.domains}

    def cls(self, options: Options) -> jax.Array:
        """Return the CLS token of each row's domain; without a domain, their mean."""
        config = self.config
        if not config.domain_tokens:
            return super().cls(options)
        table = self.param("cls", nn.initializers.normal(0.02), (config.domains, config.width))
        domain = options.get("domain")
        return (
            table.mean(axis=0)[None, None]
            if domain is None
            else table[jnp.asarray(domain)][:, None]
        )


@dataclasses.dataclass(frozen=True)
class ExpertsEncoder(ViTEncoder):
    """A vision transformer with experts by domain as an `Encoder`.

    It has the option "domain", int32 [R], beside those of `ViTEncoder`: routing is enforced, as the
    domain is known. Where it is not given, as for texts of unknown domain at inference, each block
    adds the mean of its experts' outputs.

    Source: Hallee et al. (arXiv 2401.15713), the version of 2025: an expert and a CLS token for
    each domain, all copies of a dense encoder's at the start.
    """

    config: ExpertsConfig
    config_type = ExpertsConfig
    module = ExpertsTransformer
    block_options = ("domain",)

    @property
    def packs(self) -> bool:
        """Whether texts share rows: they may be of different domains."""
        return super().packs and self.config.domains == 1

    def check_options(self, options: Mapping[str, np.ndarray]) -> None:
        """Refuse domains that there are not."""
        super().check_options(options)
        domain = np.asarray(options.get("domain", 0))
        if domain.min() < 0 or domain.max() >= self.config.domains:
            raise ValueError(
                f"the domain {domain.min() if domain.min() < 0 else domain.max()} is not in "
                f"0..{self.config.domains - 1} (model.domains)"
            )


def to_experts(params: Params, encoder: ViTEncoder) -> Params:
    """Copy a dense encoder's MLPs, and its CLS token, for each domain.

    Before training, every domain gives the dense encoder's embeddings.

    Raises:
        ValueError: for an encoder without domains.
    """
    config = encoder.config
    if not isinstance(config, ExpertsConfig):
        raise ValueError("the adapter 'to_experts' needs model.name 'experts'")
    adapted = dict(params)
    if config.experts:
        blocks = dict(params["blocks"])
        for name in ("mlp_in", "mlp_out"):
            blocks[name] = {
                # The first axis is that of blocks.
                leaf: np.repeat(np.asarray(array)[:, None], config.domains, axis=1)
                for leaf, array in blocks[name].items()
            }
        adapted["blocks"] = blocks
    if config.domain_tokens:
        adapted["cls"] = np.repeat(np.asarray(params["cls"]), config.domains, axis=0)
    return adapted
