"""A stage's result: a model's folder with the parameters of the stage's objective in it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from pixel_linguist.convert import is_reference, read_reference
from pixel_linguist.model import store
from pixel_linguist.model.encoder import Params
from pixel_linguist.model.store import Model, load_model


class Result(NamedTuple):
    """All that a stage has trained: the encoder, and objectives by name."""

    encoder: Params
    objectives: dict[str, Params]


def save_result(model_folder: Path, model: Model, objectives: dict[str, Params]) -> None:
    """Write a stage's result; the model comes last, so that a folder that has it is complete."""
    store.save_objectives(model_folder, objectives)
    store.save_model(model_folder, model)


def start_model(model_folder: Path) -> Model:
    """Read a model's folder, of ours or of PIXEL's."""
    if is_reference(model_folder):
        return read_reference(model_folder).model
    return load_model(model_folder)


def load_result(model_folder: Path) -> Result:
    """Read a stage's result, or any other model's folder."""
    return Result(start_model(model_folder).params, store.load_objectives(model_folder))


def average(models: Sequence[Any]) -> Any:
    """Average parameters uniformly (Wortsman et al. 2022, arXiv 2203.05482)."""
    return jax.tree.map(lambda *arrays: np.mean(arrays, axis=0, dtype=np.float32), *models)


def average_objectives(results: Sequence[Result]) -> dict[str, Params]:
    """Average the parameters of the objectives that all results have, in the same shapes."""
    common = set.intersection(*(set(result.objectives) for result in results))
    alike = {}
    for name in sorted(common):
        first, *others = (result.objectives[name] for result in results)
        if all(shapes(params) == shapes(first) for params in others):
            alike[name] = average([first, *others])
    return alike


def shapes(params: Params) -> Any:
    """Return the shapes of parameters, as a tree that can be compared."""
    return jax.tree.map(np.shape, params)


def greedy_soup(
    models: Sequence[Params], score: Callable[[Params], float]
) -> tuple[Params, list[int], float]:
    """Average models one after the other, the best first, each only if the score does not fall.

    Source: Wortsman et al. 2022 (arXiv 2203.05482), recipe 1.

    Args:
        models: of one architecture.
        score: of parameters, higher being better, on data that no result is reported on.

    Returns:
        The average, the places of the models in it (the best first), and its score.
    """
    alone = [score(model) for model in models]
    # A score that is not a number is the worst.
    ranks = [-np.inf if np.isnan(value) else value for value in alone]
    best, *others = sorted(range(len(models)), key=lambda place: -ranks[place])
    chosen, params, highest = [best], models[best], ranks[best]
    for place in others:
        tried = average([models[i] for i in [*chosen, place]])
        if (found := score(tried)) >= highest:
            chosen, params, highest = [*chosen, place], tried, found
    return params, chosen, highest
