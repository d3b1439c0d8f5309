"""Recipes: named stages in order, each starting from scratch, from a stage, or from an average."""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from pixel_linguist.config import plain
from pixel_linguist.data.loader import preview
from pixel_linguist.data.sources import source_files, source_folder
from pixel_linguist.evaluate.baselines import tfidf_embed
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.evaluate.embed import Embedder
from pixel_linguist.evaluate.similarity import CachedEmbed, Embed
from pixel_linguist.evaluate.suite import Task, evaluate_tasks, score_table, with_interval
from pixel_linguist.files import folder_sha256, locked, sha256, write_json
from pixel_linguist.model import EncoderConfig, init_params
from pixel_linguist.model.encoder import Params
from pixel_linguist.model.store import average, check_same_shapes, load_model, save_model
from pixel_linguist.render import Renderer
from pixel_linguist.report.examples import draw_examples
from pixel_linguist.report.page import write_report
from pixel_linguist.report.run_report import RunReport
from pixel_linguist.train.averaging import greedy_average
from pixel_linguist.train.checks import check_recipe
from pixel_linguist.train.devices import host_folder, shared_by_hosts
from pixel_linguist.train.loggers import open_loggers
from pixel_linguist.train.loop import (
    Workshop,
    stage_examples,
    stage_objective,
    stage_seed,
    stage_sight,
    train_stage,
)
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.run import Run

PAIRS_SHOWN = 6
# Parameters and names of tasks → task → metric → score.
Score = Callable[[Params, Sequence[str]], Mapping[str, Mapping[str, float]]]
# What a result may depend on beside the config.
VERSIONS = ("pixel-linguist", "jax", "flax", "optax", "numpy", "uharfbuzz", "freetype-py")


def make_workshop(config: ConfigDict, folder: Path, *, profile: bool = False) -> Workshop:
    """Make what all stages share; a missing font or an impossible architecture stops here."""
    shape = config.render
    renderer = Renderer(
        family=shape.family,
        strategy=shape.strategy,
        patch=(shape.patch_height, shape.patch_width),
        max_patches=shape.max_patches,
        font_size=shape.font_size,
    )
    encoder = EncoderConfig(
        patch_height=config.render.patch_height,
        patch_width=config.render.patch_width,
        max_patches=config.render.max_patches,
        **config.model,
    )
    trace = folder / "profile" if profile else None
    return Workshop(config, encoder, renderer, Run(folder), trace)


def start_params(shop: Workshop, stage: ConfigDict, score: Score) -> Params:
    """Return what a stage starts from: scratch, one model, or the average of several.

    Args:
        shop: of the recipe.
        stage: its settings.
        score: parameters and names of tasks → their scores, for an average by a metric.
    """
    fresh = init_params(shop.encoder, shop.config.seed)
    if not stage.init_from:
        return fresh
    loaded = []
    for name in stage.init_from:
        folder = shop.start(name)
        loaded.append(load_model(folder).params)
        check_same_shapes(loaded[-1], fresh, str(folder))
    if not stage.average_by:
        return average(loaded)
    task, metric = stage.average_by.split("/")
    params, chosen, best = greedy_average(loaded, lambda p: score(p, (task,))[task][metric])
    names = ", ".join(stage.init_from[place] for place in chosen)
    print(f"average by {stage.average_by}: {names} ({best:.3f})", flush=True)
    return params


