"""Annotations: written in pieces, resumed, read by pair makers, part of a stage's settings."""

import json
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from pixel_linguist.data.sources import make_source
from pixel_linguist.inference import Embedder
from pixel_linguist.model import make_encoder
from pixel_linguist.model.encoders import encoder_settings
from pixel_linguist.model.store import Model, save_model
from pixel_linguist.render import Renderer
from pixel_linguist.train import annotate as module
from pixel_linguist.train.annotate import annotate, annotate_stage, annotated, annotation_tables
from pixel_linguist.train.context import RunContext, make_context
from pixel_linguist.train.plan import plan_recipe
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.run import prepare, run_recipe
from pixel_linguist.train.stage import make_stage, stage_settings
from tests.train.tiny import change, recipe

RECORDS = 10
ENDS = ("done", "teacher.npy")
SPEC = {"name": "embeddings", "text": "text", "column": "teacher"}
SOURCE = {"name": "jsonl", "path": "texts.jsonl", "columns": ("text",)}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pieces be of four records, the last of two."""
    monkeypatch.setattr(module, "PIECE", 4)


@pytest.fixture
def source(tmp_path: Path) -> Any:
    lines = [json.dumps({"text": "x" * (i + 1)}) + "\n" for i in range(RECORDS)]
    (tmp_path / "texts.jsonl").write_text("".join(lines))
    return make_source(tmp_path, SOURCE)


class Embed:
    """Embeds a text as its length; raises at some call."""

    def __init__(self, fails_at: int = -1):
        self.texts: list[str] = []
        self.calls, self.fails_at = 0, fails_at

    def __call__(self, texts: Sequence[Any]) -> np.ndarray:
        self.calls += 1
        if self.calls == self.fails_at:
            raise KeyboardInterrupt
        self.texts += texts
        return np.array([[len(text), 1] for text in texts], np.float64)


def test_an_interrupted_annotation_resumes_with_the_next_piece(
    tmp_path: Path, source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "annotations"
    with pytest.raises(KeyboardInterrupt):
        annotate(source, SPEC, Embed(fails_at=2), folder)
    assert not (folder / module.COMPLETE).exists()
    # Of the second piece an array is there, and the mark of its end is not.
    np.save(folder / "1.teacher.npy", np.zeros((4, 2), np.float32))
    resumed = Embed()
    annotate(source, SPEC, resumed, folder)
    assert [len(text) for text in resumed.texts] == [5, 6, 7, 8, 9, 10]
    again = Embed()
    annotate(source, SPEC, again, folder)
    assert again.texts == []
    found = annotated(source, folder)
    assert len(found) == RECORDS and (folder / module.COMPLETE).is_file()
    for i in range(RECORDS):
        assert found[i]["text"] == "x" * (i + 1)
        assert found[i]["teacher"].tolist() == [i + 1, 1] and found[i]["teacher"].dtype == "f4"
    # Grain walks through all that a record holds, which is not the whole source.
    assert len(jax.tree.leaves(found[0])) == 3
    assert found[0]["record_of"](2)["text"] == "xxx"

    def fails(*_: Any, **__: Any) -> None:
        raise AssertionError("np.load parses Python, which is not safe in several threads")

    monkeypatch.setattr(np, "load", fails)
    copied = pickle.loads(pickle.dumps(found))
    assert [x["teacher"].tolist() for x in copied] == [[i + 1, 1] for i in range(RECORDS)]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_rows_of_a_file_are_those_of_numpy(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).normal(size=(5, *shape)).astype(np.float16)
    np.save(tmp_path / "x.npy", array)
    rows = module.Rows.of_file(tmp_path / "x.npy")
    for row in range(5):
        np.testing.assert_array_equal(rows.read(row), array[row])
        assert type(rows.read(row)) is type(array[row])


def test_other_numbers_of_rows_are_refused(tmp_path: Path, source: Any) -> None:
    with pytest.raises(ValueError, match="rows"):
        annotate(source, SPEC, lambda texts: np.zeros((3, 2)), tmp_path / "annotations")


def distilling(folder: Path) -> tuple[ConfigDict, RunContext]:
    """Return a recipe of one stage that a model's folder annotates."""
    config = recipe("both")
    change(config, "data_dir", str(folder))
    target = {"name": "teacher_target", "text": "text", "target": "teacher"}
    annotation = SPEC | {"model": str(folder / "teacher")}
    part = {"source": SOURCE, "pairs": target, "weight": 1.0, "annotate": annotation}
    change(config, "stages.both.data", {"texts": part})
    change(config, "stages.both.objective", {"name": "distillation"})
    context = make_context(config, folder / "run")
    save_model(folder / "teacher", teacher(context, 1))
    return config, context


