"""The recipes of the model that reads: each stage does a step, on tiny shapes."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from experiments.reading import NOT_SEEN
from pixel_linguist import config as configs
from pixel_linguist.model.store import save_model
from pixel_linguist.report.run_report import RunReport
from pixel_linguist.train import pictures, run
from pixel_linguist.train.annotate import annotate_stage
from pixel_linguist.train.context import make_context
from pixel_linguist.train.hosts import place
from pixel_linguist.train.results import Result
from pixel_linguist.train.stage import make_stage, start_result
from tests.data.pipeline import take

RECIPES = Path(__file__).parents[2] / "experiments"
BATCH = 8
ROWS = 16
TABLES = {
    "definitions/wordnet.tsv": ("pos", "entries", "definition", "examples"),
    "captions/coco_val2017.tsv": ("image", *(f"caption{n}" for n in range(1, 6))),
    "nli/snli/dev.tsv": ("label", "premise", "hypothesis"),
    "nli/snli_counterfactual/train.tsv": ("label", "premise", "hypothesis"),
    "paraphrase/wikisplit/train.tsv": ("sentence", "split1", "split2"),
    "sts/stsb/en/train.tsv": ("score", "sentence1", "sentence2"),
    "sts/stsb/en/dev.tsv": ("score", "sentence1", "sentence2"),
    "sts/stsb/en/test.tsv": ("score", "sentence1", "sentence2"),
    "bitext/tico19.tsv": ("id", "en", "fr", "es-LA", "pt-BR", "id", "sw", "ru"),
}
LANGUAGES = ("de", "es", "fr", "it", "nl", "pt", "ru")
TABLES |= {f"dictionaries/{code}.tsv": ("english", "translation") for code in LANGUAGES}
TABLES |= {
    f"sts/stsb/{code}/{split}.tsv": ("score", "sentence1", "sentence2")
    for code in LANGUAGES
    for split in ("train", "test")
}
TABLES |= {
    f"bitext/tatoeba/{code}-eng.tsv": (code, "eng")
    for code in ("deu", "spa", "fra", "ita", "nld", "por", "rus", "swe", "ukr")
}
WORDS = ("each", "row", "of", "this", "table", "has", "words", "that", "were", "made", "up")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write made-up tables of the names and columns that the recipes read."""
    rng = np.random.default_rng(0)
    for name, columns in TABLES.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = ["\t".join(dict.fromkeys(columns))]
        for row in range(ROWS):
            cells = {
                column: str(row % 5) if column == "score" else " ".join(rng.permutation(WORDS)[:5])
                for column in columns
                if column != "label"
            }
            if "label" in columns:
                labels = ("entailment", "contradiction")
                cells = {"label": labels[row % 2], **cells, "premise": f"Premise {row // 2}."}
            lines.append("\t".join(cells.values()))
        path.write_text("\n".join(lines) + "\n")
    return tmp_path / "data"


def of_shared_data(method: str, shared: Path, folder: Path) -> Any:
    """Load the recipe of a method with a tiny vision transformer, on real data."""
    config: Any = configs.load(RECIPES / "methods" / f"{method}.py").unlock()
    config.model.update({"width": 16, "depth": 1, "heads": 2, "mlp_width": 16})
    config.data_dir = str(shared / "data")
    config.train.compilation_cache = str(folder / "compilation")
    return config


def tiny(recipe: str, data: Path, tmp_path: Path) -> ConfigDict:
    """Load a recipe and make all sizes tiny; its files are not compressed here."""
    config = configs.load(RECIPES / f"{recipe}.py").unlock()
    sizes = {"stem_channels": (2, 3, 4, 5), "stem_hidden": 6, "stem_width": 8, "heads": 2}
    deep = {"width": 16, "mlp_width": 16, "token_hidden": 6} if config.model.depth else {"width": 8}
    config.model.update(sizes | deep)
    config.data_dir = str(data)
    config.train.compilation_cache = str(tmp_path / "compilation")
    for stage in config.stages.values():
        stage.steps, stage.batch_size, stage.evaluate_every = 1, BATCH, 1
        stage.schedule.warmup = 0
        for part in stage.data.values():
            source = part.source.get("source", part.source)
            if "path" in source:
                source.path = source.path.removesuffix(".gz")
            elif source.name != "aligned":
                source.paths = tuple(path.removesuffix(".gz") for path in source.paths)
    for task in config.tasks.values():
        if task.name == "word_reading":
            task.size = 8
            task.source.paths = tuple(path.removesuffix(".gz") for path in task.source.paths)
    return config.lock()


