"""What a model that reads loses without its blocks, and with the words in random order.

    python -m benchmarks.honesty runs/tiny/model --data ../shared/data

Prints a line of JSON: Spearman's correlation on STS-B and SICK-R as the model is, with its
transformer's blocks replaced by the identity, and with the pictures of each text's words shuffled;
and the largest difference of an element between the vector of a text and of its picture.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.model.store import Model
from pixel_linguist.word_embedder import WordEmbedder, draw_lines, line_renderer

TASKS = {"stsb-en": "sts/stsb/en/{}.tsv", "sickr": "sts/sickr/{}.tsv"}
PAIRS = 200


def without_blocks(model: Model) -> Model:
    """Return a model whose blocks add nothing to what they are given."""
    blocks = dict(model.params["blocks"])
    attention = dict(blocks["attention"])
    attention["out"] = _zeros(attention["out"])
    changed = {**blocks, "attention": attention, "mlp_out": _zeros(blocks["mlp_out"])}
    return model._replace(params={**model.params, "blocks": changed})


def _zeros(dense: dict[str, Any]) -> dict[str, Any]:
    return {name: np.zeros_like(array) for name, array in dense.items()}


class Shuffled(WordEmbedder):
    """Embeds the words of each text in random order."""

    def embed_words(self, pages: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Embed the words of each page in random order."""
        rng = np.random.default_rng(0)
        return super().embed_words(rng.permutation(page) for page in pages)


def main() -> None:
    """Score the model as it is and changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="test", choices=("dev", "test"))
    options = parser.parse_args()
    encoder = SentenceEncoder.load(options.model)
    model: Any = encoder.model
    arguments = encoder.renderer, 64
    ways = {
        "whole": WordEmbedder(model.encoder, model.params, *arguments),
        "no_blocks": WordEmbedder(model.encoder, without_blocks(model).params, *arguments),
        "shuffled": Shuffled(model.encoder, model.params, *arguments),
    }
    record: dict[str, Any] = {"model": options.model, "split": options.split}
    for name, path in TASKS.items():
        source = {"name": "tsv", "path": path.format(options.split)}
        task = make_task(options.data, {"name": "sts", "source": source})
        record[name] = {
            way: round(task.score(embed)[task.metric], 4) for way, embed in ways.items()
        }
    texts = task.texts()[:PAIRS]
    pictures = [255 - line for line in draw_lines(line_renderer(encoder.renderer), texts)]
    difference = np.abs(encoder.encode_images(pictures) - encoder.encode(texts)).max()
    print(json.dumps(record | {"text_beside_its_picture": float(difference)}))


if __name__ == "__main__":
    main()
