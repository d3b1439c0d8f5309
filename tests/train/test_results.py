"""What stages leave: averages against a search by hand, and what a stage takes from the last."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from pixel_linguist.files import read_json
from pixel_linguist.model.store import OBJECTIVE, load_model, load_objectives
from pixel_linguist.train.results import (
    Result,
    average_objectives,
    greedy_soup,
    load_result,
    save_result,
)
from pixel_linguist.train.scores import keep_best
from pixel_linguist.train.stage import handed_on, start_result
from tests.train.tiny import begun, change, recipe


def model(value: float) -> dict[str, Any]:
    return {"kernel": np.array([value], np.float32)}


def nearness(params: Any) -> float:
    """Be highest where the kernel is 1."""
    return -abs(float(params["kernel"][0]) - 1)


def test_models_join_the_best_first_and_only_if_they_help() -> None:
    # 0.5 is nearest; with 1.75 the mean is 1.125, nearer; with 9 it is farther.
    params, chosen, score = greedy_soup([model(9), model(1.75), model(0.5)], nearness)
    assert chosen == [2, 1]
    assert params["kernel"] == 1.125 and score == -0.125


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_score_that_is_not_a_number_is_never_the_best(broken: int) -> None:
    values = [0.0, 0.5, 0.75]
    values[broken] = float("nan")
    _, chosen, best = greedy_soup([model(value) for value in values], nearness)
    assert broken not in chosen and best == pytest.approx(
        -min(abs(v - 1) for v in values if v == v)
    )


def test_averages_are_of_objectives_that_all_have_in_one_shape() -> None:
    first: dict[str, Any] = {"info_nce": {"scale": np.float32(1)}, "mae": model(1), "own": model(3)}
    second: dict[str, Any] = {
        "info_nce": {"scale": np.float32(3)},
        "mae": {"kernel": np.zeros(2, np.float32)},
    }
    found = average_objectives([Result({}, first), Result({}, second)])
    assert found == {"info_nce": {"scale": np.float32(2)}}


def test_parameters_of_an_objective_go_on_into_the_stage_that_has_it() -> None:
    start = Result({}, {"mae": {"decoder": model(5)}})
    drawn: dict[str, Any] = {"decoder": model(0)}
    assert handed_on(drawn, start, "mae") == ({"decoder": model(5)}, "restored")
    assert handed_on(drawn, start, "other") == (drawn, "new")
    # What the earlier stage did not have is drawn; of other shapes, or without some, all is.
    both = {"decoder": model(5), "words": model(0)}
    assert handed_on(drawn | {"words": model(0)}, start, "mae") == (both, "restored")
    wider: dict[str, Any] = {"decoder": {"kernel": np.zeros(2, np.float32)}}
    for changed in (wider, {"words": model(0)}):
        assert handed_on(changed, start, "mae") == (changed, "new")
    assert handed_on({}, start, "mae") == ({}, "none")


def test_a_result_is_encoder_and_objectives_and_none_removes_the_file(tmp_path: Path) -> None:
    context, _, _ = begun(recipe("both"), "both", tmp_path)
    params = context.encoder.init(1)
    save_result(tmp_path / "model", context.model(params), {"mae": {"decoder": model(5)}})
    found = load_result(tmp_path / "model")
    assert found.objectives == {"mae": {"decoder": model(5)}}
    assert np.array_equal(found.encoder["embed"]["kernel"], params["embed"]["kernel"])
    save_result(tmp_path / "model", context.model(params), {})
    assert load_objectives(tmp_path / "model") == {}
    assert not (tmp_path / "model" / OBJECTIVE).exists()


def test_the_best_result_is_of_one_step_and_never_by_nan(tmp_path: Path) -> None:
    context, stage, _ = begun(recipe("both"), "both", tmp_path)
    best = stage.folder / "best"
    drawn = context.encoder.init(0)
    states = [
        {
            "encoder": jax.tree.map(lambda x, n=n: x + n, drawn),
            "objective": {"scale": np.float32(n)},
        }
        for n in np.arange(5, dtype=np.float32)
    ]
    keep_best(stage, states[0], float("nan"), 0)
    assert not best.exists()
    for step, score in enumerate((0.5, 0.7, float("nan"), 0.7, 0.6)):
        keep_best(stage, states[step], score, step)
    kept = load_result(best / "model")
    expected = states[1]["encoder"]["embed"]["kernel"]
    assert np.array_equal(kept.encoder["embed"]["kernel"], expected)
    assert kept.objectives == {"info_nce": {"scale": 1.0}}
    assert read_json(best / "score.json") == {"score": 0.7, "step": 1}


def unscored(params: Any, names: Any) -> Any:
    raise AssertionError("only an average by a metric is scored")


def test_stages_start_from_scratch_from_a_mean_or_from_what_helps(tmp_path: Path) -> None:
    config = recipe("both", "other")
    context, _, _ = begun(config, "both", tmp_path)
    params = [context.encoder.init(seed) for seed in (1, 2)]
    for name, drawn, scale in zip(("both", "other"), params, (1, 3), strict=True):
        objectives = {"info_nce": {"scale": np.float32(scale)}}
        save_result(context.folder.model(name), context.model(drawn), objectives)
    kernels = [drawn["embed"]["kernel"] for drawn in params]
    mean, _ = start_result(context, config.stages.average, unscored)
    np.testing.assert_allclose(mean.encoder["embed"]["kernel"], sum(kernels) / 2, atol=1e-7)
    assert mean.objectives == {"info_nce": {"scale": 2.0}}
    scratch, _ = start_result(context, config.stages.both, unscored)
    expected = context.encoder.init(config.seed)["embed"]["kernel"]
    assert np.array_equal(scratch.encoder["embed"]["kernel"], expected)

    def score(tried: Any, names: Any) -> dict[str, dict[str, float]]:
        """Fall with the distance from the second model."""
        assert names == ("sts-en",)
        distance = np.abs(tried["embed"]["kernel"] - kernels[1]).mean()
        return {"sts-en": {"spearman": -float(distance)}}

    change(config, "stages.average.average_by", "sts-en/spearman")
    chosen, word = start_result(context, config.stages.average, score)
    assert np.array_equal(chosen.encoder["embed"]["kernel"], kernels[1])
    assert "sts-en/spearman: other (" in word


def test_a_start_of_another_architecture_is_refused(tmp_path: Path) -> None:
    config = recipe("both")
    context, _, _ = begun(config, "both", tmp_path)
    folder = tmp_path / "model"
    save_result(folder, context.model(context.encoder.init(1)), {})
    change(config, "model.mlp_width", 64)
    change(config, "stages.both.init_from", (str(folder),))
    other, _, _ = begun(config, "both", tmp_path / "other")
    with pytest.raises(ValueError, match="mlp_in"):
        start_result(other, config.stages.both, unscored)
    assert load_model(folder).encoder == context.encoder
