"""A run, from a recipe to a report: its stages in order, each resumed where it was interrupted.

Reads from top to bottom: `run_recipe` prepares and checks, `run_stages` goes through the stages,
`run_stage` finishes one, `train_stage` is the loop of its steps.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Collection, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from pixel_linguist.config import plain
from pixel_linguist.data.loader import preview
from pixel_linguist.data.views import HostBatch
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.evaluate.embedding_geometry import Geometry
from pixel_linguist.evaluate.suite import Task
from pixel_linguist.files import in_bucket, locked, write_json
from pixel_linguist.inference import Embedder
from pixel_linguist.model.store import load_model, save_model
from pixel_linguist.render.patches import Patches
from pixel_linguist.train.annotate import annotate_stage, annotation_tables
from pixel_linguist.train.checkpoint import Checkpoints
from pixel_linguist.train.checks import check_recipe
from pixel_linguist.train.context import RunContext, make_context
from pixel_linguist.train.hosts import check_hosts, host_folder, place, place_state
from pixel_linguist.train.loggers import open_loggers
from pixel_linguist.train.pictures import (
    Report,
    check_losses,
    picture_objective,
    picture_pairs,
)
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.results import Result, load_result, save_result
from pixel_linguist.train.run_folder import RunFolder
from pixel_linguist.train.scores import Baselines, Scorer, gave_up, objective_params, score_inside
from pixel_linguist.train.stage import Stage, handed_on, make_stage, stage_settings, start_result
from pixel_linguist.train.stage_logger import StageLogger
from pixel_linguist.train.step import State, init_state
from pixel_linguist.word_embedder import KeptVectors, WordEmbedder

logger = logging.getLogger(__name__)
# Packages on whose versions a result may depend.
VERSIONS = ("pixel-linguist", "jax", "flax", "optax", "numpy", "uharfbuzz", "freetype-py")
# Pairs whose geometry is logged.
PROBED = 128

ReadBatch = Callable[[HostBatch], HostBatch]


def prepare(
    config: ConfigDict,
    folder: Path,
    *,
    profile: bool = False,
    devices: int = 0,
    skip: Collection[str] = (),
) -> tuple[RunContext, dict[str, Task]]:
    """Make the context and tasks of a recipe, or refuse it; nothing is written.

    Args:
        devices: that the recipe is for; 0: those of this machine.
        skip: stages that are not checked.

    Raises:
        ValueError: for a recipe that could not run to its end, or the folder of another run.
        FileNotFoundError: for missing data.
    """
    own = host_folder(folder)
    context = make_context(config, own.folder, profile=profile, devices=devices)
    context = dataclasses.replace(context, folder=own)
    tasks = make_tasks(config.data_dir, config.tasks)
    fonts = check_recipe(context, tasks, skip)
    settings = {name: stage_settings(context, name, fonts[name]) for name in config.order}
    check_hosts(folder, settings)
    context.folder.check(settings)
    return context, tasks


def run_recipe(
    config: ConfigDict,
    folder: Path,
    preemption: Preemption,
    *,
    report: Report | None = None,
    baselines: Baselines | None = None,
    profile: bool = False,
) -> RunFolder:
    """Run a recipe's stages in order, from wherever an earlier start of the run ended.

    The table of scores is logged after each stage that has a row in it; the last stage's model is
    left in model/.

    Args:
        folder: of the run; one in a bucket is worked on in a copy, which goes there with each
            checkpoint, stage and end.
        baselines: rows of the table of scores beside the models.
        profile: whether to leave a profiler's trace of a few steps in profile/.

    Returns:
        The finished run, in the folder that this host may write to.

    Raises:
        BlockingIOError: if another process runs in the folder.
        Preempted: if the run was asked to stop.
    """
    # Before the other hosts copy what is there.
    ours = jax.process_index() == 0 and not in_bucket(folder)
    with locked(folder) if ours else contextlib.nullcontext():
        context, tasks = prepare(config, folder, profile=profile)
        try:
            run_stages(context, tasks, preemption, report or Report(), baselines or {})
        finally:
            context.folder.publish()
    return context.folder


def run_stages(
    context: RunContext,
    tasks: Mapping[str, Task],
    preemption: Preemption,
    report: Report,
    baselines: Baselines,
) -> None:
    """Run the stages of a recipe that is prepared, and write its report."""
    config, folder = context.config, context.folder.folder
    write_json(folder / "config.json", plain(config))
    write_json(folder / "versions.json", {name: version(name) for name in VERSIONS})
    scorer = Scorer(context, tasks)
    scorer.add_baselines(baselines)
    scorer.add_model("untrained", context.encoder.init(config.seed))
    context.folder.loggers = open_loggers(config.train.loggers, folder, plain(config))
    try:
        for name in config.order:
            run_stage(context, name, scorer, preemption, report)
            context.folder.publish()
            preemption.check()
        for name, members in config.evaluate.ensembles.items():
            models = [load_model(context.folder.model(stage)).params for stage in members]
            scorer.add_ensemble(name, models)
    finally:
        for each in context.folder.loggers:
            each.close()
    save_model(folder / "model", load_model(context.folder.model(config.order[-1])))
    reported = [name for name in config.order if config.stages[name].report]
    shown = dict.fromkeys([*reported[:1], config.order[-1]])
    embedders = [context.embedder(load_model(context.folder.model(name)).params) for name in shown]
    page = report.finished(folder, embedders, scorer.shown)
    logger.info("model: %s", context.folder.shared / "model")
    if page:
        logger.info("report: %s", context.folder.shared / page.relative_to(folder))


def run_stage(
    context: RunContext, name: str, scorer: Scorer, preemption: Preemption, report: Report
) -> None:
    """Run one stage to its end, leave its result, and add its row to the table of scores."""
    settings, folder = context.config.stages[name], context.folder
    if folder.finished(name):
        logger.info("%s: finished before, not run again", name)
    else:
        # Its folder may have been deleted, so that it runs again.
        folder.forget_scores(name)
        start, word = start_result(context, settings, scorer.score)
        if word:
            logger.info(word)
        if settings.steps:
            annotate_stage(context, name)
            stage = make_stage(context, name)
            folder.begin_stage(name, stage_settings(context, name, stage.views.font_hashes()))
            start = train_stage(stage, start, scorer, preemption, report)
        else:
            folder.begin_stage(name, stage_settings(context, name, {}))
        save_result(folder.model(name), context.model(start.encoder), start.objectives)
    if settings.report:
        scorer.add_model(name, load_model(folder.model(name)).params)
        logger.info(scorer.table())
        report.scored(folder.folder)


def train_stage(
    stage: Stage, start: Result, scorer: Scorer, preemption: Preemption, report: Report
) -> Result:
    """Train one stage from its latest checkpoint, else from `start`, and return its result.

    The result is the best by `best_metric` if one is named, else the last.

    Raises:
        FloatingPointError: if the loss is not finite; the last checkpoint is intact.
        OSError: if a checkpoint could not be written (the last whole one is intact), or a worker
            process has died.
        Preempted: if the run was asked to stop; a checkpoint of the last step was written.
    """
    settings, train = stage.settings, stage.context.config.train
    picture_pairs(stage, report)
    step_fn, seed, probe = stage.step(), np.uint32(stage.seed), make_probe(stage)
    fresh, constants = first_state(stage, start)
    data, read = iter(stage.batches()), stem_reader(stage, stage.context.embedder(start.encoder))
    with contextlib.closing(data), stage_checkpoints(stage) as checkpoints, preemption.deferred():
        restored = checkpoints.restore(fresh, data)
        state = place_state(restored, train.backend, shard_optimizer=train.shard_optimizer)
        first = int(state["step"])
        stage.context.folder.forget_after(stage.name, first)
        with StageLogger(stage, first) as log:
            for done in range(first + 1, settings.steps + 1):
                batch = next_batch(data, log, train.backend, read)
                rate = stage.rate(done - 1)
                state, metrics = step_fn(state, constants, batch, rate, seed)
                log.step(done, metrics)
                stop, last = preemption.reached(), done == settings.steps
                due = {
                    "log": last or done % train.log_every == 0,
                    "score": last or done % settings.evaluate_every == 0,
                    "save": not last and (stop or done % train.checkpoint_every == 0),
                }
                if any(due.values()):
                    check_losses(stage, log, done, report)
                if due["log"]:
                    log.log(done, float(rate))
                    checkpoints.check()
                with log.paused() if due["score"] or due["save"] else contextlib.nullcontext():
                    if due["score"]:
                        score_inside(stage, state, scorer, probe)
                        if gave_up(stage, done):
                            break
                    if due["save"]:
                        checkpoints.save(state, data)
                    stage.context.folder.publish()
                if stop and not last:
                    checkpoints.wait()
                    raise Preempted(
                        f"stage {stage.name}: stopped after step {done}, which is saved"
                    )
    params = jax.device_get(state["params"])
    picture_objective(stage, params, report)
    best = stage.folder / "best" / "model"
    if settings.best_metric and best.is_dir():
        return load_result(best)
    return Result(params["encoder"], objective_params(stage, params))


def first_state(stage: Stage, start: Result) -> tuple[State, Any]:
    """Return the state of a stage before its first step, and its objective's constants."""
    context, settings = stage.context, stage.settings
    parts = context.encoder, start.encoder, stage.objective, stage.optimizer
    annotations = annotation_tables(context, stage.name)
    state, constants = init_state(*parts, seed=stage.seed, annotations=annotations)
    own, origin = handed_on(state["params"]["objective"], start, settings.objective.name)
    if origin != "none":
        state["params"]["objective"] = jax.tree.map(np.array, own)
        logger.info("%s: parameters of %s %s", stage.name, settings.objective.name, origin)
    return state, constants