def step(context: Any, name: str, start: Result) -> tuple[Any, Any]:
    """Picture a stage's pairs and do its first step; return the encoder before and after."""
    stage = make_stage(context, name)
    pictures.picture_pairs(stage, RunReport())
    state, constants = run.first_state(stage, start)
    (batch,) = take(stage.batches(), 1)
    batch = place(batch._replace(cut=None), context.config.train.backend)
    before = jax.tree.map(np.array, state["params"]["encoder"])
    rate, seed = np.float32(1e-3), np.uint32(stage.seed)
    state, metrics = stage.step()(state, constants, batch, rate, seed)
    assert np.isfinite(metrics["loss"])
    return before, state["params"]["encoder"]


@pytest.mark.slow
def test_reading(data: Path, tmp_path: Path) -> None:
    config = tiny("reading", data, tmp_path)
    assert not {*config.stages.words.styles.family.families} & {*NOT_SEEN}
    context, _ = run.prepare(config, tmp_path / "run")
    before, after = step(context, "words", Result(context.encoder.init(0), {}))
    moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, after)
    assert all(jax.tree.leaves(moved["stem"]))


@pytest.mark.slow
def test_tiny(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Teacher:
        def __init__(self, name: str):
            assert "MiniLM" in name

        def encode(self, texts: list[str], **options: Any) -> np.ndarray:
            return np.array([[len(text), 1.0, text.count("e")] + [0.5] * 13 for text in texts])

    fake: Any = ModuleType("sentence_transformers")
    fake.SentenceTransformer = Teacher
    monkeypatch.setitem(sys.modules, "sentence_transformers", fake)
    config = tiny("tiny", data, tmp_path)
    with pytest.raises(ValueError, match="init_from"):
        run.prepare(config, tmp_path / "run")
    config.stages.words.init_from = ("sentences",)
    config.order = ("sentences", "words", "pairs", "relations", "typefaces", "edits")
    config.stages.sentences.init_from = ()
    context, _ = run.prepare(config, tmp_path / "run")
    start = context.encoder.init(0)
    save_model(context.start("relations"), context.model(start))
    last = {"hidden", "skip", "out"}
    every = set(start["stem"])
    trained = {"relations": last, "typefaces": every, "edits": every}
    for name in config.order:
        annotate_stage(context, name)
        before, after = step(context, name, Result(start, {}))
        moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, after)
        layers = {layer for layer in moved["stem"] if any(jax.tree.leaves(moved["stem"][layer]))}
        assert layers == trained.get(name, set())
        above = [layer for layer in moved if layer != "stem"]
        assert all(jax.tree.leaves(moved["token_hidden"])) == (name != "typefaces")
        assert name != "typefaces" or not any(jax.tree.leaves([moved[x] for x in above]))


@pytest.mark.slow
def test_tiny_untaught(data: Path, tmp_path: Path) -> None:
    config = tiny("tiny_untaught", data, tmp_path)
    with pytest.raises(ValueError, match="init_from"):
        run.prepare(config, tmp_path / "run")
    # Without sentence-transformers: no stage asks for a text model.
    config.stages.pairs.update({"adapter": "", "start_required": False})
    context, _ = run.prepare(config, tmp_path / "run")
    start = context.encoder.init(0)
    save_model(context.start("pairs"), context.model(start))
    for name, stem_moves in {"pairs": False, "typefaces": True}.items():
        annotate_stage(context, name)
        before, after = step(context, name, Result(start, {}))
        moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, after)
        assert any(jax.tree.leaves(moved["stem"])) == stem_moves
        assert all(jax.tree.leaves(moved["token_hidden"])) != stem_moves


@pytest.mark.slow
def test_tiny_multilingual(data: Path, tmp_path: Path) -> None:
    config = tiny("tiny_multilingual", data, tmp_path)
    hidden = config.model.token_hidden
    # A small model in place of the shipped one, narrower as that is.
    config.unlock().model.token_hidden = hidden - 2
    narrow = make_context(config.lock(), tmp_path / "run")
    folder = tmp_path / "start"
    save_model(folder, narrow.model(narrow.encoder.init(0)))
    with config.unlocked():
        config.model.token_hidden = hidden
        config.stages.words.init_from = (str(folder),)
        for stage in config.stages.values():
            for part in stage.data.values():
                part.annotate.model = str(folder)
    context, _ = run.prepare(config, tmp_path / "run")
    start, _ = start_result(context, config.stages.words, lambda *_: {})
    for name in config.order:
        annotate_stage(context, name)
        before, after = step(context, name, start)
        moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, after)
        assert any(jax.tree.leaves(moved["stem"])) and all(jax.tree.leaves(moved["token_hidden"]))
    config.unlock().stages.words.data.de.source.path = "dictionaries/sv.tsv"
    with pytest.raises(ValueError, match="never_trained"):
        run.prepare(config, tmp_path / "other")
