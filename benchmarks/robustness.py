"""STS-B under ten attacks on the second sentence: `python benchmarks/robustness.py MODEL_FOLDER`.

Prints one line of JSON: Spearman on clean text, its mean over the attacks of
`pixel_linguist.evaluate.robustness.ATTACKS` and each of them, for the model, for TF-IDF (character
2- to 4-grams, fitted on the clean sentences), and for every `--peer`, a folder or name that
sentence-transformers loads. `ratio` is the model's mean over the best peer's.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.records import read_table
from pixel_linguist.evaluate.baselines import tfidf_embed
from pixel_linguist.evaluate.robustness import ATTACKS, Robustness
from pixel_linguist.evaluate.similarity import CachedEmbed, Embed
from pixel_linguist.evaluate.sts import STS

ROOT = Path(__file__).parents[1]


def peer_embed(name: str) -> Embed:
    """Load a peer with sentence-transformers."""
    from sentence_transformers import SentenceTransformer

    embed: Embed = SentenceTransformer(name, device="cpu").encode
    return embed


def main() -> None:
    """Score the model and its peers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a model folder, or the name of a model in the package")
    parser.add_argument("--peer", action="append", default=[], help="for sentence-transformers")
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    parser.add_argument("--language", default="en", help="of STS-B's test split")
    arguments = parser.parse_args()

    path = arguments.data / "sts/stsb" / arguments.language / "test.tsv"
    task = Robustness(STS.from_source(read_table(path)), ATTACKS)
    encoder: Any = SentenceEncoder.load(arguments.model)
    ours = task.score(CachedEmbed(encoder.encode))
    letters = tfidf_embed(task)
    peers = {"tfidf": task.score(letters)} if letters else {}
    for name in arguments.peer:
        peers[name] = task.score(CachedEmbed(peer_embed(name)))
    best = max(scores["attacked"] for scores in peers.values())
    line = {"figure": "robustness", "model": str(arguments.model), "ours": ours, **peers}
    print(json.dumps({**line, "ratio": ours["attacked"] / best}))


if __name__ == "__main__":
    main()
