"""What is refused of a recipe before any of it runs."""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence

import jax
import numpy as np
from ml_collections import ConfigDict

from pixel_linguist.data.example import Content
from pixel_linguist.data.loader import bucket_lengths, preview
from pixel_linguist.data.sources import make_source
from pixel_linguist.evaluate.suite import Task
from pixel_linguist.files import check_model_folder
from pixel_linguist.model.adapters import ADAPTERS, adapt
from pixel_linguist.model.store import check_same_shapes
from pixel_linguist.registry import choose
from pixel_linguist.train.annotate import unannotated
from pixel_linguist.train.context import RunContext
from pixel_linguist.train.frozen_models import TEXT_MODEL, sentence_transformers
from pixel_linguist.train.loggers import check_loggers
from pixel_linguist.train.number_ranges import check_finite, check_ranges
from pixel_linguist.train.optim import freeze
from pixel_linguist.train.results import Result, load_result
from pixel_linguist.train.stage import make_stage


def check_recipe(
    context: RunContext, tasks: Mapping[str, Task], skip: Collection[str] = ()
) -> dict[str, dict[str, str]]:
    """Refuse a recipe that could not run to its end, before any of it runs.

    Stages to be skipped are not looked at.

    Returns:
        Stage → SHA-256 of the fonts of its styles, by name.

    Raises:
        ValueError: naming the stage and what is wrong with it.
    """
    config = context.config
    check_finite(config.to_dict())
    check_ranges(config)
    check_loggers(config.train.loggers)
    check_least("evaluate", config.evaluate, batch_size=1)
    for width in config.evaluate.truncate_dims:
        if not 1 <= width <= context.encoder.dimension:
            raise ValueError(
                f"evaluate.truncate_dims has {width}; embeddings have 1 to "
                f"{context.encoder.dimension} numbers"
            )
    if unknown := set(config.evaluate.report_tasks) - set(tasks):
        raise ValueError(
            f"evaluate.report_tasks names {', '.join(sorted(unknown))}; there are "
            f"{', '.join(tasks)}"
        )
    if sorted(config.order) != sorted(config.stages):
        raise ValueError(
            f"order names {', '.join(config.order)}; stages are {', '.join(config.stages)}"
        )
    for name, members in config.evaluate.ensembles.items():
        if not members or set(members) - set(config.order):
            raise ValueError(
                f"evaluate.ensembles.{name} names {', '.join(members) or 'nothing'}; stages are "
                f"{', '.join(config.order)}"
            )
    fonts: dict[str, dict[str, str]] = {name: {} for name in skip}
    for number, name in enumerate(config.order):
        if name in skip:
            continue
        with naming(f"stage {name}"):
            fonts[name] = check_stage(context, name, config.order[:number], tasks)
    return fonts


@contextlib.contextmanager
def naming(what: str) -> Iterator[None]:
    """Say of what an error inside is; of its subclasses, some cannot be made from a text."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{what}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error


def check_least(where: str, config: ConfigDict, **least: int) -> None:
    """Refuse numbers that are below their least."""
    for key, number in least.items():
        if config[key] < number:
            raise ValueError(f"{where}.{key} is {config[key]}; at least {number} is needed")


def read_start(context: RunContext, start: str) -> Result:
    """Read a model from elsewhere whole, so that a damaged one is refused before earlier stages."""
    folder = context.start(start)
    if not (folder / "config.json").is_file():
        raise ValueError(f"{start!r} is no earlier stage and no model's folder")
    check_model_folder(folder)
    return load_result(folder)


def check_metric(tasks: Mapping[str, Task], key: str, value: str) -> None:
    """Refuse what is not the name of a task and of a score that it gives."""
    task, _, metric = value.partition("/")
    if task not in tasks:
        raise ValueError(f"{key} {value!r} is not TASK/METRIC, of {', '.join(tasks)}")

    def noise(texts: Sequence[Content]) -> np.ndarray:
        """Embed texts and pictures anyhow: which scores there are does not depend on it."""
        return np.random.default_rng(0).normal(size=(len(texts), 8)).astype(np.float32)

    if metric not in (scores := tasks[task].score(noise)):
        raise ValueError(f"{key} is {value!r}, but {task} gives {', '.join(scores)}")


def check_stage(
    context: RunContext, name: str, earlier: Sequence[str], tasks: Mapping[str, Task]
) -> dict[str, str]:
    """Refuse a stage that could not begin, or not end; return the hashes of its styles' fonts."""
    settings = context.config.stages[name]
    check_ranges(settings)
    if settings.start_required and not settings.init_from:
        raise ValueError(
            f"it needs a start, such as --config.stages.{name}.init_from=hf:Team-PIXEL/pixel-base; "
            "a folder that pixel-linguist convert has made of one, or the model of "
            "experiments/pixel.py, will do"
        )
    models = [part.annotate.model for part in settings.data.values() if part.annotate]
    if text_models := [model for model in models if model.startswith(TEXT_MODEL)]:
        sentence_transformers(text_models[0])
    if settings.adapter:
        choose("adapter", ADAPTERS, settings.adapter)
        if not settings.init_from:
            raise ValueError(f"adapter is {settings.adapter!r}, but init_from names no start")
    for start in (*settings.init_from, *(m for m in models if m not in text_models)):
        if start not in earlier:
            found = read_start(context, start).encoder
            if start in settings.init_from:
                adapted = adapt(settings.adapter, found, context.encoder)
                check_same_shapes(adapted, context.encoder.shapes(), start)
    if settings.average_by:
        check_metric(tasks, "average_by", settings.average_by)
    if settings.steps:
        return check_training(context, name, tasks)
    if not settings.init_from:
        raise ValueError("steps is 0 and init_from is empty: nothing to do")
    return {}


