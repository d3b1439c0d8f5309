"""Make one teacher of two: vectors of both beside each other, those of the second half as long.

python -m experiments.shipped.join runs/teacher runs/untaught/teacher --out runs/teachers

Each file that `experiments.shipped.teach` writes has the same texts of both. What is written are
the directions in which the joined vectors of sentences differ most, as many as the first has.
"""

import argparse
from pathlib import Path

import numpy as np

from experiments.shipped.student import read
from experiments.shipped.teach import principal, write
from pixel_linguist.train.coding import unit_rows

# Of a vector of the second teacher, where the first's is 1.
LENGTH = 0.5


def join(first: Path, second: Path) -> tuple[list[str], np.ndarray]:
    """Return the texts of two files, and their joined vectors float32 [N, D + E].

    Raises:
        ValueError: the files have other texts.
    """
    (texts, ours), (others, theirs) = read(first), read(second)
    if texts != others:
        raise ValueError(f"{first} and {second} have other texts: teach both from the same data")
    return texts, np.concatenate([unit_rows(ours), LENGTH * unit_rows(theirs)], axis=1)


def join_all(first: Path, second: Path, out: Path) -> None:
    """Write a file for each of the first teacher's."""
    out.mkdir(parents=True, exist_ok=True)
    _, sentences = join(first / "stsb.parquet", second / "stsb.parquet")
    _, own = read(first / "stsb.parquet")
    reduce = principal(sentences, own.shape[1])
    for path in sorted(first.glob("*.parquet")):
        texts, vectors = join(path, second / path.name)
        write(out / path.name, texts, vectors @ reduce)


def main() -> None:
    """Read the arguments and write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    join_all(arguments.first, arguments.second, arguments.out)


if __name__ == "__main__":
    main()
