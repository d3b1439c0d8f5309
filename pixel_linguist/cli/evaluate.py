"""Scores sentence encoders on tasks, beside TF-IDF and other encoders.

pixel-linguist evaluate --data ../shared/data
    lists the tasks that a data folder offers
... runs/small/model tiny --tasks stsb-en "tatoeba-*" --peers tfidf --out runs/scores
    scores two models and TF-IDF, with a report
... tiny --tasks word-order negation misspelled-words --peers spell:all-MiniLM-L6-v2
    asks what a model knows, beside a spell checker before all-MiniLM-L6-v2
... tiny --tasks cranfield typos-cranfield --index all-MiniLM-L6-v2
    searches documents that another encoder has indexed, too
... --config experiments/small.py
    takes the tasks of a recipe, by the names that it gives them
"""

import argparse
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.main import path
from pixel_linguist.config import load
from pixel_linguist.evaluate.baselines import EmbedFor, check_reads, encoder_embed, of_pictures
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.evaluate.catalogue import choose_tasks, find_tasks
from pixel_linguist.evaluate.peers import TFIDF, frozen_index, load_peer
from pixel_linguist.evaluate.score_sheet import ScoreSheet
from pixel_linguist.evaluate.similarity import CachedEmbed
from pixel_linguist.evaluate.suite import Task, with_interval
from pixel_linguist.evaluate.transfer import marks
from pixel_linguist.files import write_json, write_whole

# That of `encode`, so that both share an embedder.
BATCH = 64


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    add = parser.add_argument
    add("models", nargs="*", help="model folders, or names of shipped models")
    add("--tasks", nargs="+", default=[], help="names or patterns")
    add("--data", type=path, default=Path("../shared/data"), help="data folder (../shared/data)")
    add("--config", type=path, help="recipe whose tasks are taken")
    add(
        "--peers",
        nargs="+",
        default=[],
        help="tfidf; a folder or name that sentence-transformers loads, also after spell: or ocr:; "
        "model2vec:FOLDER; fasttext:FILE",
    )
    add(
        "--truncate-dims",
        nargs="+",
        type=int,
        default=[],
        help="lengths to which the models' vectors are cut, for a row more each",
    )
    add("--index", metavar="PEER", help="search documents indexed by a peer with each model, too")
    add("--out", type=path, help="folder for scores (.json, .csv, .tex) and report.html")
    options = parser.parse_args(arguments)
    if options.tasks and not options.models and not options.peers:
        parser.error("name a model, or a peer with --peers")
    return options


def run(options: argparse.Namespace) -> None:
    """Score, print the table, and write the report if there is a folder for it."""
    if options.out:
        # A missing extra is an error before the models are scored, not after.
        importlib.import_module("pixel_linguist.report")
    specs = load(options.config).tasks.to_dict() if options.config else find_tasks(options.data)
    if not options.tasks:
        print(f"tasks: {' '.join(specs)}")
        return
    tasks = make_tasks(options.data, choose_tasks(specs, options.tasks))
    encoders = {name: SentenceEncoder.load(name) for name in options.models}
    drawn = [name for name, task in tasks.items() if of_pictures(task)]
    for name, encoder in encoders.items():
        check_reads(name, encoder, drawn)
    contenders = {name: load_peer(name) for name in options.peers}
    own: dict[str, EmbedFor] = {}
    for name, encoder in encoders.items():
        own[name] = encoder_embed(encoder)
        for width in options.truncate_dims:
            own[f"{name}@{width}"] = encoder_embed(SentenceEncoder(encoder.model, width))
    if options.index:
        documents = load_peer(options.index)
        contenders |= {
            f"{name} in {options.index}": frozen_index(own[name], documents) for name in encoders
        }
    rows = score_all(contenders | own, tasks)
    limits = {
        name: marks(tasks, encoder.model, encoder.renderer) for name, encoder in encoders.items()
    }
    sheet = ScoreSheet(rows, {name: task.metric for name, task in tasks.items()}, limits)
    print(sheet)
    for note in filter(None, (getattr(task, "note", "") for task in tasks.values())):
        print(f"note: {note}")
    if options.out:
        print(f"report: {write_out(options.out, tasks, sheet, list(encoders.values()))}")


def score_all(
    contenders: Mapping[str, EmbedFor], tasks: Mapping[str, Task]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return contender → task → scores, with intervals; an error names the task."""
    rows: dict[str, dict[str, dict[str, float]]] = {name: {} for name in contenders}
    work = [(name, task) for name in contenders for task in tasks]
    for name, task in tqdm(work, unit="task", disable=None):
        embed = contenders[name](tasks[task])
        if embed is None:
            continue
        if name != TFIDF:
            embed = CachedEmbed(embed)
        try:
            rows[name][task] = with_interval(tasks[task], embed)
        except ValueError as error:
            raise ValueError(f"{name} on {task}: {error}") from error
    return rows


def write_out(
    out: Path,
    tasks: Mapping[str, Task],
    sheet: ScoreSheet,
    encoders: Sequence[SentenceEncoder],
) -> Path:
    """Write scores (JSON, CSV, LaTeX), examples of the last model on the tasks, and report.html."""
    # These need the extra `report`, and scoring does not.
    from pixel_linguist.report.examples import draw_examples
    from pixel_linguist.report.page import write_report

    about = {name: {"metric": task.metric} for name, task in tasks.items()}
    listed = [{"model": model, "scores": scores} for model, scores in sheet.rows.items()]
    write_json(out / "scores.json", {"rows": listed, "tasks": about, "marks": sheet.marks})
    write_whole(out / "scores.csv", sheet.to_csv().encode())
    write_whole(out / "scores.tex", sheet.to_latex().encode())
    if encoders:
        models = [encoder.embedder(BATCH, None) for encoder in encoders]
        draw_examples(out / "examples", models, tasks)
    return write_report(out)
