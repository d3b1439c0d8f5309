"""The plan of a recipe before it runs: stages, steps, operations, memory, time."""

import time
from collections.abc import Sequence
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
from pixel_linguist.train.step import init_state

# Rows of a device in the timed batch, and its repetitions.
ROWS, REPEATS = 8, 3
# Assumed share of the peak that a transformer reaches on another machine, and share of a device's
# memory that a step may take.
UTILISATION, ROOM = 0.4, 0.9
# Most examples of a batch by which lengths are estimated.
SAMPLED = 1024


class Cost(NamedTuple):
    """Of a step: bytes on each device, seconds, and operations."""

    memory: int
    seconds: float
    flops: float


class StagePlan(NamedTuple):
    """A row of the plan.

    Attributes:
        steps: left to do.
        examples: read in them.
        flops: of the matrix products in them, padding included: of a few batches where their
            lengths differ.
        memory: bytes of a step on each device, by the compiler; 0 for an average.
        seconds: of the steps alone, on this machine.
    """

    name: str
    steps: int
    examples: int
    flops: float
    memory: int
    seconds: float
    start: str


def plan_recipe(context: RunContext, target: Accelerator | None = None) -> str:
    """Return the table of a recipe's stages and the number of parameters.

    Each shape of step is compiled at its full batch, for its memory, and timed on a few rows; for
    another machine, the `target`, time is that of `UTILISATION`.
    """
    params = context.encoder.init(context.config.seed)
    count = sum(np.size(leaf) for leaf in jax.tree.leaves(params))
    hosts = target.hosts if target else jax.process_count()
    measured: dict[Any, Cost] = {}
    plans, words = [], []
    for name in context.config.order:
        settings = context.config.stages[name]
        start, done = where_it_starts(context, name, settings)
        steps, cost = settings.steps - done, Cost(0, 0.0, 0.0)
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
            cost = measured[key]
            words.append(
                f"{name}: {hosts} x this host draws {hosts * stage.draw_rate():,.0f} pairs a "
                f"second, the devices take {settings.batch_size / cost.seconds:,.0f}"
            )
            if target and cost.memory > ROOM * target.chip.gigabytes * 1e9:
                config = context.config
                ways = [
                    "a smaller chunk_size",
                    *["model.remat=blocks"] * (config.model.remat != "blocks"),
                    *["train.shard_optimizer=true (with train.backend=shard_map)"]
                    * (not config.train.shard_optimizer),
                ]
                words.append(
                    f"{name}: does NOT fit into {target.chip.gigabytes:g} GB a device; less take: "
                    f"{', '.join(ways)}"
                )
            if word := objective_origin(context, stage, params):
                words.append(f"{name}: {word}")
        examples, flops, seconds = steps * np.array([settings.batch_size, cost.flops, cost.seconds])
        plans.append(StagePlan(name, steps, int(examples), flops, cost.memory, seconds, start))
    return "\n".join([table(plans, count, target), *words])


def where_it_starts(context: RunContext, name: str, settings: ConfigDict) -> tuple[str, int]:
    """Return where a stage starts from, and the number of its finished steps."""
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
    """Return where a stage's objective takes its parameters from; "" if it has none.

    Stages of this run, which may not have run yet, are compared by their objectives' names.
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
    """Return the cost of a step; on this machine it is scaled up from a few rows.

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
    texts = len(stage.objective.views) * settings.batch_size
    longest = train_flops(encoder.config, texts, settings.length)
    lengths = padded_lengths(stage)
    flops = float(np.mean([train_flops(encoder.config, texts, length) for length in lengths]))
    whole = jax.tree.map(lambda x: np.resize(x, (len(x) * own // rows, *x.shape[1:])), batch)
    memory = step_bytes(stage, host, constants, whole, shared_later=target is not None)
    if target:
        return Cost(memory, flops / (UTILISATION * target.flops(encoder.config.dtype)), flops)
    step, fastest = stage.step(chunk_size=0), float("inf")
    state = place_state(host, train.backend, shard_optimizer=train.shard_optimizer)
    for _ in range(1 + REPEATS):
        began = time.perf_counter()
        placed = place(batch, train.backend)
        state, metrics = step(state, constants, placed, np.float32(0), np.uint32(0))
        jax.block_until_ready((state, metrics))
        fastest = min(fastest, time.perf_counter() - began)
    return Cost(memory, fastest * own / rows * flops / longest, flops)


def step_bytes(stage: Stage, host: Any, constants: Any, batch: Any, *, shared_later: bool) -> int:
    """Compile a step for a host's whole batch, and return the bytes that it takes on a device.

    Args:
        host: the train state, on the host.
        shared_later: whether the optimiser's state is shared by the devices of another machine.
    """
    train, devices = stage.context.config.train, stage.context.devices
    shard = train.shard_optimizer and not shared_later
    state = place_state(host, train.backend, shard_optimizer=shard)
    lower = stage.step(shard_optimizer=shard).lower  # type: ignore[attr-defined]
    inputs = state, constants, place(batch, train.backend), np.float32(0), np.uint32(0)
    use = lower(*inputs).compile().memory_analysis()
    kept = use.argument_size_in_bytes + use.output_size_in_bytes - use.alias_size_in_bytes
    if train.shard_optimizer and shared_later:
        size = sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(host["opt"]))
        kept -= size * (devices - 1) // devices
    return int(kept + use.temp_size_in_bytes)


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
    _, steps, examples, flops, memory, seconds, _ = zip(*plans, strict=True)
    total = StagePlan("all", sum(steps), sum(examples), sum(flops), max(memory), sum(seconds), "")
    rows = [("stage", "steps", "examples", "FLOP", "memory", "time", "starts from")]
    for plan in [*plans, total]:
        size = f"{plan.memory / 2**30:.2f} GiB" if plan.memory else "-"
        numbers = f"{plan.steps:,}", f"{plan.examples:,}", f"{plan.flops:.1e}", size
        rows.append((plan.name, *numbers, tqdm.format_interval(plan.seconds), plan.start))
    first, *widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([f"{row[0]:{first}}", *map(str.rjust, row[1:-1], widths), row[-1]]).rstrip()
        for row in rows
    ]
    about = "Memory is a step's on each device{}; time is that of the steps left{}: evaluating"
    if target:
        devices = f"{target.name}: {target.devices} devices on {target.hosts} hosts"
        about = about.format(", as compiled here", f" at {UTILISATION:.0%} of the devices' peak")
        about += " and waiting come on top."
    else:
        devices = f"{jax.device_count()} x {jax.devices()[0].device_kind}"
        about = about.format("", ", as scaled up from a few rows")
        about += ", and waiting for data where rendering is slower, come on top."
    return "\n".join([f"{parameters:,} parameters in the encoder; {devices}", *lines, about])
