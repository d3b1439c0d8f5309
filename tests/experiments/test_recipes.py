"""Every recipe is checked and does one step of each of its stages, on tiny shapes."""

import json
import re
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tensorflow_datasets as tfds
import tensorflow_datasets.text  # registers wikipedia, glue and multi_nli
from ml_collections import ConfigDict

from experiments import pixel_linguist as paper
from pixel_linguist import config as configs
from pixel_linguist.api import SentenceEncoder
from pixel_linguist.evaluate.baselines import tfidf_embed
from pixel_linguist.model.store import save_model
from pixel_linguist.render.augment import AUGMENTATIONS
from pixel_linguist.render.styles import ASPECTS
from pixel_linguist.report.claims import judge
from pixel_linguist.report.run_record import read_run
from pixel_linguist.report.run_report import RunReport
from pixel_linguist.train import pictures, run
from pixel_linguist.train.context import make_context
from pixel_linguist.train.hosts import place
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.results import Result
from pixel_linguist.train.stage import make_stage
from tests.data.pipeline import take
from tests.faults.program import Program
from tests.train.test_hosts import logs, start_hosts

RECIPES = Path(__file__).parents[2] / "experiments"
BATCH = 8


def shrink(config: ConfigDict, workdir: Path) -> None:
    """Leave a recipe's stages, data and tasks as they are, and make all sizes tiny."""
    config.model.update({"width": 16, "depth": 1, "heads": 2, "mlp_width": 16})
    config.model.patch_hidden = min(config.model.patch_hidden, 16)
    config.train.workers = 0
    config.train.compilation_cache = str(workdir / "compilation")
    config.evaluate.batch_size = 32
    for stage in config.stages.values():
        if stage.steps:
            stage.steps, stage.batch_size, stage.evaluate_every = 1, BATCH, 1
            stage.schedule.warmup = stage.chunk_size = 0
            stage.length = min(stage.length, 64)
            if "decoder" in stage.objective:
                stage.objective.decoder.update(width=16, depth=1, heads=2, mlp_width=16)
    for outer in config.tasks.values():
        task = outer.get("task", outer)
        for source in [task.source] if "source" in task else task.get("sources", {}).values():
            if "size" in source:
                source.size = 20


def step_once(config: ConfigDict, folder: Path) -> None:
    """Check a recipe, then picture the pairs of each of its stages and do its first step."""
    context, _ = run.prepare(config, folder)
    scratch = Result(context.encoder.init(0), {})
    for name in config.order:
        # Rounds after the first differ in their start alone.
        if not config.stages[name].steps or name.endswith(("_2", "_3")):
            continue
        stage = make_stage(context, name)
        pictures.picture_pairs(stage, RunReport())
        state, constants = run.first_state(stage, scratch)
        (batch,) = take(stage.batches(), 1)
        batch = place(batch._replace(cut=None), config.train.backend)
        before = np.array(state["params"]["encoder"]["embed"]["kernel"])
        rate, seed = np.float32(1e-3), np.uint32(stage.seed)
        state, metrics = stage.step()(state, constants, batch, rate, seed)
        assert np.isfinite(metrics["loss"]), name
        assert not np.array_equal(state["params"]["encoder"]["embed"]["kernel"], before), name


@pytest.mark.slow
def test_quickstart_runs_from_end_to_end(tmp_path: Path) -> None:
    """There is a row a reported stage, pictures, a report, and a model that encodes."""
    config = configs.load(RECIPES / "quickstart.py")
    shrink(config, tmp_path)
    folder = tmp_path / "run"
    extras: dict[str, Any] = {"report": RunReport(), "baselines": {"tfidf": tfidf_embed}}
    run.run_recipe(config, folder, Preemption(), **extras)
    table = json.loads((folder / "scores.json").read_text())["rows"]
    rows = {row["model"]: row["scores"] for row in table}
    reported = [name for name in config.order if config.stages[name].report]
    assert list(rows) == ["tfidf", "untrained", *reported]
    assert all(set(scores) == set(config.evaluate.report_tasks) for scores in rows.values())
    embeddings = SentenceEncoder.load(folder / "model").encode(["A sentence.", ""])
    assert embeddings.shape == (2, 16)
    drawn = {path.name for path in (folder / "examples").iterdir()}
    assert drawn >= {"neighbours.png", "map.svg"}
    page = (folder / "report.html").read_text()
    assert "Distances between languages" in page
    # Every claim is judged and told.
    told = judge(read_run(folder), folder)
    assert [claim.says for claim in told] == [claim["says"] for claim in config.claims]
    assert all(claim.says in page for claim in told)


def test_the_quickstart_claims_what_it_scores_and_never_trains_sisters_and_control() -> None:
    config = configs.load(RECIPES / "quickstart.py")
    rows = {"untrained", "tfidf", *(name for name in config.order if config.stages[name].report)}
    for claim in config.claims:
        for _, row, tasks in (("", claim["row"], claim["tasks"]), *claim["over"]):
            assert row in rows and set(tasks) <= set(config.evaluate.report_tasks)
    sources = [part.source for stage in config.stages.values() for part in stage.data.values()]
    assert {code for source in sources for code in source.languages} == {"en", "vel"}


@pytest.mark.slow
@pytest.mark.parametrize("styled", [False, True])
def test_quickstart(tmp_path: Path, styled: bool) -> None:
    config = configs.load(RECIPES / "quickstart.py").unlock()
    mild = {"strength": 0.3}
    for stage in config.stages.values():
        if stage.steps and styled:
            stage.styles = dict.fromkeys(ASPECTS, mild)
            stage.augment = dict.fromkeys(AUGMENTATIONS, mild)
    shrink(config.lock(), tmp_path)
    step_once(config, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["small", "small_pretrained", "methods/dup_mae"])
