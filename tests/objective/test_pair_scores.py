"""DSE: heads against NumPy, limits of the loss, order of annotations, passes of N x M pairs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.data.pairs import make_pair_maker
from pixel_linguist.data.sources import make_source
from pixel_linguist.objective import make_objective
from pixel_linguist.objective.pair_scores import JoinedScore, PairDistillation
from pixel_linguist.train import annotate as annotate_module
from pixel_linguist.train.annotate import annotate, annotated
from tests.fakes import evaluate, facts_of

RNG = np.random.default_rng(0)
GIVEN = {view: RNG.normal(size=(6, 3)).astype("f4") for view in ("anchor", "positive")}
FACTS = {name: RNG.random(6).astype("f4") for name in ("score", "target")}
LABELLED = np.array([True, False, True, True, False, True])


class Three:
    dimension = 3


def head(kind: str) -> Any:
    return PairDistillation(head=kind, hidden=4).init(jax.random.key(1), Three(), {}, {})[0]


def slow(own: Any, kind: str, u: np.ndarray, v: np.ndarray) -> float:
    """Return the score of one pair in float64."""
    own = {name: np.asarray(x, float) for name, x in own.items()}
    if kind == "cosine":
        cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
        return float(own["scale"] * cosine + own["bias"])
    joined = np.concatenate([u, v, u * v, abs(u - v)])
    hidden = np.maximum(joined @ own["kernel"] + own["hidden_bias"], 0)
    return float((hidden @ own["out"])[0] + own["bias"])


@pytest.mark.parametrize("kind", ["concat", "cosine"])
def test_scores_and_loss_are_those_of_a_slow_loop(kind: str) -> None:
    own, u, v = head(kind), GIVEN["anchor"], GIVEN["positive"]
    # N x M scores from N + M embeddings.
    table = PairDistillation(kind).scores(own, jnp.asarray(u[:4]), jnp.asarray(v))
    expected = [[slow(own, kind, a.astype(float), b) for b in v] for a in u[:4]]
    np.testing.assert_allclose(table, expected, atol=1e-5)
    y = np.array([slow(own, kind, a, b) for a, b in zip(u.astype(float), v, strict=True)])
    errors = LABELLED * (y - FACTS["score"]) ** 2, (y - FACTS["target"]) ** 2
    facts = facts_of(6, **FACTS, labelled=LABELLED)
    for weight in (0.0, 0.3, 1.0):
        objective = PairDistillation(kind, teacher_weight=weight)
        losses = [
            float(evaluate(objective, GIVEN, facts, params=own, devices=n)[0]) for n in (1, 2)
        ]
        wanted = (1 - weight) * errors[0].mean() + weight * errors[1].mean()
        assert losses == pytest.approx([wanted] * 2, rel=1e-5)


def test_without_the_teacher_only_labels_count_and_without_labels_only_the_teacher() -> None:
    facts, own = facts_of(6, **FACTS, labelled=LABELLED), head("cosine")
    for weight, name in ((1.0, "score"), (0.0, "target")):
        objective = PairDistillation("cosine", teacher_weight=weight)
        changed = {**facts, name: facts[name] + 1}
        losses = {float(evaluate(objective, GIVEN, x, params=own)[0]) for x in (facts, changed)}
        assert len(losses) == 1
    student = PairDistillation("cosine", teacher_weight=1.0)
    y = PairDistillation("cosine").paired(own, *map(jnp.asarray, GIVEN.values()))
    same = {**facts, "target": np.asarray(y)}
    assert float(evaluate(student, GIVEN, same, params=own)[0]) == pytest.approx(0, abs=1e-12)


def test_annotated_scores_stay_with_their_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{i % 6}\t{'a' * i}\t{'b' * (2 * i)}" for i in range(10)]
    (tmp_path / "pairs.tsv").write_text("\n".join(["score\tone\ttwo", *rows]) + "\n")
    source = make_source(tmp_path, {"name": "tsv", "path": "pairs.tsv"})
    monkeypatch.setattr(annotate_module, "PIECE", 4)
    asked: list[str] = []

    def embed(texts: Sequence[Any]) -> np.ndarray:
        asked.extend(texts)
        return np.array([[text.count("a") + len(text.partition("¶")[0]), -1] for text in texts])

    spec = {"name": "joint_scores", "first": "one", "second": "two"}
    annotate(source, spec, embed, tmp_path / "scores")
    found, maker = annotated(source, tmp_path / "scores"), {"first": "one", "second": "two"}
    taught = make_pair_maker({"name": "taught_pair", **maker, "score": "score"})
    for i in RNG.permutation(10).tolist():
        example = taught(found[i], RNG)
        # The mean of both orders: a count of "a", and half of both lengths and the space.
        assert example.facts["target"] == pytest.approx(i + (i + 2 * i) / 2 + 1)
        assert example.facts["score"] == pytest.approx(i % 6 / 5)
    # Each pair was read once in each order, and those that are there are not read again.
    assert len(asked) == 20
    annotate(source, spec, embed, tmp_path / "scores")
    assert len(asked) == 20
    unlabelled = make_pair_maker({"name": "taught_pair", **maker})(found[3], RNG)
    assert unlabelled.facts["labelled"] is False
    texts = {
        make_pair_maker({"name": "joined_pair", **maker, "score": "score"})(source[1], RNG).views[
            "anchor"
        ]
        for _ in range(20)
    }
    assert texts == {"a ¶ bb", "bb ¶ a"}


def test_bad_pairs_and_settings_are_refused() -> None:
    maker = make_pair_maker(
        {"name": "joined_pair", "first": "a", "second": "b", "score": "c", "bounds": (1, 5)}
    )
    with pytest.raises(ValueError, match="score"):
        maker({"a": "x", "b": "y", "c": "0"}, RNG)
    with pytest.raises(ValueError, match="annotations"):
        make_pair_maker({"name": "taught_pair", "first": "a", "second": "b"})(
            {"a": "x", "b": "y"}, RNG
        )
    with pytest.raises(ValueError, match="head"):
        make_objective({"name": "pair_distillation", "head": "dot"})
    facts = facts_of(6, score=FACTS["score"])
    loss = evaluate(JoinedScore(), {"anchor": GIVEN["anchor"]}, facts)[0]
    expected = np.mean((GIVEN["anchor"][:, 0] - FACTS["score"]) ** 2)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
