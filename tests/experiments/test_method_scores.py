"""Scores of the benchmarks that are not tasks of a recipe."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import method_arms, method_scores, methods
from benchmarks.method_arms import Method
from experiments.methods.segments import SENTENCES
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.peers import TFIDF, load_peer


class FirstDimension:
    """Tags a sentence as the end of a topic as far as its vector's first dimension says so."""

    def apply(self, params: Any, x: Any, there: Any) -> tuple[Any, None]:
        return jnp.stack([0 * x[..., 0], params["params"]["positions"] * x[..., 0]], axis=-1), None


@pytest.mark.parametrize(("sign", "f1"), [(1.0, 1.0), (-1.0, 0.0)])
def test_a_taggers_boundaries_are_those_of_its_windows(
    sign: float, f1: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    boundaries = tuple(rng.random(n - 1) < 0.2 for n in (5, 2 * SENTENCES + 3, 3 * SENTENCES))
    documents = tuple(
        tuple(f"{'end' if i < len(b) and b[i] else 'middle'} {i}" for i in range(len(b) + 1))
        for b in boundaries
    )
    task = SimpleNamespace(documents=documents, boundaries=boundaries)
    scorer = method_scores.Scorer({}, Path())
    scorer.objective = {"positions": sign}
    monkeypatch.setattr(scorer, "_task", lambda _: task)
    monkeypatch.setattr(
        method_scores, "Coherence", lambda _: SimpleNamespace(tagger=FirstDimension())
    )
    scores = scorer._tagged(
        lambda texts: np.array([[float(text.startswith("end")), 1.0] for text in texts])
    )
    assert (scores["dev_f1"], scores["choi_f1"]) == (f1, f1)
    assert (scores["test_p_k"] == 0) == (f1 == 1)


def test_peers_are_scored_on_the_tasks_of_a_method_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"name": "toy", "task": "similarity", "split": "test", "size": 50, "seed": 0}
    tasks = {"sts": {"name": "sts", "source": {**source, "languages": ("en",)}}}
    method = Method(1, "sts/spearman", ("sts/pearson", "tagged/dev_f1"), {})
    known = SimpleNamespace(tasks=SimpleNamespace(to_dict=lambda: tasks))
    monkeypatch.setitem(method_arms.METHODS, "toy", method)
    monkeypatch.setattr(methods, "PEERS", {"TF-IDF": TFIDF})
    monkeypatch.setattr(methods, "RESULTS", tmp_path / "results.jsonl")
    monkeypatch.setattr(methods, "recipe", lambda *_: known)
    methods.measure_peers(SimpleNamespace(name="toy", data=tmp_path))
    (line,) = map(json.loads, (tmp_path / "results.jsonl").read_text().splitlines())
    task = make_task(tmp_path, tasks["sts"])
    expected = task.score(load_peer(TFIDF)(task))
    assert line["arm"] == "TF-IDF"
    assert set(line["scores"]) == {"sts/spearman", "sts/pearson"}
    assert line["scores"]["sts/pearson"] == pytest.approx(expected["pearson"], abs=1e-4)
