"""What a task is, how tasks are scored together, and the table of their scores."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, Self, runtime_checkable

from pixel_linguist.evaluate.bootstrap import Observations, interval
from pixel_linguist.evaluate.similarity import Embed

Scores = Mapping[str, float]
# Texts → as many texts, such as the same with typos.
Change = Callable[[Sequence[str]], tuple[str, ...]]


class Task(Protocol):
    """Something on which vectors of texts can be scored."""

    @property
    def metric(self) -> str:
        """The score that stands for the task in tables."""
        ...

    def texts(self) -> list[str]:
        """Return all texts that the task embeds."""
        ...

    def score(self, embed: Embed) -> Scores:
        """Return named scores, higher being better."""
        ...


@runtime_checkable
class ObservedTask(Task, Protocol):
    """A task whose metric is a statistic of single observations, so that it has an interval."""

    def observe(self, embed: Embed) -> Observations:
        """Return what the metric is computed of."""
        ...


@runtime_checkable
class ChangeableTask(Task, Protocol):
    """A task one side of which can be changed, to see how much its score depends on it."""

    def changed(self, change: Change) -> Self:
        """Return the task with its queries (its second sentences, its test texts) changed."""
        ...


def evaluate_tasks(tasks: Mapping[str, Task], embed: Embed) -> dict[str, dict[str, float]]:
    """Score vectors on tasks by name."""
    return {name: dict(task.score(embed)) for name, task in tasks.items()}


def with_interval(task: Task, embed: Embed) -> dict[str, float]:
    """Score vectors on a task, with the ends of its metric's 95 % interval where it has one.

    They are named "METRIC_low" and "METRIC_high". `embed` is asked twice for the same texts.
    """
    scores = dict(task.score(embed))
    if isinstance(task, ObservedTask):
        low, high = interval(task.observe(embed))
        scores |= {f"{task.metric}_low": low, f"{task.metric}_high": high}
    return scores


def score_table(
    rows: Mapping[str, Mapping[str, Scores]], metrics: Mapping[str, str], width: int = 110
) -> str:
    """Format scores as text: one line a model, one column a task; tasks of one metric together.

    Args:
        rows: model → task → scores; a task that a row lacks is shown as "-".
        metrics: task → the metric shown, in the order of the columns.
        width: characters a line; further columns go to a block of their own.
    """
    label = max(map(len, ["", *rows]))
    blocks = []
    for metric in dict.fromkeys(metrics.values()):
        tasks = [task for task in metrics if metrics[task] == metric]
        for block in _fit(tasks, width - label):
            head = f"{'':{label}}" + "".join(f"  {task:>6}" for task in block)
            lines = [f"{metric}", head]
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
    """Format one score; what was not measured or is not a number is a dash."""
    text = "-" if value is None or math.isnan(value) else f"{value:.3f}"
    return f"  {text:>{max(6, width)}}"
