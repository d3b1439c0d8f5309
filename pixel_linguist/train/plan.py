"""The plan of a recipe before it runs: stages, steps, operations, memory, time."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from pixel_linguist.data.loader import bucket_lengths, padded_length, preview
from pixel_linguist.train.accelerators import Accelerator
from pixel_linguist.train.annotate import unannotated
from pixel_linguist.train.checkpoint import MANIFEST
from pixel_linguist.train.context import RunContext
from pixel_linguist.train.cost import train_flops
from pixel_linguist.train.hosts import place, place_state
from pixel_linguist.train.stage import Stage, make_stage
from pixel_linguist.train.step import init_pending, init_state

# Rows a device in the batch that is timed, and how often it is.
ROWS, REPEATS = 8, 3
# Share of the peak that a transformer of this kind is taken to reach on a machine that is not here,
# and share of a device's memory that a step may take.
UTILISATION, ROOM = 0.4, 0.9
# Examples of a batch whose lengths are looked at.
SAMPLED = 1024


class Cost(NamedTuple):
    """Of a step: bytes on each device, seconds, operations, and settings that make it fit."""

    memory: int
    seconds: float
    flops: float
    remedies: str


@dataclasses.dataclass(frozen=True)
class StagePlan:
    """What is known of a stage before it runs.

    Attributes:
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


def plan_recipe(context: RunContext, target: Accelerator | None = None) -> str:
    """Return the table of a recipe's stages and the number of parameters.

    Each shape of step is compiled at its full batch, for its memory, and timed on a few rows; for
    another machine, the `target`, time is that of `UTILISATION`.
    """
    params = context.encoder.init(context.config.seed)
    count = sum(np.size(leaf) for leaf in jax.tree.leaves(params))
    measured: dict[Any, Cost] = {}
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
                measured[key] = measure(stage, params, target)
            memory, seconds, flops, remedies = measured[key]
            hosts = target.hosts if target else jax.process_count()
            words.append(
                f"{name}: {hosts} x this host draws {hosts * stage.draw_rate():,.0f} pairs a "
                f"second, the devices take {settings.batch_size / seconds:,.0f}"
            )
            words += [f"{name}: {remedies}"] if remedies else []
            if word := objective_origin(context, stage, params):
                words.append(f"{name}: {word}")
        costs = steps * flops, memory, steps * seconds
        plans.append(StagePlan(name, start, steps, steps * settings.batch_size, *costs))
    return "\n".join([table(plans, count, target), *words])


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


