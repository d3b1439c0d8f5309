"""A stage that is solved, not trained: see `pixel_linguist.train.dictionary`."""

import itertools
import time
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict
from scipy import sparse

from pixel_linguist.data.draw import Batch
from pixel_linguist.data.pairs import Example
from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.encoder import Params
from pixel_linguist.model.reading import Reader, distinct
from pixel_linguist.model.windows import bag_letters, cut_apart, map_cells
from pixel_linguist.train.dictionary import (
    PRESENT,
    ClosedForm,
    Normal,
    add_texts,
    cut_cells,
    frequent_bags,
    frequent_windows,
    merge_cells,
    of_text,
    principal,
    regress,
    text_features,
    whiten,
    whiten_map,
)
from pixel_linguist.train.letters import Standing, read_cells, solve_letters
from pixel_linguist.train.loop import Workshop, stage_batches, stage_objective
from pixel_linguist.train.watch import Progress


def check_closed_form(
    encoder: EncoderConfig, stage: ConfigDict, views: tuple[str, ...], example: Example
) -> None:
    """Refuse a stage's settings that do not fit its encoder, its views, or its first example.

    Raises:
        ValueError: saying what would.
    """
    settings = ClosedForm(**stage.closed_form)
    if not encoder.cell_pixels or encoder.positions != "learned" or encoder.final_norm:
        raise ValueError(
            "closed_form needs model.cell_pixels above 0, model.positions 'learned' and "
            "model.final_norm False"
        )
    if stage.raster != "host":
        raise ValueError(f"closed_form reads pixels: raster {stage.raster!r} must be 'host'")
    if settings.fit == "letters":
        if not encoder.cell_hidden or "positive" not in views:
            raise ValueError(
                "closed_form.fit 'letters' needs model.cell_hidden above 0, and an objective "
                "that reads pairs, as info_nce"
            )
        return
    if encoder.cell_hidden and not stage.init_from:
        raise ValueError("with model.cell_hidden, init_from must name a stage of fit 'letters'")
    _check_dictionary(encoder, settings, stage.steps * stage.batch_size, example)


def _check_dictionary(
    encoder: EncoderConfig, settings: ClosedForm, examples: int, example: Example
) -> None:
    if settings.longest > encoder.window_cells:
        raise ValueError(
            f"closed_form.longest {settings.longest} is more than model.window_cells, "
            f"{encoder.window_cells}"
        )
    if settings.texts > examples:
        raise ValueError(
            f"closed_form.texts {settings.texts} is more than the {examples} examples read"
        )
    width = 0 if example.target is None else len(example.target)
    if settings.fit == "target" and width < encoder.width:
        raise ValueError(
            f"closed_form.fit 'target' needs targets of at least model.width {encoder.width}; "
            f"the data bring {f'some of {width}' if width else 'none'}"
        )


def choose_dictionary(
    encoder: EncoderConfig, settings: ClosedForm, start: dict[str, Any], patches: np.ndarray
) -> dict[str, Any]:
    """Return the parameters that find the most frequent windows of uint8 [N, H, W], and bags.

    Cells are mapped as `start` does where they have a hidden layer; else they are whitened.
    """
    unique, inverse = distinct(patches)
    counts = np.bincount(inverse)
    cells = cut_cells(unique, counts, encoder.cell_pixels)
    if encoder.cell_hidden:
        layers = {name: start[name] for name in ("cell_hidden", "cell")}
    else:
        kernel, bias = whiten(cells, encoder.cell_width)
        layers = {"cell": {"kernel": kernel, "bias": bias}}
    cells, codes = merge_cells(cells, map_cells(layers, cells.pixels), encoder.letters)
    windows = frequent_windows(
        cells, counts, encoder.patch_hidden, settings.shortest, settings.longest
    )
    longer = ((0, 0), (0, encoder.window_cells - settings.longest))
    params = {
        **layers,
        "letters": np.pad(codes, ((0, encoder.letters - len(codes)), (0, 0))),
        "spelling": np.pad(windows, longer, constant_values=-1).astype(np.float32),
        "tolerance": np.array([settings.tolerance], np.float32),
    }
    if encoder.letter_bags:
        params["bags"] = choose_bags(encoder, layers, unique, counts)
    return params


def choose_bags(
    encoder: EncoderConfig, layers: dict[str, Any], patches: np.ndarray, counts: np.ndarray
) -> dict[str, np.ndarray]:
    """Return units that answer to the letters of the most frequent words in any order.

    Args:
        encoder: its architecture.
        layers: what maps cells.
        patches: uint8 [N, H, W], distinct.
        counts: [N], how often each is there.
    """
    cells = cut_apart(patches, encoder.cell_pixels)
    ink = cells.any(axis=(2, 3))
    pictures, number = distinct(cells.reshape(ink.size, -1))
    codes = map_cells(layers, pictures.astype(np.float32) / 255)[number]
    bags = bag_letters(codes.reshape(*ink.shape, -1), ink)
    return frequent_bags(bags, ink.sum(axis=1), counts, encoder.letter_bags)


