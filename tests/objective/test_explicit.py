"""SESA: explained shares, limits of the loss, names by scikit-learn, what is refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import log_loss

from pixel_linguist.data.pairs import make_pair_maker
from pixel_linguist.data.sources import NamedSource
from pixel_linguist.objective import make_objective
from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.explicit import ExplicitContrast, codes, explain, name_loss, terms
from tests.fakes import evaluate, facts_of, view_facts_of

RNG = np.random.default_rng(0)
K = 5
GIVEN = {view: RNG.normal(size=(6, 4)).astype("f4") for view in ("anchor", "positive")}
KNOWN = np.array([[0, 2], [1, -1], [4, -1], [-1, -1], [3, 0], [-1, -1]], np.int32)
OWN = {
    "kernel": RNG.normal(size=(4, K)).astype("f4"),
    "bias": RNG.normal(size=K).astype("f4"),
    "weight": RNG.normal(size=K).astype("f4"),
}
RECORDS: Any = [{"t": "x", "c": "b|a"}, {"t": "y", "c": "a"}, {"t": "z", "c": ""}]


class Four:
    dimension = 4


def loss_of(objective: Any, own: Any, known: Any = KNOWN) -> tuple[float, Any]:
    facts = facts_of(6, concepts=known)
    loss, _, (moved, _) = evaluate(objective, GIVEN, facts, view_facts_of(6), params=own)
    return float(loss), moved


def test_shares_add_up_to_the_score_and_follow_the_concepts() -> None:
    e, f = (codes(OWN, x) for x in GIVEN.values())
    assert ((e >= 0) & (e <= 1)).all()
    w = np.log1p(np.exp(OWN["weight"].astype(float)))
    expected = sum(w * e[0] * f[0]) / np.sqrt(sum(w * e[0] ** 2) * sum(w * f[0] ** 2))
    shares = terms(OWN, e[0], f[0])
    assert shares.sum() == pytest.approx(expected, abs=1e-6)
    order = RNG.permutation(K)
    permuted = {name: x[..., order] for name, x in OWN.items()}
    moved = (codes(permuted, x)[0] for x in GIVEN.values())
    np.testing.assert_allclose(terms(permuted, *moved), shares[order], atol=1e-7)
    assert terms(OWN, np.eye(K)[0], np.eye(K)[1]).sum() == terms(OWN, np.zeros(K), e[0]).sum() == 0
    # The greatest share stands first, below the score.
    lines = explain(OWN, e[0], f[0], list("vwxyz")).splitlines()
    assert lines[1].endswith("vwxyz"[int(np.argmax(shares))]) and lines[0].startswith(
        f"{expected:.3f}"
    )
    with pytest.raises(ValueError, match="name"):
        explain(OWN, e[0], f[0], ["only one"])


def test_the_loss_is_infonce_of_weighted_codes_and_its_latent_limit_infonce() -> None:
    latent = ExplicitContrast(concepts=4, latent=True)
    plain = float(evaluate(InfoNCE(), GIVEN, facts_of(6), view_facts_of(6))[0])
    assert loss_of(latent, {"kernel": jnp.eye(4)})[0] == plain
    root = np.sqrt(np.log1p(np.exp(OWN["weight"])))
    weighted = {view: (root * codes(OWN, x)).astype("f4") for view, x in GIVEN.items()}
    contrast = float(evaluate(InfoNCE(), weighted, facts_of(6), view_facts_of(6))[0])
    silent = loss_of(ExplicitContrast(concepts=K, name_weight=0.0), OWN)[0]
    assert silent == pytest.approx(contrast, rel=1e-4)
    named = loss_of(ExplicitContrast(concepts=K, name_weight=2.0), OWN)[0]
    logits = [x @ OWN["kernel"] + OWN["bias"] for x in GIVEN.values()]
    names = np.mean([name_loss(jnp.asarray(x), jnp.asarray(KNOWN)) for x in logits])
    assert named == pytest.approx(contrast + 2 * names, rel=1e-4)


def test_the_names_loss_is_that_of_scikit_learn_and_unknown_texts_have_none() -> None:
    logits = GIVEN["anchor"] @ OWN["kernel"]
    found = np.asarray(name_loss(jnp.asarray(logits), jnp.asarray(KNOWN)))
    for row, own, value in zip(logits.astype(float), KNOWN, found, strict=True):
        has = np.isin(np.arange(K), own)
        if not has.any():
            assert value == 0
            continue
        balanced = np.where(has, 0.5 / has.sum(), 0.5 / (~has).sum())
        e = 1 / (1 + np.exp(-row))
        assert value == pytest.approx(log_loss(has, e, sample_weight=balanced), rel=1e-5)
    slope = jax.grad(lambda x: name_loss(x, jnp.asarray(KNOWN)).sum())(jnp.asarray(logits))
    moved = np.abs(np.asarray(slope)).sum(axis=1) > 0
    assert moved.tolist() == (KNOWN.max(axis=1) >= 0).tolist()


def test_concepts_are_numbered_by_frequency_and_need_names() -> None:
    source = NamedSource(RECORDS, "c", (), 0)
    assert source.names == ("a", "b")
    assert [source[i]["concepts"] for i in range(3)] == [(1, 0), (0, -1), (-1, -1)]
    other = NamedSource(RECORDS, "c", ("z", "a"), 0)
    assert [other[i]["concepts"] for i in range(3)] == [(1,), (1,), (-1,)]
    maker = make_pair_maker({"name": "with_concepts", "pairs": {"name": "identity", "text": "t"}})
    assert maker(source[0], RNG).facts["concepts"] == (1, 0)
    for names, most in ((("a", " "), 0), ((), 1)):
        with pytest.raises(ValueError, match="names"):
            NamedSource(RECORDS, "c", names, most)
    with pytest.raises(ValueError, match="concepts"):
        make_objective({"name": "explicit_contrast"})
