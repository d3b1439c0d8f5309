"""Scores sentence encoders on tasks, beside TF-IDF and other encoders.

pixel-linguist evaluate --data ../shared/data
    lists the tasks that a data folder offers
... runs/small/model tiny --tasks stsb-en "tatoeba-*" --peers tfidf --out runs/scores
    scores two models and TF-IDF, with a report
... --config experiments/small.py
    takes the tasks of a recipe, by the names that it gives them
"""

import argparse
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.main import path
from pixel_linguist.config import load
from pixel_linguist.evaluate.baselines import (
    EmbedFor,
    check_reads,
    encoder_embed,
    of_pictures,
    tfidf_embed,
)
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.evaluate.catalogue import choose_tasks, find_tasks
from pixel_linguist.evaluate.ocr import OcrEncoder, Tesseract
from pixel_linguist.evaluate.similarity import CachedEmbed
from pixel_linguist.evaluate.suite import Task, score_table, with_interval
from pixel_linguist.files import write_json

TFIDF = "tfidf"
OCR = "ocr:"
# As `encode` has it, whose embedder draws the pictures too.
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
        help="tfidf, a folder or name that sentence-transformers loads, or ocr: and such a name",
    )
    add(
        "--truncate-dims",
        nargs="+",
        type=int,
        default=[],
        help="lengths to which the models' vectors are cut, for a row more each",
    )
    add("--out", type=path, help="folder for scores.json and report.html")
    options = parser.parse_args(arguments)
    if options.tasks and not options.models and not options.peers:
        parser.error("name a model, or a peer with --peers")
    return options


def run(options: argparse.Namespace) -> None:
    """Score, print the table, and write the report if there is a folder for it."""
    if options.out:
        # A missing extra is told before the models are scored, not after.
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
    for name, encoder in encoders.items():
        contenders[name] = encoder_embed(encoder)
        for width in options.truncate_dims:
            cut = SentenceEncoder(encoder.model, width)
            contenders[f"{name}@{width}"] = encoder_embed(cut)
    rows = score_all(contenders, tasks)
    print(score_table(rows, {name: task.metric for name, task in tasks.items()}))
    for note in filter(None, (getattr(task, "note", "") for task in tasks.values())):
        print(f"note: {note}")
    if options.out:
        print(f"report: {write_out(options.out, tasks, rows, list(encoders.values()))}")


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


def load_peer(name: str) -> EmbedFor:
    """Return TF-IDF, or a model that sentence-transformers loads.

    "ocr:NAME" is that model with Tesseract before it, which reads pictures.

    Raises:
        ModuleNotFoundError: without sentence-transformers or tesserocr, naming the extra.
        FileNotFoundError: without Tesseract's English model.
    """
    if name == TFIDF:
        return tfidf_embed
    try:
        from sentence_transformers import SentenceTransformer
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the peer {name!r} needs sentence-transformers: pip install 'pixel-linguist[peers]'"
        ) from error
    if name.startswith(OCR):
        return encoder_embed(OcrEncoder(SentenceTransformer(name.removeprefix(OCR)), Tesseract()))
    return encoder_embed(SentenceTransformer(name))


def write_out(
    out: Path,
    tasks: Mapping[str, Task],
    rows: Mapping[str, Any],
    encoders: Sequence[SentenceEncoder],
) -> Path:
    """Write scores.json, examples of the last model on the tasks, and report.html."""
    # These need the extra `report`, and scoring does not.
    from pixel_linguist.report.examples import draw_examples
    from pixel_linguist.report.page import write_report

    about = {name: {"metric": task.metric} for name, task in tasks.items()}
    listed = [{"model": model, "scores": scores} for model, scores in rows.items()]
    write_json(out / "scores.json", {"rows": listed, "tasks": about})
    if encoders:
        models = [encoder.embedder(BATCH, None) for encoder in encoders]
        draw_examples(out / "examples", models, tasks)
    return write_report(out)
