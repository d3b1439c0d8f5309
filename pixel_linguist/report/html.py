"""The report of a run: one file of HTML that needs nothing else and explains itself."""

import base64
import json
import math
import statistics
from collections.abc import Mapping
from html import escape
from pathlib import Path

from pixel_linguist.files import write_whole
from pixel_linguist.report.captions import (
    ABOUT,
    EXAMPLE_CAPTIONS,
    FOUND_CAPTIONS,
    METRICS,
    TRAINING_CAPTIONS,
)
from pixel_linguist.report.drawing import DARK, LIGHT
from pixel_linguist.report.plots import draw_plots
from pixel_linguist.report.record import RunRecord, read_run
from pixel_linguist.report.style import CSS
from pixel_linguist.report.tables import (
    describe_losses,
    describe_masks,
    describe_pairs,
    describe_perturbations,
    duration,
    score_table,
    seconds_of,
    stage_table,
)


def write_report(folder: Path) -> Path:
    """Write report.html, and the plots as PNG under plots/, from what a run's folder holds.

    A run that is half-way, or was killed, gets a report of what there is.

    Args:
        folder: of the run; only config.json, metrics.jsonl, scores.json, versions.json, pairs/,
            reconstructions/, examples/ and the names of finished stages are read.

    Returns:
        The path of report.html.

    Raises:
        FileNotFoundError: if the folder is no run's.
        ValueError: if config.json or scores.json is not JSON.
    """
    folder = Path(folder)
    return write_page(read_run(folder), folder)


def write_page(run: RunRecord, folder: Path) -> Path:
    """Write report.html and plots/ of what is known of a run, or of several, into a folder."""
    light, dark = draw_plots(run, LIGHT), draw_plots(run, DARK)
    for name, png in light.items():
        write_whole(folder / "plots" / f"{name}.png", png)
    plots = {name: _plot(run, name, png, dark[name]) for name, png in light.items()}
    path = folder / "report.html"
    write_whole(path, _page(run, plots).encode("utf-8", "replace"))
    return path


def _page(run: RunRecord, plots: Mapping[str, str]) -> str:
    """Put the page together."""
    sections = {
        "Scores": _scores(run, plots),
        "Stages": _stages(run),
        "Training": _training(plots),
        "Pairs": _pairs(run),
        "Reconstructions": _reconstructions(run),
        "Examples": _examples(run),
        "Settings": _settings(run),
    }
    sections = {title: body for title, body in sections.items() if body}
    links = "".join(f'<a href="#{title.lower()}">{title}</a>' for title in sections)
    body = "".join(
        f'<section id="{title.lower()}"><h2>{title}</h2>{content}</section>'
        for title, content in sections.items()
    )
    name = escape(run.name)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name} – pixel_linguist</title><style>{CSS}</style></head><body>"
        f"<header><h1>{name}</h1>"
        f"<p>{ABOUT} {_contents(run)}</p>{_facts(run)}<nav>{links}</nav></header>"
        f"<main>{body}</main>{_footer(run)}</body></html>\n"
    )


def _contents(run: RunRecord) -> str:
    """Say what the page shows: of a run its stages, else models side by side."""
    if not run.order:
        return "This page shows what models are worth, side by side."
    return (
        "It is trained in stages that pull the vectors of texts with the same meaning together. "
        "This page shows what the stages of this run were, how they went, and what the encoder was "
        "worth after each."
    )


def _facts(run: RunRecord) -> str:
    """Write the few figures that come first, of a run that trains."""
    if not run.order:
        return ""
    seconds = [s for name in run.order if math.isfinite(s := seconds_of(run, name))]
    speeds = _finite(run, "examples_per_second")
    waiting = _finite(run, "waiting_share")
    steps = sum(curve.steps[-1] for curve in run.training.values())
    facts = {
        "stages finished": f"{len(run.finished)} of {len(run.order)}",
        "steps of training": f"{steps:,}",
        "spent in them": duration(sum(seconds)) if seconds else "",
        "examples a second (median)": f"{statistics.median(speeds):,.0f}" if speeds else "",
        "waiting for data (median)": f"{statistics.median(waiting):.1%}" if waiting else "",
    }
    items = "".join(f"<li><b>{v}</b><span>{k}</span></li>" for k, v in facts.items() if v)
    return f'<ul class="facts">{items}</ul>'