def measure(stage: Stage, params: Any, target: Accelerator | None) -> Cost:
    """Return what a step costs, on this machine scaled up from a few rows that are trained on.

    Bytes are those at the stage's length. Where lengths differ, the rest is a mean of batches.
    """
    context, settings = stage.context, stage.settings
    train, encoder = context.config.train, context.encoder
    own = settings.batch_size // context.devices * jax.local_device_count()
    rows = min(own, ROWS * jax.local_device_count())
    host, constants = init_state(encoder, params, stage.objective, stage.optimizer, seed=0)
    pairs = list(preview(stage.examples, rows * jax.process_count()))
    batch = stage.views.batch(pairs, settings.length, jax.process_index(), jax.process_count())
    batch = batch._replace(cut=None)
    if stage.optimizer.accumulate > 1:
        parts = encoder, stage.objective, stage.optimizer
        host["pending"] = init_pending(*parts, host, constants, batch)
    texts = len(stage.objective.views) * settings.batch_size
    longest = train_flops(encoder.config, texts, settings.length)
    lengths = padded_lengths(stage)
    flops = float(np.mean([train_flops(encoder.config, texts, length) for length in lengths]))

    def memory(stage: Stage, *, shard_optimizer: bool) -> int:
        """Compile the step at its full batch; the optimiser is shared by the target's devices."""
        whole = jax.tree.map(lambda x: np.resize(x, (len(x) * own // rows, *x.shape[1:])), batch)
        here = shard_optimizer and target is None
        state = place_state(host, train.backend, shard_optimizer=here)
        lower = stage.step(shard_optimizer=here).lower  # type: ignore[attr-defined]
        inputs = state, constants, place(whole, train.backend), np.float32(0), np.uint32(0)
        use = lower(*inputs).compile().memory_analysis()
        kept = use.argument_size_in_bytes + use.output_size_in_bytes - use.alias_size_in_bytes
        used = kept + use.temp_size_in_bytes
        if shard_optimizer and not here:
            size = sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(host["opt"]))
            used -= size * (context.devices - 1) // context.devices
        return int(used)

    used = memory(stage, shard_optimizer=train.shard_optimizer)
    if target:
        seconds = flops / (UTILISATION * target.flops(encoder.config.dtype))
        return Cost(used, seconds, flops, remedies(stage, memory, used, target))
    step, fastest = stage.step(chunk_size=0), float("inf")
    state = place_state(host, train.backend, shard_optimizer=train.shard_optimizer)
    for _ in range(1 + REPEATS):
        began = time.perf_counter()
        placed = place(batch, train.backend)
        state, metrics = step(state, constants, placed, np.float32(0), np.uint32(0))
        jax.block_until_ready((state, metrics))
        fastest = min(fastest, time.perf_counter() - began)
    return Cost(used, fastest * own / rows * flops / longest, flops, "")


def remedies(stage: Stage, memory: Callable[..., int], used: int, target: Accelerator) -> str:
    """Say whether a step fits into the target's memory, and which settings make it; "": it does."""
    room = ROOM * target.chip.gigabytes * 1e9
    if used <= room:
        return ""
    context, train = stage.context, stage.context.config.train
    rows = stage.settings.batch_size // context.devices
    sharded = train.shard_optimizer
    encoder = context.encoder
    blocks = type(encoder)(dataclasses.replace(encoder.config, remat="blocks"))
    spared = dataclasses.replace(stage, context=dataclasses.replace(context, encoder=blocks))
    helps = []
    for parts in (4, 16, 64):
        settings = stage.settings.copy_and_resolve_references()
        settings.chunk_size = max(rows // parts, 1)
        chunked = dataclasses.replace(stage, settings=settings)
        if rows % settings.chunk_size == 0 and memory(chunked, shard_optimizer=sharded) <= room:
            helps.append(f"chunk_size={settings.chunk_size}")
            break
    if encoder.config.remat != "blocks" and memory(spared, shard_optimizer=sharded) <= room:
        helps.append("model.remat=blocks")
    if not sharded and memory(stage, shard_optimizer=True) <= room:
        helps.append("train.shard_optimizer=true (with train.backend=shard_map)")
    fits = "; it fits with " + ", or ".join(helps) if helps else ", nor with any one setting"
    return f"does NOT fit into {target.chip.gigabytes:g} GB a device{fits}"


def padded_lengths(stage: Stage) -> Sequence[int]:
    """Return the patches to which the batches of two windows are padded."""
    settings = stage.settings
    lengths = bucket_lengths(settings.length, settings.length_buckets)
    if len(lengths) == 1:
        return lengths
    # Larger batches are as long as their longest texts, too.
    windows = stage.windows(min(settings.batch_size, SAMPLED))
    return [padded_length(stage.views, pairs, lengths) for n in range(2) for pairs in windows[n]]


def table(plans: Sequence[StagePlan], parameters: int, target: Accelerator | None) -> str:
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
    ends = "a few rows: evaluating, and waiting for data where rendering is slower, come on top."
    how = "Memory is a step's on each device; time is that of the steps left, as scaled up from"
    if target:
        devices = f"{target.name}: {target.devices} devices on {target.hosts} hosts"
        how = (
            "Memory is a step's on each device, as compiled here; time is that of the steps left at"
        )
        ends = f"{UTILISATION:.0%} of the devices' peak: evaluating and waiting come on top."
    return "\n".join([f"{parameters:,} parameters in the encoder; {devices}", *lines, how, ends])
