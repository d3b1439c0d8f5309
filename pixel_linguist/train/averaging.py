"""Averaging models: all of them, or only those that help."""

from collections.abc import Callable, Sequence

from pixel_linguist.model.encoder import Params
from pixel_linguist.model.store import average


def greedy_average(
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
    best, *others = sorted(range(len(models)), key=lambda place: -alone[place])
    chosen, params, highest = [best], models[best], alone[best]
    for place in others:
        tried = average([models[i] for i in [*chosen, place]])
        if (found := score(tried)) >= highest:
            chosen, params, highest = [*chosen, place], tried, found
    return params, chosen, highest
