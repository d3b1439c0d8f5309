"""Fill the README's tables and its picture from finished runs: `python benchmarks/readme.py`.

A table stands between `<!-- scores: RUN ... -->`, or `<!-- claims: RUN ... -->`, and
`<!-- end -->`; runs that are not there leave theirs as it is. Several runs differ in their seed:
scores are then mean ± standard deviation, and claims are those of the first, with the number of
runs that show them. The picture is made with `tiny-multilingual` and STS-B's test sentences.
"""

import argparse
import re
from pathlib import Path
from textwrap import shorten

import numpy as np
from matplotlib.figure import Figure

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.records import read_table
from pixel_linguist.evaluate.reading import Drawing
from pixel_linguist.files import read_json, write_whole
from pixel_linguist.report.claims import judge
from pixel_linguist.report.plot_style import plot_style, save_plot
from pixel_linguist.report.run_record import read_run

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- (scores|claims): ([^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)
# Text, family and wear of each query's picture.
QUERIES = (
    ("A mna is playnig a guittar.", "caveat", "gradient"),
    ("The stock market fell sharply on Monday.", "lobster", "invert"),
    ("Ein Hund rennt durch den Schnee.", "pt-narrow", "jpeg"),
    ("Женщина режет лук.", "garamond", "low_resolution"),
)
SIZE = 24  # pixels an em
SHOWN = 3
LONGEST = 64  # characters of a sentence
# They say how embeddings lie, not how good they are: the report draws them.
NO_SCORES = ("effective_rank",)


def markdown_table(folders: list[Path]) -> str:
    """Return scores of runs: one row a task, one column a model."""
    runs = [read_json(folder / "scores.json") for folder in folders]
    models = [row["model"] for row in runs[0]["rows"]]
    lines = [f"| | {' | '.join(models)} |", f"|---|{'---|' * len(models)}"]
    for task in read_json(folders[0] / "config.json")["evaluate"]["report_tasks"]:
        metric = runs[0]["tasks"][task]["metric"]
        if metric in NO_SCORES:
            continue
        scores = np.array([[row["scores"][task][metric] for row in run["rows"]] for run in runs])
        cells = [f"{mean:.3f}" for mean in scores.mean(axis=0)]
        if len(runs) > 1:
            spread = scores.std(axis=0, ddof=1)
            cells = [f"{cell} ± {x:.3f}" for cell, x in zip(cells, spread, strict=True)]
        lines.append(f"| {task} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def markdown_claims(folders: list[Path]) -> str:
    """Return a run's claims: what each says, its gains with intervals, and whether it shows."""
    names = ("untrained", "TF-IDF")
    head = ("claim", "score", *(f"over {name}" for name in names), "judged by the gain", "shown")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for of_runs in zip(*(judge(read_run(folder), folder) for folder in folders), strict=True):
        claim, shown = of_runs[0], "yes" if of_runs[0].shown else "**no**"
        if len(folders) > 1:
            shown += f", {sum(one.shown for one in of_runs)} of {len(folders)} seeds"
        gains = [str(claim.gains[name]) for name in names]
        by = "; ".join(f"{claim.gains[name]} over {name}" for name in claim.named)
        lines.append(f"| {' | '.join((claim.says, f'{claim.score:.3f}', *gains, by, shown))} |")
    return "\n".join(lines) + "\n"


MAKERS = {"scores": markdown_table, "claims": markdown_claims}


def fill_tables(text: str) -> str:
    """Replace each table by what its run has scored."""

    def fill(match: re.Match[str]) -> str:
        folders = [ROOT / name for name in match[3].split()]
        if missing := [x for x in folders if not (x / "scores.json").is_file()]:
            print(f"{missing[0]} has no scores: its table is left as it is")
            return match[0]
        return f"{match[1]}{MAKERS[match[2]](folders)}{match[4]}"

    return BLOCK.sub(fill, text)


@plot_style
def draw_neighbours(data: Path, path: Path) -> None:
    """Write the picture of pictures of text and the test sentences nearest to them."""
    encoder = SentenceEncoder.load("tiny-multilingual")
    rows = read_table(data / "sts/stsb/en/test.tsv")
    corpus = sorted({row[side] for row in rows for side in ("sentence1", "sentence2")})
    pictures = [
        next(Drawing(sizes=(SIZE,), wear={wear: 0.7}).draw([query], [family]))
        for query, family, wear in QUERIES
    ]
    scores = encoder.similarity(encoder.encode_images(pictures), encoder.encode(corpus))
    width, height = 900, 320  # pixels at 100 to an inch
    figure = Figure((width / 100, height / 100))
    for number, (picture, row) in enumerate(zip(pictures, scores, strict=True)):
        top = 1 - number / len(QUERIES)
        size = picture.width / width, picture.height / height
        axes = figure.add_axes((0.01, top - 0.05 - size[1], *size))
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes.axis("off")
        best = np.argsort(-row)[:SHOWN]
        nearest = "\n".join(f"{row[i]:.2f}  {shorten(corpus[i], LONGEST)}" for i in best)
        figure.text(0.48, top - 0.04, nearest, va="top", linespacing=1.5)
    save_plot(figure, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    arguments = parser.parse_args()
    readme = ROOT / "README.md"
    write_whole(readme, fill_tables(readme.read_text(encoding="utf-8")).encode())
    draw_neighbours(arguments.data, ROOT / "docs/neighbours.png")