class Scorer:
    """Scores models on the recipe's tasks and keeps the table of the run."""

    def __init__(self, shop: Workshop, tasks: Mapping[str, Task]):
        self.shop = shop
        self.tasks = tasks

    def score(self, params: Params, names: Any) -> dict[str, dict[str, float]]:
        """Score parameters on the named tasks."""
        return evaluate_tasks({name: self.tasks[name] for name in names}, self._embed(params))

    def score_row(self, params: Params) -> dict[str, dict[str, float]]:
        """Score parameters on the tasks of the table, with intervals."""
        embed, names = self._embed(params), self.shop.config.evaluate.report_tasks
        return {name: with_interval(self.tasks[name], CachedEmbed(embed)) for name in names}

    def _embed(self, params: Params) -> Embed:
        shop = self.shop
        size = shop.config.evaluate.batch_size
        return shared_by_hosts(Embedder(shop.encoder, params, shop.renderer, size))

    def add_row(self, model: str, scores: Any) -> None:
        """Put a model's scores in the run's table."""
        about = {
            name: {"metric": self.tasks[name].metric}
            for name in self.shop.config.evaluate.report_tasks
        }
        self.shop.run.add_scores(model, scores, about)

    def show(self) -> None:
        """Print the table of scores so far, and draw it."""
        folder, metrics = self.shop.run.folder, {name: t.metric for name, t in self.tasks.items()}
        rows = {row["model"]: row["scores"] for row in self.shop.run.scores()}
        shown = self.shop.config.evaluate.report_tasks
        print(score_table(rows, {name: metrics[name] for name in shown}), flush=True)
        RunReport().scored(folder)

    def add_baselines(self) -> None:
        """Score TF-IDF and the untrained encoder, unless an earlier start of the run did."""
        shop, names = self.shop, self.shop.config.evaluate.report_tasks
        done = {row["model"] for row in shop.run.scores()}
        if "tfidf" not in done:
            tasks = {name: self.tasks[name] for name in names}
            scores = {name: with_interval(task, tfidf_embed(task)) for name, task in tasks.items()}
            self.add_row("tfidf", scores)
        if "untrained" not in done:
            self.add_row("untrained", self.score_row(init_params(shop.encoder, shop.config.seed)))


def data_sha256(root: Path, stage: ConfigDict) -> dict[str, str]:
    """Return the SHA-256 of each file that a stage's sources name, and of their data sets' folders.

    They are named relative to `root`, so that data may move. A data set that comes from the Hub is
    not hashed.
    """
    sources = [part.source for part in stage.data.values()]
    files = {file for source in sources for file in source_files(root, source)}
    folders = {folder for source in sources if (folder := source_folder(root, source))}
    hashes = {str(file): sha256(root / file) for file in sorted(files)}
    return hashes | {
        os.path.relpath(folder, root): folder_sha256(folder) for folder in sorted(folders)
    }


def starts_sha256(shop: Workshop, stage: ConfigDict) -> dict[str, str]:
    """Return the SHA-256 of the weights of each model that a stage starts from, "" of none yet."""
    weights = {name: shop.start(name) / "weights.safetensors" for name in stage.init_from}
    return {name: sha256(path) if path.is_file() else "" for name, path in weights.items()}


def stage_settings(shop: Workshop, stage: ConfigDict) -> dict[str, Any]:
    """Return all that a stage's result depends on, data and models it starts from included."""
    config = shop.config
    return {
        "stage": plain(stage),
        "model": dataclasses.asdict(shop.encoder),
        "renderer": shop.renderer.settings(),
        "fonts": shop.renderer.font_hashes() | stage_sight(shop, stage).fonts(),
        "seed": config.seed,
        "starts": starts_sha256(shop, stage),
        "sha256": data_sha256(Path(config.data_dir), stage),
    }


def picture_pairs(shop: Workshop, name: str, stage: ConfigDict) -> None:
    """Leave a picture of a stage's first pairs, as the model sees them."""
    pairs = list(preview(stage_examples(shop, stage), PAIRS_SHOWN))
    views, seed = stage_objective(shop, stage).views, stage_seed(shop, stage)
    seen = stage_sight(shop, stage).look(pairs, views, stage.length, seed=seed, step=0)
    RunReport().stage_started(shop.run.folder, name, shop.renderer, pairs, seen)