def _finite(run: RunRecord, metric: str) -> list[float]:
    """Return all logged values of a metric that are finite."""
    logged = (value for c in run.training.values() for value in c.values.get(metric, []))
    return [value for value in logged if math.isfinite(value)]


def _scores(run: RunRecord, plots: Mapping[str, str]) -> str:
    """Write the table of scores and its curves."""
    if not run.rows:
        return (
            "<p>No model has been scored yet: the table appears with the first finished stage.</p>"
        )
    metrics = "".join(
        f'<p class="soft"><b>{escape(metric)}</b>: {METRICS[metric]}.</p>'
        for metric in run.groups()
        if metric in METRICS
    )
    if run.order:
        reading = (
            "Each row is a model, in the order of the recipe; each column a task whose texts were "
            "not trained on. <b>Bold</b> is the best of the trained models; the small figure is "
            "the gain over the model that the stage started from, or over the row before where "
            "that one was not scored."
        )
    else:
        reading = (
            "Each row is a model, each column a task. <b>Bold</b> is the best of the models; a "
            "small figure with a sign is the gain over the row above."
        )
    return (
        f"<p>{reading} TF-IDF compares letters alone, the untrained encoder shows what the "
        "architecture gives before any training. Where two figures stand small below a score, they "
        "are the ends of its 95 % bootstrap interval.</p>"
        f"{metrics}{score_table(run)}"
        + "".join(_chosen(plots, f"{kind}-") for kind in ("scores", *FOUND_CAPTIONS))
    )


def _stages(run: RunRecord) -> str:
    """Write what the stages were."""
    if not run.order:
        return ""
    return (
        "<p>What each stage trained on, and where it stood at its last log. Patches is the length "
        "to which each text is padded or cut.</p>" + stage_table(run)
    )


def _training(plots: Mapping[str, str]) -> str:
    """Write the curves of the training loop."""
    return "".join(plots[name] for name in TRAINING_CAPTIONS if name in plots) + _chosen(
        plots, "during-"
    )


def _pairs(run: RunRecord) -> str:
    """Write the pictures of each stage's first pairs."""
    if not run.pairs:
        return ""
    figures = []
    for name, path in run.pairs.items():
        stage = run.stage(name)
        facts = (describe_pairs(stage), describe_perturbations(stage))
        caption = "; perturbed by ".join(filter(None, facts))
        image = _image(path.read_bytes(), f"the first pairs of stage {name}", "pixels")
        figures.append(_pixel_figure(name, caption, image))
    return (
        "<p>The first examples of each stage: the clean text in grey, and below it what the model "
        "sees at the first step, perturbed, in its style, augmented, cut into patches. An anchor "
        "and its positive are pulled together; a hard negative, where there is one, is pushed away "
        "along with the rest of the batch.</p>" + "".join(figures)
    )


def _reconstructions(run: RunRecord) -> str:
    """Write the pictures of what masked autoencoders fill in."""
    if not run.reconstructions:
        return ""
    figures = []
    for name, path in run.reconstructions.items():
        caption = describe_masks(run.stage(name))
        image = _image(path.read_bytes(), f"what stage {name} reconstructs", "pixels")
        figures.append(_pixel_figure(name, caption, image))
    return (
        "<p>What a masked autoencoder makes of a few texts at the end of its stage: the text as it "
        "was given, with the hidden patches in grey, and with those patches filled in by the "
        "decoder.</p>" + "".join(figures)
    )


