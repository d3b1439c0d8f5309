"""Floating-point operations of a step, and of this machine in a second."""

import functools
import time

import jax
import jax.numpy as jnp

from pixel_linguist.model import EncoderConfig

# The backward pass costs twice the forward pass (Kaplan et al. 2020, arXiv 2001.08361, table 1).
PASSES = 3
REPEATS = 5


def encode_flops(config: EncoderConfig, patches: int) -> int:
    """Return the operations of matrix products that encode one text of so many patches.

    A product of [m, k] and [k, n] counts 2 m k n; norms, activations and softmax are left out,
    and so is what `remat` computes again, as is usual for model FLOP utilisation
    (Chowdhery et al. 2022, arXiv 2204.02311, appendix B).
    """
    rows, width = patches + config.cls_token, config.width
    pixels = config.patch_height * config.patch_width * config.channels
    hidden = config.patch_hidden
    embed = pixels * hidden + hidden * width if hidden else pixels * width
    head_rows = {"none": 0, "patches": rows, "pooled": 1}[config.head]
    block = rows * (4 * width**2 + 2 * width * config.mlp_width) + 2 * rows**2 * width
    words = patches * width * config.word_buckets
    return 2 * (patches * embed + config.depth * block + head_rows * width**2 + words)


def train_flops(config: EncoderConfig, texts: int, patches: int) -> int:
    """Return the operations that one step needs on texts padded to so many patches."""
    return PASSES * texts * encode_flops(config, patches)


@functools.cache
def matmul_peak(dtype: str) -> float:
    """Return the operations a second of a large matrix product, on all devices of all hosts.

    It is measured, the best of a few, as all local devices work at once.
    """
    devices = jax.local_devices()
    size = 1024 if devices[0].platform == "cpu" else 8192
    product = jax.jit(lambda x: x @ x)
    squares = [jax.device_put(jnp.ones((size, size), dtype), device) for device in devices]
    jax.block_until_ready([product(square) for square in squares])
    fastest = float("inf")
    for _ in range(REPEATS):
        began = time.perf_counter()
        jax.block_until_ready([product(square) for square in squares])
        fastest = min(fastest, time.perf_counter() - began)
    return 2 * size**3 * len(devices) * jax.process_count() / fastest
