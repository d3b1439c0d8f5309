"""Score models: `python -m pixel_linguist.evaluate MODEL --tasks stsb-en sickr --data DIR`."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.config import load
from pixel_linguist.evaluate.baselines import EmbedFor, encoder_embed, tfidf_embed
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.evaluate.catalogue import choose_tasks, find_tasks
from pixel_linguist.evaluate.similarity import Remembered
from pixel_linguist.evaluate.suite import Task, score_table, with_interval
from pixel_linguist.files import write_json
from pixel_linguist.report.examples import draw_examples
from pixel_linguist.report.html import write_report

TFIDF = "tfidf"
# As `encode` has it, whose embedder draws the pictures too.
BATCH = 64
EPILOG = """
Without --tasks, the tasks that --data offers are listed. A pattern chooses several: "tatoeba-*".
With --config, tasks are those of a recipe, by the names that it gives them.
"""


def main(arguments: list[str]) -> None:
    """Parse the command line, score, print the table."""
    parser = argparse.ArgumentParser(
        prog="pixel_linguist.evaluate",
        description="Score sentence encoders on tasks, beside TF-IDF and other encoders.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "models", nargs="*", help="model folders, or names of models in the package"
    )
    parser.add_argument("--tasks", nargs="+", default=[], help="names or patterns")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="data folder")
    parser.add_argument("--config", type=Path, help="a recipe of experiments/ with the tasks")
    parser.add_argument(
        "--peers",
        nargs="+",
        default=[],
        help="tfidf, or what sentence-transformers loads: a folder or a name",
    )
    parser.add_argument("--out", type=Path, help="folder for scores.json and report.html")
    known = parser.parse_args(arguments)
    try:
        specs = load(known.config).tasks.to_dict() if known.config else find_tasks(known.data)
        if not known.tasks:
            print(f"tasks: {' '.join(specs)}")
            return
        tasks = make_tasks(known.data, choose_tasks(specs, known.tasks))
        encoders = {name: SentenceEncoder.load(name) for name in known.models}
        rows = score_all(_contenders(known.peers, encoders), tasks)
    except (ValueError, FileNotFoundError, ModuleNotFoundError) as error:
        sys.exit(f"error: {error}")
    print(score_table(rows, {name: task.metric for name, task in tasks.items()}))
    for note in filter(None, (getattr(task, "note", "") for task in tasks.values())):
        print(f"note: {note}")
    if known.out:
        print(f"report: {_write_out(known.out, tasks, rows, list(encoders.values()))}")


def score_all(
    contenders: Mapping[str, EmbedFor], tasks: Mapping[str, Task]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return contender → task → scores, with intervals; an error names the task."""
    rows: dict[str, dict[str, dict[str, float]]] = {name: {} for name in contenders}
    work = [(name, task) for name in contenders for task in tasks]
    for name, task in tqdm(work, unit="task", disable=None):
        embed = contenders[name](tasks[task])
        if name != TFIDF:
            embed = Remembered(embed)
        try:
            rows[name][task] = with_interval(tasks[task], embed)
        except ValueError as error:
            raise ValueError(f"{name} on {task}: {error}") from error
    return rows


def _contenders(
    peers: Sequence[str], encoders: Mapping[str, SentenceEncoder]
) -> dict[str, EmbedFor]:
    """Load peers and put the models after them: name → what embeds for a task."""
    if not peers and not encoders:
        raise ValueError("name a model folder, or a peer with --peers")
    found: dict[str, EmbedFor] = {}
    for name in peers:
        found[name] = tfidf_embed if name == TFIDF else encoder_embed(_sentence_transformer(name))
    return found | {name: encoder_embed(encoder) for name, encoder in encoders.items()}


def _sentence_transformer(name: str) -> Any:
    """Load what sentence-transformers loads.

    Raises:
        ModuleNotFoundError: without it, naming the extra.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the peer {name!r} needs sentence-transformers: pip install 'pixel-linguist[peers]'"
        ) from error
    return SentenceTransformer(name)


def _write_out(
    out: Path,
    tasks: Mapping[str, Task],
    rows: Mapping[str, Any],
    encoders: Sequence[SentenceEncoder],
) -> Path:
    """Write scores.json, examples of the last model on the tasks, and report.html."""
    about = {name: {"metric": task.metric} for name, task in tasks.items()}
    listed = [{"model": model, "scores": scores} for model, scores in rows.items()]
    write_json(out / "scores.json", {"rows": listed, "tasks": about})
    if encoders:
        models = [encoder.embedder(BATCH, None) for encoder in encoders]
        draw_examples(out / "examples", models, tasks)
    return write_report(out)


if __name__ == "__main__":
    main(sys.argv[1:])
