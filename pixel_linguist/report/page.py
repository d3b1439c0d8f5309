"""The report of a run: one file of HTML that needs nothing else."""

import json
import statistics
from pathlib import Path

from pixel_linguist.files import write_whole
from pixel_linguist.report import tables
from pixel_linguist.report.claims import judge, story
from pixel_linguist.report.inspection import TEMPLATES
from pixel_linguist.report.plot_style import save_plot
from pixel_linguist.report.run_record import RunRecord, read_run
from pixel_linguist.report.score_plots import detail_plots, score_plots
from pixel_linguist.report.summary import main_metric, summarise
from pixel_linguist.report.training_plots import training_plots


def write_report(folder: Path) -> Path:
    """Write report.html, and the plots as SVG under plots/, from the contents of a run's folder.

    A run that is half-way, or was killed, gets a report of what there is.

    Raises:
        FileNotFoundError: if the folder is not a run's.
        ValueError: if config.json or scores.json is not JSON.
    """
    return write_page(read_run(Path(folder)), Path(folder))


def write_page(run: RunRecord, folder: Path) -> Path:
    """Write report.html and plots/ of a run, or of several that are compared, into a folder."""
    plots = {}
    for name, figure in (training_plots(run) | score_plots(run) | detail_plots(run)).items():
        # A task's name may have a slash.
        plots[name] = folder / "plots" / f"{name.replace('/', '-')}.svg"
        save_plot(figure, plots[name])
    metric, _ = main_metric(run)
    claims = judge(run, folder)
    speeds, waits = (
        [value for curve in run.training.values() for value in curve.finite(name)]
        for name in ("examples_per_second", "waiting_share")
    )
    text = TEMPLATES.get_template("template.html.jinja").render(
        run=run,
        tables=tables,
        plots=plots,
        pictures={"pairs": {}, "images": {}, "examples": {}} | dict(run.pictures),
        summary=story(claims) or summarise(run),
        claims=claims,
        lead=next((name for name in (f"scores-{metric}", "loss") if name in plots), ""),
        groups=run.groups(run.metrics),
        speed=f"{statistics.median(speeds):,.0f}" if speeds else "",
        waiting=f"{statistics.median(waits):.1%}" if waits else "",
        config=json.dumps(run.config, indent=2, ensure_ascii=False) if run.config else "",
    )
    path = folder / "report.html"
    write_whole(path, text.strip().encode("utf-8", "replace"))
    return path
