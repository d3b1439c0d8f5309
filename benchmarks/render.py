"""Speed of rendering beside PangoCairo and Pillow in the same run; prints lines of JSON.

Figures are sentences a second of one core, by CPU time, because other work on the machine falsifies
the clock. The timed sentences are new, but most of their words are not; the share is printed. The
peers take turns with ours, a round each, so that other work on the machine falls on all of them.

    python benchmarks/render.py --data ../shared/data
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from pixel_linguist.render import Renderer
from pixel_linguist.render.fonts import find

LENGTH, BATCH, ROUNDS = 64, 1024, 7


def columns(path: Path) -> list[str]:
    """Return the cells of a table that contain spaces."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    return [cell for line in lines for cell in line.split("\t") if " " in cell]


def english(data: Path) -> tuple[list[str], list[str]]:
    """Return sentences to time, of 66 letters on average, and others for warming up."""
    tables = [*sorted((data / "bitext/tatoeba").glob("*.tsv"))]
    found = {line.split("\t")[1] for t in tables for line in t.read_text().splitlines()[1:]}
    for table in sorted((data / "sts/stsb/en").iterdir()):
        found |= {cell for cell in columns(table) if len(cell) > 20}
    timed = sorted(text for text in found if len(text) > 40)
    random.Random(0).shuffle(timed)
    timed = timed[: ROUNDS * 2 * BATCH]
    others = [data / "definitions/wordnet.tsv", *sorted((data / "nli/xnli").rglob("*en*"))]
    warm = [cell for table in others if table.is_file() for cell in columns(table)]
    warm = sorted({*found, *(text for text in warm if 20 < len(text) < 300)} - set(timed))
    random.Random(1).shuffle(warm)
    return timed, warm


def languages(data: Path) -> list[str]:
    """Return sentences in all languages of Tatoeba, shuffled."""
    tables = sorted((data / "bitext/tatoeba").glob("*.tsv"))
    found = [line.split("\t")[0] for t in tables for line in t.read_text().splitlines()[1:]]
    random.Random(0).shuffle(found)
    return found


def batches(texts: Sequence[str]) -> list[Sequence[str]]:
    """Cut texts into batches."""
    return [texts[i : i + BATCH] for i in range(0, len(texts), BATCH)]


