"""A method beside plain InfoNCE: one start, the same texts, equal numbers of encoded patches.

    python -m benchmarks.methods mirror --data ../shared/data

Trains the arms of a method of experiments/methods/ from tiny-untaught, scores them, prints
one JSON line an arm, and writes the method's table into docs/methods.md. The method and its
baseline are tuned by the development split in as many tries with seed 0; ablations take the
method's settings. Other seeds train method and baseline again, with the settings found.
Results are kept in benchmarks/methods.jsonl by a hash of all settings, so that methods share
baselines and an interrupted benchmark goes on; --table writes the tables of what is there, and
--peers scores TF-IDF and a text model on the method's tasks instead (extra "peers").
"""

import argparse
import copy
import functools
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from benchmarks.method_arms import METHODS
from benchmarks.method_scores import Scorer
from benchmarks.pages import fill_page
from pixel_linguist import config as configs
from pixel_linguist.config import plain
from pixel_linguist.data.example import Example
from pixel_linguist.data.pairs import PAIR_MAKERS, make_pair_maker
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.peers import MINILM, TFIDF, load_peer
from pixel_linguist.files import sha256
from pixel_linguist.train.annotate import annotate_stage, annotation_tables, unannotated
from pixel_linguist.train.context import make_context
from pixel_linguist.train.hosts import place, place_state
from pixel_linguist.train.run import first_state, stem_reader
from pixel_linguist.train.stage import make_stage, start_result

ROOT = Path(__file__).parents[1]
RESULTS, DOCS = ROOT / "benchmarks" / "methods.jsonl", ROOT / "docs" / "methods.md"
PEERS = {"TF-IDF": TFIDF, MINILM: MINILM}


def itself(record: Any, rng: np.random.Generator, *, of: Mapping[str, Any]) -> Example:
    """Take a text of another pair maker, with itself."""
    views = make_pair_maker(of)(record, rng).views
    text = views["positive" if rng.random() < 0.5 else "anchor"]
    return Example({"anchor": text, "positive": text})


PAIR_MAKERS["itself"] = itself


def recipe(
    name: str,
    arm: Mapping[str, Any],
    data: Path,
    setting: tuple[float, float],
    only: str | None = None,
) -> Any:
    """Return the recipe of an arm, with a peak rate and a temperature.

    Args:
        only: the one stage of the recipe that stays, and is changed; None: all stay, and the first
            is changed.
    """
    config = configs.load(ROOT / "experiments" / "methods" / f"{name}.py").unlock()
    config.data_dir = str(data)
    if only:
        config.stages, config.order = ConfigDict({only: config.stages[only]}), (only,)
    stage = config.stages[config.order[0]]
    changes = dict(copy.deepcopy(dict(arm)))
    for part in stage.data.values():
        for key in [key for key in changes if key.startswith(("source.", "annotate."))]:
            kind, *groups, last = key.split(".")
            place = functools.reduce(lambda x, name: x[name], groups, part[kind])
            if changes[key] is None:
                del place[last]
            else:
                place[last] = changes[key]
        if "joined" in changes:
            part.pairs.joined = changes["joined"]
        if changes.get("pairs") == "itself":
            # The same texts, each with itself.
            part.pairs = ConfigDict({"name": "itself", "of": part.pairs.to_dict()})
        elif "pairs" in changes:
            part.pairs = ConfigDict(changes["pairs"])
        if "annotate" in changes:
            part.annotate = ConfigDict(changes["annotate"])
    for key, value in changes.items():
        if key in ("pairs", "joined", "annotate") or key.startswith(("source.", "annotate.")):
            continue
        group, _, last = key.rpartition(".")
        place = {"model": config.model, "objective": stage.objective, "": stage}[group]
        with place.ignore_type():
            place[last] = ConfigDict(value) if isinstance(value, dict) else value
    stage.schedule.peak = setting[0]
    if "temperature" in stage.objective:
        stage.objective.temperature = setting[1]
    return config


def of_patches(budget: int) -> Callable[[int], float]:
    """Return the share of a budget that a number of encoded patches is."""
    return lambda patches: patches / budget