def check_training(context: RunContext, name: str, tasks: Mapping[str, Task]) -> dict[str, str]:
    """Refuse steps whose parts do not fit together."""
    settings, devices = context.config.stages[name], context.devices
    check_least("stage", settings, batch_size=1)
    if settings.batch_size % devices:
        raise ValueError(f"batch_size {settings.batch_size} is not divisible by {devices} devices")
    rows = settings.batch_size // devices
    if settings.chunk_size and rows % settings.chunk_size:
        raise ValueError(f"chunk_size {settings.chunk_size} does not divide a device's {rows} rows")
    longest = context.encoder.config.max_patches
    if not 1 <= settings.length <= longest:
        raise ValueError(f"length {settings.length} is not in 1..{longest} patches")
    bucket_lengths(settings.length, settings.length_buckets)
    for task in settings.evaluate_tasks:
        if task not in tasks:
            raise ValueError(f"no task {task!r}; there are {', '.join(tasks)}")
    if settings.patience and not settings.best_metric:
        raise ValueError("patience needs a best_metric, without which no score is better")
    if settings.best_metric:
        evaluated = {task: tasks[task] for task in settings.evaluate_tasks}
        check_metric(evaluated, "best_metric", settings.best_metric)
    if parts := unannotated(context, name):
        # Its examples cannot be read before; sources at least are there.
        for part in parts:
            make_source(context.config.data_dir, settings.data[part].source)
        return {}
    stage = make_stage(context, name)
    stage.rate(0)
    init = stage.objective.init
    jax.eval_shape(lambda key: init(key, context.encoder, {}, {})[0], jax.random.key(0))
    if settings.optimizer.frozen:
        fresh = {"encoder": context.encoder.init(context.config.seed), "objective": {}}
        freeze(fresh, settings.optimizer.frozen)
    stage.step()
    # Reading the first example opens every source and tries the pair maker and perturbations;
    # drawing it tries the renderer, though of styles only those that it is drawn in.
    first = list(preview(stage.examples, 1))
    seen = first[0][0].views
    lacking = [view for view in stage.objective.views if view not in seen]
    # Parts of a mixture may lack a view, as translations lack a hard negative.
    if lacking and len(settings.data) == 1:
        raise ValueError(
            f"the objective needs the views {', '.join(stage.objective.views)}, but the pair "
            f"maker makes no {', '.join(lacking)}"
        )
    facts = first[0][0].facts
    if lacking := [name for name in settings.encoder_options if name not in facts]:
        raise ValueError(
            f"encoder_options names {', '.join(lacking)}; examples have the facts "
            f"{', '.join(facts)}"
        )
    options = {name: np.asarray([facts[name]]) for name in settings.encoder_options}
    context.encoder.check_options(options)
    stage.views.batch(first, settings.length)
    return stage.views.font_hashes()
