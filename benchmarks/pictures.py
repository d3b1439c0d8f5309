"""Pictures of text a second and scores on them, beside Tesseract: `python -m benchmarks.pictures`.

Needs the extras "fonts", "ocr" and "peers". Prints one line of JSON. Speeds are of PNG files in
memory, one sentence of STS-B each in a family at random, by the fastest of several rounds; each
round starts a new encoder, whose caches are empty, while Tesseract's models stay loaded, one a
thread. They are given a second and, for machines that do other work too, a second of CPU time.

"ours" is `encode_images`; "cpu_ms" has CPU milliseconds a picture of its parts: decoding, finding
lines, cutting words, and the rest, which is the encoder's. "tesseract" is given by the factor by
which pictures are enlarged first, without the encoder of texts that follows, and "ratio" compares
pictures a CPU second with its faster row. "spearman" has the scores of both on pairs of STS-B's
test split, by family; the peer is all-MiniLM-L6-v2 after Tesseract, which enlarges pictures twice.
"""

import argparse
import io
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from PIL import Image

from benchmarks import minilm
from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.records import read_table
from pixel_linguist.evaluate.baselines import check_reads, encoder_embed
from pixel_linguist.evaluate.catalogue import WORN
from pixel_linguist.evaluate.peers import OcrEncoder, Tesseract
from pixel_linguist.evaluate.reading import FAMILIES, Pictures
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.render.images import read_grey
from pixel_linguist.render.lines import find_lines
from pixel_linguist.render.wear import WEAR
from pixel_linguist.render.word_pictures import read_page

ROOT = Path(__file__).parents[1]


class Took(NamedTuple):
    """Seconds of the fastest round, and of the one with the least CPU time."""

    wall: float
    cpu: float

    def speed(self, pictures: int) -> dict[str, float]:
        """Return pictures a second of either time."""
        return {
            "pictures_per_second": round(pictures / self.wall, 1),
            "pictures_per_cpu_second": round(pictures / self.cpu, 1),
        }


def time_rounds(work: Callable[[], Any], rounds: int) -> Took:
    """Time some rounds, after one that compiles and loads."""
    times = []
    for _ in range(rounds + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return Took(*map(min, zip(*times[1:], strict=True)))


def our_speed(model: str, files: Sequence[bytes], rounds: int) -> dict[str, Any]:
    """Time encoding and its parts on files of pictures."""
    pages = [read_grey(file) for file in files]
    encoders = iter([SentenceEncoder.load(model) for _ in range(rounds + 1)])
    whole = time_rounds(lambda: next(encoders).encode_images(files), rounds)
    decode = time_rounds(lambda: [read_grey(file) for file in files], rounds).cpu
    lines = time_rounds(lambda: [find_lines(page) for page in pages], rounds).cpu
    words = time_rounds(lambda: [read_page(page) for page in pages], rounds).cpu - lines
    parts = {"decode": decode, "lines": lines, "words": words}
    parts["encode"] = whole.cpu - sum(parts.values())
    each = {part: round(1000 * took / len(files), 3) for part, took in parts.items()}
    return {**whole.speed(len(files)), "cpu_ms": each}


def tesseract_speed(files: Sequence[bytes], threads: int, rounds: int) -> dict[str, Any]:
    """Time Tesseract by the factor by which pictures are enlarged."""

    def speed(read: Tesseract) -> dict[str, float]:
        def work() -> list[str]:
            return read(Image.open(io.BytesIO(file)) for file in files)

        return time_rounds(work, rounds).speed(len(files))

    return {str(factor): speed(Tesseract(threads=threads, enlarge=factor)) for factor in (1, 2)}


def png(picture: Image.Image) -> bytes:
    """Return a picture as the content of a PNG file."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--model", default="tiny", help="a model folder, or the name of a shipped model (tiny)")
    add("--data", type=Path, default=ROOT / "../shared/data")
    add("--pictures", type=int, default=256, help="that are timed (256)")
    add("--pairs", type=int, default=200, help="of STS-B's test split, spread over it (200)")
    add("--families", nargs="+", default=FAMILIES, help="in which pairs are drawn")
    add("--layout", default="line", help="line or page")
    add("--worn", action="store_true", help=f"every kind of wear at strength {WORN:g}")
    add("--rounds", type=int, default=3)
    add("--cores", type=int, default=2)
    known = parser.parse_args()
    os.sched_setaffinity(0, set(range(known.cores)))
    encoder = SentenceEncoder.load(known.model)
    check_reads(known.model, encoder, ["this benchmark"])

    rows = read_table(known.data / "sts/stsb/en/test.tsv")
    sts = STS.from_source(rows[:: max(len(rows) // known.pairs, 1)][: known.pairs])
    wear = dict.fromkeys(WEAR, WORN) if known.worn else {}
    task = Pictures(sts, families=tuple(known.families), layout=known.layout, wear=wear)
    texts = STS.from_source(rows).texts()
    texts = texts[:: max(len(texts) // known.pictures, 1)][: known.pictures]
    files = [png(picture) for picture in task.draw(texts, task.families)]
    ours = our_speed(known.model, files, known.rounds)
    tesseract = tesseract_speed(files, known.cores, known.rounds)

    texts_alone: Any = SimpleNamespace(encode=minilm.by_sentence_transformers(known.cores))
    ocr = OcrEncoder(texts_alone, Tesseract(threads=known.cores))
    scores = {
        name: {family: round(score, 4) for family, score in task.score(embed(task)).items()}
        for name, embed in (("ours", encoder_embed(encoder)), ("ocr", encoder_embed(ocr)))
    }
    per_cpu = "pictures_per_cpu_second"
    line = {
        "benchmark": "pictures", "model": known.model, "cores": known.cores,
        "layout": known.layout, "worn": known.worn, "pictures": len(files), "pairs": len(sts.gold),
        "ours": ours, "tesseract": tesseract,
        "ratio": round(ours[per_cpu] / max(speed[per_cpu] for speed in tesseract.values()), 2),
        "spearman": scores,
    }  # fmt: skip
    print(json.dumps(line))


if __name__ == "__main__":
    main()
