"""Claims are judged by paired bootstrap intervals, and told in words with their figures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist.files import write_json
from pixel_linguist.recipe import claim
from pixel_linguist.report.claims import Judged, judge, story
from pixel_linguist.report.run_record import read_run

COUNT = 400
RNG = np.random.default_rng(0)
FOUND = {
    "untrained": (RNG.random(COUNT) < 0.2).astype(float),
    "nli": (RNG.random(COUNT) < 0.8).astype(float),
}
# Differs from the row before in a few of the queries, always for the better.
FOUND["last"] = np.maximum(FOUND["nli"], RNG.random(COUNT) < 0.2)
FOUND["tfidf"] = FOUND["nli"]


def judged(folder: Path, *claims: dict[str, Any], without: tuple[str, ...] = ()) -> list[Judged]:
    """Judge claims by a run whose tasks en-vel and chance are of the same rows."""
    (folder / "observations").mkdir()
    for row, values in FOUND.items():
        if row not in without:
            observed: dict[str, Any] = {"en-vel": values[None]}
            np.savez(folder / "observations" / f"{row}.npz", **observed)
    tasks = {"en-vel": {"metric": "accuracy"}}
    write_json(folder / "scores.json", {"rows": [], "tasks": tasks})
    write_json(folder / "config.json", {"order": ["nli", "last"], "claims": claims})
    return judge(read_run(folder), folder)


def of(row: str, other: str, **options: Any) -> dict[str, Any]:
    on = ("en-vel",)
    return claim(f"{row} is above {other}", row, on, [(other, other, on)], heading="A", **options)


def test_a_gain_has_the_interval_of_paired_differences(tmp_path: Path) -> None:
    (found,) = judged(tmp_path, of("last", "nli"))
    difference = FOUND["last"] - FOUND["nli"]
    gain, error = found.gains["nli"], difference.std() / COUNT**0.5
    assert gain.value == pytest.approx(difference.mean())
    assert (gain.low, gain.high) == pytest.approx(
        (gain.value - 1.96 * error, gain.value + 1.96 * error), abs=0.2 * error + 1 / COUNT
    )
    # Resampled apart, so small a gain would hardly show.
    assert difference.mean() < 1.96 * 2**0.5 * (0.16 / COUNT) ** 0.5
    assert found.shown and found.score == pytest.approx(FOUND["last"].mean())
    assert found.gains["untrained"].value == pytest.approx(
        (FOUND["last"] - FOUND["untrained"]).mean()
    )


def test_verdicts_are_told_in_words_with_figures(tmp_path: Path) -> None:
    claims = of("nli", "untrained"), of("untrained", "nli"), of("nli", "nli", chance=True)
    yes, no, equal = judged(tmp_path, *claims)
    assert (yes.shown, no.shown, equal.shown) == (True, False, True)
    (sentence,) = story([yes, no, equal])
    assert sentence.startswith("A: nli is above untrained (")
    assert "not shown is that untrained is above nli" in sentence
    assert f"{FOUND['nli'].mean() - FOUND['untrained'].mean():+.3f}" in sentence


def test_claims_of_rows_that_are_not_there_yet_are_left_out(tmp_path: Path) -> None:
    claims = of("nli", "untrained"), of("last", "nli")
    assert len(judged(tmp_path, *claims, without=("last",))) == 1
