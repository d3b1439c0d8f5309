"""Scores of our encoder in mteb equal ours on real data, for text and for pictures of text."""

import json
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.records import read_table
from pixel_linguist.evaluate.baselines import encoder_embed
from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.reading import Pictures
from pixel_linguist.evaluate.retrieval import Retrieval
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.model.store import Model
from tests.fakes import ReadingEncoder

pytestmark = pytest.mark.slow
mteb = pytest.importorskip("mteb", reason="mteb is in an extra of its own, for it brings PyTorch")
pytest.importorskip("torch", reason="mteb's scores need PyTorch; its build for CPUs will do")


@pytest.fixture(scope="module")
def encoder(tiny_model: Callable[..., Model]) -> SentenceEncoder:
    """Return an untrained encoder."""
    return SentenceEncoder(tiny_model())


def make_task(base: str, kind: Any, metric: str, data: Any, **changes: Any) -> Any:
    """Make an mteb task of data in memory."""
    from mteb.abstasks.task_metadata import TaskMetadata

    about = TaskMetadata(
        dataset={"path": "local/data", "revision": "1"},
        name=f"Local{base.removeprefix('AbsTask')}{changes.get('modalities', ['text'])[0]}",
        description="of local files",
        type=kind,
        modalities=changes.get("modalities", ["text"]),
        category=changes.get("category", "t2t"),
        eval_splits=["test"],
        eval_langs=["eng-Latn"],
        main_score=metric,
    )

    class Task(getattr(mteb.abstasks, base)):  # type: ignore[misc]
        metadata = about

        def load_data(self, *args: Any, **kwargs: Any) -> None:
            self.dataset = data
            self.data_loaded = True

    return Task()


def main_scores(encoder: SentenceEncoder, task: Any, cache: Path) -> dict[str, Any]:
    """Run mteb and return the scores of the task."""
    from pixel_linguist.mteb_encoder import MtebEncoder

    return scores_of(MtebEncoder(encoder, "tiny"), task, cache)


def scores_of(model: Any, task: Any, cache: Path) -> dict[str, Any]:
    """Run mteb on a model of any kind it takes."""
    result = mteb.evaluate(model, task, cache=mteb.ResultCache(cache), show_progress_bar=False)
    (scores,) = result.task_results[0].scores["test"]
    return dict(scores)


def test_sts(encoder: SentenceEncoder, shared: Path, tmp_path: Path) -> None:
    from datasets import Dataset

    rows = read_table(shared / "data/sts/stsb/en/test.tsv")[::10]
    task = STS.from_source(rows)
    columns: dict[str, Any] = {
        "sentence1": list(task.sentence1),
        "sentence2": list(task.sentence2),
        "score": list(task.gold),
    }
    data = {"test": Dataset.from_dict(columns)}
    theirs = make_task("AbsTaskSTS", "STS", "cosine_spearman", data)
    ours = task.score(encoder_embed(encoder)(task))
    found = main_scores(encoder, theirs, tmp_path)
    assert found["cosine_spearman"] == pytest.approx(ours["spearman"], abs=1e-6)
    assert found["cosine_pearson"] == pytest.approx(ours["pearson"], abs=1e-6)
    # One file a task, where mteb and its leaderboard look for it.
    (path,) = tmp_path.glob("results/pixel-linguist__tiny/*/LocalSTStext.json")
    assert json.loads(path.read_text())["scores"]["test"][0]["main_score"] == pytest.approx(
        ours["spearman"], abs=1e-6
    )
    from sentence_transformers import SentenceTransformer

    from pixel_linguist.sentence_transformer import PixelEncoder

    wrapped = SentenceTransformer(modules=[PixelEncoder(encoder)], device="cpu")
    found = scores_of(wrapped, theirs, tmp_path / "wrapped")
    assert found["cosine_spearman"] == pytest.approx(ours["spearman"], abs=1e-6)


