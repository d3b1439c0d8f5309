"""Arms of the ablation: their settings differ, and their tables."""

import itertools

import pytest

from benchmarks import ablation
from pixel_linguist.config import plain


@pytest.mark.parametrize("table", ablation.TABLES)
def test_no_two_arms_are_alike(table: str) -> None:
    recipes = [plain(arm()) for arm in ablation.TABLES[table].values()]
    assert all(one != other for one, other in itertools.combinations(recipes, 2))


def test_seeds_of_an_arm_share_a_row_and_arms_that_were_not_run_have_none() -> None:
    def line(arm: str, seed: int, score: float, table: str = "meaning") -> dict[str, object]:
        scores = {"stsb/spearman": score, "sickr/spearman": 0.5}
        return {"table": table, "arm": arm, "seed": seed, "steps": 1200, "scores": scores}

    lines = [line("no NLI", 0, 0.4), line(ablation.WHOLE, 0, 0.5), line(ablation.WHOLE, 1, 0.6)]
    lines.append(line("no wear", 0, 0.1, "reading"))
    assert ablation.markdown("meaning", lines).splitlines() == [
        "| | seeds | steps | STS-B | SICK-R |",
        "|---|---|---|---|---|",
        "| all | 2 | 1,200 | 0.550 ± 0.071 | 0.500 ± 0.000 |",
        "| no NLI | 1 | 1,200 | 0.400 | 0.500 |",
    ]


def test_the_clock_starts_at_its_first_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((100.0, 103.0, 112.0))
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    share = ablation.clock(12.0)
    assert [share(0) for _ in range(3)] == [0.0, 0.25, 1.0]
