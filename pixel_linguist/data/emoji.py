"""Emoji: pictures of 64 x 64 pixels with English names and keywords."""

import dataclasses
import zlib
from pathlib import Path

import numpy as np

from pixel_linguist.data.example import Example, group_of
from pixel_linguist.data.records import Record, column, read_table, text_of
from pixel_linguist.registry import choose

SIZE = 64
# Of ten parts of the emoji by a hash of their code points.
SPLITS = {"train": range(2, 10), "dev": range(1, 2), "test": range(0, 1)}


def emoji(root: Path, *, path: str, split: str) -> list[Record]:
    """Read the emoji of a split from a folder of emoji.tsv and sheet64.png.

    The table has the columns emoji, code (code points in hexadecimal), left and top (of the
    picture on the sheet, in pixels), name and keywords (joined by bars). An emoji is in one split
    with all its texts, by the CRC-32 of its code: eight of ten in "train", one each in "dev" and
    "test".

    Returns:
        {"emoji", "picture" uint8 [64, 64, 3], "name", "keywords", "group"}; a picture is laid on
        white and inverted, so that paper is 0 as in rendered text. An emoji is a group.

    Raises:
        FileNotFoundError: for a missing file.
        ValueError: for an unknown split, or a picture that reaches beyond the sheet.
    """
    # Pillow is slow to import, and few recipes read pictures.
    from PIL import Image

    parts, folder = choose("split", SPLITS, split), root / path
    names = ("emoji", "code", "left", "top", "name", "keywords")
    table = read_table(folder / "emoji.tsv", names)
    with Image.open(folder / "sheet64.png") as opened:
        sheet = opened.convert("RGBA")
    records = []
    for number, row in enumerate(table):
        if zlib.crc32(row["code"].encode()) % 10 not in parts:
            continue
        left, top = int(row["left"]), int(row["top"])
        box = (left, top, left + SIZE, top + SIZE)
        if not 0 <= left <= sheet.width - SIZE or not 0 <= top <= sheet.height - SIZE:
            raise ValueError(
                f"{folder}/emoji.tsv, record {number + 1}: the picture at {box} is not on the "
                f"sheet of {sheet.width} x {sheet.height} pixels"
            )
        paper = Image.new("RGBA", (SIZE, SIZE), "white")
        picture = Image.alpha_composite(paper, sheet.crop(box)).convert("RGB")
        texts = {name: row[name] for name in ("emoji", "name", "keywords")}
        records.append({**texts, "picture": 255 - np.asarray(picture), "group": number})
    return records


@dataclasses.dataclass(frozen=True)
class Captioned:
    """A picture, and one of its captions: its name, some of its keywords, or both.

    How many keywords, which of them, in which order, and whether the name precedes them is drawn
    anew each time; all captions of a record share its group.

    Attributes:
        shift: pixels by which the picture is moved at most, up, down, left and right; what comes
            into view is 0.
    """

    shift: int = 0

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example: the picture as "anchor", the caption as "positive"."""
        name = text_of(record, "name", "the record")
        keywords = text_of(record, "keywords", "the record").split("|")
        count = int(rng.integers(len(keywords), endpoint=True))
        words = [keywords[i] for i in rng.permutation(len(keywords))[:count]]
        named = not words or rng.random() < 0.5
        picture = column(record, "picture", "the record")
        if self.shift:
            down, right = rng.integers(2 * self.shift, size=2, endpoint=True)
            height, width = picture.shape[:2]
            sides = ((self.shift, self.shift), (self.shift, self.shift), (0, 0))
            picture = np.pad(picture, sides)[down : down + height, right : right + width]
        caption = ", ".join([name] * named + words)
        return Example({"anchor": picture, "positive": caption}, group_of(record))
