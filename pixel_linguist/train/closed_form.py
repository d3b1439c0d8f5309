"""A stage that is solved, not trained: see `pixel_linguist.train.dictionary`."""

import itertools
import time
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict
from scipy import sparse

from pixel_linguist.data.pairs import Example
from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.encoder import Params
from pixel_linguist.train.dictionary import (
    PRESENT,
    ClosedForm,
    Features,
    Normal,
    add_texts,
    cut_cells,
    detectors,
    distinct,
    frequent_windows,
    of_text,
    principal,
    regress,
    whiten,
)
from pixel_linguist.train.loop import Workshop, stage_batches, stage_objective
from pixel_linguist.train.watch import Progress


def check_closed_form(encoder: EncoderConfig, stage: ConfigDict, example: Example) -> None:
    """Refuse a stage's settings that do not fit its encoder, or its first example.

    Raises:
        ValueError: saying what would.
    """
    settings = ClosedForm(**stage.closed_form)
    if not encoder.cell_pixels or encoder.positions != "learned" or encoder.final_norm:
        raise ValueError(
            "closed_form needs model.cell_pixels above 0, model.positions 'learned' and "
            "model.final_norm False"
        )
    if settings.longest > encoder.window_cells:
        raise ValueError(
            f"closed_form.longest {settings.longest} is more than model.window_cells, "
            f"{encoder.window_cells}"
        )
    if settings.texts > stage.steps * stage.batch_size:
        raise ValueError(
            f"closed_form.texts {settings.texts} is more than the {stage.steps} steps of "
            f"{stage.batch_size} read"
        )
    width = 0 if example.target is None else len(example.target)
    if settings.fit == "target" and width != encoder.width:
        raise ValueError(
            f"closed_form.fit 'target' needs targets of model.width {encoder.width}; "
            f"the data bring {f'some of {width}' if width else 'none'}"
        )


def choose_dictionary(
    encoder: EncoderConfig, settings: ClosedForm, patches: np.ndarray
) -> dict[str, Any]:
    """Return the parameters that find the most frequent windows of uint8 [N, H, W]."""
    unique, inverse = distinct(patches)
    counts = np.bincount(inverse)
    cells = cut_cells(unique, counts, encoder.cell_pixels)
    kernel, bias = whiten(cells, encoder.cell_width)
    size = encoder.window_cells
    windows = frequent_windows(
        cells, counts, encoder.patch_hidden, settings.shortest, settings.longest
    )
    windows = np.pad(windows, ((0, 0), (0, size - settings.longest)), constant_values=-1)
    hidden, threshold = detectors(cells, windows, kernel, bias, settings.tolerance)
    return {
        "cell": {"kernel": kernel, "bias": bias},
        "units": {"kernel": hidden, "bias": threshold},
    }


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
    encoder, settings = shop.encoder, ClosedForm(**stage.closed_form)
    batches = itertools.islice(
        stage_batches(shop, stage, stage_objective(shop, stage)), stage.steps
    )
    first = list(itertools.islice(batches, -(-settings.texts // stage.batch_size)))
    params = choose_dictionary(
        encoder, settings, np.concatenate([of_text(**batch["anchor"]) for batch in first])
    )
    features = Features(encoder, params)
    weight = inverse_document_frequency(features(**batch["anchor"]) for batch in first)
    width = 1 if settings.fit == "principal" else encoder.width
    size = encoder.patch_hidden
    normal = Normal(jnp.zeros((size, size)), jnp.zeros((size, width)))
    progress = Progress(name, first=0, steps=stage.steps)
    began = time.perf_counter()
    for done, batch in enumerate(itertools.chain(first, batches), start=1):
        targets = batch.get("target", np.zeros((stage.batch_size, width), np.float32))
        normal = add_texts(normal, features(**batch["anchor"]).toarray() * weight, targets)
        progress.step()
        if done % shop.config.train.log_every == 0:
            jax.block_until_ready(normal)
            rate = done * stage.batch_size / (time.perf_counter() - began)
            progress.show(done, {"examples_per_second": rate})
    progress.close()
    solution = (
        principal(normal, encoder.width)
        if settings.fit == "principal"
        else regress(normal, settings.penalty)
    )
    params["units"] = {key: value * weight for key, value in params["units"].items()}
    # As if features had been normalised: blocks then add to vectors of the usual size.
    embedded = features(**first[0]["anchor"]).toarray() * weight @ solution
    embedded /= first[0]["anchor"]["count"][:, None]
    return begin_as_solution(start, params, solution / np.sqrt(np.mean(embedded**2)))
