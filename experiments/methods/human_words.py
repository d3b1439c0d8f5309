"""Are words all you need? Human similarity by words, pictures of words, and pictures, stacked.

    python -m experiments.methods.human_words --data DATA --model tiny

Nothing is trained (Marjieh et al. 2023, arXiv 2206.04105): Pearson's correlation of cosines with
mean judgements, with 95 % intervals over things. Sets: Leuven's ten categories, sentences of SICK
as a sparse matrix, and pairs of MEN whose words name an emoji, which is described by its keywords
and has a picture. Rows: bags of words, lengths alone, the model on descriptions, colours of
pictures, and all but lengths stacked with equal weights.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.emoji import emoji
from pixel_linguist.data.records import read_table
from pixel_linguist.evaluate.bootstrap import interval
from pixel_linguist.evaluate.human import HumanSimilarity, bags, reweighted, stack
from pixel_linguist.evaluate.similarity import CachedEmbed

# A picture's colours: means of its 8 x 8 parts.
SIDE = 8
Vectors = dict[str, np.ndarray]


def colours(picture: np.ndarray) -> np.ndarray:
    """Return the colours of uint8 [64, 64, 3] as float [192]."""
    return picture.reshape(SIDE, -1, SIDE, 64 // SIDE, 3).mean(axis=(1, 3)).ravel() / 255


def described(task: HumanSimilarity, embed: Any) -> Vectors:
    """Return the rows of a set that are made of texts."""
    lengths = np.array([[1.0, np.mean([*map(len, of)]) / 10] for of in task.descriptions])
    return {"bags": task.vectors(bags), "lengths": lengths, "pixels": task.vectors(embed)}


def emoji_words(data: Path, embed: Any) -> tuple[HumanSimilarity, Vectors]:
    """Return pairs of words that name an emoji, with keywords as descriptions, and all rows."""
    records = [
        x for split in ("train", "dev", "test") for x in emoji(data, path="emoji", split=split)
    ]
    known: dict[str, Mapping[str, Any]] = {}
    for record in records:
        known.setdefault(record["name"].lower(), record)
    table = read_table(data / "wordsim" / "en" / "men-tr-3k.tsv")
    rows = [row for row in table if row["word1"] in known and row["word2"] in known]
    words = list(dict.fromkeys(row[side] for row in rows for side in ("word1", "word2")))
    things = [
        {"thing": word, "description": text}
        for word in words
        for text in dict.fromkeys(known[word]["keywords"].split("|"))
    ]
    task = HumanSimilarity.from_source(rows, first="word1", second="word2", things=things)
    found = described(task, embed)
    found["words"] = np.asarray(embed(words))
    found["pictures"] = np.stack([colours(known[word]["picture"]) for word in words])
    return task, found


def report(name: str, task: HumanSimilarity, rows: Vectors) -> None:
    """Print the rows of a set, and the stack of all but lengths."""
    print(f"\n{name}: {len(task.judged)} pairs of {len(task.descriptions)} things")
    rows = {**rows, "stacked": stack([x for row, x in rows.items() if row != "lengths"])}
    for row, vectors in rows.items():
        found = task.agreement(np.asarray(vectors))
        assert found.observations is not None
        low, high = interval(found.observations)
        print(f"| {row} | {found.scores['pearson']:.3f} ({low:.3f} to {high:.3f}) |", flush=True)


def main() -> None:
    """Print all sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--sick", type=int, default=1000, help="pairs of SICK's test split")
    options = parser.parse_args()
    embed = CachedEmbed(SentenceEncoder.load(options.model).encode)
    leuven = [
        {"first": f"{path.stem} {row['item1']}", "second": f"{path.stem} {row['item2']}", **row}
        for path in sorted((options.data / "similarity").glob("leuven_*.tsv"))
        for row in read_table(path)
    ]
    names = {
        row[side]: row[item]
        for row in leuven
        for side, item in (("first", "item1"), ("second", "item2"))
    }
    things = [{"thing": key, "description": name} for key, name in names.items()]
    task = HumanSimilarity.from_source(leuven, things=things)
    rows = described(task, embed)
    report("Leuven", task, rows)
    print("reweighted", reweighted(task, rows["pixels"]))
    sick = read_table(options.data / "sts" / "sickr" / "test.tsv")[: options.sick]
    task = HumanSimilarity.from_source(sick, first="sentence1", second="sentence2")
    report("SICK", task, described(task, embed))
    report("MEN, emoji", *emoji_words(options.data, embed))


if __name__ == "__main__":
    main()
