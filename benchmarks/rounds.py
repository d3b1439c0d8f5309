"""What each round of a run's language and NLI stages gives to trained and to other languages.

    python -m benchmarks.rounds runs/small --data ../shared/data --page docs/rounds.md

Scores the model of each of these stages on Tatoeba, each language with English (both directions,
averaged). A language is trained; related, if it is not trained and a trained one is of its branch
and script; or unseen. Prints the means as a line of JSON. `--page` puts tables between the page's
marks and a plot beside it. Languages with letters that no installed font has are left out.
"""

import argparse
import itertools
import json
import re
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.pages import fill_page
from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.evaluate import score_all
from pixel_linguist.evaluate.baselines import encoder_embed
from pixel_linguist.evaluate.bootstrap import Observations, interval
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.evaluate.catalogue import choose_tasks, find_tasks
from pixel_linguist.evaluate.peers import TFIDF, load_peer
from pixel_linguist.evaluate.transfer import RELATED, TRAINED, UNSEEN, marks
from pixel_linguist.files import read_json
from pixel_linguist.report.plot_style import line_style, plot_style, save_plot

GROUPS = (TRAINED, RELATED, UNSEEN)
ROUND = re.compile(r"(nli|languages)_\d+")
Accuracies = dict[str, dict[str, dict[str, float]]]


def change(after: np.ndarray, before: np.ndarray) -> str:
    """Return the mean change of languages, of several with its interval over languages."""
    moved = after - before
    if len(moved) < 2:
        return f"{moved.mean():+.3f}"
    low, high = interval(Observations((moved,)))
    return f"{moved.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def accuracies(rows: Accuracies, name: str, languages: list[str]) -> np.ndarray:
    """Return a model's accuracies on languages."""
    return np.array([rows[name][language]["accuracy"] for language in languages])


def table_of_changes(rows: Accuracies, stages: list[str], groups: dict[str, list[str]]) -> str:
    """Return means of groups, and what each stage and each round changed, as Markdown."""
    heads = [f"{group} ({len(found)})" for group, found in groups.items()]
    lines = [f"| | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]

    def add(name: str, cells: list[str]) -> None:
        lines.append(f"| {name} | {' | '.join(cells)} |")

    for name in (TFIDF, *stages):
        add(name, [f"{accuracies(rows, name, found).mean():.3f}" for found in groups.values()])
    rounds = [name for name in stages if name.startswith("nli")]
    for before, after in [*itertools.pairwise(stages), *itertools.pairwise(rounds)]:
        of = [
            change(accuracies(rows, after, found), accuracies(rows, before, found))
            for found in groups.values()
        ]
        add(f"{before} to {after}", of)
    return "\n".join(lines) + "\n"


def table_of_languages(rows: Accuracies, stages: list[str], marked: dict[str, str]) -> str:
    """Return each language's accuracies, the last with its interval, as Markdown."""
    models = [TFIDF, *stages]
    lines = [f"| | | {' | '.join(models)} | interval |", f"|---|---|{'---|' * (len(models) + 1)}"]
    for language in sorted(marked, key=lambda x: (GROUPS.index(marked[x].split(",")[0]), x)):
        cells = [f"{rows[name][language]['accuracy']:.3f}" for name in models]
        last = rows[stages[-1]][language]
        cells.append(f"{last['accuracy_low']:.3f} to {last['accuracy_high']:.3f}")
        name = language.removeprefix("tatoeba-")
        lines.append(f"| {name} | {marked[language]} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@plot_style
def plot(rows: Accuracies, stages: list[str], groups: dict[str, list[str]]) -> Figure:
    """Draw each language as a thin line, and each group's mean with its interval."""
    figure = Figure((7.0, 3.6), layout="constrained")
    axes = figure.subplots()
    for number, (group, languages) in enumerate(groups.items()):
        found = np.stack([accuracies(rows, name, languages) for name in stages])
        style = line_style(number)
        axes.plot(stages, found, **style, linewidth=0.5, alpha=0.35)
        ends = np.array([interval(Observations((row,))) for row in found])
        axes.fill_between(stages, ends[:, 0], ends[:, 1], color=style["color"], alpha=0.2)
        axes.plot(stages, found.mean(axis=1), **style, label=f"{group} ({len(languages)})")
    axes.set_ylabel("Tatoeba, accuracy")
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


def main() -> None:
    """Score, print, and fill the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--page", type=Path, help="a page of Markdown with the marks")
    options = parser.parse_args()
    order = read_json(options.run / "config.json")["order"]
    stages = [name for name in order if ROUND.fullmatch(name)]
    encoders = {
        name: SentenceEncoder.load(options.run / "stages" / name / "model") for name in stages
    }
    tasks = make_tasks(options.data, choose_tasks(find_tasks(options.data), ["tatoeba-*"]))
    last = encoders[stages[-1]]
    marked = marks(tasks, last.model, last.renderer)
    marked = {name: text for name, text in marked.items() if "no font" not in text}
    groups = {
        group: [name for name, text in marked.items() if text.split(",")[0] == group]
        for group in GROUPS
    }
    contenders = {TFIDF: load_peer(TFIDF)}
    contenders |= {name: encoder_embed(encoder) for name, encoder in encoders.items()}
    rows = score_all(contenders, {name: tasks[name] for name in marked})
    means: dict[str, dict[str, float]] = {name: {} for name in rows}
    for name, (group, found) in itertools.product(rows, groups.items()):
        means[name][group] = round(float(accuracies(rows, name, found).mean()), 4)
    print(json.dumps({"benchmark": f"rounds of {options.run.name}", "accuracy": means}))
    if options.page:
        made = {
            "changes": table_of_changes(rows, stages, groups),
            "languages": table_of_languages(rows, stages, marked),
        }
        fill_page(options.page, made)
        save_plot(plot(rows, stages, groups), options.page.with_suffix(".svg"))


if __name__ == "__main__":
    main()
