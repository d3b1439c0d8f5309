"""DefSent+: entries against slow means, the loss against float64, what is refused."""

import math
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from experiments.methods import defsent
from experiments.methods.untaught import START
from pixel_linguist.data.dictionary import Definitions, entry_vectors
from pixel_linguist.data.pairs import make_pair_maker
from pixel_linguist.data.sources import make_source
from pixel_linguist.objective import make_objective
from pixel_linguist.objective.entries import EntryPrediction, isotropic
from tests.fakes import evaluate, facts_of

ROWS = (
    "entries\tdefinition",
    "sea|ocean\ta big water",
    "set\tto put",
    "set\ta group",
    "x y|sea\tq",
)
SPEC = {"name": "dictionary", "path": "words.tsv"}


def source(folder: Path, *rows: str, **options: Any) -> Any:
    (folder / "words.tsv").write_text("\n".join(rows) + "\n")
    return make_source(folder, SPEC | options)


class Wide:
    dimension = 5


def test_vectors_of_entries_are_the_means_of_their_definitions(tmp_path: Path) -> None:
    records = source(tmp_path, *ROWS)
    assert [r["entries"] for r in records] == [(0, 1), (2, -1), (2, -1), (3, 0)]
    vectors = np.random.default_rng(0).normal(size=(4, 3)).astype("f4")

    def embed(texts: list[str]) -> np.ndarray:
        return vectors[[[r["text"] for r in records].index(text) for text in texts]]

    found = Definitions()(records, range(4), embed)
    slow: dict[str, list[Any]] = {}
    for record, vector in zip(records, vectors, strict=True):
        for name in record["names"]:
            slow.setdefault(name, []).append(vector)
    expected = [np.mean(slow[name], axis=0) for name in ("sea", "ocean", "set", "x y")]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        table = entry_vectors(found["definition"][order], found["entries"][order])
        np.testing.assert_allclose(table, expected, atol=1e-6)
    assert [len(r["text"]) for r in source(tmp_path, *ROWS, shortest=2)] == [1, 6]


def test_whitened_entries_are_isotropic() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6)) + 3
    found = isotropic(x)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(found.T @ found / 500, np.eye(6), atol=1e-4)
    assert np.isfinite(isotropic(np.ones((4, 3)))).all()


@pytest.mark.parametrize("devices", [1, 2])
def test_the_loss_is_the_mean_over_entries_by_a_slow_loop(devices: int) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(9, 4)).astype("f4")
    entries = np.array([[0, 3, -1], [8, -1, -1], [2, 1, 4], [5, -1, -1], [6, 7, -1], [0, -1, -1]])
    tables = {"part": {"definition": vectors, "entries": np.arange(9)[:, None]}}
    objective = EntryPrediction(whitened=False)
    # The model that made the vectors has another dimension than the encoder.
    params, state, constants = objective.init(jax.random.key(0), Wide(), {}, tables)
    given = {"anchor": rng.normal(size=(6, 5)).astype("f4")}

    class Drawn(EntryPrediction):
        def init(self, *_: Any) -> Any:
            return params, state, constants

    facts = facts_of(6, entries=entries.astype(np.int32))
    loss, _, (moved, _) = evaluate(Drawn(False), given, facts, devices=devices)
    e = vectors / np.sqrt(np.mean(vectors.astype(float) ** 2))
    expected = 0.0
    for h, own in zip(given["anchor"].astype(float), entries, strict=True):
        s = e @ np.tanh(h @ np.asarray(params["kernel"], float)) / 2
        lse = math.log(sum(map(math.exp, s)))
        expected += (lse - np.mean([s[k] for k in own if k >= 0])) / 6
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert np.abs(moved["anchor"]).sum() > 0


def test_what_has_no_definition_or_no_annotation_is_refused(tmp_path: Path) -> None:
    for row in ("sea\t", "|\ta water"):
        with pytest.raises(ValueError, match="definition"):
            source(tmp_path, *ROWS, row)
    with pytest.raises(ValueError, match="definition"):
        entry_vectors(np.ones((2, 3)), np.array([[0], [2]]))
    with pytest.raises(ValueError, match="annotated"):
        make_objective({"name": "entry_prediction"}).init(jax.random.key(0), Wide(), {}, {})  # type: ignore[arg-type]
    example = make_pair_maker({"name": "defined"})(
        source(tmp_path, *ROWS)[0], np.random.default_rng(0)
    )
    assert example.views["positive"] in ("sea", "ocean")
    assert example.facts == {"group": (0, 1), "entries": (0, 1)}


def test_each_round_starts_from_the_origin_with_entries_of_the_round_before() -> None:
    stages = defsent.get_config().stages
    assert len({stages[name].init_from for name in defsent.ROUNDS}) == 1
    models = [stages[name].data.definitions.annotate.model for name in defsent.ROUNDS]
    assert models == [START, "def_1", "def_2"]