def test_visual_sts_gives_the_scores_of_the_task_pictures(tmp_path: Path) -> None:
    from datasets import Dataset

    class Encoder(ReadingEncoder):
        model = types.SimpleNamespace(params={"weight": np.zeros(1)})

    first = [f"{a} and {b}" for a in ("a fox", "rain", "old trees") for b in ("stone", "wind")]
    sts = STS(tuple(first), tuple(first[::-1]), (0.0, 3.0, 1.0, 5.0, 2.0, 4.0))
    task = Pictures(sts, families=("lora",), layout="page")
    drawn = [*task.draw(task.texts(), task.families)]
    columns = {"sentence1": drawn[:6], "sentence2": drawn[6:]}
    data = {"test": Dataset.from_dict({**columns, "score": list(sts.gold)})}
    kind = {"modalities": ["image"], "category": "i2i"}
    theirs = make_task("AbsTaskSTS", "VisualSTS(eng)", "cosine_spearman", data, **kind)
    encoder: Any = Encoder()
    found = main_scores(encoder, theirs, tmp_path)["cosine_spearman"]
    assert found == pytest.approx(task.score(encoder_embed(encoder)(task))["mean"], abs=1e-6)


def test_tatoeba(encoder: SentenceEncoder, shared: Path, tmp_path: Path) -> None:
    from datasets import Dataset

    rows = read_table(shared / "data/bitext/tatoeba/deu-eng.tsv")[:150]
    # mteb counts the place alone, ours any equal text: without repetitions they are the same.
    rows = list({row["eng"]: row for row in {row["deu"]: row for row in rows}.values()}.values())
    task = Bitext.from_source(rows, first="deu", second="eng")
    data = {"test": Dataset.from_dict({"sentence1": task.first, "sentence2": task.second})}
    found = main_scores(
        encoder, make_task("AbsTaskBitextMining", "BitextMining", "accuracy", data), tmp_path
    )
    ours = task.score(encoder_embed(encoder)(task))
    assert found["accuracy"] == pytest.approx(ours["accuracy_forward"], abs=1e-6)


def test_cranfield(encoder: SentenceEncoder, shared: Path, tmp_path: Path) -> None:
    from datasets import Dataset

    whole = Retrieval.from_folder(shared / "data/retrieval/cranfield")
    # mteb ranks by its own rule among documents of equal score, such as empty ones.
    corpus = {name: text for name, text in list(whole.corpus.items())[:200] if text}
    judgements = {
        query: {d: grade for d, grade in judged.items() if d in corpus}
        for query, judged in whole.judgements.items()
    }
    judgements = {query: judged for query, judged in judgements.items() if judged}
    task = Retrieval(corpus, {name: whole.queries[name] for name in judgements}, judgements)

    def table(texts: Any) -> Any:
        return Dataset.from_dict({"id": list(texts), "text": list(texts.values())})

    data = {
        "default": {
            "test": {
                "corpus": table(task.corpus),
                "queries": table(task.queries),
                "relevant_docs": judgements,
                "top_ranked": None,
            }
        }
    }
    found = main_scores(
        encoder, make_task("AbsTaskRetrieval", "Retrieval", "ndcg_at_10", data), tmp_path
    )
    ours = task.score(encoder_embed(encoder)(task))
    pairs = {"ndcg_at_10": "ndcg@10", "recall_at_1": "recall@1", "recall_at_100": "recall@100",
             "mrr_at_10": "mrr@10"}  # fmt: skip
    for theirs, name in pairs.items():
        # mteb rounds these to five digits.
        assert found[theirs] == pytest.approx(ours[name], abs=0.5e-5 + 1e-6)


def test_one_command_leaves_results_where_mteb_looks(
    encoder: SentenceEncoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from datasets import Dataset

    from pixel_linguist.cli.main import main

    columns = {"sentence1": ["a", "b", "c"], "sentence2": ["a cat", "b", "dog"], "score": [1, 5, 2]}
    data = {"test": Dataset.from_dict(columns)}
    task = make_task("AbsTaskSTS", "STS", "cosine_spearman", data)
    # The real tasks come from the hub.
    monkeypatch.setattr(mteb, "get_tasks", lambda tasks, languages: [task])
    encoder.save(tmp_path / "model")
    main(["mteb", str(tmp_path / "model"), "--tasks", "Local", "--out", str(tmp_path / "out")])
    assert "LocalSTStext" in capsys.readouterr().out
    assert len(list(tmp_path.glob("out/results/pixel-linguist__model/*/LocalSTStext.json"))) == 1
    with pytest.raises(SystemExit, match="folder of a run"):
        main(["mteb", str(tmp_path), "--tasks", "Local", "--out", str(tmp_path / "out")])


def test_a_batch_of_neither_text_nor_pictures_is_refused(encoder: SentenceEncoder) -> None:
    from pixel_linguist.mteb_encoder import MtebEncoder

    with pytest.raises(ValueError, match="audio"):
        MtebEncoder(encoder, "tiny").encode([{"audio": []}])
