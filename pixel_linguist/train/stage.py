"""A stage with its parts, each made once: objective, examples, views, step, schedule."""

import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from pixel_linguist.bucket import data_root
from pixel_linguist.config import plain
from pixel_linguist.data.facts import make_fact_maker
from pixel_linguist.data.loader import arranged, make_batches, make_examples
from pixel_linguist.data.records import Source
from pixel_linguist.data.sources import source_files, source_folder
from pixel_linguist.data.views import ViewPipeline, make_view_pipeline
from pixel_linguist.files import folder_sha256, sha256
from pixel_linguist.model.adapters import adapt
from pixel_linguist.model.encoder import Params
from pixel_linguist.model.encoders import encoder_settings
from pixel_linguist.model.hybrid import HybridEncoder
from pixel_linguist.model.store import check_same_shapes
from pixel_linguist.objective import Objective, make_objective
from pixel_linguist.render.augment import Augmentation, compose
from pixel_linguist.seeds import derive_seed
from pixel_linguist.train import results
from pixel_linguist.train.annotate import (
    annotated,
    annotation_folder,
    annotations_sha256,
    frozen_sha256,
)
from pixel_linguist.train.context import RunContext
from pixel_linguist.train.optim import OptimizerConfig, learning_rate
from pixel_linguist.train.results import Result, load_result
from pixel_linguist.train.step import Step, make_step

# Parameters and names of tasks → task → metric → score.
Score = Callable[[Params, Sequence[str]], Mapping[str, Mapping[str, float]]]
# Examples drawn to measure the speed of drawing.
DRAWN = 32


@dataclasses.dataclass(frozen=True)
class Stage:
    """One stage of training.

    Attributes:
        seed: of all that it draws, which no other stage has.
        objective: what is trained for.
        examples: endless (original, view) examples, of all hosts.
        views: draws their views.
        augmentation: of pixels, inside the step.
    """

    context: RunContext
    name: str
    settings: ConfigDict
    seed: int
    objective: Objective
    examples: Any
    views: ViewPipeline
    augmentation: Augmentation

    @property
    def optimizer(self) -> OptimizerConfig:
        """The optimiser's settings."""
        return OptimizerConfig(**self.settings.optimizer)

    @property
    def folder(self) -> Path:
        """The stage's own folder."""
        return self.context.folder.stage(self.name)

    def rate(self, step: int) -> np.float32:
        """Return the learning rate of a step, from 0 on."""
        return np.float32(learning_rate(step, steps=self.settings.steps, **self.settings.schedule))

    def _arrangement(self) -> dict[str, int]:
        settings = self.settings
        return {
            "window": settings.window,
            "length_buckets": settings.length_buckets,
            "seed": self.seed,
        }

    def batches(self) -> Any:
        """Return the endless batches of this host."""
        return make_batches(
            self.examples,
            self.views,
            batch_size=self.settings.batch_size,
            length=self.settings.length,
            workers=self.context.config.train.workers,
            process=jax.process_index(),
            processes=jax.process_count(),
            **self._arrangement(),
        )

    def windows(self, batch_size: int) -> Any:
        """Return the endless windows of batches of examples, of all hosts and not drawn yet."""
        return arranged(self.examples, self.views, batch_size=batch_size, **self._arrangement())

    def draw_rate(self) -> float:
        """Return the examples a second that this host can draw with all its workers, measured."""
        rates, began = [], time.perf_counter()
        for first in (0, DRAWN):
            pairs = [self.examples[i] for i in range(first, first + DRAWN)]
            self.views.batch(pairs, self.settings.length)
            rates.append(DRAWN / (time.perf_counter() - began))
            began = time.perf_counter()
        # Without processes, threads draw; Python's lock lets one work at a time.
        workers = self.context.config.train.workers or 1
        return rates[-1] * min(workers, os.cpu_count() or 1)

    def step(self, **changes: Any) -> Step:
        """Return the step, with `changes` of the arguments of `make_step`."""
        train = self.context.config.train
        options = {
            "augmentation": self.augmentation,
            "chunk_size": self.settings.chunk_size,
            "shard_optimizer": train.shard_optimizer,
            "encoder_options": tuple(self.settings.encoder_options),
        }
        parts = self.context.encoder, self.objective, self.optimizer, train.backend
        return make_step(*parts, **(options | changes))


