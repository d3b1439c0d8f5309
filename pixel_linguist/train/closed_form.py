"""A stage that is solved, not trained: see `pixel_linguist.train.dictionary`."""

import itertools
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict
from scipy import sparse

from pixel_linguist.data.draw import Batch
from pixel_linguist.data.pairs import Example
from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.encoder import Params
from pixel_linguist.model.reading import Reader, distinct
from pixel_linguist.model.windows import BUCKET, map_cells
from pixel_linguist.train.coding import SAMPLE, code_rows
from pixel_linguist.train.dictionary import (
    ClosedForm,
    choose_letters,
    cut_cells,
    fill_buckets,
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

# Patches whose windows are counted at once.
PART = 4096


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
    if settings.texts > examples:
        raise ValueError(
            f"closed_form.texts {settings.texts} is more than the {examples} examples read"
        )
    if settings.fit == "principal" and encoder.width >= min(encoder.window_rows, examples):
        raise ValueError(
            f"closed_form.fit 'principal' finds fewer directions than model.window_rows, "
            f"{encoder.window_rows}, and than the {examples} examples read; model.width is "
            f"{encoder.width}"
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
    """Return the parameters that find the most frequent windows of uint8 [N, H, W].

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
    letters = choose_letters(cells, map_cells(layers, cells.pixels), encoder.letters)
    letters = np.pad(letters, ((0, encoder.letters - len(letters)), (0, 0)))
    params = {**layers, "letters": letters}
    hashes, often = count_windows(Reader(encoder, params), unique, counts)
    prints = fill_buckets(hashes, often, encoder.window_rows // BUCKET)
    return params | {"prints": prints.astype(np.float32)}


def count_windows(
    reader: Reader, patches: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct windows of patches, uint32 [W], and how often each is there.

    Args:
        reader: finds them.
        patches: uint8 [N, H, W], distinct.
        counts: [N], how often each is there.
    """
    found, often = [], []
    for first in range(0, len(patches), PART):
        windows = reader.read(patches[first : first + PART])
        found.append(windows.hashes)
        often.append(counts[first + windows.patch])
    hashes, inverse = np.unique(np.concatenate(found), return_inverse=True)
    return hashes, np.bincount(inverse, np.concatenate(often))


def begin_as_solution(start: Params, windows: dict[str, Any]) -> Params:
    """Return an encoder that is a dictionary and nothing else.

    Blocks add nothing yet, nor do positions: training goes on from what was solved.
    """
    blocks = start["blocks"]
    silent = {
        "attention": blocks["attention"] | {"out": _zeros(blocks["attention"]["out"])},
        "mlp_out": _zeros(blocks["mlp_out"]),
    }
    own = {"blocks": blocks | silent, "positions": _zeros(start["positions"])}
    return start | own | {"windows": windows}


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
    reader, pace = Reader(encoder, params), Pace(shop, name, stage)
    features, targets, lengths = [], [], []
    # Their pictures are let go one by one: they take more memory than what is read in them.
    known = (first.pop(0) for _ in range(len(first)))
    for batch in itertools.chain(known, batches):
        features.append(text_features(reader, **batch["anchor"]))
        lengths.append(batch["anchor"]["count"])
        targets.append(batch.get("target", np.zeros((stage.batch_size, 1), np.float32)))
        pace.step()
    pace.close()
    texts = Texts(
        sparse.vstack(features, format="csr"), np.concatenate(targets), np.concatenate(lengths)
    )
    features.clear()
    coded = solve_rows(encoder, settings, texts, shop.config.seed)
    return begin_as_solution(start, params | coded)


class Texts(NamedTuple):
    """Texts that were read.

    Attributes:
        features: float32 [N, F], how often each row is in each; used up as rows are solved for.
        targets: float [N, T].
        lengths: int [N], patches of each.
    """

    features: sparse.csr_array
    targets: np.ndarray
    lengths: np.ndarray


def solve_rows(
    encoder: EncoderConfig, settings: ClosedForm, texts: Texts, seed: int
) -> dict[str, np.ndarray]:
    """Return the parameters of rows for which texts mean what they should, as nearly as can be."""
    x = texts.features
    holding = np.bincount(x.indices, minlength=x.shape[1])
    idf = np.log(x.shape[0] / (1 + holding)) + 1
    weight = (idf**settings.rarity).astype(np.float32)
    # A window that a text has twice says little more than one that it has once.
    x.data = np.sqrt(x.data) * weight[x.indices]
    norm = np.maximum(sparse.linalg.norm(x, axis=1), 1e-6)
    x.data /= np.repeat(norm, np.diff(x.indptr)).astype(np.float32)
    asked = np.linalg.norm(texts.targets, axis=1, keepdims=True)
    targets = (texts.targets / np.maximum(asked, 1e-6)).astype(np.float32)
    outputs = (
        principal(x, encoder.width)
        if settings.fit == "principal"
        else regress(x, targets, settings.penalty, settings.iterations)
    )
    solution = whiten_map(outputs, settings.whitening, encoder.width)
    counts, codes = holding * weight, (encoder.row_codes, encoder.fine_codes)
    coded = code_rows(x, solution, counts, *codes, settings.penalty, seed)
    # As if features had been normalised: blocks then add to vectors of the usual size.
    embedded = (x[:SAMPLE] @ solution) * (norm / texts.lengths)[:SAMPLE, None]
    coded["scales"] *= weight / np.sqrt(np.mean(embedded**2))
    return {name: array.astype(np.float32) for name, array in coded.items()}
