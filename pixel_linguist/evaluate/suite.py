"""The interface of a task, scoring with intervals, and the table of scores."""

import abc
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from pixel_linguist.evaluate.bootstrap import Observations, interval
from pixel_linguist.evaluate.similarity import Embed, checked_vectors
from pixel_linguist.inference import blocks

if TYPE_CHECKING:
    from pixel_linguist.evaluate.similarity import Input

Scores = Mapping[str, float]
# N texts → N perturbed texts.
Attack = Callable[[Sequence[str]], tuple[str, ...]]


class Measured(NamedTuple):
    """Scores of an embedding on a task, and observations of the main score if it has any."""

    scores: Mapping[str, Any]
    observations: Observations | None = None


class Task(abc.ABC):
    """Texts, with labels or judgements, on which embeddings are scored.

    Each task is a frozen dataclass with a maker (`from_...`) that `build.TASKS` lists. It defines
    `embedded`, or its own `texts`, and `measure`.

    Attributes:
        metric: name of the main score, the one in tables.
        embedded: fields of the texts that are embedded, in order: tuples, or mappings whose values
            are the texts.
        perturbed: the field of the texts that attacks perturb; "": none.
    """

    metric: ClassVar[str]
    embedded: ClassVar[tuple[str, ...]] = ()
    perturbed: ClassVar[str] = ""

    @property
    def note(self) -> str:
        """What limits comparison with published figures; "" if nothing does."""
        return ""

    def texts(self) -> list[str]:
        """Return all texts that the task embeds."""
        found = (getattr(self, side) for side in self.embedded)
        return [x for side in found for x in (side.values() if isinstance(side, Mapping) else side)]

    def contents(self) -> Iterable["Input"]:
        """Return all that the task embeds: its texts, and pictures where it has them."""
        return self.texts()

    def embed_each(self, embed: Embed) -> list[Any]:
        """Embed the texts at once and return the vectors of each field in `embedded`."""
        vectors = checked_vectors(embed, self.texts())
        lengths = (len(getattr(self, side)) for side in self.embedded)
        ends = itertools.accumulate(lengths, initial=0)
        return [vectors[start:end] for start, end in itertools.pairwise(ends)]

    @abc.abstractmethod
    def measure(self, embed: Embed) -> Measured:
        """Embed texts and pictures once and score them."""

    def attacked(self, attack: Attack) -> Self:
        """Return the task with its queries perturbed."""
        if not self.perturbed:
            raise ValueError(f"{type(self).__name__} has no texts that can be attacked")
        task: Any = self
        return dataclasses.replace(task, **{self.perturbed: attack(getattr(self, self.perturbed))})

    def score(self, embed: Embed) -> dict[str, float]:
        """Return named scores; higher is better unless the task says otherwise.

        Raises:
            ValueError: if an embedding or a score is not finite.
        """
        return dict(self.checked(embed).scores)

    def checked(self, embed: Embed) -> Measured:
        """Measure, and refuse scores that are not finite.

        No NaN leaves a task: whether it counts as the best of several scores would depend on the
        direction of the comparison.
        """
        found, observations = self.measure(embed)
        scores = {name: float(score) for name, score in found.items()}
        for name, score in scores.items():
            if not math.isfinite(score):
                raise ValueError(f"the score {name!r} of {type(self).__name__} is {score}")
        return Measured(scores, observations)


def with_interval(task: Task, embed: Embed) -> dict[str, float]:
    """Return a task's scores with the 95 % bootstrap interval of the main score, if it has one.

    The ends are named "METRIC_low" and "METRIC_high", and NaN for a single observation.
    """
    return add_interval(task, task.checked(embed))


def add_interval(task: Task, measured: Measured) -> dict[str, float]:
    """Return what a task measured, with the interval of `with_interval`."""
    scores, observations = measured
    if observations is None:
        return dict(scores)
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
    parts = []
    for metric in dict.fromkeys(metrics.values()):
        tasks = [task for task in metrics if metrics[task] == metric]
        cell = 2 + max(6, *map(len, tasks))
        for block in blocks(tasks, max((width - label) // cell, 1)):
            lines = [metric, " " * label + "".join(f"{task:>{cell}}" for task in block)]
            for model, scores in rows.items():
                values = (scores.get(task, {}).get(metric, math.nan) for task in block)
                shown = ("-" if math.isnan(value) else f"{value:.3f}" for value in values)
                lines.append(f"{model:{label}}" + "".join(f"{text:>{cell}}" for text in shown))
            parts.append("\n".join(lines))
    return "\n\n".join(parts)