def test_small(tmp_path: Path, shared: Path, recipe: str) -> None:
    config = configs.load(RECIPES / f"{recipe}.py")
    config.data_dir = str(shared / "data")
    shrink(config, tmp_path)
    step_once(config, tmp_path / "run")


def prepare(folder: Path, dataset: str, features: dict[str, Any]) -> None:
    """Write a few rows of made-up text as the TFDS data set of a name would be prepared."""
    name, _, config = dataset.partition("/")
    real = tfds.builder_cls(name)

    class Tiny(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
        VERSION = real.VERSION
        BUILDER_CONFIGS: ClassVar = [
            tfds.core.BuilderConfig(name=c.name, version=c.version)
            for c in real.BUILDER_CONFIGS
            if c.name == config
        ]

        def _info(self) -> tfds.core.DatasetInfo:
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, manager: Any) -> dict[str, Any]:
            return {"train": self._generate_examples(), "validation": self._generate_examples()}

        def _generate_examples(self) -> Any:
            for i in range(3 * BATCH):
                text = f"Row {i // 3} of the data set {dataset} has a sentence, and one more."
                row: dict[str, Any] = {k: i % 3 if k == "label" else text for k in features}
                row |= {"sentence2": f"Row {i}"} if "sentence2" in features else {}
                if "hypothesis" in features:
                    row["hypothesis"] = f"Number {i}."
                if "translations" in features:
                    row["translations"] = dict.fromkeys(features["translations"].languages, text)
                yield i, row

    Tiny.name = name
    arguments = {"config": config} if config else {}
    Tiny(data_dir=folder, file_format="array_record", **arguments).download_and_prepare()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a tiny data set of every name that the paper's recipe reads."""
    folder = tmp_path_factory.mktemp("tfds")
    tfds.disable_progress_bar()
    text = tfds.features.Text()
    label = tfds.features.ClassLabel(names=["entailment", "neutral", "contradiction"])
    for name in ("snli", "glue/mnli"):
        prepare(folder, name, {"premise": text, "hypothesis": text, "label": label})
    prepare(folder, "wikipedia/20230601.en", {"title": text, "text": text})
    prepare(folder, "glue/stsb", {"sentence1": text, "sentence2": text, "label": np.float32})
    for code in paper.PARACRAWL:
        prepare(folder, f"para_crawl/en{code}", {"en": text, code: text})
    talks = tfds.features.TranslationVariableLanguages(languages=("en", *paper.TED))
    prepare(folder, "ted_multi_translate", {"translations": talks})
    (folder / paper.SENTENCES).write_text("".join(f"Number {i} .\n" for i in range(3 * BATCH)))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["pixel", "pixel_linguist_plus"])
def test_pixel(tmp_path: Path, prepared: Path, recipe: str) -> None:
    config = configs.load(RECIPES / f"{recipe}.py")
    config.data_dir = str(prepared)
    shrink(config, tmp_path)
    if recipe != "pixel":
        pixel = configs.load(RECIPES / "pixel.py")
        shrink(pixel, tmp_path)
        context = make_context(pixel, tmp_path)
        save_model(tmp_path / "pixel", context.model(context.encoder.init(0)))
        config.stages.pixel.init_from = (str(tmp_path / "pixel"),)
    step_once(config, tmp_path / "run")


# The paper's recipe, with a model that is planned in little time.
REHEARSED = """
from experiments.pixel_linguist import get_config as paper

def get_config():
    config = paper()
    config.model.update(width=32, depth=1, heads=2, mlp_width=32)
    for stage in config.stages.values():
        stage.batch_size = min(stage.batch_size, 16)
    return config
"""


@pytest.mark.slow
def test_pixel_linguist_is_rehearsed_on_eight_devices_of_one_host_and_of_two(
    tmp_path: Path, prepared: Path
) -> None:
    tables = []
    for backend, processes in (("pmap", 1), ("shard_map", 2)):
        folder = tmp_path / backend
        folder.mkdir()
        options = "--rehearse", f"--config.data_dir={prepared}", f"--config.train.backend={backend}"
        made = Program(folder / "run", *options, recipe=REHEARSED)
        made.environment["JAX_NUM_CPU_DEVICES"] = str(8 // processes)
        if processes == 1:
            (folder / "host0.log").write_text(made.run().stdout)
        else:
            for process in start_hosts(made, folder):
                assert process.wait(timeout=600) == 0, logs(folder)
        said = (folder / "host0.log").read_text()
        assert "which is saved; resumed" in said and "the rehearsal succeeded" in said, said
        assert re.search(r"languages_3 +202,600 .* nli_2\n", said)
        tables.append(re.findall(r"^(untrained|nli_3) .*?([-\d.]+)", said, re.MULTILINE)[-2:])
    (first, second) = ([float(score) for _, score in table] for table in tables)
    assert len(first) == 2 and first == pytest.approx(second, abs=0.02)


def test_no_recipe_is_left_out() -> None:
    tested = {
        "quickstart",
        "small",
        "small_pretrained",
        "reading",
        "tiny",
        "tiny_untaught",
        "tiny_multilingual",
    }
    paper = {"pixel", "pixel_linguist", "pixel_linguist_plus"}
    assert {path.stem for path in RECIPES.glob("*.py")} == tested | paper
