"""Emotions of posts with a related post that HICL's encoder finds, beside plain contrast's.

    python -m benchmarks.hicl_emotion --data ../shared/data

Trains HICL's encoder of posts and the plain contrast as `benchmarks.methods` does, and keeps them
in the cache. Each finds the nearest post of the hashtag collection for every post of TweetEval's
emotion task, and a classifier learns from the start, in equal numbers of steps, by the posts alone
or with what was found; then five trainable patches between the two posts learn alone. Every tenth
training post tells at which step a classifier is best. Prints one JSON line a row, adds it to
benchmarks/hicl_emotion.jsonl, and writes the table in docs/methods.md.
"""

import argparse
import functools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from benchmarks.method_arms import METHODS
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
from experiments.methods.untaught import START, defaults_of_start, fine_tuned
from pixel_linguist.data.pairs import make_pair_maker
from pixel_linguist.data.posts import bare
from pixel_linguist.data.records import read_table
from pixel_linguist.model import Encoder
from pixel_linguist.model.store import load_model, save_model
from pixel_linguist.recipe import part
from pixel_linguist.render.patches import Patches
from pixel_linguist.train.context import make_context
from pixel_linguist.train.hosts import place
from pixel_linguist.train.results import Result
from pixel_linguist.train.run import ReadBatch, first_state, stem_reader
from pixel_linguist.train.stage import Stage, make_stage

RESULTS = ROOT / "benchmarks" / "hicl_emotion.jsonl"
ARMS = ("plain contrast", "method")
# Row → column of the related posts, and trainable patches between, which learn after the row above.
ROWS = {
    "post alone": (None, 0),
    "nearest by plain contrast": ("plain contrast", 0),
    "nearest by HICL": ("method", 0),
    "nearest by HICL, five patches": ("method", 5),
}
CLASSES, EVERY, BATCH = 4, 25, 32
# Of the encoders of posts; of classifiers, and of patches between, which are vectors of length 1.
SETTING, RATE, PATCH_RATE = (1e-4, 0.05), 3e-4, 3e-3
Posts = list[dict[str, Any]]


def related_posts(
    posts: Sequence[str], vectors: np.ndarray, database: Sequence[str], database_vectors: np.ndarray
) -> list[str]:
    """Return for each of N posts the nearest of a database by cosine that is no repeat of it.

    Args:
        vectors: of the posts, float [N, D].
        database: M texts.
        database_vectors: of these, float [M, D].

    Returns:
        N texts; "" where all of the database repeat the post.
    """
    norms = np.linalg.norm(database_vectors, axis=1, keepdims=True)
    unit = database_vectors / np.maximum(norms, 1e-12)
    known = np.array([bare(post) for post in database])
    found = []
    for post, vector in zip(posts, vectors, strict=True):
        cosines = np.where(known == bare(post), -np.inf, unit @ vector)
        best = int(cosines.argmax())
        found.append(database[best] if np.isfinite(cosines[best]) else "")
    return found


def finder(arm: str, options: Any) -> Callable[[Sequence[str]], np.ndarray]:
    """Return an encoder of posts, trained unless the cache has it."""
    method, folder = METHODS["hicl"], options.cache / f"{arm.replace(' ', '-')}-{options.seed}"
    config = recipe("hicl", method.arms[arm], options.data, SETTING)
    config.seed = options.seed
    context = make_context(config.lock(), options.cache)
    if not (folder / "config.json").is_file():
        params, _ = train(config, options.cache, of_patches(method.patches))
        save_model(folder, context.model(params["encoder"]))
    return context.embedder(load_model(folder).params)


def with_related(options: Any) -> dict[str, Posts]:
    """Return the posts of each split with those that each arm finds, which the cache keeps.

    Every tenth training post is held out as "dev".
    """
    paths = {x: options.cache / f"{x}-{options.seed}.jsonl" for x in ("train", "dev", "test")}
    if not all(path.is_file() for path in paths.values()):
        folder = options.data / "posts"
        learnt, test = (
            list(map(dict, read_table(folder / "emotion" / name)))
            for name in ("train.tsv.gz", "test.tsv")
        )
        dev = learnt[::10]
        del learnt[::10]
        found = {"train": learnt, "dev": dev, "test": test}
        rows = read_table(folder / "hashtags.tsv.gz")
        database = list(dict.fromkeys(str(row["text"]) for row in rows))
        for arm in ARMS:
            embed = finder(arm, options)
            vectors = embed(database)
            for posts in found.values():
                texts = [row["text"] for row in posts]
                related = related_posts(texts, embed(texts), database, vectors)
                for row, post in zip(posts, related, strict=True):
                    row[arm] = post
        for name, path in paths.items():
            path.write_text("".join(json.dumps(row) + "\n" for row in found[name]))
    return {name: list(map(dict, read_table(path))) for name, path in paths.items()}