def picture_examples(shop: Workshop, tasks: Mapping[str, Task]) -> None:
    """Leave pictures of what the run's last model makes of its tasks' texts.

    Which pairs moved most is told of the way from the first stage that is reported.
    """
    config = shop.config
    reported = [name for name in config.order if config.stages[name].report]
    models = [
        Embedder(
            shop.encoder,
            load_model(shop.run.model(name)).params,
            shop.renderer,
            config.evaluate.batch_size,
        )
        for name in dict.fromkeys([*reported[:1], config.order[-1]])
    ]
    shown = {name: tasks[name] for name in config.evaluate.report_tasks}
    draw_examples(shop.run.folder / "examples", models, shown)


def run_stage(shop: Workshop, name: str, scorer: Scorer, preemption: Preemption) -> None:
    """Run one stage to its end, leave its model, and score it."""
    stage = shop.config.stages[name]
    shop.run.begin_stage(name, plain(stage_settings(shop, stage)))
    if shop.run.finished(name):
        print(f"{name}: finished before, not run again")
    else:
        # Its folder may have been deleted, so that it runs again.
        shop.run.forget_scores(name)
        params = start_params(shop, stage, scorer.score)
        if stage.steps:
            picture_pairs(shop, name, stage)
            evaluate = functools.partial(scorer.score, names=stage.evaluate_tasks)
            params = train_stage(shop, name, stage, params, evaluate, preemption)
        save_model(shop.run.model(name), shop.model(params))
    if stage.report and name not in {row["model"] for row in shop.run.scores()}:
        params = load_model(shop.run.model(name)).params
        scorer.add_row(name, scorer.score_row(params))
        scorer.show()


def prepare(
    config: ConfigDict, folder: Path, *, profile: bool = False
) -> tuple[Workshop, dict[str, Task]]:
    """Make what a recipe needs, or refuse it; nothing is written.

    Raises:
        ValueError: for a recipe that could not run to its end, or the folder of another run.
        FileNotFoundError: for missing data.
    """
    shop = make_workshop(config, host_folder(folder), profile=profile)
    shop.run.shared = folder
    tasks = make_tasks(config.data_dir, config.tasks)
    check_recipe(shop, tasks)
    stages = config.stages.items()
    shop.run.check({name: plain(stage_settings(shop, stage)) for name, stage in stages})
    return shop, tasks


def run_recipe(
    config: ConfigDict, folder: Path, preemption: Preemption, *, profile: bool = False
) -> Run:
    """Run a recipe's stages in order, from wherever an earlier start of the run ended.

    Prints the table of scores after each stage that has a row in it, and leaves the last stage's
    model in model/ and a report in report.html.

    Args:
        config: the recipe.
        folder: for all results.
        preemption: says when to stop.
        profile: whether to leave a profiler's trace of a few steps in profile/.

    Returns:
        The finished run, in the folder that this host may write to.

    Raises:
        BlockingIOError: if another process runs in the folder.
        Preempted: if the run was asked to stop.
    """
    # Before the other hosts copy what is there.
    with locked(folder) if jax.process_index() == 0 else contextlib.nullcontext():
        shop, tasks = prepare(config, folder, profile=profile)
        run_stages(shop, tasks, preemption)
    return shop.run


def run_stages(shop: Workshop, tasks: Mapping[str, Task], preemption: Preemption) -> None:
    """Run what `run_recipe` has made ready."""
    config, folder = shop.config, shop.run.folder
    write_json(folder / "config.json", plain(config))
    write_json(folder / "versions.json", {name: version(name) for name in VERSIONS})
    scorer = Scorer(shop, tasks)
    scorer.add_baselines()
    shop.run.loggers = open_loggers(config.train.loggers, folder, plain(config))
    try:
        for name in config.order:
            run_stage(shop, name, scorer, preemption)
            preemption.check()
    finally:
        for logger in shop.run.loggers:
            logger.close()
    save_model(folder / "model", load_model(shop.run.model(config.order[-1])))
    picture_examples(shop, tasks)
    print(f"model: {folder / 'model'}\nreport: {write_report(folder)}")
