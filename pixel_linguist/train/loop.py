"""The loop of one stage: batches in, a trained model out."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from pixel_linguist.data.loader import arranged, make_batches, make_examples, preview
from pixel_linguist.evaluate.embed import Embedder
from pixel_linguist.evaluate.embedding_geometry import Geometry
from pixel_linguist.files import read_json, write_json
from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.encoder import Params
from pixel_linguist.model.store import Model, load_model, save_model
from pixel_linguist.objective import Objective, make_objective
from pixel_linguist.render import Renderer
from pixel_linguist.seeds import derive_seed
from pixel_linguist.train.checkpoint import Checkpoints
from pixel_linguist.train.devices import AXIS, place, place_state
from pixel_linguist.train.non_finite import ROWS_PICTURED, stop_non_finite
from pixel_linguist.train.optim import OptimizerConfig, learning_rate
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.reconstruction import (
    Reconstruction,
    leave_reconstruction,
    make_reconstruction,
    word_buckets,
)
from pixel_linguist.train.run import Run
from pixel_linguist.train.sight import Sight, make_sight
from pixel_linguist.train.step import Step, init_state, mapped_step
from pixel_linguist.train.watch import Meter, Profile, Progress

# Texts in the picture that an autoencoder's stage leaves.
RECONSTRUCTED = 8
# Pairs whose geometry is followed, and the figures of it.
PROBED = 128
PROBE_FIGURES = ("alignment", "uniformity", "anisotropy", "effective_rank")
Evaluate = Callable[[Params], Mapping[str, Mapping[str, float]]]


@dataclasses.dataclass(frozen=True)
class Workshop:
    """What all stages of a recipe share."""

    config: ConfigDict
    encoder: EncoderConfig
    renderer: Renderer
    run: Run
    # The folder for a profiler's traces, one a stage, if there are to be any.
    profile: Path | None = None

    def model(self, params: Params) -> Model:
        """Put parameters together with what reads them."""
        renderer = self.renderer
        return Model(self.encoder, params, renderer.settings(), renderer.font_hashes())

    def start(self, name: str) -> Path:
        """Return the folder of what a stage starts from: an earlier stage's model, or any."""
        return self.run.model(name) if name in self.config.order else Path(name)


def stage_objective(shop: Workshop, stage: ConfigDict) -> Objective:
    """Make a stage's objective, with its decoder if it has one."""
    arguments = stage.objective.to_dict()
    if arguments["name"] == "masked_autoencoder":
        start = str(shop.start(stage.init_from[0])) if len(stage.init_from) == 1 else ""
        return make_reconstruction(
            shop.encoder, arguments, axis=AXIS, start=start, seed=shop.config.seed
        )
    return make_objective(arguments.pop("name"), {**arguments, "axis": AXIS})


def stage_seed(shop: Workshop, stage: ConfigDict) -> int:
    """Return the seed of all that a stage draws: of the run's seed, the stage's name and its seed.

    Stages that repeat another (a second round of languages) thereby read fresh batches.
    """
    name = next(name for name, other in shop.config.stages.items() if other is stage)
    return derive_seed(shop.config.seed, name, stage.seed)


def stage_examples(shop: Workshop, stage: ConfigDict) -> Any:
    """Make a stage's endless (clean, perturbed) examples, of all hosts."""
    return make_examples(shop.config.data_dir, stage, seed=stage_seed(shop, stage))


def stage_sight(shop: Workshop, stage: ConfigDict) -> Sight:
    """Make what is between a stage's texts and its encoder."""
    return make_sight(
        shop.renderer,
        styles=stage.styles.to_dict(),
        augmentations=stage.augment.to_dict(),
        raster=stage.raster,
        seed=stage_seed(shop, stage),
    )


def stage_batches(
    shop: Workshop, stage: ConfigDict, objective: Objective, *, shared: bool = True
) -> Any:
    """Make the endless batches of a stage: this host's share, or all of them."""
    return make_batches(
        stage_examples(shop, stage),
        stage_sight(shop, stage).draw(objective.views),
        batch_size=stage.batch_size,
        length=stage.length,
        workers=shop.config.train.workers,
        seed=stage_seed(shop, stage),
        window=stage.window,
        length_buckets=stage.length_buckets,
        word_buckets=word_buckets(objective),
        process=jax.process_index() if shared else 0,
        processes=jax.process_count() if shared else 1,
    )


