"""The first sentences of a report: how far the run has come, and how good its models are."""

import math
import statistics

from pixel_linguist.report.run_record import RunRecord
from pixel_linguist.report.tables import DECIMALS, duration, seconds_of, show, start_row


def main_metric(run: RunRecord) -> tuple[str, list[str]]:
    """Return the table's first metric that all rows have, and its tasks; both empty if none."""
    for metric, tasks in run.groups(run.metrics).items():
        complete = [t for t in tasks if all(math.isfinite(r.score(t, metric)) for r in run.rows)]
        if run.rows and complete:
            return metric, complete
    return "", []


def summarise(run: RunRecord) -> list[str]:
    """Return up to three sentences: progress, the main metric, the stage that gained most."""
    sentences = _progress(run) if run.order else []
    metric, tasks = main_metric(run)
    trained = [row for row in run.rows if row.trained]
    if not metric or not trained:
        return sentences
    means = {
        row.model: statistics.fmean(row.score(task, metric) for task in tasks) for row in run.rows
    }
    best = max(trained, key=lambda row: means[row.model])
    shown = trained[-1] if run.order else best
    score = f"a {metric} of {show(means[shown.model])} on {tasks[0]}"
    if len(tasks) > 1:
        score = f"a mean {metric} of {show(means[shown.model])} over {len(tasks)} tasks"
    about = "the last scored stage" if run.order else "the best model"
    text = f"{shown.label}, {about}, reaches {score}"
    if others := [f"{r.label} {show(means[r.model])}" for r in run.rows if not r.trained]:
        text += f" ({', '.join(others)})"
    if best is not shown:
        text += f"; the best so far is {best.label} with {show(means[best.model])}"
    sentences.append(f"{text}.")
    starts = [(row.model, start) for row in trained if (start := start_row(run, row))]
    if run.order and len(starts) > 1:
        gains = {(name, start.label): means[name] - means[start.model] for name, start in starts}
        name, before = max(gains, key=gains.__getitem__)
        gain = show(gains[name, before], f"+.{DECIMALS}f")
        sentences.append(f"The largest gain is that of {name}: {gain} over {before}.")
    return sentences


def _progress(run: RunRecord) -> list[str]:
    """Say how many stages are finished, and, while nothing is scored, how the loss went."""
    steps = sum(curve.steps[-1] for curve in run.training.values())
    seconds = [s for name in run.order if math.isfinite(s := seconds_of(run, name))]
    text = f"{len(run.finished)} of {len(run.order)} stages are finished"
    text += f", after {steps:,} training steps" if steps else ""
    text += f" in {duration(sum(seconds))}" if seconds else ""
    losses = [(name, curve.finite("loss")) for name, curve in run.training.items()]
    losses = [(name, values) for name, values in losses if values]
    if run.rows or not losses:
        return [f"{text}."]
    name, values = losses[-1]
    return [f"{text}.", f"The loss of {name} went from {show(values[0])} to {show(values[-1])}."]
