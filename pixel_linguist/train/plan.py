"""What a recipe would do, before it does: `pixel-linguist train RECIPE --plan`."""

import contextlib
import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from pixel_linguist.data.draw import Draw
from pixel_linguist.data.loader import arranged, bucket_lengths, make_batches, padded_length
from pixel_linguist.model import init_params
from pixel_linguist.train.checkpoint import MANIFEST
from pixel_linguist.train.cost import train_flops
from pixel_linguist.train.devices import place, place_state
from pixel_linguist.train.loop import (
    Workshop,
    stage_examples,
    stage_objective,
    stage_sight,
)
from pixel_linguist.train.optim import OptimizerConfig
from pixel_linguist.train.reconstruction import word_buckets
from pixel_linguist.train.step import init_state, mapped_step

# Rows a device in the batch that is timed, and how often it is.
ROWS, REPEATS = 8, 3
# Examples of a batch whose lengths are looked at.
SAMPLED = 1024


@dataclasses.dataclass(frozen=True)
class StagePlan:
    """What is known of a stage before it runs.

    Attributes:
        name: of the stage.
        start: where it starts from, in words.
        steps: left to do.
        examples: read in them.
        flops: of the matrix products in them, padding included: of a few batches where their
            lengths differ.
        memory: bytes of a step on each device, by the compiler; 0 for an average.
        seconds: of the steps alone, on this machine.
    """

    name: str
    start: str
    steps: int
    examples: int
    flops: float
    memory: int
    seconds: float


def plan_recipe(shop: Workshop) -> str:
    """Return the table of a recipe's stages and the number of parameters.

    Each shape of step is compiled at its full batch, for its memory, and timed on a few rows.
    """
    params = init_params(shop.encoder, shop.config.seed)
    count = sum(np.size(leaf) for leaf in jax.tree.leaves(params))
    measured: dict[Any, tuple[int, float, float]] = {}
    plans = []
    for name in shop.config.order:
        stage = shop.config.stages[name]
        start, done = where_it_starts(shop, name, stage)
        steps = stage.steps - done
        memory, seconds, flops = 0, 0.0, 0.0
        if steps:
            objective = stage_objective(shop, stage)
            shape = stage.batch_size, stage.length, stage.chunk_size
            # Texts are read only where their lengths count.
            texts = name if stage.length_buckets > 1 else ""
            sight = stage_sight(shop, stage)
            look = sight.augmentation, sight.devices
            key = objective, OptimizerConfig(**stage.optimizer), *shape, *look, texts
            if key not in measured:
                measured[key] = measure(shop, stage, params)
            memory, seconds, flops = measured[key]
        costs = steps * flops, memory, steps * seconds
        plans.append(StagePlan(name, start, steps, steps * stage.batch_size, *costs))
    return table(plans, count)


def where_it_starts(shop: Workshop, name: str, stage: ConfigDict) -> tuple[str, int]:
    """Say where a stage starts from, and how many of its steps are done."""
    if shop.run.finished(name):
        return "finished", stage.steps
    folder = shop.run.checkpoints(name)
    whole = (path.parent.name for path in folder.glob(f"*/{MANIFEST}"))
    begun = [int(step) for step in whole if step.isdigit()]
    if begun:
        return f"its checkpoint of step {max(begun)}", max(begun)
    if not stage.init_from:
        return "scratch", 0
    names = ", ".join(stage.init_from)
    if len(stage.init_from) == 1:
        return names, 0
    return f"average of {names}" + (f" by {stage.average_by}" if stage.average_by else ""), 0


