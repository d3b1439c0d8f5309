"""Several runs or models side by side: the last model of each, in one record."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from pixel_linguist.report.record import RunRecord, Scored, read_run


def read_comparison(folders: Sequence[Path]) -> RunRecord:
    """Read what several folders have scored as if it were one run.

    Args:
        folders: of runs, which give the row of their last model, or of `pixel-linguist evaluate`,
            which give all. TF-IDF and the untrained encoder are taken from the first that has them.

    Raises:
        FileNotFoundError: if a folder is no run's.
        ValueError: if one has no scores, or no task is scored in two of them.
    """
    runs = [read_run(folder) for folder in folders]
    rows: dict[str, Scored] = {}
    for run in runs:
        if not run.rows:
            raise ValueError(f"{run.name} has no scores to compare")
        chosen = run.rows if not run.order else [r for r in run.rows if not r.trained]
        chosen = chosen if not run.order else [*chosen, run.rows[-1]]
        for row in chosen:
            name = f"{run.name}: {row.model}" if run.order and row.trained else row.model
            rows.setdefault(name, dataclasses.replace(row, model=name))
    counts = [task for run in runs for task in run.metrics]
    shared = {task: run.metrics[task] for run in runs for task in run.metrics}
    shared = {task: metric for task, metric in shared.items() if counts.count(task) > 1}
    if not shared:
        raise ValueError(f"{', '.join(run.name for run in runs)} have no task in common")
    return RunRecord(
        name=" and ".join(run.name for run in runs),
        config={},
        order=[],
        finished=set(),
        training={},
        solved={},
        evaluations={},
        rows=sorted(rows.values(), key=lambda row: row.trained),
        metrics=shared,
        pairs={},
        reconstructions={},
        examples={},
        versions={},
        skipped=0,
    )
