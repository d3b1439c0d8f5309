"""Texts a second of ViT-B at 64 patches, beside the same encoder in PyTorch, in turns.

    OMP_NUM_THREADS=2 python benchmarks/base_encoder.py

Needs the extra "torch". Prints one line of JSON by the fastest of several rounds. The peer is
torch's own pre-norm transformer, whose inference path is fused; PIXEL's code computes the same in
more steps.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import torch
from torch import nn

from pixel_linguist.model import EncoderConfig, encode, init_params, preset

PATCHES, SIDE = 64, 16


def ours(patches: np.ndarray, count: np.ndarray) -> Callable[[], Any]:
    """Return a call of our encoder, as a converted checkpoint has it."""
    config = EncoderConfig(
        **preset("base"),
        patch_height=SIDE,
        patch_width=SIDE,
        max_patches=PATCHES,
        patch_hidden=0,
        positions="learned",
        pooling="mean",
        head="none",
        keep_head=False,
        channels=3,
        dropout=0.1,
        norm_epsilon=1e-12,
        dtype="float32",
        remat="none",
        cls_token=True,
        paper_is_one=True,
    )
    params = jax.device_put(init_params(config, 0))
    run = jax.jit(lambda params, p, c: encode(config, params, p, c)["embedding"])
    return lambda: jax.block_until_ready(run(params, patches, count))


class Peer(nn.Module):
    """The same encoder by torch's own modules."""

    def __init__(self, width: int, depth: int, heads: int, mlp_width: int):
        super().__init__()
        self.patch = nn.Linear(3 * SIDE * SIDE, width)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 1 + PATCHES, width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width, heads, mlp_width, 0.1, "gelu", batch_first=True, norm_first=True
        )
        norm = nn.LayerNorm(width)
        self.blocks = nn.TransformerEncoder(layer, depth, norm, enable_nested_tensor=False)

    def forward(self, pixels: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map float [B, S, P] and float [B, S] to float [B, D]."""
        x = torch.cat([self.cls.expand(len(pixels), -1, -1), self.patch(pixels)], dim=1)
        padding = torch.cat([torch.zeros(len(mask), 1, dtype=torch.bool), mask == 0], dim=1)
        x = self.blocks(x + self.positions, src_key_padding_mask=padding)[:, 1:]
        return (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def peer(patches: np.ndarray, count: np.ndarray, threads: int) -> Callable[[], Any]:
    """Return a call of the peer, its pictures made from the same bytes."""
    torch.set_num_threads(threads)
    model = Peer(**preset("base")).eval()
    mask = torch.from_numpy((np.arange(PATCHES) < count[:, None]).astype(np.float32))

    def run() -> torch.Tensor:
        pixels = 1 - torch.from_numpy(patches.reshape(*patches.shape[:2], -1)).float() / 255
        with torch.inference_mode():
            return model(pixels.repeat(1, 1, 3), mask)

    return run


def main() -> None:
    """Measure both in turns and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    known = parser.parse_args()
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (known.batch, PATCHES, SIDE, SIDE), np.uint8)
    count = rng.integers(8, PATCHES + 1, known.batch).astype(np.int32)
    runs = {"ours": ours(patches, count), "torch": peer(patches, count, known.threads)}
    best = dict.fromkeys(runs, float("inf"))
    for number in range(known.rounds + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            # The first round compiles.
            if number:
                best[name] = min(best[name], time.perf_counter() - start)
    rates = {name: round(known.batch / seconds, 2) for name, seconds in best.items()}
    print(
        json.dumps(
            {
                "benchmark": "base_encoder",
                "batch": known.batch,
                "threads": known.threads,
                **{f"{name}_texts_per_second": rate for name, rate in rates.items()},
                "ratio": round(best["torch"] / best["ours"], 3),
            }
        )
    )


if __name__ == "__main__":
    main()