def measure(shop: Workshop, stage: ConfigDict, params: Any) -> tuple[int, float, float]:
    """Return a step's bytes on each device, its seconds and operations, scaled up from a few rows.

    Bytes are those at the stage's length. Where lengths differ, the rest is a mean of batches.
    """
    train = shop.config.train
    objective, optimizer = stage_objective(shop, stage), OptimizerConfig(**stage.optimizer)
    sight = stage_sight(shop, stage)
    sharding = {"shard_optimizer": train.shard_optimizer}
    options = {"augmentation": sight.augmentation, **sharding}
    own = stage.batch_size // jax.process_count()
    rows = min(own, ROWS * jax.local_device_count())
    arguments = shop.encoder, objective, optimizer, train.backend
    step = mapped_step(*arguments, **options)
    state = place_state(init_state(params, objective, optimizer), train.backend, **sharding)
    inputs = np.float32(0), np.uint32(0)
    examples, draw = stage_examples(shop, stage), sight.draw(objective.views)
    batch = few_rows(examples, draw, rows, stage.length, word_buckets(objective))
    fastest = float("inf")
    for _ in range(1 + REPEATS):
        began = time.perf_counter()
        state, metrics = step(state, place(batch, train.backend), *inputs)
        jax.block_until_ready((state, metrics))
        fastest = min(fastest, time.perf_counter() - began)
    full = mapped_step(*arguments, chunk_size=stage.chunk_size, **options)

    def scaled(x: np.ndarray) -> np.ndarray:
        """Repeat an array's rows, of which there may be several for an example."""
        return np.resize(x, (len(x) * own // rows, *x.shape[1:]))

    whole = jax.tree.map(scaled, batch)
    lowered = full.lower(state, place(whole, train.backend), *inputs)  # type: ignore[attr-defined]
    use = lowered.compile().memory_analysis()
    kept = use.argument_size_in_bytes + use.output_size_in_bytes - use.alias_size_in_bytes
    texts = len(objective.views) * stage.batch_size
    longest = train_flops(shop.encoder, texts, stage.length)
    lengths = padded_lengths(examples, draw, stage)
    flops = float(np.mean([train_flops(shop.encoder, texts, length) for length in lengths]))
    return kept + use.temp_size_in_bytes, fastest * own / rows * flops / longest, flops


def few_rows(examples: Any, draw: Draw, rows: int, length: int, word_buckets: int) -> Any:
    """Return a batch of a few rows of each host, padded to a length."""
    data = make_batches(
        examples,
        draw,
        batch_size=rows * jax.process_count(),
        length=length,
        workers=0,
        seed=0,
        word_buckets=word_buckets,
        process=jax.process_index(),
        processes=jax.process_count(),
    )
    with contextlib.closing(iter(data)) as batches:
        batch = next(batches)
    del batch["cut"]
    return batch


def padded_lengths(examples: Any, draw: Draw, stage: ConfigDict) -> Sequence[int]:
    """Return the patches to which the batches of two windows are padded."""
    lengths = bucket_lengths(stage.length, stage.length_buckets)
    if len(lengths) == 1:
        return lengths
    windows = arranged(
        examples,
        draw,
        # Larger ones are as long as their longest texts, too.
        batch_size=min(stage.batch_size, SAMPLED),
        window=stage.window,
        length_buckets=stage.length_buckets,
        seed=0,
    )
    return [padded_length(draw, pairs, lengths) for n in range(2) for pairs in windows[n]]


def table(plans: Sequence[StagePlan], parameters: int) -> str:
    """Lay plans out as text, with their sum."""
    head = ("stage", "steps", "examples", "FLOP", "memory", "time", "starts from")
    rows = [
        (
            plan.name,
            f"{plan.steps:,}",
            f"{plan.examples:,}",
            f"{plan.flops:.1e}",
            f"{plan.memory / 2**30:.2f} GiB" if plan.memory else "-",
            tqdm.format_interval(plan.seconds),
            plan.start,
        )
        for plan in plans
    ]
    total = (
        "all",
        f"{sum(plan.steps for plan in plans):,}",
        f"{sum(plan.examples for plan in plans):,}",
        f"{sum(plan.flops for plan in plans):.1e}",
        f"{max(plan.memory for plan in plans) / 2**30:.2f} GiB",
        tqdm.format_interval(sum(plan.seconds for plan in plans)),
        "",
    )
    widths = [max(map(len, column)) for column in zip(head, *rows, total, strict=True)]
    lines = []
    for cells in (head, *rows, total):
        first, *numbers, last = cells
        middle = (f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:-1], strict=True))
        lines.append("  ".join((f"{first:{widths[0]}}", *middle, last)).rstrip())
    devices = f"{jax.device_count()} x {jax.devices()[0].device_kind}"
    return "\n".join(
        [
            f"{parameters:,} parameters in the encoder; {devices}",
            *lines,
            "Memory is a step's on each device; time is that of the steps left, as scaled up from",
            "a few rows: evaluating, and waiting for data where rendering is slower, come on top.",
        ]
    )