def cpu_seconds(draw: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> float:
    """Return the CPU seconds of drawing texts in batches."""
    start = time.process_time()
    for batch in batches(texts):
        draw(batch)
    return time.process_time() - start


def at_length(renderer: Renderer) -> Callable[[Sequence[str]], Any]:
    """Return a function that draws texts at the timed length."""
    return lambda texts: renderer(texts, LENGTH)


def pillow_draw() -> Callable[[Sequence[str]], Any]:
    """Return a function that draws texts with Pillow, in the same font file and size."""
    found = find("NotoSans")
    assert found is not None
    font = ImageFont.truetype(str(found[0]), 12)

    def draw(texts: Sequence[str]) -> None:
        for text in texts:
            picture = Image.new("L", (LENGTH * 16, 16))
            ImageDraw.Draw(picture).text((1, 12), text, font=font, fill=255, anchor="ls")
            picture.tobytes()

    return draw


class Pango:
    """PangoCairo in its own process."""

    def __init__(self) -> None:
        found = find("NotoSans")
        assert found is not None
        self._folder = tempfile.TemporaryDirectory()
        config = Path(self._folder.name) / "fonts.conf"
        config.write_text(
            f"<fontconfig><dir>{found[0].parent}</dir>"
            f"<cachedir>{self._folder.name}</cachedir></fontconfig>"
        )
        self._process = subprocess.Popen(
            ["/usr/bin/python3", str(Path(__file__).with_name("pango_peer.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "FONTCONFIG_FILE": str(config)},
        )

    def cpu_seconds(self, texts: Sequence[str]) -> float | None:
        """Return the CPU seconds of drawing texts; None without PyGObject."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps(texts) + "\n")
            self._process.stdin.flush()
            return float(self._process.stdout.readline().split()[0])
        except (BrokenPipeError, IndexError):
            return None


def say(figure: str, **values: Any) -> None:
    """Print one figure."""
    print(json.dumps({"figure": figure, **values}), flush=True)


def warm_up(renderer: Renderer, texts: Sequence[str]) -> set[str]:
    """Draw texts once; returns their words."""
    for batch in batches(texts):
        renderer(batch, LENGTH)
    return {word for text in texts for word in text.split()}


def compare(strategy: str, timed: list[str], warm: list[str], pango: Pango) -> None:
    """Time a strategy with cached words, beside the peers."""
    renderer, pillow = Renderer(strategy=strategy), pillow_draw()
    known = warm_up(renderer, warm)
    words = [word for text in timed for word in text.split()]
    hits = sum(word in known for word in words) / len(words)
    pango.cpu_seconds(timed[:500])
    rates: dict[str, list[float]] = {"ours": [], "pango": [], "pillow": []}
    size = len(timed) // ROUNDS
    for number in range(ROUNDS):
        part = timed[number * size : (number + 1) * size]
        rates["ours"].append(len(part) / cpu_seconds(at_length(renderer), part))
        few = part[: BATCH // 4]
        rates["pillow"].append(len(few) / cpu_seconds(pillow, few))
        seconds = pango.cpu_seconds(part)
        if seconds:
            rates["pango"].append(len(part) / seconds)
    middle = {name: statistics.median(values) for name, values in rates.items() if values}
    ours = middle.pop("ours")
    letters = round(sum(map(len, timed)) / len(timed), 1)
    peers = {peer: round(rate) for peer, rate in middle.items()}
    times = {f"times_{peer}": round(ours / rate, 1) for peer, rate in middle.items()}
    say(f"{strategy}, warm", per_second=round(ours), letters=letters, word_hits=round(hits, 4),
        **peers, **times)  # fmt: skip


def typos(timed: list[str], warm: list[str]) -> None:
    """Time sentences with one random letter in 20, so that many words are new."""
    rng = random.Random(0)

    def misspell(text: str) -> str:
        letters = list(text)
        for _ in range(max(len(text) // 20, 1)):
            letters[rng.randrange(len(text))] = chr(rng.randrange(ord("a"), ord("z") + 1))
        return "".join(letters)

    texts = [misspell(text) for text in timed]
    for strategy in ("words", "continuous"):
        renderer = Renderer(strategy=strategy)
        warm_up(renderer, warm)
        rates = [len(b) / cpu_seconds(at_length(renderer), b) for b in batches(texts)]
        say(f"{strategy}, typos, warm", per_second=round(statistics.median(rates)))


def cold(timed: list[str]) -> None:
    """Time the first sentences of a new renderer, including its glyphs."""
    for strategy in ("words", "continuous"):
        renderer = Renderer(strategy=strategy)
        texts = timed[:BATCH]
        rate = len(texts) / cpu_seconds(at_length(renderer), texts)
        say(f"{strategy}, cold", per_second=round(rate), sentences=len(texts))


def mixed(texts: list[str]) -> None:
    """Time sentences in all languages, after as many others."""
    half = len(texts) // 2
    for strategy in ("words", "continuous"):
        renderer = Renderer(strategy=strategy)
        known = warm_up(renderer, texts[:half])
        timed = texts[half : half + ROUNDS * BATCH]
        draw = at_length(renderer)
        rates = [len(batch) / cpu_seconds(draw, batch) for batch in batches(timed)]
        words = [word for text in timed for word in text.split()]
        hits = sum(word in known for word in words) / len(words)
        say(f"{strategy}, all languages, warm", per_second=round(statistics.median(rates)),
            word_hits=round(hits, 4))  # fmt: skip


def resident() -> float:
    """Return the MiB of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def grow(strategy: str) -> float:
    """Draw a stream of different words; returns the peak memory of the renderer in MiB."""
    renderer = Renderer(strategy=strategy)
    renderer(["a word"], LENGTH)
    before, most = resident(), 0.0
    for start in range(0, 500_000, 4096):
        words = [f"w{number}ords{number}" for number in range(start, start + 4096)]
        renderer([" ".join(words[i : i + 16]) for i in range(0, 4096, 16)], LENGTH)
        most = max(most, resident() - before)
    return most


def memory() -> None:
    """Measure the memory of renderers, including the pictures of a batch."""
    for strategy in ("words", "continuous"):
        with ProcessPoolExecutor(1) as pool:
            say(f"{strategy}, memory", mib=round(pool.submit(grow, strategy).result()))


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = parser.parse_args().data
    timed, warm = english(data)
    cold(timed)
    pango = Pango()
    for strategy in ("words", "continuous"):
        compare(strategy, timed, warm, pango)
    typos(timed, warm)
    mixed(languages(data))
    memory()


if __name__ == "__main__":
    main()