def _examples(run: RunRecord) -> str:
    """Write the pictures of what the model makes of sentences."""
    figures = []
    for name, (title, caption) in EXAMPLE_CAPTIONS.items():
        if name not in run.examples:
            continue
        if name == "map":
            light, dark = run.examples[name], run.examples[name].with_stem("map-dark")
            content = _two_themes(light.read_bytes(), dark.read_bytes(), title)
        else:
            content = _image(run.examples[name].read_bytes(), title, "pixels")
        figures.append(_pixel_figure(title, caption, content))
    return "".join(figures)


def _pixel_figure(title: str, caption: str, image: str) -> str:
    """Write a picture of rendered texts, `image` being HTML, as a figure."""
    return (
        f'<figure class="pair"><h3>{escape(title)}</h3>'
        f"<figcaption>{escape(caption)}</figcaption>{image}</figure>"
    )


def _settings(run: RunRecord) -> str:
    """Write the config as run, and the versions of libraries if they were left."""
    blocks = []
    if run.config:
        text = escape(json.dumps(run.config, indent=2, ensure_ascii=False))
        blocks.append(("The config as run (config.json)", f"<pre>{text}</pre>"))
    if run.versions:
        rows = "".join(
            f'<tr><th scope="row">{escape(library)}</th><td>{escape(version)}</td></tr>'
            for library, version in run.versions.items()
        )
        blocks.append(("Versions of libraries", f"<table><tbody>{rows}</tbody></table>"))
    return "".join(
        f'<details class="card"><summary>{title}</summary>{content}</details>'
        for title, content in blocks
    )


def _footer(run: RunRecord) -> str:
    notes = ["The plots are also in plots/."]
    if run.order:
        notes = [
            "The plots are also in plots/, the pairs in pairs/, every figure in metrics.jsonl."
        ]
    if run.skipped:
        lines = "line" if run.skipped == 1 else "lines"
        notes.append(
            f"{run.skipped} {lines} of metrics.jsonl could not be read and were left out; a run "
            "that is killed while it writes leaves one."
        )
    return f'<footer class="soft">{" ".join(f"<p>{note}</p>" for note in notes)}</footer>'


def _chosen(plots: Mapping[str, str], prefix: str) -> str:
    """Join the plots whose names have a prefix."""
    return "".join(plot for name, plot in plots.items() if name.startswith(prefix))


def _plot(run: RunRecord, name: str, light: bytes, dark: bytes) -> str:
    """Write a plot as a figure that follows the reader's colour scheme."""
    title, caption = TRAINING_CAPTIONS.get(name, ("", ""))
    kind, _, metric = name.partition("-")
    if name == "loss":
        caption = f"{describe_losses(run)} {caption}".strip()
    elif kind in FOUND_CAPTIONS:
        title, caption = FOUND_CAPTIONS[kind]
        title = f"{title}: {metric}"
    elif kind == "scores":
        title = f"{metric} by model"
        caption = (
            "One colour a task; bars are 95 % bootstrap intervals. TF-IDF, where it was scored, is "
            "a diamond."
        )
    elif kind == "during":
        title, caption = f"{metric} inside the stages", "Scores taken while the stages ran."
    return (
        f"<figure><h3>{escape(title)}</h3><figcaption>{escape(caption)}</figcaption>"
        f"{_two_themes(light, dark, title)}</figure>"
    )


def _two_themes(light: bytes, dark: bytes, text: str) -> str:
    """Write a PNG that another takes the place of where the reader's colours are dark."""
    source = f'<source media="(prefers-color-scheme: dark)" srcset="{_data_url(dark)}">'
    return f"<picture>{source}{_image(light, text)}</picture>"


def _image(png: bytes, text: str, kind: str = "") -> str:
    """Write a PNG as an image that is shown at half its size, sharp on fine screens."""
    width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))
    shown = f'width="{width // 2}" height="{height // 2}"'
    marks = f' class="{kind}"' if kind else ""
    return f'<img src="{_data_url(png)}" alt="{escape(text)}" {shown}{marks}>'


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
