"""Losses of prefixes against a slow loop over them, and what of them is refused."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from experiments.quickstart import DEV
from pixel_linguist import config as configs
from pixel_linguist.api import SentenceEncoder
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.files import read_json
from pixel_linguist.objective import make_objective
from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.matryoshka import Matryoshka
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.run import run_recipe
from tests.fakes import evaluate, facts_of, view_facts_of
from tests.objective.test_contrastive import GROUPS, draw, slow_loss
from tests.train.tiny import EXPERIMENTS


@pytest.mark.parametrize("hard", [False, True])
def test_the_loss_is_the_weighted_mean_of_a_slow_loop(hard: bool) -> None:
    base = InfoNCE(hard_negatives=hard)
    objective = Matryoshka(base, (2, 6, 3), (1.0, 2.0, 0.5))
    embeddings, ids = draw(0, rows=8), np.random.default_rng(0).integers(0, 20, size=(3, 8))
    present = [True, False, True, True, True, False, True, True]
    slow = {
        width: slow_loss(
            base, {view: x[:, :width] for view, x in embeddings.items()}, GROUPS, ids, present
        )
        for width in objective.prefixes
    }
    expected = (slow[2] + 2 * slow[6] + 0.5 * slow[3]) / 3.5
    given = facts_of(8, group=GROUPS), view_facts_of(ids, present)
    loss, metrics, (gradients, _) = evaluate(objective, embeddings, *given, params={}, devices=2)
    assert float(loss) == pytest.approx(expected, rel=2e-5)
    for width, value in slow.items():
        assert float(metrics[f"loss_{width}"]) == pytest.approx(value, rel=2e-5)
    # Every number has a gradient.
    assert np.all(np.any(np.asarray(gradients["anchor"]), axis=0))


def test_the_whole_alone_is_the_objective() -> None:
    scores = facts_of(8, score=np.arange(8, dtype=np.float32))
    embeddings = draw(1, rows=8, views=2)
    for name in ("info_nce", "cosent"):
        spec: dict[str, Any] = {"name": "matryoshka", "objective": {"name": name}, "prefixes": [6]}
        found = evaluate(make_objective(spec), embeddings, scores, params={})
        expected = evaluate(make_objective({"name": name}), embeddings, scores)
        assert float(found[0]) == pytest.approx(float(expected[0]), rel=1e-6)
    assert hash(make_objective(spec)) == hash(make_objective(spec))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"objective": {"name": "distillation"}}, "Distillation"),
        ({"prefixes": ()}, "prefixes"),
        ({"prefixes": (0, 6)}, "prefixes"),
        ({"weights": (1.0,)}, "weights"),
        ({"weights": (1.0, 0.0)}, "weights"),
        ({"prefixes": (2, 8)}, "dimension"),
        ({"prefixes": (2, 4)}, "dimension"),
        ({"prefix": (2, 6)}, "prefixes"),
    ],
)
def test_what_trains_no_prefixes_is_refused(changes: dict[str, Any], word: str) -> None:
    spec = {"name": "matryoshka", "objective": {"name": "info_nce"}, "prefixes": (2, 6)} | changes
    with pytest.raises(ValueError, match=word):
        make_objective(spec).init(None, SimpleNamespace(dimension=6), {}, {})  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_recipe_gives_each_prefix_a_row(tmp_path: Path) -> None:
    config = configs.load(EXPERIMENTS / "methods" / "matryoshka.py").unlock()
    config.model.update(width=16, depth=1, heads=2, mlp_width=32, patch_hidden=0)
    config.stages.matryoshka.update(steps=2, batch_size=8, start_required=False)
    config.stages.matryoshka.objective.prefixes = (4, 16)
    config.tasks = ConfigDict({"sts-en": config.tasks["sts-en"], DEV: config.tasks[DEV]})
    config.evaluate.update(truncate_dims=(4,), report_tasks=("sts-en",), batch_size=16)
    run_recipe(config.lock(), tmp_path, Preemption())
    rows = {row["model"]: row["scores"] for row in read_json(tmp_path / "scores.json")["rows"]}
    assert [*rows] == ["untrained", "untrained@4", "matryoshka", "matryoshka@4"]
    task = make_tasks(config.data_dir, config.tasks)["sts-en"]
    cut = SentenceEncoder.load(tmp_path / "model", truncate_dim=4)
    expected = task.score(lambda texts: cut.encode(list(texts)))["spearman"]
    assert rows["matryoshka@4"]["sts-en"]["spearman"] == pytest.approx(expected, abs=1e-6)
