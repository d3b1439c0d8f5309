"""The plan of a recipe before it runs: stages, steps, operations, memory, time."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from pixel_linguist.data.loader import bucket_lengths, padded_length, preview
from pixel_linguist.train.annotate import unannotated
from pixel_linguist.train.checkpoint import MANIFEST
from pixel_linguist.train.context import RunContext
from pixel_linguist.train.cost import train_flops
from pixel_linguist.train.hosts import place, place_state
from pixel_linguist.train.stage import Stage, make_stage
from pixel_linguist.train.step import init_pending, init_state

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


def plan_recipe(context: RunContext) -> str:
    """Return the table of a recipe's stages and the number of parameters.

    Each shape of step is compiled at its full batch, for its memory, and timed on a few rows.
    """
    params = context.encoder.init(context.config.seed)
    count = sum(np.size(leaf) for leaf in jax.tree.leaves(params))
    measured: dict[Any, tuple[int, float, float]] = {}
    plans, words = [], []
    for name in context.config.order:
        settings = context.config.stages[name]
        start, done = where_it_starts(context, name, settings)
        steps = settings.steps - done
        memory, seconds, flops = 0, 0.0, 0.0
        if steps and unannotated(context, name):
            words.append(f"{name}: its cost is unknown until its data is annotated")
        elif steps:
            stage = make_stage(context, name)
            # Texts are read only where their lengths count.
            texts = name if settings.length_buckets > 1 else ""
            shape = settings.batch_size, settings.length, settings.chunk_size
            key = stage.objective, stage.optimizer, stage.augmentation, *shape, texts
            if key not in measured:
                measured[key] = measure(stage, params)
            memory, seconds, flops = measured[key]
            if word := objective_origin(context, stage, params):
                words.append(f"{name}: {word}")
        costs = steps * flops, memory, steps * seconds
        plans.append(StagePlan(name, start, steps, steps * settings.batch_size, *costs))
    return "\n".join([table(plans, count), *words])


def where_it_starts(context: RunContext, name: str, settings: ConfigDict) -> tuple[str, int]:
    """Say where a stage starts from, and the number of its steps that are done."""
    if context.folder.finished(name):
        return "finished", settings.steps
    folder = context.folder.checkpoints(name)
    whole = (path.parent.name for path in folder.glob(f"*/{MANIFEST}"))
    begun = [int(step) for step in whole if step.isdigit()]
    if begun:
        return f"its checkpoint of step {max(begun)}", max(begun)
    if not settings.init_from:
        return "scratch", 0
    names = ", ".join(settings.init_from)
    if len(settings.init_from) == 1:
        return names, 0
    return f"average of {names}" + (f" by {settings.average_by}" if settings.average_by else ""), 0


def objective_origin(context: RunContext, stage: Stage, params: Any) -> str:
    """Say where a stage's objective takes its parameters from; "" if it has none.

    Of starts that are stages of the same run, the plan goes by their objective's name.
    """
    name = stage.settings.objective.name
    key = jax.random.key(0)
    own, *_ = stage.objective.init(key, context.encoder, params, {})
    if not jax.tree.leaves(own):
        return ""
    handed = [
        start
        for start in stage.settings.init_from
        if start in context.config.order and context.config.stages[start].objective.name == name
    ]
    size = sum(np.size(leaf) for leaf in jax.tree.leaves(own))
    origin = f"restored from {', '.join(handed)}" if handed else "new"
    return f"{size:,} parameters of {name}, {origin}"


def measure(stage: Stage, params: Any) -> tuple[int, float, float]:
    """Return a step's bytes on each device, its seconds and operations, scaled up from a few rows.

    Bytes are those at the stage's length. Where lengths differ, the rest is a mean of batches.
    """
    context, settings = stage.context, stage.settings
    train, encoder = context.config.train, context.encoder
    own = settings.batch_size // jax.process_count()
    rows = min(own, ROWS * jax.local_device_count())
    step = stage.step(chunk_size=0)
    host, constants = init_state(encoder, params, stage.objective, stage.optimizer, seed=0)
    pairs = list(preview(stage.examples, rows * jax.process_count()))
    batch = stage.views.batch(pairs, settings.length, jax.process_index(), jax.process_count())
    batch = batch._replace(cut=None)
    if stage.optimizer.accumulate > 1:
        parts = encoder, stage.objective, stage.optimizer
        host["pending"] = init_pending(*parts, host, constants, batch)
    state = place_state(host, train.backend, shard_optimizer=train.shard_optimizer)
    inputs = np.float32(0), np.uint32(0)
    fastest = float("inf")
    for _ in range(1 + REPEATS):
        began = time.perf_counter()
        state, metrics = step(state, constants, place(batch, train.backend), *inputs)
        jax.block_until_ready((state, metrics))
        fastest = min(fastest, time.perf_counter() - began)

    def scaled(x: np.ndarray) -> np.ndarray:
        """Repeat an array's rows, of which there may be several for an example."""
        return np.resize(x, (len(x) * own // rows, *x.shape[1:]))

    whole = jax.tree.map(scaled, batch)
    lower = stage.step().lower  # type: ignore[attr-defined]
    lowered = lower(state, constants, place(whole, train.backend), *inputs)
    use = lowered.compile().memory_analysis()
    kept = use.argument_size_in_bytes + use.output_size_in_bytes - use.alias_size_in_bytes
    texts = len(stage.objective.views) * settings.batch_size
    longest = train_flops(encoder.config, texts, settings.length)
    lengths = padded_lengths(stage)
    flops = float(np.mean([train_flops(encoder.config, texts, length) for length in lengths]))
    return kept + use.temp_size_in_bytes, fastest * own / rows * flops / longest, flops


def padded_lengths(stage: Stage) -> Sequence[int]:
    """Return the patches to which the batches of two windows are padded."""
    settings = stage.settings
    lengths = bucket_lengths(settings.length, settings.length_buckets)
    if len(lengths) == 1:
        return lengths
    # Larger batches are as long as their longest texts, too.
    windows = stage.windows(min(settings.batch_size, SAMPLED))
    return [padded_length(stage.views, pairs, lengths) for n in range(2) for pairs in windows[n]]


def table(plans: Sequence[StagePlan], parameters: int) -> str:
    """Lay plans out as text, with their sum."""
    head = ("stage", "steps", "examples", "FLOP", "memory", "time", "starts from")
    columns = zip(*map(dataclasses.astuple, plans), strict=True)
    _, _, steps, examples, flops, memory, seconds = columns
    total = StagePlan("all", "", sum(steps), sum(examples), sum(flops), max(memory), sum(seconds))
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
        for plan in [*plans, total]
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for cells in (head, *rows):
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
