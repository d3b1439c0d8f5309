"""What it takes to draw on the device: bytes that travel, and time in a training step.

On one device. Prints one line of JSON. Sentences are the generated world's English, or the first
column with letters of a file: python -m benchmarks.device_raster [--text FILE.tsv].
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.contrast import OPTIMIZER, contrast, encoder
from pixel_linguist.data.example import NO_GROUP, Example
from pixel_linguist.data.sources import make_source
from pixel_linguist.data.views import HostBatch, OneStyle, ViewPipeline
from pixel_linguist.render import Rendered, Renderer
from pixel_linguist.render.augment import AUGMENTATIONS, Augmentation, compose
from pixel_linguist.render.device import rasterise
from pixel_linguist.render.glyphs import GlyphRuns
from pixel_linguist.train.hosts import place
from pixel_linguist.train.step import NO_AUGMENTATION, init_state, make_step

VIEWS = 2
REPEATS = 5


def sentences(path: str | None, count: int) -> list[str]:
    """Return distinct sentences."""
    if path:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        cells = (next((c for c in line.split("\t") if " " in c), "") for line in lines)
        found = [*dict.fromkeys(cell for cell in cells if cell)]
    else:
        settings = {"task": "sentences", "split": "train", "size": 4 * count, "seed": 0}
        source = make_source("", {"name": "toy", "languages": ("en",), **settings})
        found = [*dict.fromkeys(source[i]["text"] for i in range(len(source)))]
    if len(found) < count:
        raise ValueError(f"{len(found)} distinct sentences; a batch needs {count}")
    return found[:count]


def measure(work: dict[str, Callable[[], Any]]) -> dict[str, np.ndarray]:
    """Return milliseconds, float [REPEATS, 2], of each: by the clock, and of all CPU threads.

    They take turns, so that whatever else the machine does falls on all of them; where it does
    much, the CPU's time is the one to compare. An accelerator's time shows by the clock alone.
    """
    for call in work.values():
        jax.block_until_ready(call())
    times: dict[str, list[list[float]]] = {name: [] for name in work}
    for _ in range(REPEATS):
        for name, call in work.items():
            start = time.perf_counter(), time.process_time()
            jax.block_until_ready(call())
            end = time.perf_counter(), time.process_time()
            times[name].append([1e3 * (b - a) for a, b in zip(start, end, strict=True)])
    return {name: np.array(rows) for name, rows in times.items()}


def tiny_step(
    renderer: Renderer, batch: HostBatch, augmentation: Augmentation = NO_AUGMENTATION
) -> Callable[[], Any]:
    """Return a training step of the tiny encoder in float32, forward, backward and update.

    Args:
        renderer: of the texts.
        batch: of pixels or of glyph runs.
        augmentation: of each text, in the step.
    """
    height, width = renderer.patch
    vit = encoder(patch_height=height, patch_width=width, max_patches=renderer.max_patches)
    objective = contrast()
    placed = place(batch._replace(cut=None), "pmap")
    step = make_step(vit, objective, OPTIMIZER, "pmap", augmentation=augmentation)
    state, constants = init_state(vit, vit.init(0), objective, OPTIMIZER, seed=0)

    def work() -> Any:
        nonlocal state
        state, metrics = step(state, constants, placed, np.float32(1e-3), np.uint32(0))
        return metrics

    return work


def works(renderer: Renderer, pixels: Rendered, batches: Sequence[HostBatch]) -> dict[str, Any]:
    """Return what is measured, by name.

    Args:
        renderer: of the texts.
        pixels: of all texts.
        batches: of their pixels, and of their glyph runs.
    """
    runs = jax.device_put(batches[1].views)
    draw = jax.jit(lambda views: {name: rasterise(own) for name, own in views.items()})
    everything = compose({name: {"strength": 0.5} for name in AUGMENTATIONS})
    view = jax.jit(everything)
    arguments = jax.device_put((pixels.patches, pixels.count))
    key, example = jax.random.key(0), np.arange(len(pixels.count))
    return {
        "raster": lambda: draw(runs),
        "all_augmentations": lambda: view(*arguments, key, example),
        "tiny_step": tiny_step(renderer, batches[0]),
        "tiny_step_with_raster": tiny_step(renderer, batches[1]),
        "tiny_step_with_augmentations": tiny_step(renderer, batches[0], everything),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", help="a file of sentences, one a line or in a column")
    parser.add_argument("--batch", type=int, default=128, help="pairs in a step")
    parser.add_argument("--family", default="noto")
    parser.add_argument("--strategy", default="words")
    parser.add_argument("--length", type=int, default=64, help="patches of a sentence")
    options = parser.parse_args()
    texts = sentences(options.text, VIEWS * options.batch)
    renderer = Renderer(options.family, options.strategy, max_patches=options.length)
    pixels = renderer(texts, length=options.length)
    views = contrast().views
    pairs = zip(texts[::VIEWS], texts[1::VIEWS], strict=True)
    examples = [
        Example(dict(zip(views, pair, strict=True)), {"group": (NO_GROUP,)}) for pair in pairs
    ]
    batches = [
        ViewPipeline(OneStyle(renderer), views, devices=devices).batch(
            [(example, example) for example in examples], options.length
        )
        for devices in (0, 1)
    ]
    runs: list[GlyphRuns] = list(batches[1].views.values())
    for own, host in zip(runs, batches[0].views.values(), strict=True):
        if not np.array_equal(jax.jit(rasterise)(own), host.pixels[..., 0]):
            raise ValueError("the device draws other bytes than the host")
    times = measure(works(renderer, pixels, batches))
    median = {name: np.median(rows, axis=0) for name, rows in times.items()}
    # Positions and segments travel with the pixels.
    pixel_bytes, run_bytes = (
        sum(array.nbytes for array in jax.tree.leaves(batch.views)) for batch in batches
    )
    result: dict[str, Any] = {
        "benchmark": "device_raster",
        "device": jax.devices()[0].device_kind,
        "strategy": options.strategy,
        "family": options.family,
        "texts": len(texts),
        "letters": round(float(np.mean([len(text) for text in texts])), 1),
        "patches": options.length,
        "used_patches": round(float(pixels.count.mean()), 1),
        "pixel_bytes_per_text": pixel_bytes / len(texts),
        "run_bytes_per_text": run_bytes / len(texts),
        "times_fewer_bytes": round(pixel_bytes / run_bytes, 1),
        "repeats": REPEATS,
        "load_average": os.getloadavg()[0],
    }
    for clock, kind in enumerate(("wall", "cpu")):
        for name, rows in times.items():
            spread = rows[:, clock].min(), median[name][clock], rows[:, clock].max()
            result[f"{name}_{kind}_ms_min_median_max"] = [round(float(t), 1) for t in spread]
        for name in (name for name in times if name != "tiny_step"):
            share = median[name][clock] / median["tiny_step"][clock]
            result[f"{name}_{kind}_in_steps"] = round(float(share), 4)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