def stage_step(shop: Workshop, stage: ConfigDict, objective: Objective) -> Step:
    """Make the step of a stage."""
    train = shop.config.train
    return mapped_step(
        shop.encoder,
        objective,
        OptimizerConfig(**stage.optimizer),
        train.backend,
        augmentation=stage_sight(shop, stage).augmentation,
        chunk_size=stage.chunk_size,
        shard_optimizer=train.shard_optimizer,
    )


def stage_checkpoints(shop: Workshop, name: str) -> Checkpoints:
    """Make what keeps the checkpoints of a stage."""
    train = shop.config.train
    return Checkpoints(
        shop.run.checkpoints(name),
        keep=train.keep_checkpoints,
        keep_every=train.keep_checkpoints_every,
        run=shop.run.fingerprint(name),
        workers=train.workers,
    )


def next_batch(data: Any, name: str) -> Any:
    """Return the next batch.

    Raises:
        ChildProcessError: if a process that renders has died.
    """
    try:
        return next(data)
    except RuntimeError as error:
        raise ChildProcessError(
            f"stage {name}: a worker process has died (out of memory?); the same command goes on "
            f"from the last checkpoint. {error}"
        ) from error


def keep_best(shop: Workshop, folder: Path, params: Params, score: float, step: int) -> None:
    """Write the model as the stage's best if its score is the highest so far."""
    path = folder / "best" / "score.json"
    if path.is_file() and read_json(path)["score"] >= score:
        return
    save_model(folder / "best", shop.model(params))
    write_json(path, {"score": score, "step": step})


