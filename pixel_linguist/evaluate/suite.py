"""The interface of a task, scoring on several tasks, and the table of scores."""

import abc
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from pixel_linguist.evaluate.bootstrap import Observations, interval
from pixel_linguist.evaluate.similarity import Embed

if TYPE_CHECKING:
    from pixel_linguist.evaluate.similarity import Input

Scores = Mapping[str, float]
# N texts → N perturbed texts.
Attack = Callable[[Sequence[str]], tuple[str, ...]]


class Measured(NamedTuple):
    """Scores of an embedding on a task, and observations of the main score if it has any."""

    scores: dict[str, float]
    observations: Observations | None = None


class Task(abc.ABC):
    """Texts, with labels or judgements, on which embeddings are scored.

    Each task is a frozen dataclass with a maker (`from_...`) that `build.TASKS` lists. It defines
    `texts` and `measure`; `attacked` too, if its queries can be perturbed.

    Attributes:
        metric: name of the main score, the one in tables.
    """

    metric: ClassVar[str]

    @property
    def note(self) -> str:
        """What limits comparison with published figures; "" if nothing does."""
        return ""

    @abc.abstractmethod
    def texts(self) -> list[str]:
        """Return all texts that the task embeds."""

    def contents(self) -> Iterable["Input"]:
        """Return all that the task embeds: its texts, and pictures where it has them."""
        return self.texts()

    @abc.abstractmethod
    def measure(self, embed: Embed) -> Measured:
        """Embed texts and pictures once and score them."""

    def attacked(self, attack: Attack) -> Self:
        """Return the task with its queries (second sentences, test texts) perturbed."""
        raise ValueError(f"{type(self).__name__} has no texts that can be attacked")

    def score(self, embed: Embed) -> dict[str, float]:
        """Return named scores; higher is better unless the task says otherwise.

        Raises:
            ValueError: if an embedding or a score is not finite.
        """
        return self.checked(embed).scores

    def checked(self, embed: Embed) -> Measured:
        """Measure, and refuse scores that are not finite.

        No NaN leaves a task: whether it counts as the best of several scores would depend on the
        direction of the comparison.
        """
        measured = self.measure(embed)
        for name, score in measured.scores.items():
            if not math.isfinite(score):
                raise ValueError(f"the score {name!r} of {type(self).__name__} is {score}")
        return measured


def evaluate_tasks(tasks: Mapping[str, Task], embed: Embed) -> dict[str, dict[str, float]]:
    """Return task → scores of an embedding."""
    return {name: task.score(embed) for name, task in tasks.items()}


def with_interval(task: Task, embed: Embed) -> dict[str, float]:
    """Return a task's scores with the 95 % bootstrap interval of the main score, if it has one.

    The ends are named "METRIC_low" and "METRIC_high", and NaN for a single observation.
    """
    return add_interval(task, task.checked(embed))


def add_interval(task: Task, measured: Measured) -> dict[str, float]:
    """Return what a task measured, with the interval of `with_interval`."""
    scores, observations = measured
    if observations is None:
        return scores
    low, high = interval(observations)
    return {**scores, f"{task.metric}_low": low, f"{task.metric}_high": high}


def score_table(
    rows: Mapping[str, Mapping[str, Scores]], metrics: Mapping[str, str], width: int = 110
) -> str:
    """Format scores as text: one line per model, one column per task, one block per metric.

    Args:
        rows: model → task → scores; a missing or NaN score is shown as "-".
        metrics: task → the metric shown, in the order of the columns.
        width: maximum characters per line; columns that do not fit start a new block.
    """
    label = max(map(len, ["", *rows]))
    blocks = []
    for metric in dict.fromkeys(metrics.values()):
        tasks = [task for task in metrics if metrics[task] == metric]
        for block in _fit(tasks, width - label):
            lines = [metric, f"{'':{label}}" + "".join(f"  {task:>6}" for task in block)]
            for model, scores in rows.items():
                cells = (_cell(scores.get(task, {}).get(metric), len(task)) for task in block)
                lines.append(f"{model:{label}}" + "".join(cells))
            blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _fit(tasks: Sequence[str], width: int) -> list[list[str]]:
    """Split column names into blocks that fit into a width."""
    blocks: list[list[str]] = [[]]
    left = width
    for task in tasks:
        needed = 2 + max(6, len(task))
        if needed > left and blocks[-1]:
            blocks.append([])
            left = width
        blocks[-1].append(task)
        left -= needed
    return blocks


def _cell(value: float | None, width: int) -> str:
    """Format one score, right-aligned."""
    text = "-" if value is None or math.isnan(value) else f"{value:.3f}"
    return f"  {text:>{max(6, width)}}"
