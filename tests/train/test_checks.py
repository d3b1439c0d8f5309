"""Recipes that cannot run are refused before anything is trained or written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist import config as configs
from pixel_linguist.data.example import Example
from pixel_linguist.model.store import Model, save_model
from pixel_linguist.recipe import info_nce, matryoshka
from pixel_linguist.train.checks import check_finite, check_ranges
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.run import prepare, run_recipe
from tests.train.tiny import EXPERIMENTS, begun, change, recipe

IDENTITY = {"name": "identity", "text": "text"}


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("order", ("both", "other"), "average"),
        ("stages.other.init_from", ("average",), "stage other"),
        ("stages.average.average_by", "sts/x", "average_by"),
        ("stages.average.average_by", "sts-en/x", "sts-en/x"),
        ("stages.both.init_from", ("/tmp",), "/tmp"),
        ("stages.both.start_required", True, "needs a start"),
        ("stages.both.schedule.decay", "cosin", "stage both.*cosine"),
        ("stages.both.optimizer.frozen", ("heads",), "frozen"),
        ("stages.both.optimizer.frozen", ("embed", "blocks/mlp"), "blocks/mlp_in"),
        ("train.log_every", 0, "log_every"),
        ("stages.both.schedule.peak", float("inf"), r"stages\.both\.schedule\.peak"),
        ("stages.both.optimizer.weight_decay", float("nan"), r"optimizer\.weight_decay"),
        ("stages.both.perturb", {"swap_letters": {"rate": float("nan")}}, "rate"),
        ("stages.both.optimizer.b2", 1.0, r"optimizer\.b2"),
        ("stages.both.objective.temperature", 0.0, r"objective\.temperature"),
        ("evaluate.report_tasks", ("sts",), "report_tasks"),
        ("evaluate.truncate_dims", (8, 17), "truncate_dims"),
        ("stages.both.objective", matryoshka(info_nce(hard_negatives=False), (8,)), "dimension"),
        ("stages.average.init_from", (), "stage average"),
        ("stages.both.batch_size", 6, "batch_size"),
        ("stages.both.chunk_size", 3, "chunk_size"),
        ("stages.both.length", 0, "length"),
        ("stages.both.length_buckets", 13, "length_buckets"),
        ("stages.both.evaluate_tasks", ("sts",), "sts-en"),
        ("stages.both.best_metric", "sts-en/x", "best_metric"),
        ("stages.both.patience", 1, "best_metric"),
        ("stages.both.data", {}, "stage both"),
        ("stages.both.objective.name", "nce", "info_nce"),
        ("stages.both.objective.hard_negatives", True, "negative"),
        ("stages.both.perturb", {"drop": {}}, "perturbation"),
        ("stages.both.facts", {"words": {"name": "bag"}}, "bag_of_words"),
        ("stages.both.data.sentences.pairs.text", "txt", "txt"),
        ("stages.both.data.sentences.weight", 0.0, "weight"),
        ("tasks.sts-en.name", "sst", "task sts-en"),
        ("stages.both.styles", {"fmily": {}}, "family"),
        ("stages.both.augment", {"blr": {}}, "blur"),
        ("train.backend", "pjit", "backend"),
        ("model.heads", 3, "heads"),
        ("render.family", "comic", "comic"),
    ],
)
def test_a_recipe_that_cannot_run_is_refused_at_once(
    tmp_path: Path, key: str, value: Any, match: str
) -> None:
    config = recipe("both", "other")
    change(config, key, value)
    with pytest.raises(ValueError, match=match):
        run_recipe(config, tmp_path / "run", Preemption())
    assert not (tmp_path / "run").exists()


def test_batches_are_not_accumulated_where_an_objective_keeps_a_state(tmp_path: Path) -> None:
    config = recipe("both")
    change(config, "stages.both.optimizer.accumulate", 2)
    prepare(config, tmp_path / "run")
    change(config, "stages.both.objective", {"name": "contriever", "queue_size": 16})
    with pytest.raises(ValueError, match="accumulate"):
        prepare(config, tmp_path / "run")


def test_every_recipe_of_ours_is_in_range() -> None:
    for path in sorted(EXPERIMENTS.rglob("*.py")):
        # Scripts that only evaluate are no recipes.
        if "def get_config" in path.read_text():
            config = configs.load(path)
            assert config.is_locked
            check_finite(config.to_dict())
            for part in (config, *config.stages.values()):
                check_ranges(part)


def test_a_start_that_cannot_be_read_is_refused_before_earlier_stages(
    tmp_path: Path, tiny_model: Callable[..., Model]
) -> None:
    config = recipe("both", "other")
    save_model(tmp_path / "whole", tiny_model(width=16, depth=3))
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert/config.json").write_text('{"model_type": "bert"}')
    for name, word in (
        ("whole", "architecture"),
        ("bert", "'bert'"),
        ("s3:/bucket", "URL"),
    ):
        start = name if "/" in name else str(tmp_path / name)
        change(config, "stages.other.init_from", (start,))
        with pytest.raises(ValueError, match=f"stage other.*{word}"):
            prepare(config, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_missing_file_is_named_with_its_stage(tmp_path: Path) -> None:
    config = recipe("both")
    change(config, "stages.both.data.sentences.source", {"name": "tsv", "path": "none.tsv"})
    change(config, "data_dir", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"stage both.*none\.tsv"):
        run_recipe(config, tmp_path / "run", Preemption())


def write_rows(path: Path, *rows: dict[str, Any]) -> dict[str, Any]:
    """Write records and return their source."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"name": "jsonl", "path": path.name, "columns": tuple(rows[0])}


def part(source: dict[str, Any], pairs: dict[str, Any]) -> dict[str, Any]:
    return {"source": source, "pairs": pairs, "weight": 1.0, "annotate": {}}


def test_parts_of_a_mixture_bring_the_same_facts(tmp_path: Path) -> None:
    config = recipe("both")
    change(config, "data_dir", str(tmp_path))
    rows = [{"text": f"number {i}", "target": [1.0, float(i)]} for i in range(8)]
    source = write_rows(tmp_path / "rows.jsonl", *rows)
    target = {"name": "teacher_target", "text": "text", "target": "target"}
    change(config, "stages.both.data", {"a": part(source, target), "b": part(source, IDENTITY)})
    with pytest.raises(ValueError, match=r"'b'.*target"):
        prepare(config, tmp_path / "run")
    change(config, "stages.both.data", {"a": part(source, target), "b": part(source, target)})
    prepare(config, tmp_path / "run")


def test_a_part_smaller_than_the_batch_is_accepted(tmp_path: Path) -> None:
    config = recipe("both")
    change(config, "data_dir", str(tmp_path))
    small = write_rows(tmp_path / "small.jsonl", {"text": "one"}, {"text": "two"})
    large = write_rows(tmp_path / "large.jsonl", *({"text": f"text {i}"} for i in range(40)))
    change(config, "stages.both.data", {"a": part(small, IDENTITY), "b": part(large, IDENTITY)})
    prepare(config, tmp_path / "run")
    _, stage, _ = begun(config, "both", tmp_path / "run")
    batch = next(iter(stage.batches()))
    assert len(batch.facts["group"]) == 8 > len({"one", "two"})


def test_pictures_of_a_stage_are_held_to_the_positions_of_the_encoder(tmp_path: Path) -> None:
    _, stage, _ = begun(recipe("both"), "both", tmp_path)
    example = Example({"anchor": np.zeros((16, 8, 1), np.uint8)}, {"group": (-1,)})
    with pytest.raises(ValueError, match="2 rows"):
        stage.views.batch([(example, example)], 12)
