"""Texts a second of ViT-B at 64 patches, beside the same encoder in PyTorch, in turns.

    OMP_NUM_THREADS=2 python -m benchmarks.base_encoder --data ../shared/data

Needs the extra "torch". Prints two lines of JSON, each by the fastest of several rounds: of texts
that fill their 64 patches, where the encoders themselves are compared, and of STS-B's test
sentences as `SentenceEncoder.encode` takes them, rendering included. The peer pads every sentence
to 64 patches, as PIXEL and Pixel-Linguist do, and is given the pictures; it is torch's own pre-norm
transformer, whose inference path is fused, where PIXEL's code computes the same in more steps.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch
from torch import nn

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.records import read_table
from pixel_linguist.model import make_encoder, preset
from pixel_linguist.model.store import Model
from pixel_linguist.render import Renderer
from pixel_linguist.render.patches import one_text_a_row

PATCHES, SIDE = 64, 16
Run = Callable[[], Any]


def sentence_encoder() -> SentenceEncoder:
    """Return an untrained encoder of the shape that a converted checkpoint has."""
    encoder = make_encoder(
        preset("base")
        | {"patch_height": SIDE, "patch_width": SIDE, "max_patches": PATCHES, "patch_hidden": 0}
        | {"positions": "learned", "pooling": "mean", "head": "none", "keep_head": False}
        | {"channels": 3, "dropout": 0.1, "norm_epsilon": 1e-12, "dtype": "float32"}
        | {"remat": "none", "cls_token": True, "paper_is_one": True}
    )
    renderer = Renderer("noto", "continuous", SIDE, PATCHES)
    drawn = renderer.settings(), renderer.font_hashes()
    return SentenceEncoder(Model(encoder, encoder.init(0), *drawn))


def of_arrays(encoder: SentenceEncoder, patches: np.ndarray, count: np.ndarray) -> Run:
    """Return a call of our encoder on one batch of pictures."""
    model = encoder.model
    params, rows = jax.device_put(model.params), one_text_a_row(patches, count)
    run = jax.jit(lambda params, rows: model.encoder.encode(params, rows)["embedding"])
    return lambda: jax.block_until_ready(run(params, rows))


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


def of_peer(model: Peer, patches: np.ndarray, count: np.ndarray, batch: int) -> Run:
    """Return a call of the peer on the same pictures, batch by batch."""
    mask = torch.from_numpy((np.arange(PATCHES) < count[:, None]).astype(np.float32))
    flat = torch.from_numpy(patches.reshape(*patches.shape[:2], -1))

    def run() -> list[torch.Tensor]:
        with torch.inference_mode():
            return [
                model((1 - pixels.float() / 255).repeat(1, 1, 3), seen)
                for pixels, seen in zip(flat.split(batch), mask.split(batch), strict=True)
            ]

    return run


def compare(name: str, texts: int, ours: Run, torchs: Run, rounds: int, **about: Any) -> None:
    """Time both in turns and print a line of JSON."""
    best = [float("inf")] * 2
    for number in range(rounds + 1):
        for which, run in enumerate((ours, torchs)):
            start = time.perf_counter()
            run()
            # The first round compiles.
            if number:
                best[which] = min(best[which], time.perf_counter() - start)
    line = {
        "benchmark": f"base_encoder, {name}",
        **about,
        "ours_texts_per_second": round(texts / best[0], 2),
        "torch_texts_per_second": round(texts / best[1], 2),
        "ratio": round(best[1] / best[0], 3),
    }
    print(json.dumps(line), flush=True)


def main() -> None:
    """Measure both workloads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--sentences", type=int, default=128, help="spread over the split (128)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    known = parser.parse_args()
    torch.set_num_threads(known.threads)
    encoder, peer = sentence_encoder(), Peer(**preset("base")).eval()

    shape = (known.batch, PATCHES, SIDE, SIDE)
    patches = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    count = np.full(known.batch, PATCHES, np.int32)
    runs = of_arrays(encoder, patches, count), of_peer(peer, patches, count, known.batch)
    shared = {"rounds": known.rounds, "batch": known.batch, "threads": known.threads}
    compare("all of 64 patches", known.batch, *runs, **shared)

    rows = read_table(known.data / "sts/stsb/en/test.tsv")
    texts = [row["sentence1"] for row in rows][:: max(len(rows) // known.sentences, 1)]
    texts = texts[: known.sentences]
    drawn = encoder.renderer(texts)
    padded = np.zeros((len(texts), PATCHES, SIDE, SIDE), np.uint8)
    padded[:, : drawn.patches.shape[1]] = drawn.patches
    runs = (
        lambda: encoder.encode(texts),
        of_peer(peer, padded, drawn.count, known.batch),
    )
    mean = round(float(drawn.count.mean()), 1)
    compare("STS-B's test sentences", len(texts), *runs, **shared, patches_per_sentence=mean)


if __name__ == "__main__":
    main()