class Watch:
    """What is seen of one stage while it runs: figures, scores, and its best model.

    Args:
        shop: of the recipe.
        name: of the stage.
        stage: its settings.
        first: the step after which it goes on.
        evaluate: scores the stage's tasks.
    """

    def __init__(
        self,
        shop: Workshop,
        name: str,
        stage: ConfigDict,
        first: int,
        evaluate: Evaluate,
    ):
        self.shop, self.name, self.stage, self.evaluate = shop, name, stage, evaluate
        self.meter = Meter(shop.encoder, stage.batch_size)
        self.progress = Progress(name, first=first, steps=stage.steps)
        self.profile = Profile(shop.profile and shop.profile / name, first=first)
        clean = [clean for clean, _ in preview(stage_examples(shop, stage), PROBED)]
        # Unperturbed: what changes is the model alone.
        self.probe = Geometry(
            {side: tuple(getattr(pair, side) for pair in clean) for side in ("anchor", "positive")}
        )

    def next(self, data: Any, views: tuple[str, ...]) -> Any:
        """Wait for the next batch, count what is in it, and lay it out on the devices."""
        with self.meter.waiting():
            batch = next_batch(data, self.name)
        self.meter.read(batch, views)
        del batch["cut"]
        with self.meter.waiting():
            return place(batch, self.shop.config.train.backend)

    def step(self, done: int, metrics: Any) -> None:
        """Take note of a step."""
        self.meter.step(metrics)
        self.progress.step()
        self.profile.step(done, metrics)

    def close(self) -> None:
        """End what is shown and traced."""
        self.progress.close()
        self.profile.close()

    def check(self, done: int) -> None:
        """Stop the run if a loss or gradient since the last log is not finite; leave its batch."""
        shop, stage, finite = self.shop, self.stage, self.meter.finite()
        if finite.all():
            return
        step = done - len(finite) + int(np.argmin(finite))
        views, sight = stage_objective(shop, stage).views, stage_sight(shop, stage)
        windows = arranged(
            stage_examples(shop, stage),
            sight.draw(views),
            batch_size=stage.batch_size,
            window=stage.window,
            length_buckets=stage.length_buckets,
            seed=stage_seed(shop, stage),
        )
        pairs = windows[step // stage.window][step % stage.window]
        seed = stage_seed(shop, stage)
        pictured = pairs[:ROWS_PICTURED]
        stop_non_finite(
            pairs,
            sight.look(pictured, views, stage.length, seed=seed, step=step),
            shop.renderer,
            folder=shop.run.stage(self.name),
            stage=self.name,
            step=step + 1,
            peak=stage.schedule.peak,
        )

    def log(self, done: int, rate: float) -> None:
        """Log the steps since the last call."""
        values = self.meter.report() | {"learning_rate": rate}
        self.shop.run.log("train", self.name, done, values)
        self.progress.show(done, values)
        self.meter.reset()

    def score(self, state: Any) -> None:
        """Log the model's geometry and scores, and keep it if it is the best."""
        shop, stage, step = self.shop, self.stage, int(state["step"])
        params = jax.device_get(state["params"]["encoder"])
        embed = Embedder(shop.encoder, params, shop.renderer, shop.config.evaluate.batch_size)
        geometry = self.probe.score(embed)
        shop.run.log("probe", self.name, step, {key: geometry[key] for key in PROBE_FIGURES})
        if not stage.evaluate_tasks:
            return
        scores = self.evaluate(params)
        shop.run.log("evaluation", self.name, step, {"scores": scores})
        if stage.best_metric:
            task, metric = stage.best_metric.split("/")
            keep_best(shop, shop.run.stage(self.name), params, scores[task][metric], step)


def train_stage(
    shop: Workshop,
    name: str,
    stage: ConfigDict,
    start: Params,
    evaluate: Evaluate,
    preemption: Preemption,
) -> Params:
    """Train one stage from its latest checkpoint, else from `start`, and return its parameters.

    The result is the best model by `stage.best_metric` if one is named, else the last.

    Raises:
        FloatingPointError: if the loss is not finite; the last checkpoint is intact.
        OSError: if a checkpoint could not be written (the last whole one is intact), or a worker
            process has died.
        Preempted: if the run was asked to stop; a checkpoint of the last step was written.
    """
    objective = stage_objective(shop, stage)
    step_fn = stage_step(shop, stage, objective)
    seed = np.uint32(stage_seed(shop, stage))
    data = iter(stage_batches(shop, stage, objective))
    checkpoints = stage_checkpoints(shop, name)
    with contextlib.closing(data), checkpoints, preemption.deferred():
        fresh = init_state(start, objective, OptimizerConfig(**stage.optimizer))
        train = shop.config.train
        state = place_state(
            checkpoints.restore(fresh, data), train.backend, shard_optimizer=train.shard_optimizer
        )
        first = int(state["step"])
        shop.run.forget_after(name, first)
        watch = Watch(shop, name, stage, first, evaluate)
        for step in range(first, stage.steps):
            batch = watch.next(data, objective.views)
            rate = learning_rate(step, steps=stage.steps, **stage.schedule)
            state, metrics = step_fn(state, batch, np.float32(rate), seed)
            watch.step(step + 1, metrics)
            stop = preemption.reached()
            after_step(watch, checkpoints, state, data, done=step + 1, rate=rate, stop=stop)
        watch.close()
    if isinstance(objective, Reconstruction):
        show_reconstruction(shop, name, stage, objective, jax.device_get(state["params"]))
    if stage.best_metric:
        return load_model(shop.run.stage(name) / "best").params
    return jax.device_get(state["params"]["encoder"])


def after_step(
    watch: Watch,
    checkpoints: Checkpoints,
    state: Any,
    data: Any,
    *,
    done: int,
    rate: float,
    stop: bool,
) -> None:
    """Log, score and save what is due after a step; the last is not saved, as its model is.

    Args:
        watch: of the stage.
        checkpoints: of the stage.
        state: after the step.
        data: the iterator of batches, which is saved with the state.
        done: steps so far.
        rate: the learning rate of the step.
        stop: whether the run was asked to stop.

    Raises:
        Preempted: if it is to stop, once the state is saved.
    """
    train, stage = watch.shop.config.train, watch.stage
    last = done == stage.steps
    log, score = (done % every == 0 or last for every in (train.log_every, stage.evaluate_every))
    save = (done % train.checkpoint_every == 0 or stop) and not last
    if log or score or save:
        watch.check(done)
    if log:
        watch.log(done, rate)
        checkpoints.check()
    with watch.meter.paused() if score or save else contextlib.nullcontext():
        if score:
            watch.score(state)
        if save:
            checkpoints.save(state, data)
    if stop and not last:
        checkpoints.wait()
        raise Preempted(f"stage {watch.name}: stopped after step {done}, which is saved")


def show_reconstruction(
    shop: Workshop, name: str, stage: ConfigDict, objective: Reconstruction, params: Params
) -> None:
    """Leave a masked autoencoder's decoder beside its model, and a picture of what it fills in."""
    pairs = preview(stage_examples(shop, stage), RECONSTRUCTED)
    leave_reconstruction(
        objective,
        params,
        shop.renderer,
        [perturbed.anchor for _, perturbed in pairs],
        length=stage.length,
        model=shop.run.model(name),
        picture=shop.run.folder / "reconstructions" / f"{name}.png",
    )