def inverse_document_frequency(features: Iterable[sparse.csr_array]) -> np.ndarray:
    """Return the weight of each unit, float32 [F], by how many of some texts [B, F] it is in."""
    texts, holding = 0, np.zeros(())
    for block in features:
        texts += block.shape[0]
        holding = holding + (block > PRESENT).sum(axis=0)
    return (np.log(texts / (1 + holding)) + 1).astype(np.float32)


def begin_as_solution(start: Params, params: dict[str, Any], solution: np.ndarray) -> Params:
    """Return an encoder that is a dictionary and a map float [F, D] of it, and nothing else.

    Blocks add nothing yet, nor do positions: training goes on from what was solved.
    """
    blocks = start["blocks"]
    silent = {
        "attention": blocks["attention"] | {"out": _zeros(blocks["attention"]["out"])},
        "mlp_out": _zeros(blocks["mlp_out"]),
    }
    embed = {"kernel": solution, "bias": np.zeros(solution.shape[1], np.float32)}
    positions = _zeros(start["positions"])
    own = {"windows": params, "embed": embed, "blocks": blocks | silent, "positions": positions}
    return start | own


def _zeros(tree: Any) -> Any:
    return jax.tree.map(np.zeros_like, tree)


def solve_stage(shop: Workshop, name: str, stage: ConfigDict, start: Params) -> Params:
    """Solve one stage from the texts of its steps and return its parameters.

    Every host reads all of them, and comes to the same result. What was read is not kept: a run
    that is killed begins the stage again.
    """
    every = stage_batches(shop, stage, stage_objective(shop, stage), shared=False)
    batches = itertools.islice(every, stage.steps)
    solve = solve_cells if stage.closed_form.fit == "letters" else solve_dictionary
    return solve(shop, name, stage, start, batches)


class Pace:
    """Shows how far a stage has come."""

    def __init__(self, shop: Workshop, name: str, stage: ConfigDict):
        self._progress = Progress(name, first=0, steps=stage.steps)
        self._every, self._size = shop.config.train.log_every, stage.batch_size
        self._began, self._done = time.perf_counter(), 0

    def step(self) -> None:
        """Count a batch."""
        self._done += 1
        self._progress.step()
        if self._done % self._every == 0:
            rate = self._done * self._size / (time.perf_counter() - self._began)
            self._progress.show(self._done, {"examples_per_second": rate})

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._progress.close()


def solve_cells(
    shop: Workshop, name: str, stage: ConfigDict, start: Params, batches: Iterable[Batch]
) -> Params:
    """Find out from pairs of views which letters are alike."""
    standing, pace = Standing(), Pace(shop, name, stage)
    for batch in batches:
        views = (read_cells(shop.encoder, **batch[view]) for view in ("anchor", "positive"))
        standing.add_views(*views)
        pace.step()
    pace.close()
    solved = solve_letters(shop.encoder, ClosedForm(**stage.closed_form), standing)
    return start | {"windows": start["windows"] | solved}


def solve_dictionary(
    shop: Workshop, name: str, stage: ConfigDict, start: Params, batches: Iterable[Batch]
) -> Params:
    """Choose a dictionary of windows and solve for what they mean."""
    encoder, settings = shop.encoder, ClosedForm(**stage.closed_form)
    batches = iter(batches)
    first = list(itertools.islice(batches, -(-settings.texts // stage.batch_size)))
    params = choose_dictionary(
        encoder,
        settings,
        start["windows"],
        np.concatenate([of_text(**batch["anchor"]) for batch in first]),
    )
    nothing = np.zeros((stage.batch_size, 1), np.float32)
    reader = Reader(encoder, params)

    def read(batch: Batch) -> tuple[sparse.csr_array, np.ndarray]:
        return text_features(reader, **batch["anchor"]), batch.get("target", nothing)

    counts = first[0]["anchor"]["count"]
    # Their pictures are let go one by one: they take more memory than what is read in them.
    known = [read(first.pop(0)) for _ in range(len(first))]
    weight = inverse_document_frequency(features for features, _ in known)
    size, targets = len(weight), known[0][1].shape[1]
    normal = Normal(np.zeros((size, size)), np.zeros((size, targets)))
    pace = Pace(shop, name, stage)
    for features, asked in itertools.chain(known, map(read, batches)):
        add_texts(normal, features * weight, asked)
        pace.step()
    pace.close()
    outputs = (
        principal(normal, encoder.width)
        if settings.fit == "principal"
        else regress(normal, settings.penalty)
    )
    solution = whiten_map(outputs, settings.whitening, encoder.width) * weight[:, None]
    # As if features had been normalised: blocks then add to vectors of the usual size.
    embedded = known[0][0] @ solution / counts[:, None]
    return begin_as_solution(start, params, solution / np.sqrt(np.mean(embedded**2)))
