"""What a recipe claims, judged by a run: gains with intervals, and verdicts in words."""

import dataclasses
import functools
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pixel_linguist.evaluate.bootstrap import RESAMPLES, mean, spearman
from pixel_linguist.registry import choose
from pixel_linguist.report.run_record import BASELINES, RunRecord
from pixel_linguist.report.tables import show

STATISTICS: dict[str, Callable[..., np.ndarray]] = {"spearman": spearman, "accuracy": mean}


class Gain(NamedTuple):
    """A difference of two scores with the ends of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{show(self.value, '+.3f')} ({show(self.low, '+.3f')} to {show(self.high, '+.3f')})"


@dataclasses.dataclass(frozen=True)
class Judged:
    """A claim, and what a run says of it.

    Attributes:
        says: the claim, as the end of "it is shown that".
        heading: the one under which it is told.
        score: the mean score of its tasks.
        gains: what is compared with → gain over it; first the untrained encoder and TF-IDF.
        named: those of the gains by which it is judged.
        shown: whether the intervals of all these are above 0, or contain 0 for a claim of chance.
    """

    says: str
    heading: str
    score: float
    gains: Mapping[str, Gain]
    named: Sequence[str]
    shown: bool

    def tell(self) -> str:
        """Say it in words, with the first gain, or with the interval of one that is not shown."""
        first = self.named[0]
        if self.shown:
            return f"{self.says} ({show(self.gains[first].value, '+.3f')} over {first})"
        doubtful = min(self.named, key=lambda name: self.gains[name].low)
        return f"not shown is that {self.says} ({self.gains[doubtful]} over {doubtful})"


def judge(run: RunRecord, folder: Path) -> list[Judged]:
    """Judge the claims of a run's config, as far as the rows are there that they name.

    Gains are differences of scores on the same texts, so that both are resampled together; where
    the tasks differ, they are resampled apart.

    Args:
        folder: of the run, with observations/.
    """

    @functools.cache
    def resampled(row: str, task: str) -> np.ndarray:
        """Return a score, and that of each resample: float [1 + RESAMPLES]."""
        with np.load(folder / "observations" / f"{row}.npz") as file:
            values = file[task]
        # Equal texts are resampled alike.
        count, rng = values.shape[1], np.random.default_rng(zlib.crc32(task.encode()))
        drawn = rng.integers(0, count, (RESAMPLES, count))
        statistic = choose("metric of a claim", STATISTICS, run.metrics[task])
        return statistic(*values[:, np.concatenate([np.arange(count)[None], drawn])])

    def mean_over(row: str, tasks: Sequence[str]) -> np.ndarray:
        return np.mean([resampled(row, task) for task in tasks], axis=0)

    judged = []
    for claim in run.config.get("claims", ()):
        row, tasks = claim["row"], tuple(claim["tasks"])
        compared = {BASELINES[name]: (name, tasks) for name in ("untrained", "tfidf")}
        compared |= {name: (other, tuple(on)) for name, other, on in claim["over"]}
        try:
            own = mean_over(row, tasks)
            gains = {name: _gain(own, mean_over(*to)) for name, to in compared.items()}
        except (FileNotFoundError, KeyError):  # a row or a task that is not there (yet)
            continue
        named = [name for name, _, _ in claim["over"]]
        shown = all(
            (gains[n].low <= 0 <= gains[n].high) if claim["chance"] else gains[n].low > 0
            for n in named
        )
        judged.append(Judged(claim["says"], claim["heading"], float(own[0]), gains, named, shown))
    return judged


def story(judged: Sequence[Judged]) -> list[str]:
    """Return one sentence for each heading of claims, in order."""
    parts: dict[str, list[str]] = {}
    for claim in judged:
        parts.setdefault(claim.heading, []).append(claim.tell())
    return [f"{heading}: {'; '.join(told)}." for heading, told in parts.items()]


def _gain(own: np.ndarray, other: np.ndarray) -> Gain:
    """Return the difference of two scores, with the percentiles of its resamples."""
    low, high = np.percentile(own[1:] - other[1:], (2.5, 97.5))
    return Gain(float(own[0] - other[0]), float(low), float(high))
