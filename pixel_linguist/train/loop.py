"""The loop of one stage: batches in, a trained model out."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from pixel_linguist.data.loader import make_batches, make_examples
from pixel_linguist.files import read_json, write_json
from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.encoder import Params
from pixel_linguist.model.store import Model, load_model, save_model
from pixel_linguist.objective import Objective, make_objective
from pixel_linguist.render import Renderer
from pixel_linguist.train.checkpoint import Checkpoints
from pixel_linguist.train.non_finite import stop_non_finite
from pixel_linguist.train.optim import OptimizerConfig, learning_rate
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.run import Run
from pixel_linguist.train.step import AXIS, init_state, mapped_step, place
from pixel_linguist.train.watch import Meter

Evaluate = Callable[[Params], Mapping[str, Mapping[str, float]]]


@dataclasses.dataclass(frozen=True)
class Workshop:
    """What all stages of a recipe share."""

    config: ConfigDict
    encoder: EncoderConfig
    renderer: Renderer
    run: Run

    def model(self, params: Params) -> Model:
        """Put parameters together with what reads them."""
        renderer = self.renderer
        return Model(self.encoder, params, renderer.settings(), renderer.font_hashes())


def stage_objective(stage: ConfigDict) -> Objective:
    """Make a stage's objective."""
    arguments = dict(stage.objective)
    return make_objective(arguments.pop("name"), {**arguments, "axis": AXIS})


def stage_examples(shop: Workshop, stage: ConfigDict) -> Any:
    """Make this host's share of a stage's endless (clean, perturbed) examples."""
    return make_examples(
        shop.config.data_dir,
        stage,
        seed=shop.config.seed + stage.seed,
        process=jax.process_index(),
        processes=jax.process_count(),
    )


def stage_batches(shop: Workshop, stage: ConfigDict, objective: Objective) -> Any:
    """Make the endless batches of a stage for this host."""
    return make_batches(
        stage_examples(shop, stage),
        shop.renderer,
        views=objective.views,
        batch_size=stage.batch_size // jax.process_count(),
        length=stage.length,
        workers=shop.config.train.workers,
    )


def keep_best(shop: Workshop, folder: Path, params: Params, score: float, step: int) -> None:
    """Write the model as the stage's best if its score is the highest so far."""
    path = folder / "best" / "score.json"
    if path.is_file() and read_json(path)["score"] >= score:
        return
    save_model(folder / "best", shop.model(params))
    write_json(path, {"score": score, "step": step})


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
        OSError: if a checkpoint could not be written; the last whole one is intact.
        Preempted: if the run was asked to stop; a checkpoint of the last step was written.
    """
    folder, settings = shop.run.stage(name), shop.config.train
    objective = stage_objective(stage)
    optimizer = OptimizerConfig(**stage.optimizer)
    step_fn = mapped_step(shop.encoder, objective, optimizer, settings.backend)
    seed = np.uint32(shop.config.seed + stage.seed)
    data = iter(stage_batches(shop, stage, objective))
    checkpoints = Checkpoints(
        folder / "checkpoints",
        keep=settings.keep_checkpoints,
        keep_every=settings.keep_checkpoints_every,
        run=shop.run.fingerprint(name),
    )
    with contextlib.closing(data), checkpoints, preemption.deferred():
        state = checkpoints.restore(init_state(start, objective, optimizer), data)
        first = int(state["step"])
        shop.run.forget_after(name, first)
        progress = tqdm(total=stage.steps, initial=first, desc=name, unit="step", smoothing=0.1)
        meter = Meter(stage.batch_size)
        for step in range(first, stage.steps):
            with meter.waiting():
                batch = next(data)
                meter.cut += int(batch.pop("cut"))
                batch = place(batch, settings.backend)
            rate = learning_rate(step, steps=stage.steps, **stage.schedule)
            state, metrics = step_fn(state, batch, np.float32(rate), seed)
            meter.steps.append(metrics)
            progress.update()
            done = step + 1
            last = done == stage.steps
            if done % settings.log_every == 0 or last:
                log_interval(shop, name, stage, done, rate, meter, progress)
                checkpoints.check()
            if done % stage.evaluate_every == 0 or last:
                with meter.paused():
                    evaluate_stage(shop, name, stage, state, evaluate)
            stop = preemption.reached(done)
            if (done % settings.checkpoint_every == 0 or stop) and not last:
                with meter.paused():
                    checkpoints.save(state, data)
            if stop and not last:
                checkpoints.wait()
                raise Preempted(f"stage {name}: stopped after step {done}, which is saved")
        progress.close()
    if stage.best_metric:
        return load_model(folder / "best").params
    return jax.device_get(state["params"]["encoder"])


def log_interval(
    shop: Workshop,
    name: str,
    stage: ConfigDict,
    done: int,
    rate: float,
    meter: Meter,
    progress: tqdm,
) -> None:
    """Log the steps since the last call; stop the run if a loss among them is not finite."""
    losses = meter.losses()
    if not np.isfinite(losses).all():
        step = done - len(losses) + int(np.argmin(np.isfinite(losses)))
        rows = range(step * stage.batch_size, (step + 1) * stage.batch_size)
        examples = stage_examples(shop, stage)
        stop_non_finite(
            [examples[row] for row in rows],
            shop.renderer,
            folder=shop.run.stage(name),
            length=stage.length,
            stage=name,
            step=step + 1,
            peak=stage.schedule.peak,
        )
    values = meter.report() | {"learning_rate": rate}
    shop.run.log("train", name, done, values)
    progress.set_postfix(loss=f"{values['loss']:.3f}", acc=f"{values['accuracy']:.2f}")
    meter.reset()


def evaluate_stage(
    shop: Workshop, name: str, stage: ConfigDict, state: Any, evaluate: Evaluate
) -> None:
    """Score the model inside a stage, log it, and keep it if it is the best."""
    if not stage.evaluate_tasks:
        return
    params = jax.device_get(state["params"]["encoder"])
    step = int(state["step"])
    scores = evaluate(params)
    shop.run.log("evaluation", name, step, {"scores": scores})
    if stage.best_metric:
        task, metric = stage.best_metric.split("/")
        keep_best(shop, shop.run.stage(name), params, scores[task][metric], step)
