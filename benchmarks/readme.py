"""Fill the README's tables and its picture from finished runs: `python benchmarks/readme.py`.

A table stands between `<!-- scores: RUN -->`, or `<!-- claims: RUN -->`, and `<!-- end -->`; runs
that are not there leave theirs as it is. The picture is made with the model of runs/small and
STS-B's test sentences.
"""

import argparse
import re
from pathlib import Path

import numpy as np

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.records import read_table
from pixel_linguist.files import read_json, write_whole
from pixel_linguist.report.claims import judge
from pixel_linguist.report.run_record import read_run
from pixel_linguist.report.text_pictures import save_texts
from pixel_linguist.text.perturb import compose

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- (scores|claims): (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
QUERIES = (
    "A man is playing a guitar.",
    "The stock market fell sharply on Monday.",
    "Ein Hund rennt durch den Schnee.",
    "Женщина режет лук.",
)
TYPOS = {"transpose_characters": {"rate": 0.1}, "keyboard_neighbours": {"rate": 0.04}}
SHOWN = 3
# They say how embeddings lie, not how good they are: the report draws them.
NO_SCORES = ("effective_rank",)


def markdown_table(folder: Path) -> str:
    """Return a run's scores.json: one row a task, one column a model."""
    scores = read_json(folder / "scores.json")
    models = [row["model"] for row in scores["rows"]]
    lines = [f"| | {' | '.join(models)} |", f"|---|{'---|' * len(models)}"]
    for task in read_json(folder / "config.json")["evaluate"]["report_tasks"]:
        metric = scores["tasks"][task]["metric"]
        if metric in NO_SCORES:
            continue
        cells = [f"{row['scores'][task][metric]:.3f}" for row in scores["rows"]]
        lines.append(f"| {task} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def markdown_claims(folder: Path) -> str:
    """Return a run's claims: what each says, its gains with intervals, and whether it shows."""
    names = ("untrained", "TF-IDF")
    head = ("claim", "score", *(f"over {name}" for name in names), "judged by the gain", "shown")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for claim in judge(read_run(folder), folder):
        gains = [str(claim.gains[name]) for name in names]
        by = "; ".join(f"{claim.gains[name]} over {name}" for name in claim.named)
        cells = (claim.says, f"{claim.score:.3f}", *gains, by, "yes" if claim.shown else "**no**")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


MAKERS = {"scores": markdown_table, "claims": markdown_claims}


def fill_tables(text: str) -> str:
    """Replace each table by what its run has scored."""

    def fill(match: re.Match[str]) -> str:
        folder, table = ROOT / match[3], MAKERS[match[2]]
        if not (folder / "scores.json").is_file():
            print(f"{folder} has no scores: its table is left as it is")
            return match[0]
        return f"{match[1]}{table(folder)}{match[4]}"

    return BLOCK.sub(fill, text)


def draw_neighbours(data: Path, path: Path) -> None:
    """Write the picture of queries with typos and the test sentences nearest to them."""
    encoder = SentenceEncoder.load(ROOT / "runs/small/model")
    rows = read_table(data / "sts/stsb/en/test.tsv")
    corpus = sorted({row[side] for row in rows for side in ("sentence1", "sentence2")})
    rng = np.random.default_rng(0)
    queries = [compose(TYPOS)(query, rng) for query in QUERIES]
    scores = encoder.similarity(encoder.encode(queries), encoder.encode(corpus))
    shown = []
    for query, row in zip(queries, scores, strict=True):
        best = np.argsort(-row)[:SHOWN]
        shown.append([("query", query), *((f"{row[i]:.2f}", corpus[i]) for i in best)])
    save_texts(encoder.renderer, shown, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    arguments = parser.parse_args()
    readme = ROOT / "README.md"
    write_whole(readme, fill_tables(readme.read_text(encoding="utf-8")).encode())
    if (ROOT / "runs/small/model").is_dir():
        draw_neighbours(arguments.data, ROOT / "docs/neighbours.png")
