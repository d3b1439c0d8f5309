"""The recipes of methods: each does a step from scratch, on tiny shapes and made-up tables."""

import gzip
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from pixel_linguist import config as configs
from pixel_linguist.train import run
from pixel_linguist.train.annotate import annotate_stage
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.rehearsal import StopsAfter
from pixel_linguist.train.results import Result
from tests.experiments.test_reading_recipes import RECIPES, WORDS, step

TABLES = {
    "sts/stsb/en/train.tsv": ("score", "sentence1", "sentence2"),
    **{
        f"sts/stsb/{code}/{split}.tsv": ("score", "sentence1", "sentence2")
        for code in ("de", "es", "fr", "it", "nl", "pt", "ru", "zh")
        for split in ("train", "dev", "test")
    },
    **{f"bitext/tatoeba/{code}-eng.tsv": (code, "eng") for code in ("spa", "fra", "ita", "por")},
    "sts/stsb/en/dev.tsv": ("score", "sentence1", "sentence2"),
    "sts/stsb/en/test.tsv": ("score", "sentence1", "sentence2"),
    "sts/sickr/train.tsv": ("score", "sentence1", "sentence2"),
    "sts/sickr/test.tsv": ("score", "sentence1", "sentence2"),
    "news/uci_headlines.tsv.gz": ("story", "headline"),
    "news/fnc_train_headlines.tsv.gz": ("story", "headline"),
    "posts/hashtags.tsv.gz": ("hashtags", "text"),
    "captions/coco_val2017.tsv.gz": ("image", "caption1", "caption2"),
    "captions/flickr30k_train.tsv.gz": ("image", "caption1", "caption2"),
    "bitext/bible.tsv.gz": ("verse", "eng", "est", "lav", "swh", "ukr"),
    "bitext/udhr.tsv.gz": ("language", "text"),
    "bitext/ntrex.tsv.gz": ("swa", "ukr", "eng"),
    "tables/e2e/dev.tsv.gz": ("record", "text"),
    "tables/e2e/test.tsv.gz": ("record", "text"),
    "tables/fodors-zagats/left.tsv": ("id", "record"),
    "tables/fodors-zagats/right.tsv": ("id", "record"),
    "tables/fodors-zagats/test.tsv": ("label", "left", "right"),
    "definitions/wordnet.tsv": ("entries", "definition"),
    "bitext/tatoeba/est-eng.tsv": ("est", "eng"),
    "bitext/tatoeba/lvs-eng.tsv": ("lvs", "eng"),
    "bitext/tatoeba/ukr-eng.tsv": ("ukr", "eng"),
    "paraphrase/wikisplit/train.tsv.gz": ("sentence", "split1", "split2"),
    "paraphrase/mrpc/train.tsv": ("sentence1", "sentence2"),
    "paraphrase/parade/train.tsv.gz": ("sentence1", "sentence2"),
    "nli/xnli/en/dev.tsv": ("premise", "hypothesis"),
    "jobs/onet/occupations.tsv.gz": ("code", "title"),
    "jobs/onet/titles.tsv.gz": ("code", "title"),
    "jobs/onet/technology_skills.tsv.gz": ("code", "skill", "commodity"),
    "jobs/onet/tasks.tsv.gz": ("code", "task"),
    "jobs/jobbert/dev.tsv.gz": ("title", "esco_title"),
    "jobs/talentclef_en/qrels/test.tsv": ("query-id", "corpus-id", "score"),
    "jobs/talentclef_es/qrels/test.tsv": ("query-id", "corpus-id", "score"),
    "retrieval/cranfield/qrels/test.tsv": ("query-id", "corpus-id", "score"),
    "retrieval/cisi/qrels/test.tsv": ("query-id", "corpus-id", "score"),
}
ROWS = 120


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write tables of the names and columns that the recipes read."""
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name, columns in TABLES.items():
        lines = ["\t".join(columns)]
        for row in range(ROWS):
            cells = {column: " ".join(rng.permutation(WORDS)[:6]) for column in columns}
            cells |= {
                "score": str(1 + row % 5),
                "story": str(row // 4),
                "hashtags": f"a|b{row % 4}",
            }
            cells |= {"code": str(row % 10), "query-id": str(row), "corpus-id": str(row)}
            cells |= {"language": ("eng", "est", "lav", "swh", "ukr")[row % 5]}
            cells |= {"id": str(row), "label": str(row % 2), "left": str(row), "right": "0"}
            lines.append("\t".join(cells[column] for column in columns))
        text = ("\n".join(lines) + "\n").encode()
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
        if path.parent.name == "qrels":
            texts = [
                {"_id": str(row), "text": " ".join(rng.permutation(WORDS))} for row in range(ROWS)
            ]
            for kind in ("corpus", "queries"):
                lines = [json.dumps(record) for record in texts]
                (path.parents[1] / f"{kind}.jsonl").write_text("\n".join(lines) + "\n")
    nodes = [f"{n}\t{n % 7}\t{' '.join(rng.permutation(WORDS)[:6])}" for n in range(ROWS)]
    (root / "graph/cora").mkdir(parents=True)
    table = "\n".join(["id\tlabel\ttext", *nodes]) + "\n"
    (root / "graph/cora/nodes.tsv.gz").write_bytes(gzip.compress(table.encode()))
    (root / "graph/cora/edges.tsv").write_text("source\ttarget\n0\t1\n1\t2\n5\t9\n")
    topics = [[" ".join(rng.permutation(WORDS)[:2]) for _ in range(3)] for _ in range(3)]
    for name in ("choi", "qmsum/dev"):
        path = root / "segmentation" / f"{name}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(f"{json.dumps({'segments': topics})}\n".encode() * 2))
    # Of more than a hundred words.
    paragraphs = [" ".join(rng.permutation(WORDS)) for _ in range(12)]
    article = {"title": "made up", "sections": [{"heading": "a", "paragraphs": paragraphs}] * 3}
    path = root / "topical" / "wikipedia.jsonl"
    path.parent.mkdir()
    path.write_text(f"{json.dumps(article)}\n" * 10)
    return root


def tiny(name: str, data: Path, folder: Path) -> ConfigDict:
    """Load a recipe and make all sizes tiny; it starts from scratch."""
    config = configs.load(RECIPES / "methods" / f"{name}.py").unlock()
    config.model.update({"stem_channels": (2, 3, 4, 5), "stem_hidden": 6, "stem_width": 8})
    config.model.update({"width": 12, "heads": 2, "mlp_width": 8, "token_hidden": 6})
    if name == "anchored_languages":
        # The shipped model's, whose vectors are its proxies.
        config.model.width = 384
    config.data_dir = str(data)
    config.train.compilation_cache = str(folder / "compilation")
    for stage in config.stages.values():
        stage.update(steps=3, batch_size=16, init_from=(), adapter="", length=6)
        stage.schedule.warmup = 0
        for part in stage.data.values():
            if part.source.name == "texts":
                part.source.source.size = ROWS
        if "groups" in stage.objective and stage.objective.name == "group_whitening":
            stage.objective.groups = 6
    return config.lock()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "mirror",
        "mirror_languages",
        "captions",
        "anchored_languages",
        "whitened",
        "headlines",
        "ccp",
        "debcse",
        "debcse_world",
        "hicl",
        "vacancy",
        "tdmatch",
        "defsent",
        "dse",
        "segments",
        "sesa",
        "bprop",
        "graph",
    ],
)
def test_a_recipe_does_a_step_that_leaves_its_stem(name: str, data: Path, tmp_path: Path) -> None:
    config = tiny(name, data, tmp_path)
    context, tasks = run.prepare(config, tmp_path / "run")
    assert {*config.evaluate.report_tasks} <= {*tasks}
    stage = config.order[0]
    annotate_stage(context, stage)
    before, after = step(context, stage, Result(context.encoder.init(0), {}))
    moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, after)
    assert not any(jax.tree.leaves(moved["stem"]))
    assert any(jax.tree.leaves(moved["token_out"]))


@pytest.mark.slow
def test_banks_and_running_statistics_resume_to_the_same_bytes(data: Path, tmp_path: Path) -> None:
    config: Any = tiny("ccp", data, tmp_path)
    with config.unlocked():
        config.tasks, config.evaluate.report_tasks = ConfigDict(), ()
        config.stages.ccp.objective.bank_size = 20
    run.run_recipe(config, tmp_path / "whole", Preemption())
    with pytest.raises(Preempted):
        run.run_recipe(config, tmp_path / "stopped", StopsAfter(2))
    run.run_recipe(config, tmp_path / "stopped", Preemption())
    whole, stopped = (
        (tmp_path / name / "model" / "weights.safetensors").read_bytes()
        for name in ("whole", "stopped")
    )
    assert whole == stopped
