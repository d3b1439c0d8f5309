"""A table of scores as text, in a notebook, as CSV and as LaTeX."""

import csv
import dataclasses
import html
import io
import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pixel_linguist.evaluate.suite import Scores, score_table

# Metrics that stand beside the main one: against hubs, cosines are scaled (see `calibration.csls`).
BESIDE = {"accuracy": ("csls_accuracy",)}


class Cell(NamedTuple):
    """A score with the ends of its interval; NaN: it has none."""

    model: str
    task: str
    mark: str
    metric: str
    score: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class ScoreSheet:
    """Scores of models on tasks, which shows itself in a notebook.

    Attributes:
        rows: model → task → scores.
        metrics: task → its main metric.
        marks: model → task → what limits a score (see `transfer.mark`).
    """

    rows: Mapping[str, Mapping[str, Scores]]
    metrics: Mapping[str, str]
    marks: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)

    def cells(self) -> Iterator[Cell]:
        """Yield every main score, and those beside it."""
        for model, found in self.rows.items():
            for task, metric in self.metrics.items():
                scores, about = found.get(task, {}), self.marks.get(model, {}).get(task, "")
                for name in (metric, *BESIDE.get(metric, ())):
                    if name in scores:
                        low, high = (scores.get(f"{name}_{x}", math.nan) for x in ("low", "high"))
                        yield Cell(model, task, about, name, scores[name], low, high)

    def __str__(self) -> str:
        """Return the table as text, with the marks below it."""
        beside = {
            task: name
            for task, metric in self.metrics.items()
            for name in BESIDE.get(metric, ())
            if any(name in found.get(task, {}) for found in self.rows.values())
        }
        parts = [score_table(self.rows, self.metrics)]
        parts += [score_table(self.rows, beside)] if beside else []
        for model, own in self.marks.items():
            if own:
                told = (f"{task} {text}" for task, text in own.items())
                parts.append(f"{model}: {'; '.join(told)}")
        return "\n\n".join(parts)

    def to_csv(self) -> str:
        """Return a line a score, with the fields of `Cell`."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(Cell._fields)
        for *names, score, low, high in self.cells():
            numbers = (f"{x:.6f}" if math.isfinite(x) else "" for x in (score, low, high))
            writer.writerow([*names, *numbers])
        return out.getvalue()

    def _grid(self) -> Iterator[tuple[str, list[tuple[str, str, bool]]]]:
        """Yield a task with its metric, and of each model the score, mark, and if it is best."""
        known = {(cell.task, cell.metric, cell.model): cell for cell in self.cells()}
        for task, metric in dict.fromkeys(key[:2] for key in known):
            own = [known.get((task, metric, model)) for model in self.rows]
            best = max(round(cell.score, 3) for cell in own if cell)
            yield (
                f"{task} ({metric})",
                [
                    (f"{cell.score:.3f}", cell.mark, round(cell.score, 3) == best)
                    if cell
                    else ("–", "", False)
                    for cell in own
                ],
            )

    def to_latex(self) -> str:
        """Return a tabular of the package booktabs: a row a task, a column a model, best bold."""
        lines = [
            rf"\begin{{tabular}}{{l{'r' * len(self.rows)}}}",
            r"\toprule",
            " & ".join(["", *map(_latex, self.rows)]) + r" \\",
            r"\midrule",
        ]
        for task, cells in self._grid():
            shown = [
                (rf"\textbf{{{score}}}" if best else score)
                + (rf"\textsuperscript{{{_latex(text)}}}" if text else "")
                for score, text, best in cells
            ]
            lines.append(" & ".join([_latex(task), *shown]).replace("–", "--") + r" \\")
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])

    def _repr_html_(self) -> str:
        """Show the table in a notebook: a row a task, a column a model."""
        heads = "".join(f"<th>{html.escape(model)}</th>" for model in self.rows)
        body = []
        for task, cells in self._grid():
            shown = "".join(
                f"<td>{'<b>' * best}{score}{'</b>' * best}"
                + (f" <small>{html.escape(text)}</small>" if text else "")
                + "</td>"
                for score, text, best in cells
            )
            body.append(f"<tr><th>{html.escape(task)}</th>{shown}</tr>")
        return f"<table><thead><tr><th></th>{heads}</tr></thead>{''.join(body)}</table>"


def _latex(text: str) -> str:
    """Return a text with the characters escaped that mean something to LaTeX."""
    named = {"\\": "textbackslash", "~": "textasciitilde", "^": "textasciicircum"}
    return "".join(
        f"\\{named[x]}{{}}" if x in named else f"\\{x}" if x in "&%$#_{}" else x for x in text
    )