def stage_checkpoints(stage: Stage) -> Checkpoints:
    """Return the checkpoints of a stage."""
    train, folder = stage.context.config.train, stage.context.folder
    return Checkpoints(
        folder.checkpoints(stage.name),
        keep=train.keep_checkpoints,
        keep_every=train.keep_checkpoints_every,
        run=folder.fingerprint(stage.name),
        workers=train.workers,
    )


def next_batch(data: Any, log: StageLogger, backend: Any, read: ReadBatch) -> Any:
    """Wait for the next batch, count its patches, and lay it out on the devices.

    Raises:
        ChildProcessError: if a process that draws has died.
        ValueError: for facts that the encoder does not take as options.
    """
    with log.waiting():
        try:
            batch = next(data)
        except RuntimeError as error:
            # Grain's words; errors of data inside a worker come as they are.
            if "terminated unexpectedly" not in str(error):
                raise
            raise ChildProcessError(
                f"stage {log.stage.name}: a worker process has died (out of memory?); the same "
                f"command resumes from the last checkpoint. {error}"
            ) from error
    log.read(batch)
    names = log.stage.settings.encoder_options
    log.stage.context.encoder.check_options({name: batch.facts[name] for name in names})
    with log.waiting():
        return place(read(batch)._replace(cut=None), backend)


