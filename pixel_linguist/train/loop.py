"""The loop of one stage: batches in, a trained model out."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
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
from pixel_linguist.train.optim import OptimizerConfig, learning_rate
from pixel_linguist.train.run import Run
from pixel_linguist.train.step import AXIS, init_state, mapped_step, place

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


def stage_batches(shop: Workshop, stage: ConfigDict, objective: Objective) -> Any:
    """Make the endless batches of a stage for this host."""
    hosts = jax.process_count()
    examples = make_examples(
        shop.config.data_dir,
        stage,
        seed=shop.config.seed + stage.seed,
        process=jax.process_index(),
        processes=hosts,
    )
    return make_batches(
        examples,
        shop.renderer,
        views=objective.views,
        batch_size=stage.batch_size // hosts,
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


class Meter:
    """Means of metrics since the last report, with speed, share of waiting, and texts cut."""

    def __init__(self, batch_size: int):
        self.batch_size = batch_size
        self.reset()

    def reset(self) -> None:
        """Begin a new interval."""
        self.steps: list[dict[str, jax.Array]] = []
        self.waiting = 0.0
        self.cut = 0
        self.start = time.perf_counter()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time that is spent inside, on evaluating or saving."""
        # Steps run behind the host's back: what is not done yet is not to be left out.
        jax.block_until_ready(self.steps)
        began = time.perf_counter()
        yield
        self.start += time.perf_counter() - began

    def report(self) -> dict[str, float]:
        """Wait for the interval's steps and return their means."""
        steps = jax.device_get(self.steps)
        seconds = time.perf_counter() - self.start
        means = {name: float(np.mean([s[name] for s in steps])) for name in steps[0]}
        return means | {
            "examples_per_second": len(steps) * self.batch_size / seconds,
            "waiting_share": self.waiting / seconds,
            "cut_texts": self.cut,
            "seconds": seconds,
        }


def train_stage(
    shop: Workshop, name: str, stage: ConfigDict, start: Params, evaluate: Evaluate
) -> Params:
    """Train one stage from its latest checkpoint, else from `start`, and return its parameters.

    The result is the best model by `stage.best_metric` if one is named, else the last.

    Raises:
        FloatingPointError: if the loss is not finite; the last checkpoint is intact.
    """
    folder, settings = shop.run.stage(name), shop.config.train
    objective = stage_objective(stage)
    optimizer = OptimizerConfig(**stage.optimizer)
    step_fn = mapped_step(shop.encoder, objective, optimizer, settings.backend)
    seed = np.uint32(shop.config.seed + stage.seed)
    data = iter(stage_batches(shop, stage, objective))
    with Checkpoints(folder / "checkpoints", keep=settings.keep_checkpoints) as checkpoints:
        state = checkpoints.restore(init_state(start, objective, optimizer), data)
        first = int(state["step"])
        shop.run.forget_after(name, first)
        progress = tqdm(total=stage.steps, initial=first, desc=name, unit="step", smoothing=0.1)
        meter = Meter(stage.batch_size)
        for step in range(first, stage.steps):
            waited = time.perf_counter()
            batch = next(data)
            meter.cut += int(batch.pop("cut"))
            batch = place(batch, settings.backend)
            meter.waiting += time.perf_counter() - waited
            rate = learning_rate(step, steps=stage.steps, **stage.schedule)
            state, metrics = step_fn(state, batch, np.float32(rate), seed)
            meter.steps.append(metrics)
            progress.update()
            done = step + 1
            if done % settings.log_every == 0 or done == stage.steps:
                values = meter.report() | {"learning_rate": rate}
                if not np.isfinite(values["loss"]):
                    raise FloatingPointError(
                        f"stage {name}: the loss is {values['loss']} by step {done}; lower "
                        f"schedule.peak (now {stage.schedule.peak}) or optimizer.clip_norm"
                    )
                shop.run.log("train", name, done, values)
                progress.set_postfix(loss=f"{values['loss']:.3f}", acc=f"{values['accuracy']:.2f}")
                meter.reset()
            if done % stage.evaluate_every == 0 or done == stage.steps:
                with meter.paused():
                    evaluate_stage(shop, name, stage, state, evaluate)
            if done % settings.checkpoint_every == 0 and done < stage.steps:
                with meter.paused():
                    checkpoints.save(state, data)
        progress.close()
    data.close()
    if stage.best_metric:
        return load_model(folder / "best").params
    return jax.device_get(state["params"]["encoder"])


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
