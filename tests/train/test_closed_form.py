"""A stage in closed form: what it refuses, and that it finds what can be found."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pyarrow
import pytest
from ml_collections import ConfigDict
from pyarrow import parquet
from scipy import sparse

from experiments.base import closed_form, part, stage
from experiments.base import get_config as defaults
from experiments.tiny import shape_encoder
from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.pairs import Example
from pixel_linguist.model import EncoderConfig, encode, init_params
from pixel_linguist.model.reading import Reader, Table
from pixel_linguist.train.closed_form import begin_as_solution, check_closed_form
from pixel_linguist.train.dictionary import text_features
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.stages import run_recipe

Make = Callable[..., EncoderConfig]
CELLS: dict[str, Any] = {
    "cell_pixels": 2,
    "cell_width": 5,
    "window_cells": 4,
    "letters": 9,
    "window_rows": 24,
    "row_codes": 4,
    "fine_codes": 4,
    "final_norm": False,
}
WIDTH = 16


def some_stage(**changes: Any) -> ConfigDict:
    settings = {**closed_form(), "texts": 20, **changes}
    return ConfigDict(
        {
            "closed_form": settings,
            "steps": 2,
            "batch_size": 10,
            "raster": "host",
            "init_from": (),
        }
    )


@pytest.mark.parametrize(
    ("model", "settings", "target", "message"),
    [
        (
            {"final_norm": True},
            {},
            32,
            "needs model.cell_pixels above 0, .* model.final_norm False",
        ),
        ({"positions": "sincos_2d"}, {}, 32, "model.positions 'learned'"),
        ({}, {"texts": 21}, 32, "texts 21 is more than the 20 examples read"),
        ({"cell_hidden": 8}, {}, 32, "init_from must name a stage of fit 'letters'"),
        ({}, {"fit": "letters"}, None, "'letters' needs model.cell_hidden above 0"),
        ({"cell_hidden": 8}, {"fit": "letters"}, None, "an objective that reads pairs"),
        ({}, {"fit": "principal"}, None, "fewer directions than .* 24, and than the 20 examples"),
        ({}, {}, 31, "needs targets of at least model.width 32; the data bring some of 31"),
        ({}, {}, None, "needs targets of at least model.width 32; the data bring none"),
    ],
)
def test_what_does_not_fit_is_refused(
    tiny_encoder: Make,
    model: dict[str, Any],
    settings: dict[str, Any],
    target: int | None,
    message: str,
) -> None:
    config = tiny_encoder(**(CELLS | model))
    example = Example("a", "", target=None if target is None else np.zeros(target, np.float32))
    with pytest.raises(ValueError, match=message):
        check_closed_form(config, some_stage(**settings), ("anchor",), example)


def test_what_fits_is_taken(tiny_encoder: Make) -> None:
    example = Example("a", "a")
    principal, rows = some_stage(fit="principal"), {"window_rows": 40}
    principal.batch_size = 20
    check_closed_form(tiny_encoder(**(CELLS | rows)), principal, ("anchor",), example)
    letters, pairs = some_stage(fit="letters"), ("anchor", "positive")
    check_closed_form(tiny_encoder(**CELLS, cell_hidden=8), letters, pairs, example)
    letters.raster = "device"
    with pytest.raises(ValueError, match="raster 'device' must be 'host'"):
        check_closed_form(tiny_encoder(**CELLS, cell_hidden=8), letters, pairs, example)


@pytest.mark.parametrize(
    "changes", [{}, pytest.param({"cell_hidden": 12, "cell_scales": 2}, marks=pytest.mark.slow)]
)
def test_an_encoder_begins_as_its_solution(tiny_encoder: Make, changes: dict[str, int]) -> None:
    config = tiny_encoder(**CELLS, **changes, head="none", dropout=0.0)
    rng = np.random.default_rng(0)
    params = init_params(config, 0)
    begun = begin_as_solution(params, params["windows"])
    patches = rng.integers(0, 256, (3, 4, 8, 8), np.uint8)
    count = np.array([4, 1, 3], np.int32)
    patches[np.arange(4) >= count[:, None]] = 0
    found = encode(config, begun, jnp.asarray(patches), jnp.asarray(count))["embedding"]
    reader = Reader(config, params["windows"])
    sums = text_features(reader, patches, count).toarray()
    assert (sums > 0).any(axis=1).all()
    # What it has found out once it knows.
    again = text_features(reader, patches[::-1], count[::-1]).toarray()
    np.testing.assert_allclose(again[::-1], sums, rtol=1e-6)
    rows = Table(params["windows"])(sparse.csr_array(sums))
    np.testing.assert_allclose(found, rows / count[:, None], rtol=1e-4, atol=1e-4)


def made_up(texts: list[str]) -> np.ndarray:
    """Return vectors that pairs of letters decide: float [N, WIDTH]."""
    rng = np.random.default_rng(1)
    meaning: dict[str, np.ndarray] = {}
    vectors = np.zeros((len(texts), WIDTH))
    for number, text in enumerate(texts):
        pairs = Counter(word[i : i + 2] for word in text.split() for i in range(len(word) - 1))
        for pair, often in sorted(pairs.items()):
            vectors[number] += often * meaning.setdefault(pair, rng.normal(size=WIDTH))
    return vectors


def test_it_finds_what_pairs_of_letters_decide(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefgh"))
    words = ["".join(rng.choice(letters, size=rng.integers(2, 7))) for _ in range(400)]
    texts = [" ".join(rng.choice(words, size=5)) for _ in range(1100)]
    vectors = made_up(texts)
    table = pyarrow.table({"text": texts[:1000], "vector": list(vectors[:1000])})
    parquet.write_table(table, tmp_path / "taught.parquet")
    config = defaults()
    shape_encoder(config, pictures=0, rows=512)
    config.model.update(
        {"width": WIDTH, "mlp_width": WIDTH, "cell_width": 8, "row_codes": 8, "fine_codes": 16}
    )
    config.model.cell_scales = 1
    config.train.compilation_cache = str(tmp_path / "compilation")
    source = {"name": "parquet", "paths": (str(tmp_path / "taught.parquet"),)}
    source["columns"] = ("text", "vector")
    pairs = {"name": "taught", "text": "text", "target": "vector"}
    config.stages.solved = stage(
        data={"taught": part(source, pairs)},
        objective={"name": "distillation", "temperature": 0.05, "similarity_weight": 0.0},
        closed_form=closed_form() | {"texts": 500, "penalty": 0.01},
        steps=10,
        peak=0.0,
        warmup=0,
        batch_size=100,
        length=8,
        report=False,
    )
    config.order = ("solved",)
    run_recipe(config, tmp_path / "run", Preemption())
    found = SentenceEncoder.load(tmp_path / "run/model").encode(texts[1000:])
    wanted = vectors[1000:] / np.linalg.norm(vectors[1000:], axis=1, keepdims=True)
    # Along other axes, but as near to each other.
    both = np.triu_indices(100, 1)
    assert np.corrcoef((found @ found.T)[both], (wanted @ wanted.T)[both])[0, 1] > 0.9