def make_probe(stage: Stage) -> Geometry | None:
    """Return the task of the geometry of a stage's first pairs, unperturbed; None without texts."""
    views = [original.views for original, _ in preview(stage.examples, PROBED)]
    pairs = [(view.get("anchor"), view.get("positive")) for view in views]
    texts = [pair for pair in pairs if all(isinstance(text, str) for text in pair)]
    if len(texts) < 2:
        return None
    return Geometry(dict(zip(("anchor", "positive"), zip(*texts, strict=True), strict=True)))


def stem_reader(stage: Stage, embedder: Embedder) -> ReadBatch:
    """Return a function that replaces pictures of words in a batch by the vectors of a frozen stem.

    The stem gives a picture the same vector in every step, so that each distinct picture is
    computed once; it would take most of a step. A stage with augmentation, or whose objective reads
    pixels, keeps its pictures, as does one that trains its stem.
    """
    needed = stage.augmentation.steps or stage.objective.reads_pixels
    if not isinstance(embedder, WordEmbedder) or "stem" not in stage.optimizer.frozen or needed:
        return lambda batch: batch

    kept = KeptVectors(embedder.encoder, embedder.params, "stem")

    def vectors(patches: Patches) -> Patches:
        return patches._replace(pixels=kept.of_rows(patches.pixels[..., 0]))

    def read(batch: HostBatch) -> HostBatch:
        views = {name: vectors(patches) for name, patches in batch.views.items()}
        return batch._replace(views=views)

    return read