def teacher(context: RunContext, seed: int) -> Model:
    """Return a model of another architecture and style than the run's."""
    made = make_encoder(encoder_settings(context.encoder) | {"mlp_width": 64})
    drawn = Renderer(patch=8, max_patches=16, weight=700)
    return Model(made, made.init(seed), drawn.settings(), drawn.font_hashes())


def test_columns_reach_the_pair_maker_and_tables_the_objective(tmp_path: Path, source: Any) -> None:
    _, context = distilling(tmp_path)
    annotate_stage(context, "both")
    stage = make_stage(context, "both")
    batch = next(iter(stage.batches()))
    texts = [source[i]["text"] for i in range(RECORDS)]
    model = teacher(context, 1)
    vectors = Embedder(model.encoder, model.params, Renderer(**model.renderer), 8)(texts)
    (tables,) = annotation_tables(context, "both").values()
    assert {name: table.shape for name, table in tables.items()} == {"teacher": (RECORDS, 16)}
    np.testing.assert_allclose(tables["teacher"], vectors, atol=1e-5)
    assert batch.facts["target"].shape == (8, 16)
    pairs = [stage.examples[i] for i in range(8)]
    for row, (original, _) in zip(batch.facts["target"], pairs, strict=True):
        expected = vectors[texts.index(str(original.views["anchor"]))]
        np.testing.assert_allclose(row, expected, atol=1e-5)


@pytest.mark.slow
def test_a_stage_that_is_annotated_runs_and_its_settings_have_the_model(
    tmp_path: Path, source: Any
) -> None:
    config, context = distilling(tmp_path)
    assert "annotated" in plan_recipe(context)
    # An interruption leaves pieces, of which the first example may be none.
    annotate_stage(context, "both")
    folder = tmp_path / "run" / "stages" / "both" / "annotations" / "texts"
    for name in ("complete", *(f"{piece}.{end}" for piece in (1, 2) for end in ENDS)):
        (folder / name).unlink()
    run_recipe(config, tmp_path / "run", Preemption())
    assert (context.folder.model("both") / "config.json").is_file()
    assert len(list((tmp_path / "run").glob("stages/both/annotations/texts/*.done"))) == 3
    before = stage_settings(context, "both", {})["annotations"]
    assert len(before[str(tmp_path / "teacher")]) == 64
    save_model(tmp_path / "teacher", teacher(context, 2))
    with pytest.raises(ValueError, match="annotations"):
        prepare(config, tmp_path / "run")


def test_pieces_of_another_model_or_of_other_data_are_refused(tmp_path: Path, source: Any) -> None:
    config, context = distilling(tmp_path)
    annotate_stage(context, "both")
    annotate_stage(context, "both")
    save_model(tmp_path / "teacher", teacher(context, 2))
    with pytest.raises(ValueError, match="model"):
        annotate_stage(context, "both")
    save_model(tmp_path / "teacher", teacher(context, 1))
    annotate_stage(context, "both")
    (tmp_path / "texts.jsonl").write_text('{"text": "other"}\n')
    with pytest.raises(ValueError, match="sha256"):
        annotate_stage(make_context(config, tmp_path / "run"), "both")


def test_a_text_model_annotates(
    tmp_path: Path, source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, context = distilling(tmp_path)
    change(config, "stages.both.data.texts.annotate.model", "st:some/model")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModuleNotFoundError, match="peers"):
        prepare(config, tmp_path / "run")

    class Model:
        def __init__(self, name: str):
            assert name == "some/model"

        def encode(self, texts: list[str], **options: Any) -> list[list[float]]:
            return [[len(text), 2.0] for text in texts]

    fake: Any = ModuleType("sentence_transformers")
    fake.SentenceTransformer = Model
    monkeypatch.setitem(sys.modules, "sentence_transformers", fake)
    prepare(config, tmp_path / "run")
    annotate_stage(context, "both")
    (tables,) = annotation_tables(context, "both").values()
    assert tables["teacher"].tolist() == [[i + 1, 2] for i in range(RECORDS)]


def test_an_unknown_model_or_annotator_is_refused(tmp_path: Path, source: Any) -> None:
    config, _ = distilling(tmp_path)
    change(config, "stages.both.data.texts.annotate.model", "nobody")
    with pytest.raises(ValueError, match="nobody"):
        prepare(config, tmp_path / "run")
    with pytest.raises(ValueError, match="embeddings"):
        annotate(source, {"name": "embedding"}, Embed(), tmp_path / "annotations")
