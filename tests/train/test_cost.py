"""Counted operations against those that the compiler counts."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from pixel_linguist.model import EncoderConfig, encode, init_params
from pixel_linguist.train.cost import encode_flops, matmul_peak, train_flops


@pytest.mark.parametrize(
    "changes",
    [
        {"head": "none"},
        {"head": "none", "word_buckets": 512, "top_words": 8},
        {"head": "patches", "keep_head": True, "patch_hidden": 256},
        {"head": "pooled", "keep_head": True, "cls_token": True, "pooling": "cls"},
    ],
)
def test_operations_are_those_the_compiler_counts(
    tiny_encoder: Callable[..., EncoderConfig], changes: dict[str, Any]
) -> None:
    # One block, as the compiler counts the body of a loop once.
    config = tiny_encoder(width=256, mlp_width=1024, depth=1, **changes)
    patches = np.zeros((4, 48, 8, 8), np.uint8)
    count = np.full(4, 48, np.int32)
    run = jax.jit(lambda params, x, n: encode(config, params, x, n)["embedding"])
    compiled = run.lower(init_params(config, 0), patches, count).compile()
    counted = compiled.cost_analysis()["flops"]  # type: ignore[index]
    assert 4 * encode_flops(config, 48) == pytest.approx(counted, rel=0.05)


def test_vit_base_is_as_its_paper_says(tiny_encoder: Callable[..., EncoderConfig]) -> None:
    # Touvron et al. 2021 (arXiv 2012.12877, table 5): 17.6 GFLOP multiply-adds for 224 x 224.
    config = tiny_encoder(
        patch_height=16,
        patch_width=16,
        max_patches=196,
        width=768,
        depth=12,
        heads=12,
        mlp_width=3072,
        channels=3,
        head="none",
        cls_token=True,
        pooling="cls",
    )
    assert encode_flops(config, 196) / 2 == pytest.approx(17.6e9, rel=0.01)
    assert train_flops(config, 8, 196) == 24 * encode_flops(config, 196)


def test_the_peak_is_above_what_a_small_product_reaches() -> None:
    assert 1e8 < matmul_peak("float32") < 1e16
    assert matmul_peak("float32") == matmul_peak("float32")
