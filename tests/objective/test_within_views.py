"""Negatives of the own view (NT-Xent) against a double loop over 2 N rows, in float64."""

import numpy as np
import pytest

from pixel_linguist.objective.contrastive import InfoNCE
from tests.fakes import evaluate, facts_of, view_facts_of
from tests.objective.test_contrastive import GROUPS, draw, unit

NT_XENT = InfoNCE(temperature=0.2, within_views=True)


def slow_loss(
    embeddings: dict[str, np.ndarray], groups: np.ndarray, ids: np.ndarray, *, mask: bool
) -> float:
    """Return the mean over 2 N rows of a loop over the candidates of each."""
    a, p = (unit(embeddings[view].astype(np.float64)) for view in ("anchor", "positive"))
    count, rows = len(a), np.concatenate([a, p])
    sets = [{g for g in group if g >= 0} for group in groups.tolist()]
    texts = [set(ids[:2, i].tolist()) for i in range(count)]
    losses = []
    for i, row in enumerate(rows):
        own, partner = i % count, (i + count) % (2 * count)
        scores = [row @ rows[partner] / 0.2]
        for j, other in enumerate(rows):
            alike = texts[own] & texts[j % count] or sets[own] & sets[j % count]
            if j not in (i, partner) and not (mask and (alike or j % count == own)):
                scores.append(row @ other / 0.2)
        losses.append(np.logaddexp.reduce(scores) - scores[0])
    return float(np.mean(losses))


@pytest.mark.parametrize("mask", [False, True])
def test_equals_a_double_loop_on_any_number_of_devices(mask: bool) -> None:
    objective = InfoNCE(temperature=0.2, within_views=True, mask_false_negatives=mask)
    embeddings = draw(0, rows=8, views=2)
    ids = np.random.default_rng(0).integers(0, 20, size=(3, 8))
    given = facts_of(8, group=GROUPS), view_facts_of(ids)
    expected = slow_loss(embeddings, GROUPS, ids, mask=mask)
    for devices in (1, 4):
        loss, *_ = evaluate(objective, embeddings, *given, devices=devices)
        assert float(loss) == pytest.approx(expected, rel=2e-5)


def test_hard_negatives_are_refused() -> None:
    with pytest.raises(ValueError, match="within_views"):
        InfoNCE(within_views=True, hard_negatives=True)