def make_stage(context: RunContext, name: str) -> Stage:
    """Make a stage's parts.

    Raises:
        ValueError: naming what is unknown, out of range or does not fit together.
        FileNotFoundError: for missing data, or a font family that is not installed.
    """
    settings = context.config.stages[name]
    seed = stage_seed(context.config, name)
    objective = make_objective(settings.objective.to_dict())

    def with_annotations(part: str, source: Source) -> Source:
        if not settings.data[part].annotate:
            return source
        return annotated(source, annotation_folder(context, name, part))

    facts = {key: make_fact_maker(spec) for key, spec in settings.facts.to_dict().items()}
    views = make_view_pipeline(
        context.renderer,
        objective.views,
        styles=settings.styles.to_dict(),
        facts=facts,
        seed=derive_seed(seed, "styles"),
        grid=(context.encoder.config.max_rows, context.encoder.config.max_patches),
    )
    return Stage(
        context=context,
        name=name,
        settings=settings,
        seed=seed,
        objective=objective,
        examples=make_examples(context.config.data_dir, settings, seed=seed, wrap=with_annotations),
        views=views,
        augmentation=compose(
            settings.augment.to_dict(), of_words=isinstance(context.encoder, HybridEncoder)
        ),
    )


def stage_seed(config: ConfigDict, name: str) -> int:
    """Return the seed of all that a stage draws: of the run's seed, its name and its own seed.

    Stages that repeat another (a second round of languages) thereby read fresh batches.
    """
    return derive_seed(config.seed, name, config.stages[name].seed)


def start_result(context: RunContext, settings: ConfigDict, score: Score) -> tuple[Result, str]:
    """Return a stage's start, and a line about it if models were chosen.

    Args:
        score: parameters and names of tasks → their scores, for an average by a metric.
    """
    fresh = context.encoder.init(context.config.seed)
    if not settings.init_from:
        return Result(fresh, {}), ""
    loaded = []
    for name in settings.init_from:
        folder = context.start(name)
        found = load_result(folder)
        encoder = adapt(settings.adapter, found.encoder, context.encoder)
        loaded.append(found._replace(encoder=encoder))
        check_same_shapes(loaded[-1].encoder, fresh, str(folder))
    if len(loaded) == 1:
        return loaded[0], ""
    encoders = [result.encoder for result in loaded]
    objectives = results.average_objectives(loaded)
    if not settings.average_by:
        return Result(results.average(encoders), objectives), ""
    task, metric = settings.average_by.split("/")
    params, chosen, best = results.greedy_soup(encoders, lambda p: score(p, (task,))[task][metric])
    names = ", ".join(settings.init_from[place] for place in chosen)
    return Result(params, objectives), f"average by {settings.average_by}: {names} ({best:.3f})"


def handed_on(drawn: Params, start: Result, name: str) -> tuple[Params, str]:
    """Return an objective's parameters: those of an earlier stage if all of them fit.

    Groups of parameters that the earlier stage lacked stay as they are drawn.

    Returns:
        The parameters, and "none", "restored" or "new".
    """
    if not jax.tree.leaves(drawn):
        return drawn, "none"
    known = start.objectives.get(name)
    alike = {key: drawn[key] for key in known or () if key in drawn}
    if known and results.shapes(known) == results.shapes(alike):
        return {**drawn, **known}, "restored"
    return drawn, "new"


def stage_settings(context: RunContext, name: str, fonts: Mapping[str, str]) -> dict[str, Any]:
    """Return all that a stage's result depends on, data and models it starts from included.

    Args:
        fonts: SHA-256 of the fonts of its styles, by name.
    """
    config, settings = context.config, context.config.stages[name]
    return plain(
        {
            "stage": plain(settings),
            "model": encoder_settings(context.encoder),
            "renderer": context.renderer.settings(),
            "fonts": context.renderer.font_hashes() | dict(fonts),
            "seed": config.seed,
            "starts": {start: frozen_sha256(context, start) for start in settings.init_from},
            "sha256": data_sha256(config.data_dir, settings),
            "annotations": annotations_sha256(context, settings),
        }
    )


def data_sha256(root: str | Path, settings: ConfigDict) -> dict[str, str]:
    """Return the SHA-256 of each file that a stage's sources name, and of their data sets' folders.

    They are named relative to `root`, so that data may move. A data set that comes from the Hub is
    not hashed.
    """
    sources = [part.source for part in settings.data.values()]
    files = {file for source in sources for file in source_files(root, source)}
    folders = {folder for source in sources if (folder := source_folder(root, source))}
    here = data_root(root, {})
    hashes = {str(file): sha256(here / file) for file in sorted(files)}
    return hashes | {
        os.path.relpath(folder, here): folder_sha256(folder) for folder in sorted(folders)
    }
