"""Let a teacher's vectors say what people say of pairs: the scores of STS-B's train split.

    python -m experiments.shipped.graded runs/untaught/teacher --data_dir DATA --out runs/graded

A linear map of the vectors is trained until the cosines of pairs correlate with their scores. Every
file that `experiments.shipped.teach` wrote is written again, with its vectors mapped.
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.shipped.student import read
from experiments.shipped.teach import COLUMNS, WIDTH, principal, write
from pixel_linguist.data.sources import read_table
from pixel_linguist.train.coding import unit_rows

PAIRS = "sts/stsb/en/train.tsv"
EPOCHS, BATCH, RATE = 10, 512, 1e-3
# Share of the numbers of both vectors of a pair that a step does not see.
DROPPED = 0.3

Map = dict[str, jax.Array]


def apply(weights: Map, vectors: jax.Array) -> jax.Array:
    """Return float [N, D] mapped; a map of zeros changes nothing."""
    moved = vectors - weights["origin"]
    return moved + moved @ weights["change"]


def discord(weights: Map, pairs: jax.Array, scores: jax.Array) -> jax.Array:
    """Return 1 less the Pearson correlation of the cosines of [N, 2, D] with scores [N]."""
    first, second = apply(weights, pairs[:, 0]), apply(weights, pairs[:, 1])
    return 1 - jnp.corrcoef(optax.cosine_similarity(first, second, epsilon=1e-6), scores)[0, 1]


def fit(pairs: np.ndarray, scores: np.ndarray, seed: int) -> Map:
    """Return the map of float32 [N, 2, D] for which cosines of pairs correlate with scores [N]."""
    width = pairs.shape[2]
    weights = {"origin": jnp.zeros(width), "change": jnp.zeros((width, width))}
    vectors, asked = jnp.asarray(pairs), jnp.asarray(scores)
    optimizer = optax.adam(RATE)

    @jax.jit
    def step(
        weights: Map, state: optax.OptState, rows: jax.Array, key: jax.Array
    ) -> tuple[Map, optax.OptState]:
        seen = jax.random.bernoulli(key, 1 - DROPPED, (width,))
        gradients = jax.grad(discord)(weights, vectors[rows] * seen, asked[rows])
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(weights, updates), state

    state, key = optimizer.init(weights), jax.random.key(seed)
    for epoch in jax.random.split(key, EPOCHS):
        order = jax.random.permutation(epoch, len(scores))
        for first in range(0, len(scores) - BATCH + 1, BATCH):
            drawn = jax.random.fold_in(epoch, first)
            weights, state = step(weights, state, order[first : first + BATCH], drawn)
    return weights


def grade_all(teacher: Path, data: Path, out: Path) -> None:
    """Write each of a teacher's files with its vectors mapped, in WIDTH directions at most.

    Raises:
        ValueError: the teacher's sentences are not those of the pairs.
    """
    pairs = read_table(data / PAIRS)
    texts, sentences = read(teacher / "stsb.parquet")
    if texts != [pair[name] for pair in pairs for name in COLUMNS]:
        raise ValueError(f"{teacher / 'stsb.parquet'} has other sentences than {data / PAIRS}")
    out.mkdir(parents=True, exist_ok=True)
    scores = np.array([float(pair["score"]) for pair in pairs])
    # Adam's steps are of one size: directions in which vectors differ less are to be its own too.
    spread = np.sqrt(sentences.std(0))
    weights = fit(unit_rows(sentences / spread).reshape(len(scores), 2, -1), scores, seed=0)

    def mapped(vectors: np.ndarray) -> np.ndarray:
        return unit_rows(np.asarray(apply(weights, jnp.asarray(unit_rows(vectors / spread)))))

    reduce = principal(mapped(sentences), WIDTH)
    for path in sorted(teacher.glob("*.parquet")):
        texts, vectors = read(path)
        write(out / path.name, texts, mapped(vectors) @ reduce)


def main() -> None:
    """Read the arguments and write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("teacher", type=Path)
    parser.add_argument("--data_dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    grade_all(arguments.teacher, arguments.data_dir, arguments.out)


if __name__ == "__main__":
    main()
