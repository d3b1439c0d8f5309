"""Scores of a run's models: inside stages, in the table of the run, and which model is best."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from pixel_linguist.evaluate.similarity import CachedEmbed, Embed, ensemble_embed, prefix_embed
from pixel_linguist.evaluate.suite import Task, add_interval, score_table
from pixel_linguist.files import read_json, write_json
from pixel_linguist.model.encoder import Params
from pixel_linguist.train.context import RunContext
from pixel_linguist.train.results import save_result
from pixel_linguist.train.stage import Stage

# Rows of the table beside the models: name → what embeds the texts of a task; None: it cannot.
Baselines = Mapping[str, Callable[[Task], Embed | None]]


class Scorer:
    """Scores models on the recipe's tasks and keeps the table of the run."""

    def __init__(self, context: RunContext, tasks: Mapping[str, Task]):
        self.context, self.tasks = context, tasks
        self.shown = {name: tasks[name] for name in context.config.evaluate.report_tasks}

    def score(self, params: Params, names: Sequence[str]) -> dict[str, dict[str, float]]:
        """Score parameters on the named tasks."""
        embed = self.context.embed(params)
        return {name: self.tasks[name].score(embed) for name in names}

    def add_model(self, name: str, params: Params) -> None:
        """Add the row of a model, and one for each length to which its vectors are cut."""
        embed = CachedEmbed(self.context.embed(params))
        self._add(name, embed)
        for width in self.context.config.evaluate.truncate_dims:
            self._add(f"{name}@{width}", prefix_embed(embed, width))

    def add_ensemble(self, name: str, models: Sequence[Params]) -> None:
        """Add the row of the sum of several models' embeddings."""
        self._add(name, ensemble_embed([self.context.embed(params) for params in models]))

    def _add(self, name: str, embed: Embed) -> None:
        self.add_baselines({name: lambda task: embed})

    def add_baselines(self, baselines: Baselines) -> None:
        """Add rows by name, unless the table has them."""
        known = {row["model"] for row in self.context.folder.scores()}
        about = {name: {"metric": task.metric} for name, task in self.shown.items()}
        for model in baselines.keys() - known:
            embeds = {name: baselines[model](task) for name, task in self.shown.items()}
            measured = {
                name: self.shown[name].checked(embed) for name, embed in embeds.items() if embed
            }
            scores = {name: add_interval(self.shown[name], m) for name, m in measured.items()}
            observed = {
                name: np.stack(m.observations.values)
                for name, m in measured.items()
                if m.observations
            }
            self.context.folder.add_observations(model, observed)
            self.context.folder.add_scores(model, scores, about)

    def table(self) -> str:
        """Return the scores so far as text."""
        rows = {row["model"]: row["scores"] for row in self.context.folder.scores()}
        return score_table(rows, {name: task.metric for name, task in self.shown.items()})


def score_inside(stage: Stage, state: Any, scorer: Scorer, probe: Any) -> None:
    """Log a model's geometry and scores inside its stage, and keep it if it is the best.

    Args:
        probe: the task of the geometry of a few of the stage's pairs; None if it has no texts.
    """
    context, settings, step = stage.context, stage.settings, int(state["step"])
    params = jax.device_get(state["params"])
    if probe:
        geometry = dict(probe.score(context.embed(params["encoder"])))
        figures = ("alignment", "uniformity", "anisotropy", "effective_rank")
        context.folder.log("probe", stage.name, step, {name: geometry[name] for name in figures})
    if not settings.evaluate_tasks:
        return
    scores = scorer.score(params["encoder"], settings.evaluate_tasks)
    context.folder.log("evaluation", stage.name, step, {"scores": scores})
    if settings.best_metric:
        task, metric = settings.best_metric.split("/")
        keep_best(stage, params, scores[task][metric], step)


def keep_best(stage: Stage, params: Params, score: float, step: int) -> None:
    """Write encoder and objective as the stage's best if the score is the highest so far.

    A score that is not a number is never the best.
    """
    path = stage.folder / "best" / "score.json"
    if math.isnan(score) or (path.is_file() and read_json(path)["score"] >= score):
        return
    model = stage.context.model(params["encoder"])
    save_result(path.parent / "model", model, objective_params(stage, params))
    write_json(path, {"score": score, "step": step})


def gave_up(stage: Stage, done: int) -> bool:
    """Return whether the last `patience` evaluations brought no better score."""
    settings, path = stage.settings, stage.folder / "best" / "score.json"
    if not settings.patience or not path.is_file():
        return False
    return done - read_json(path)["step"] >= settings.patience * settings.evaluate_every


def objective_params(stage: Stage, params: Params) -> dict[str, Params]:
    """Return the parameters of a stage's objective by its name; nothing if it has none."""
    own = params["objective"]
    return {stage.settings.objective.name: own} if jax.tree.leaves(own) else {}