def classifier_stage(related: str | None, between: int, options: Any) -> Stage:
    """Return the training of a classifier, or of patches between alone."""
    config = defaults_of_start()
    config.seed, config.data_dir = options.seed, str(options.cache)
    pairs = {"name": "labelled", "text": "text", "label": "label", "related": related}
    objective = {"name": "joined_classification", "classes": CLASSES, "between": between}
    stage = fine_tuned(
        {"posts": part({"name": "jsonl", "path": f"train-{options.seed}.jsonl"}, pairs)},
        objective=objective | {"train_head": not between},
        steps=options.steps,
        peak=PATCH_RATE if between else RATE,
        batch_size=BATCH,
        length=56,
        window=4,
        length_buckets=2,
    )
    stage.schedule.decay = "constant"
    if between:
        stage.optimizer.frozen = tuple(load_model(Path(START)).params)
    config.stages.emotion = stage
    config.order = ("emotion",)
    return make_stage(make_context(config, options.cache), "emotion")


@functools.partial(jax.jit, static_argnums=(0, 1))
def classes(objective: Any, encoder: Encoder, params: Any, patches: Patches) -> jax.Array:
    """Return the classes of a batch of posts, int32 [B]."""
    scores: jax.Array = objective.logits(params, encoder, patches)
    return scores.argmax(axis=1)


def predictor(stage: Stage, read: ReadBatch, posts: Posts) -> Callable[[Any], np.ndarray]:
    """Return a function of parameters, which predicts the classes of posts."""
    maker, rng = make_pair_maker(stage.settings.data.posts.pairs.to_dict()), np.random.default_rng()
    examples = [maker(row, rng) for row in posts]
    examples += examples[: -len(examples) % BATCH]
    batches = [
        read(stage.views.batch([(x, x) for x in examples[i : i + BATCH]], stage.settings.length))
        for i in range(0, len(examples), BATCH)
    ]

    def predict(params: Any) -> np.ndarray:
        of_batch = functools.partial(classes, stage.objective, stage.context.encoder, params)
        return np.concatenate([of_batch(x.views["post"]) for x in batches])[: len(posts)]

    return predict


def scores(posts: Posts, predicted: np.ndarray) -> dict[str, float]:
    """Return macro F1 and accuracy."""
    gold = [int(row["label"]) for row in posts]
    f1 = f1_score(gold, predicted, labels=range(CLASSES), average="macro", zero_division=0)
    return {"f1": float(f1), "accuracy": float(accuracy_score(gold, predicted))}


def trained(
    stage: Stage, params: Any, read: ReadBatch, predict: Mapping[str, Any], posts: Any
) -> tuple[Any, dict[str, Any]]:
    """Train, and return the parameters that are best on dev, with their scores.

    Args:
        params: of "encoder", and of "objective" where these are known.
    """
    start = Result(params["encoder"], {stage.settings.objective.name: params.get("objective")})
    state, constants = first_state(stage, start)
    step, best, found = stage.step(), -1.0, {}
    batches: Iterator[Any] = iter(stage.batches())
    for done in range(1, stage.settings.steps + 1):
        batch = place(read(next(batches))._replace(cut=None), stage.context.config.train.backend)
        state, _ = step(state, constants, batch, stage.rate(done - 1), np.uint32(stage.seed))
        if done % EVERY == 0:
            dev = scores(posts["dev"], predict["dev"](state["params"]))["f1"]
            if dev > best:
                best, params = dev, jax.device_get(state["params"])
                found = {"dev": dev, "best_step": done}
    return params, {**found, **scores(posts["test"], predict["test"](params))}


def measure(options: Any) -> Iterator[dict[str, Any]]:
    """Yield the result of each row."""
    options.cache.mkdir(parents=True, exist_ok=True)
    posts = with_related(options)
    labels = [int(row["label"]) for row in posts["train"]]
    majority = int(np.bincount(labels).argmax())
    yield {"row": "majority class", **scores(posts["test"], np.full(len(posts["test"]), majority))}
    params: Any = None
    read: ReadBatch | None = None
    for row, (related, between) in ROWS.items():
        began = time.perf_counter()
        stage, start = classifier_stage(related, between, options), load_model(Path(START)).params
        # The stem is frozen: words that one row has read are known to the next.
        read = read or stem_reader(stage, stage.context.embedder(start))
        predict = {name: predictor(stage, read, posts[name]) for name in ("dev", "test")}
        params, found = trained(
            stage, params if between else {"encoder": start}, read, predict, posts
        )
        yield {"row": row, **found, "seconds": round(time.perf_counter() - began)}


def write_table() -> None:
    """Write the table of all seeds, the latest result of each row and seed."""
    known = {(line["row"], line["seed"]): line for line in known_results(RESULTS)}
    table = ["| read with | seeds | macro F1 | accuracy | dev macro F1 |", "|---|---|---|---|---|"]
    for row in ("majority class", *ROWS):
        own = [line for (name, _), line in known.items() if name == row]
        keys = ("f1", "accuracy", "dev") if own else ()
        cells = [str(len(own)), *(spread([x.get(key, np.nan) for x in own]) for key in keys)]
        table.append(f"| {row} | {' | '.join(cells if own else [''] * 4)} |")
    write_lines("hicl_emotion", table)


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=150, help="of each row, a multiple of 25")
    parser.add_argument("--cache", type=Path, default=Path("runs/hicl_emotion"))
    options = parser.parse_args()
    for found in measure(options):
        keep_result(RESULTS, rounded({**found, "seed": options.seed, "steps": options.steps}))
        write_table()


if __name__ == "__main__":
    main()
