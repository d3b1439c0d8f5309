"""Distilled Sentence Embedding: what students keep of their teacher, and how fast pairs are scored.

    python -m benchmarks.dse --data ../shared/data

Trains the teacher of experiments/methods/dse.py, which reads both texts of a pair as one, lets it
score two tenths of the pairs once, and trains students with both heads, and one by labels alone, at
equal numbers of encoded patches. Rates of the students with a cosine are chosen by the development
split with seed 0, in equal numbers of tries. Prints one JSON line a row, adds it to
benchmarks/dse.jsonl, and writes the table in docs/methods.md.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import spearmanr

from benchmarks.methods import (
    ROOT,
    keep_result,
    known_results,
    of_patches,
    recipe,
    rounded,
    spread,
    train,
    write_lines,
)
from experiments.methods.untaught import START
from pixel_linguist.data.records import read_table
from pixel_linguist.data.teacher_pairs import joined
from pixel_linguist.evaluate.similarity import CachedEmbed, Embed
from pixel_linguist.model.store import load_model, save_model
from pixel_linguist.objective.pair_scores import PairDistillation
from pixel_linguist.train.context import RunContext, make_context

RESULTS = ROOT / "benchmarks" / "dse.jsonl"
# Column of the table → file of its pairs.
SETS = {"stsb-dev": "stsb/en/dev", "stsb": "stsb/en/test", "sickr": "sickr/test"}
# Row → changes of the recipe's student.
STUDENTS: dict[str, dict[str, Any]] = {
    "student, cosine": {},
    "labels alone, cosine": {"objective.teacher_weight": 0.0},
    "student, concat": {"objective.head": "concat"},
}
TUNED, RATES, TEACHER_RATE = ("student, cosine", "labels alone, cosine"), (1e-4, 3e-4), 1e-3
# Patches that the teacher encodes for one of a student's.
TEACHER_TIMES = 5
# Tenths of the pairs that students learn from, which are more than they come to read.
TENTHS = (0, 1)
# Texts on each side of the pairs that are timed, and pairs of them that the teacher reads.
SIDE, READ = 300, 500
Score = Callable[[list[str], list[str]], np.ndarray]


def teacher(options: Any) -> Path:
    """Return the folder of the teacher, trained unless the cache has it."""
    folder: Path = options.cache / f"teacher-{options.patches}-{options.seed}"
    if not (folder / "config.json").is_file():
        config = recipe("dse", {}, options.data, (TEACHER_RATE, 0.0), "teacher")
        config.seed = options.seed
        params, _ = train(config, options.cache, of_patches(TEACHER_TIMES * options.patches))
        save_model(folder, make_context(config, options.cache).model(params["encoder"]))
    return folder


def student(row: str, rate: float, options: Any) -> tuple[PairDistillation, Any]:
    """Return the objective of a student, and all trained parameters."""
    arm = {**STUDENTS[row], "source.remainders": TENTHS}
    arm["annotate.model"] = str(teacher(options).resolve())
    config = recipe("dse", arm, options.data, (rate, 0.0), "student")
    config.seed = options.seed
    # Where the teacher's scores lie, which all students share.
    folder = options.cache / f"students-{options.patches}-{options.seed}"
    params, _ = train(config, folder, of_patches(options.patches))
    settings = config.stages.student.objective.to_dict()
    del settings["name"]
    return PairDistillation(**settings), params


def spearman(score: Score, options: Any) -> dict[str, float]:
    """Return set → Spearman's correlation of scores of its pairs with the gold scores."""
    found = {}
    for name, path in SETS.items():
        rows = read_table(options.data / "sts" / f"{path}.tsv")
        first, second = ([str(row[x]) for row in rows] for x in ("sentence1", "sentence2"))
        gold = [float(row["score"]) for row in rows]
        found[name] = float(spearmanr(score(first, second), gold).statistic)
    return found


def jointly(embed: Embed) -> Score:
    """Return the scores of a teacher: the mean of both orders."""

    def score(first: list[str], second: list[str]) -> np.ndarray:
        texts = [joined(a, b) for a, b in zip(first, second, strict=True)]
        texts += [joined(b, a) for a, b in zip(first, second, strict=True)]
        return np.asarray(embed(texts))[:, 0].reshape(2, -1).mean(axis=0)

    return score


def apart(objective: PairDistillation, own: Any, embed: Embed) -> Score:
    """Return the scores of a student."""
    # Sentences of SICK-R stand in two pairs each.
    cached = CachedEmbed(embed)

    def score(first: list[str], second: list[str]) -> np.ndarray:
        u, v = (jnp.asarray(cached(texts)) for texts in (first, second))
        return np.asarray(objective.paired(own, u, v))

    return score