def train(config: ConfigDict, folder: Path, share: Callable[[int], float]) -> tuple[Any, Any]:
    """Train the one stage of a recipe until its share is 1.

    Args:
        share: of the training that is done after a step, from the number of patches encoded so
            far; the rate follows its schedule by it.

    Returns:
        Parameters of the encoder and the objective, and {"steps", "patches"}.
    """
    name = config.order[0]
    context = make_context(config, folder)
    if unannotated(context, name):
        annotate_stage(context, name)
    start, _ = start_result(context, config.stages[name], lambda *_: {})
    stage = make_stage(context, name)
    state, constants = first_state(stage, start)
    state = place_state(state, config.train.backend, shard_optimizer=False)
    read, step = stem_reader(stage, context.embedder(start.encoder)), stage.step()
    patches, steps, done = 0, 0, 0.0
    for batch in stage.batches():
        rate = np.float32(stage.rate(int(done * stage.settings.steps)))
        placed = place(read(batch)._replace(cut=None), config.train.backend)
        state, metrics = step(state, constants, placed, rate, np.uint32(stage.seed))
        if not np.isfinite(loss := float(metrics["loss"])):
            raise FloatingPointError(f"step {steps}: the loss is {loss}")
        steps += 1
        patches += sum(int((view.segment >= 0).sum()) for view in batch.views.values())
        if (done := share(patches)) >= 1:
            break
    return jax.device_get(state["params"]), {"steps": steps, "patches": patches}


def known_results(path: Path = RESULTS) -> list[dict[str, Any]]:
    """Return the results so far that a file of JSON lines has."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines]


def keep_result(path: Path, line: Mapping[str, Any]) -> None:
    """Print a result as one line of JSON, and add it to a file of such lines."""
    text = json.dumps(line)
    with path.open("a") as file:
        file.write(text + "\n")
    print(text, flush=True)


def rounded(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of which floats have four digits behind the point."""
    return {name: round(x, 4) if isinstance(x, float) else x for name, x in found.items()}


def measured(
    name: str, arm: str, options: Any, setting: tuple[float, float], tools: Any
) -> dict[str, Any]:
    """Return the result of an arm: a known one, or that of training."""
    method, (embedder, scorer, start) = METHODS[name], tools
    wanted = (method.dev, *method.tests)
    config = recipe(name, method.arms[arm], options.data, setting)
    config.seed = options.seed
    settings = {"config": [plain(config.stages), plain(config.model)], "start": start}
    settings |= {"seed": options.seed, "patches": method.patches, "wanted": sorted(wanted)}
    # The start is named by its hash: where this checkout lies does not matter.
    text = json.dumps(settings, sort_keys=True, default=str).replace(str(ROOT), "")
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    for line in known_results():
        if line["key"] == key:
            return {**line, "method": name, "arm": arm}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        params, counts = train(config.lock(), Path(folder), of_patches(method.patches))
        scorer.objective = params["objective"]
        context = make_context(config, Path(folder))
        scorer.annotations = functools.partial(annotation_tables, context, config.order[0])
        found = scorer(wanted, embedder(params["encoder"]))
    line = {
        "method": name,
        "arm": arm,
        "seed": options.seed,
        "rate": setting[0],
        "temperature": setting[1],
        **counts,
        "scores": rounded(found),
        "seconds": round(time.perf_counter() - began),
        "load": round(os.getloadavg()[0], 1),
        "start": start[:12],
        "key": key,
    }
    keep_result(RESULTS, line)
    return line


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=METHODS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true", help="write the table of what is known")
    parser.add_argument("--peers", action="store_true", help="score the peers instead")
    options = parser.parse_args()
    if options.peers:
        measure_peers(options)
    elif not options.table:
        measure(options)
    write_table(options.name)


def measure(options: Any) -> None:
    """Train and score what is not known yet."""
    method = METHODS[options.name]
    config = recipe(options.name, {}, options.data, method.tries[0])
    context = make_context(config, Path(tempfile.mkdtemp()))
    settings = config.stages[config.order[0]]
    start, _ = start_result(context, settings, lambda *_: {})
    weights = sha256(context.start(settings.init_from[0]) / "weights.safetensors")
    tools = context.embedder, Scorer(config.tasks.to_dict(), options.data), weights
    if not any(x["method"] == options.name and x["arm"] == "start" for x in known_results()):
        scores = tools[1]((method.dev, *method.tests), context.embedder(start.encoder))
        line = {"method": options.name, "arm": "start", "seed": 0, "steps": 0, "patches": 0}
        line |= {"scores": rounded(scores)}
        line |= {"start": weights[:12], "key": f"start-{options.name}", "final": True}
        keep_result(RESULTS, line)
    chosen: dict[str, tuple[float, float]] = {}
    for arm in method.arms:
        tuned = arm in ("method", method.baseline)
        tries = method.tries if tuned else (chosen["method"],)
        if options.seed and not tuned:
            continue
        if options.seed:
            best = best_by_seed(options.name, arm)[0]
            tries = ((best["rate"], best["temperature"]),)
        found = [measured(options.name, arm, options, t, tools) for t in tries]
        chosen[arm] = tries[max(range(len(tries)), key=lambda i: found[i]["scores"][method.dev])]


