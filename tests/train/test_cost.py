"""Counted operations against those that the compiler counts."""

from typing import Any

import jax
import numpy as np
import pytest

from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.train.cost import encode_flops, matmul_peak, train_flops
from tests.train.tiny import encoder


@pytest.mark.parametrize(
    "changes",
    [
        {"head": "none", "depth": 3},
        {"head": "none", "word_buckets": 512, "top_words": 8},
        {"head": "patches", "keep_head": True, "patch_hidden": 256},
        {"head": "pooled", "keep_head": True, "cls_token": True, "pooling": "cls"},
    ],
)
def test_operations_are_those_the_compiler_counts(changes: dict[str, Any]) -> None:
    # Without remat a few blocks are unrolled: of a loop the compiler counts the body once.
    tiny = encoder(width=256, heads=4, mlp_width=1024, max_patches=48, **changes)
    patches = one_text_a_row(np.zeros((4, 48, 8, 8), np.uint8), np.full(4, 48, np.int32))
    run = jax.jit(lambda params, x: tiny.encode(params, x)["embedding"])
    compiled = run.lower(tiny.shapes(), patches).compile()
    counted = compiled.cost_analysis()["flops"]  # type: ignore[index]
    assert 4 * encode_flops(tiny.config, 48) == pytest.approx(counted, rel=0.1)


def test_vit_base_is_as_its_paper_says() -> None:
    # Touvron et al. 2021 (arXiv 2012.12877, table 5): 17.6 GFLOP multiply-adds for 224 x 224.
    size = {"patch_height": 16, "patch_width": 16, "max_patches": 196, "channels": 3}
    shape = {"width": 768, "depth": 12, "heads": 12, "mlp_width": 3072}
    config = encoder(**size, **shape, head="none", cls_token=True, pooling="cls").config
    assert encode_flops(config, 196) / 2 == pytest.approx(17.6e9, rel=0.01)
    assert train_flops(config, 8, 196) == 24 * encode_flops(config, 196)


def test_the_peak_is_above_what_a_small_product_reaches() -> None:
    assert 1e8 < matmul_peak("float32") < 1e16
    assert matmul_peak("float32") == matmul_peak("float32")