def timed(
    context: RunContext, objective: PairDistillation, params: Any, options: Any
) -> dict[str, float]:
    """Return pairs a second of the teacher, and of a student, which scores all of N x M."""
    rows = read_table(options.data / "sts/stsb/en/test.tsv")[:SIDE]
    first, second = ([str(row[x]) for row in rows] for x in ("sentence1", "sentence2"))
    pairs = [joined(a, b) for a in first for b in second][:: SIDE**2 // READ]
    of_teacher = load_model(teacher(options)).params
    scores = jax.jit(objective.scores)

    def read_pairs() -> None:
        context.embedder(of_teacher)(pairs)

    def score_all() -> None:
        # An embedder of its own knows no words of earlier calls.
        embed = context.embedder(params["encoder"])
        u, v = jnp.asarray(embed(first)), jnp.asarray(embed(second))
        scores(params["objective"], u, v).block_until_ready()

    joint, single = len(pairs) / seconds(read_pairs), SIDE**2 / seconds(score_all)
    return {"teacher_pairs_per_second": joint, "pairs_per_second": single, "ratio": single / joint}


def seconds(work: Callable[[], None]) -> float:
    """Return the seconds that work takes when all is compiled."""
    work()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(options: Any) -> Iterator[dict[str, Any]]:
    """Yield the result of each row."""
    options.cache.mkdir(parents=True, exist_ok=True)
    context = make_context(
        recipe("dse", {}, options.data, (TEACHER_RATE, 0.0), "teacher"), options.cache
    )
    if not options.seed:
        cosines = {"scale": 1.0, "bias": 0.0}
        embed = context.embedder(load_model(Path(START)).params)
        yield {
            "row": "start, cosine",
            **spearman(apart(PairDistillation(head="cosine"), cosines, embed), options),
        }
    of_teacher = spearman(jointly(context.embedder(load_model(teacher(options)).params)), options)
    yield {"row": "teacher", "rate": TEACHER_RATE, **of_teacher}
    rates = {
        line["row"]: line["rate"]
        for line in known_lines(options.patches)
        if not line["seed"] and "rate" in line
    }
    for row in STUDENTS:
        tries: tuple[float, ...] = RATES
        if options.seed or row not in TUNED:
            tries = (rates[row if options.seed else TUNED[0]],)
        found: list[tuple[dict[str, Any], PairDistillation, Any]] = []
        for rate in tries:
            objective, params = student(row, rate, options)
            own = apart(objective, params["objective"], context.embedder(params["encoder"]))
            found.append(({"row": row, "rate": rate, **spearman(own, options)}, objective, params))
        best, objective, params = max(found, key=lambda x: x[0]["stsb-dev"])
        rates[row] = best["rate"]
        kept = {f"{name}-kept": best[name] / of_teacher[name] for name in ("stsb", "sickr")}
        # Seeds take the same time.
        untimed = options.seed or "labels" in row
        times = {} if untimed else timed(context, objective, params, options)
        yield best | kept | times


def known_lines(patches: int) -> list[dict[str, Any]]:
    """Return the results so far at a number of patches."""
    return [line for line in known_results(RESULTS) if line["patches"] == patches]


def write_table(patches: int) -> None:
    """Write the table of all seeds, the latest result of each row and seed."""
    known = {(line["row"], line["seed"]): line for line in known_lines(patches)}
    header = ["row", "seeds", "rate", *SETS, "stsb-kept", "sickr-kept", "pairs_per_second"]
    table = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    for row in ("start, cosine", "teacher", *STUDENTS):
        own = [line for (name, _), line in known.items() if name == row]
        if not own:
            continue
        speed = "teacher_pairs_per_second" if row == "teacher" else "pairs_per_second"
        lines = known.values() if row == "teacher" else own
        per_second = [line[speed] for line in lines if speed in line]
        cells = [row, str(len(own)), f"{own[0]['rate']:g}" if "rate" in own[0] else ""]
        cells += [
            spread([line[key] for line in own]) if key in own[0] else "" for key in header[3:-1]
        ]
        cells.append(f"{np.median(per_second):,.0f}" if per_second else "")
        table.append(f"| {' | '.join(cells)} |")
    write_lines("dse", table)


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patches", type=int, default=60_000, help="that a student encodes")
    parser.add_argument("--cache", type=Path, default=Path("runs/dse_benchmark"))
    options = parser.parse_args()
    for found in measure(options):
        keep_result(RESULTS, rounded({**found, "seed": options.seed, "patches": options.patches}))
        write_table(options.patches)


if __name__ == "__main__":
    main()
