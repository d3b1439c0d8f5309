"""Recipes that cannot run are refused before anything is trained or written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from pixel_linguist import config as configs
from pixel_linguist.data.loader import text_id
from pixel_linguist.model import init_params
from pixel_linguist.model.store import load_model, save_model
from pixel_linguist.train.loop import keep_best, stage_batches, stage_objective, train_stage
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.stages import (
    make_workshop,
    run_recipe,
    stage_settings,
    start_params,
)

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
Change = Callable[[ConfigDict], Any]


@pytest.fixture
def config() -> ConfigDict:
    """Return the quickstart with three of its stages, everything smaller."""
    config = configs.load(EXPERIMENTS / "quickstart.py").unlock()
    config.render.update(patch_height=8, patch_width=8, max_patches=16)
    config.model.update(width=16, depth=1, heads=2, mlp_width=32, patch_hidden=0)
    both, other = config.stages.visual_both, config.stages.visual_shuffled
    average = config.stages.visual
    average.init_from = ("both", "other")
    for stage in (both, other):
        stage.update(steps=4, batch_size=8, length=12, evaluate_every=2)
        stage.update(init_from=(), evaluate_tasks=())
    config.stages = ConfigDict({"both": both, "other": other, "average": average})
    config.order = ("both", "other", "average")
    config.tasks = ConfigDict({"sts-en": config.tasks["sts-en"]})
    config.tasks["sts-en"].source.size = 20
    config.evaluate.update(report_tasks=("sts-en",), batch_size=16)
    return config.lock()


def change(key: str, value: Any) -> Change:
    def apply(config: ConfigDict) -> None:
        *parents, last = key.split(".")
        with config.unlocked():
            node = config
            for name in parents:
                node = node[name]
            with node.ignore_type():
                node[last] = value

    return apply


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (change("order", ("both", "other")), r"order names both, other; stages are average, both"),
        (change("stages.other.init_from", ("average",)), r"stage other: init_from 'average' is no"),
        (change("stages.average.average_by", "sts/x"), r"stage average: average_by 'sts/x' is no"),
        (
            change("stages.average.average_by", "sts-en/x"),
            r"average_by is 'sts-en/x', but sts-en g",
        ),
        (change("stages.average.steps", -5), r"stage average: stage.steps is -5; at least 0"),
        (change("stages.both.init_from", ("/tmp",)), r"init_from '/tmp' is no ea.*no model's fold"),
        (change("stages.both.window", 0), r"stage both: stage.window is 0; at least 1 is needed"),
        (change("stages.both.evaluate_every", 0), r"stage both: stage.evaluate_every is 0"),
        (change("stages.both.schedule.decay", "cosin"), r"stage both: decay is 'cosin'; choose"),
        (change("stages.both.optimizer.frozen", ("heads",)), r"stage both: .*frozen names heads;"),
        (change("train.log_every", 0), r"train.log_every is 0; at least 1 is needed"),
        (change("evaluate.report_tasks", ("sts",)), r"report_tasks names sts; there are sts-en"),
        (change("stages.average.init_from", ()), r"stage average: steps is 0 and init_from is emp"),
        (change("stages.both.batch_size", 6), r"stage both: batch_size 6 is not divisible by 4 d"),
        (change("stages.both.length", 17), r"stage both: length 17 is not in 1..16 patches"),
        (change("stages.both.length", 0), r"stage both: length 0 is not in 1..16 patches"),
        (change("stages.both.evaluate_tasks", ("sts",)), r"stage both: no task 'sts'; there are s"),
        (
            change("stages.both.best_metric", "sts-en/x"),
            r"both: best_metric 'sts-en/x' is not TASK/",
        ),
        (change("stages.both.data", {}), r"stage both: the stage has no data"),
        (change("stages.both.objective.name", "nce"), r"stage both: no objective 'nce'"),
        (change("stages.both.perturb", {"drop": {}}), r"stage both: unknown perturbation 'drop'"),
        (change("stages.both.data.sentences.pairs.text", "txt"), r"stage both: .* no column 'txt'"),
        (change("stages.both.data.sentences.source.size", 4), r"4 records, fewer than the batch"),
        (change("tasks.sts-en.name", "sst"), r"task sts-en: 'sst'.*'sts'"),
        (change("stages.both.styles", {"fmily": {}}), r"stage both: .* did you mean 'family'"),
        (change("stages.both.augment", {"blr": {}}), r"stage both: .*'blr': did you mean 'blur'"),
        (change("stages.both.raster", "devce"), r"stage both: raster is 'devce': did you mean 'd"),
        (change("train.backend", "pjit"), r"train.backend is 'pjit'"),
        (change("model.heads", 3), r"model.width 16 is not divisible by heads 3"),
        (change("render.family", "comic"), r"comic"),
    ],
)
def test_a_recipe_that_cannot_run_is_refused_at_once(
    tmp_path: Path, config: ConfigDict, apply: Change, message: str
) -> None:
    apply(config)
    with pytest.raises(ValueError, match=message):
        run_recipe(config, tmp_path / "run", Preemption())
    assert not (tmp_path / "run").exists()


def test_a_missing_file_is_named_with_its_stage(tmp_path: Path, config: ConfigDict) -> None:
    source = {"name": "tsv", "path": "none.tsv"}
    change("stages.both.data.sentences.source", ConfigDict(source))(config)
    change("data_dir", str(tmp_path))(config)
    with pytest.raises(FileNotFoundError, match=f"stage both: no file {tmp_path}/none.tsv"):
        run_recipe(config, tmp_path / "run", Preemption())


def test_a_stage_made_anew_has_those_that_start_from_it_made_anew_too(
    tmp_path: Path, config: ConfigDict
) -> None:
    run_recipe(config, tmp_path, Preemption())
    shutil.rmtree(tmp_path / "stages" / "both")
    change("stages.both.schedule.peak", 0.05)(config)
    with pytest.raises(ValueError, match=r"average was begun with other settings.*starts\.both: "):
        run_recipe(config, tmp_path, Preemption())
    rows = json.loads((tmp_path / "scores.json").read_text())["rows"]
    shutil.rmtree(tmp_path / "stages" / "average")
    run_recipe(config, tmp_path, Preemption())
    again = json.loads((tmp_path / "scores.json").read_text())["rows"]
    assert sorted(row["model"] for row in again) == sorted(row["model"] for row in rows)
    assert again[-1]["model"] == "average" and again[-1] not in rows


def unscored(params: Any, names: Any) -> Any:
    raise AssertionError("only an average by a metric is scored")


def test_an_average_by_a_metric_leaves_out_what_does_not_help(
    tmp_path: Path, config: ConfigDict, capsys: pytest.CaptureFixture[str]
) -> None:
    change("stages.average.average_by", "sts-en/spearman")(config)
    shop = make_workshop(config, tmp_path)
    params = [init_params(shop.encoder, seed) for seed in (1, 2)]
    for name, drawn in zip(("both", "other"), params, strict=True):
        save_model(shop.run.model(name), shop.model(drawn))

    def score(tried: Any, names: Any) -> dict[str, dict[str, float]]:
        """Fall with the distance from the second model."""
        assert names == ("sts-en",)
        distance = np.abs(tried["embed"]["kernel"] - params[1]["embed"]["kernel"]).mean()
        return {"sts-en": {"spearman": -float(distance)}}

    found = start_params(shop, config.stages.average, score)
    assert np.array_equal(found["embed"]["kernel"], params[1]["embed"]["kernel"])
    assert "average by sts-en/spearman: other (" in capsys.readouterr().out


def test_an_average_starts_from_the_mean_of_its_stages(tmp_path: Path, config: ConfigDict) -> None:
    shop = make_workshop(config, tmp_path)
    params = [init_params(shop.encoder, seed) for seed in (1, 2)]
    for name, drawn in zip(("both", "other"), params, strict=True):
        save_model(shop.run.model(name), shop.model(drawn))
    kernels = [drawn["embed"]["kernel"] for drawn in params]
    mean = start_params(shop, config.stages.average, unscored)["embed"]["kernel"]
    np.testing.assert_allclose(mean, (kernels[0] + kernels[1]) / 2, atol=1e-7)
    scratch = start_params(shop, config.stages.both, unscored)["embed"]["kernel"]
    assert np.array_equal(scratch, init_params(shop.encoder, config.seed)["embed"]["kernel"])


def test_a_folder_to_start_from_may_be_of_another_architecture(
    tmp_path: Path, config: ConfigDict
) -> None:
    shop = make_workshop(config, tmp_path)
    save_model(tmp_path / "model", shop.model(init_params(shop.encoder, 1)))
    change("model.mlp_width", 64)(config)
    change("stages.both.init_from", (str(tmp_path / "model"),))(config)
    with pytest.raises(ValueError, match=r"model is of another architecture .*mlp_in"):
        start_params(make_workshop(config, tmp_path), config.stages.both, unscored)


def test_a_loss_that_is_not_finite_leaves_its_batch(tmp_path: Path, config: ConfigDict) -> None:
    shop = make_workshop(config, tmp_path)
    broken = init_params(shop.encoder, 0)
    broken["embed"]["kernel"] = np.full_like(broken["embed"]["kernel"], np.nan)
    shop.run.begin_stage("both", {})
    stage = config.stages.both
    message = r"stage both: the loss or its g.* at step 1; lower sc.*non_finite/1.jsonl and 1.png"
    with pytest.raises(FloatingPointError, match=message):
        train_stage(shop, "both", stage, broken, lambda params: {}, Preemption())
    assert not shop.run.finished("both")
    left = tmp_path / "stages" / "both" / "non_finite"
    rows = [json.loads(line) for line in (left / "1.jsonl").read_text().splitlines()]
    # What the loader gave is what was written.
    data = iter(stage_batches(shop, stage, stage_objective(shop, stage)))
    ids = next(data)["text_id"]["anchor"]
    data.close()
    assert [text_id(row["clean"]["anchor"]) for row in rows] == ids.tolist()
    assert (left / "1.png").read_bytes().startswith(b"\x89PNG")


def test_the_best_model_is_kept_by_its_score(tmp_path: Path, config: ConfigDict) -> None:
    shop = make_workshop(config, tmp_path)
    models = [init_params(shop.encoder, seed) for seed in range(3)]
    for number, score in enumerate((0.5, 0.7, 0.6)):
        keep_best(shop, tmp_path, models[number], score, step=number)
    kept = load_model(tmp_path / "best").params
    assert np.array_equal(kept["embed"]["kernel"], models[1]["embed"]["kernel"])
    assert json.loads((tmp_path / "best" / "score.json").read_text()) == {
        "score": 0.7,
        "step": 1,
    }


def test_a_data_set_whose_folder_has_changed_is_refused(tmp_path: Path, config: ConfigDict) -> None:
    data = tmp_path / "mine" / "data.arrow"
    data.parent.mkdir()
    data.write_bytes(b"one")
    source = {"name": "huggingface", "dataset": "mine", "config": None, "split": "train"}
    change("stages.both.data.sentences.source", ConfigDict(source | {"columns": ("text",)}))(config)
    change("data_dir", str(tmp_path))(config)
    shop, stage = make_workshop(config, tmp_path / "run"), config.stages.both
    shop.run.begin_stage("both", configs.plain(stage_settings(shop, stage)))
    shop.run.check({"both": configs.plain(stage_settings(shop, stage))})
    data.write_bytes(b"two")
    with pytest.raises(ValueError, match=r"both was begun with other.*sha256\.mine: "):
        shop.run.check({"both": configs.plain(stage_settings(shop, stage))})


class StopsAfter(Preemption):
    """Is asked to stop after a step."""

    def __init__(self, step: int):
        super().__init__()
        self.left = step

    def reached(self) -> bool:
        self.left -= 1
        return not self.left


@pytest.mark.slow
def test_a_styled_and_augmented_stage_goes_on_to_the_same_bytes(
    tmp_path: Path, config: ConfigDict
) -> None:
    look = {
        "styles": {"size": {"strength": 1.0}, "weight": {"strength": 0.5}},
        "augment": {"shift": {"strength": 1.0}, "contrast": {"strength": 0.5}},
        "raster": "device",
    }
    with config.unlocked():
        config.train.log_every = 1
        config.stages.both.update(look)
        config.stages = ConfigDict({"both": config.stages.both})
        config.order = ("both",)

    def finished(name: str, *stops: int) -> dict[str, Any]:
        folder = tmp_path / name
        for step in stops:
            with pytest.raises(Preempted):
                run_recipe(config, folder, StopsAfter(step))
        run_recipe(config, folder, Preemption())
        lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
        losses = {line["step"]: line["loss"] for line in lines if line["kind"] == "train"}
        model = {path.name: path.read_bytes() for path in (folder / "model").iterdir()}
        picture = (folder / "pairs" / "both.png").read_bytes()
        return {"losses": losses, "model": model, "picture": picture}

    whole = finished("whole")
    assert finished("stopped", 1, 2) == whole
    # In the fixed style, and as they were drawn, pairs look different.
    with config.unlocked():
        config.stages.both.styles = config.stages.both.augment = ConfigDict()
    plain = finished("plain")
    assert plain["picture"] != whole["picture"] and plain["model"] != whole["model"]