def measure_peers(options: Any) -> None:
    """Score the peers on those tests of a method that are tasks of its recipe."""
    method = METHODS[options.name]
    known = recipe(options.name, {}, options.data, method.tries[0]).tasks.to_dict()
    wanted = [test for test in (method.dev, *method.tests) if test.split("/")[0] in known]
    names = dict.fromkeys(test.split("/")[0] for test in wanted)
    tasks = {name: make_task(options.data, known[name]) for name in names}
    for arm, peer in PEERS.items():
        if any((x["method"], x["arm"]) == (options.name, arm) for x in known_results()):
            continue
        embed_for = load_peer(peer)
        found = {name: task.score(embed_for(task)) for name, task in tasks.items()}
        scores = {test: found[test.split("/")[0]][test.split("/")[1]] for test in wanted}
        line = {"method": options.name, "arm": arm, "seed": 0, "scores": rounded(scores)}
        keep_result(RESULTS, {**line, "key": f"{peer}-{options.name}", "final": True})


def best_by_seed(name: str, arm: str) -> dict[int, dict[str, Any]]:
    """Return seed → of an arm's tries the best by the development split."""
    best: dict[int, dict[str, Any]] = {}
    for line in known_results():
        if (line["method"], line["arm"]) == (name, arm):
            known, dev = best.get(line["seed"]), METHODS[name].dev
            if not known or line["scores"][dev] > known["scores"][dev]:
                best[line["seed"]] = line
    return best


def spread(values: Sequence[float], sign: str = "") -> str:
    """Return the mean, and the standard deviation of several; "" of what is not a number."""
    if np.isnan(values).any():
        return ""
    deviation = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):{sign}.3f}{deviation}"


def write_table(name: str) -> None:
    """Write the method's table into docs/methods.md, between its two marks."""
    method = METHODS[name]
    header = ["arm", "seeds", "rate, temperature", "steps", "patches", *method.tests]
    lines = [" | ".join(["", *header, ""]).strip(), "|" + "---|" * len(header)]
    known = {x["arm"] for x in known_results() if x["method"] == name}
    for arm in (*(x for x in PEERS if x in known), "start", *method.arms):
        best = best_by_seed(name, arm)
        own = [best[seed] for seed in sorted(best)]
        if not own:
            lines.append(" | ".join(["", arm, *[""] * (len(header) - 1), ""]).strip())
            continue
        # A peer has no score of what is not a task.
        scores = [[line["scores"].get(test, np.nan) for line in own] for test in method.tests]
        rate = f"{own[0]['rate']:g}, {own[0]['temperature']:g}" if "rate" in own[0] else ""
        trained = (
            [f"{own[0]['steps']}", f"{own[0]['patches']:,}"] if "steps" in own[0] else ["", ""]
        )
        counts = [str(len(own)) if rate else "", rate, *trained]
        # The hash of the start's weights.
        label = f"{arm} {own[0]['start']}" if arm == "start" else arm
        lines.append(" | ".join(["", label, *counts, *map(spread, scores), ""]).strip())
    both = [best_by_seed(name, arm) for arm in ("method", method.baseline)]
    seeds = sorted(set(both[0]) & set(both[1]))
    if len(seeds) > 1:
        gains = [
            spread([both[0][s]["scores"][test] - both[1][s]["scores"][test] for s in seeds], "+")
            for test in method.tests
        ]
        label = f"method less {method.baseline.split()[0]}"
        lines.append(" | ".join(["", label, str(len(seeds)), "", "", "", *gains, ""]).strip())
    write_lines(name, lines)


def write_lines(name: str, lines: Sequence[str]) -> None:
    """Write the lines of a table into docs/methods.md, between its two marks."""
    fill_page(DOCS, {f"table {name}": "\n".join(lines) + "\n"})


if __name__ == "__main__":
    main()
