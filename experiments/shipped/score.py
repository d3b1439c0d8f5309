"""Score a shipped model on test splits, once, beside what it has to beat; needs the extra "peers".

    python -m experiments.shipped.score runs/tiny --data DATA --languages en
    python -m experiments.shipped.score runs/tiny-multilingual --data DATA

Peers are TF-IDF, the teacher itself (all-MiniLM-L6-v2), and its linear student. Writes
RUN/scores/scores.json, which experiments/shipped/ship.py puts on the card.
"""

import argparse
from pathlib import Path
from typing import Any

from experiments.shipped.student import LinearStudent
from experiments.shipped.teach import teacher
from experiments.small import LANGUAGES, TATOEBA
from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.evaluate import score_all
from pixel_linguist.evaluate.baselines import EmbedFor, encoder_embed, tfidf_embed
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.evaluate.catalogue import choose_tasks, find_tasks
from pixel_linguist.evaluate.suite import score_table
from pixel_linguist.files import write_json

ENGLISH = ("stsb-en", "sickr", "robustness-en")


def tasks_of(language: str) -> tuple[str, ...]:
    """Return the tasks of a language."""
    if language == "en":
        return ENGLISH
    return f"stsb-{language}", f"tatoeba-{TATOEBA[LANGUAGES.index(language)]}"


def main() -> None:
    """Read the arguments, score, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, default=Path("runs/teacher"))
    every = ("en", *LANGUAGES)
    parser.add_argument("--languages", nargs="+", choices=every, default=every)
    arguments = parser.parse_args()
    model = SentenceEncoder.load(arguments.run / "model")
    specs = find_tasks(arguments.data)
    rows: dict[str, Any] = {}
    about: dict[str, Any] = {}
    for language in arguments.languages:
        tasks = make_tasks(arguments.data, choose_tasks(specs, tasks_of(language)))
        contenders: dict[str, EmbedFor] = {
            "tfidf": tfidf_embed,
            "linear student": encoder_embed(LinearStudent(arguments.teacher, language)),
            arguments.run.name: encoder_embed(model),
        }
        if language == "en":
            contenders["all-MiniLM-L6-v2"] = encoder_embed(teacher())
        for name, scores in score_all(contenders, tasks).items():
            rows.setdefault(name, {}).update(scores)
        about |= {name: {"metric": task.metric} for name, task in tasks.items()}
    print(score_table(rows, {name: entry["metric"] for name, entry in about.items()}))
    listed = [{"model": name, "scores": scores} for name, scores in rows.items()]
    write_json(arguments.run / "scores" / "scores.json", {"rows": listed, "tasks": about})


if __name__ == "__main__":
    main()
