"""Emoji: pictures of 64 x 64 pixels with names in many languages, and English keywords."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pixel_linguist.data.example import Example, group_of
from pixel_linguist.data.records import Record, column, read_rows, read_table, text_of
from pixel_linguist.registry import choose

SIZE = 64
# Of ten parts of the emoji by a hash of their code points.
SPLITS = {"train": range(2, 10), "dev": range(1, 2), "test": range(0, 1)}


def emoji(
    root: Path,
    *,
    path: str,
    split: str,
    languages: Sequence[str] = (),
    features: int = 0,
    classes: str | None = None,
) -> list[Record]:
    """Read the emoji of a split from a folder of emoji.tsv and sheet64.png.

    The table has the columns emoji, code (code points in hexadecimal), left and top (of the
    picture on the sheet, in pixels), name and keywords (joined by bars). An emoji is in one split
    with all its texts, by the CRC-32 of its code: eight of ten in "train", one each in "dev" and
    "test".

    Args:
        languages: columns of the folder's names.tsv.gz whose names are read; an emoji without a
            name in one of them is left out.
        features: how many numbers `picture_features` gives of each picture; 0: none.
        classes: column of emoji.tsv whose values are classes, such as "subcategory".

    Returns:
        {"emoji", "picture" uint8 [64, 64, 3], "name", "keywords", "group"}, the names by language,
        "features", "class" (hyphens are spaces) and "label", the number of the class. A picture is
        laid on white and inverted, so that paper is 0 as in rendered text. An emoji is a group.

    Raises:
        ValueError: for an unknown split or language, a picture that reaches beyond the sheet, a
            class without a name, or features that are no multiple of four.
    """
    # Pillow is slow to import, and few recipes read pictures.
    from PIL import Image

    parts, folder = choose("split", SPLITS, split), root / path
    names = ("emoji", "code", "left", "top", "name", "keywords", *([classes] if classes else []))
    table = list(read_rows(root, str(Path(path, "emoji.tsv")), names))
    labels: dict[str, int] = {}
    for row, where in table if classes else ():
        if not row[str(classes)].strip():
            raise ValueError(f"{where}: its class has no name")
        labels.setdefault(row[str(classes)], len(labels))
    named: dict[str, Record] = {}
    if languages:
        named = {
            row.pop("code"): row
            for row in read_table(folder / "names.tsv.gz", ("code", *languages))
            if all(row.values())
        }
    with Image.open(folder / "sheet64.png") as opened:
        sheet = opened.convert("RGBA")
    records = []
    for number, (row, where) in enumerate(table):
        unnamed = languages and row["code"] not in named
        if unnamed or zlib.crc32(row["code"].encode()) % 10 not in parts:
            continue
        picture = _picture(sheet, row, where)
        texts = {name: row[name] for name in ("emoji", "name", "keywords")}
        texts |= named.get(row["code"], {})
        if classes:
            texts |= {"class": row[classes].replace("-", " "), "label": labels[row[classes]]}
        records.append({**texts, "picture": picture, "group": number})
    if features:
        found = picture_features([record["picture"] for record in records], features)
        for record, own in zip(records, found, strict=True):
            record["features"] = own
    return records


def _picture(sheet: Any, row: Record, where: str) -> np.ndarray:
    """Return the picture of an emoji on the sheet, laid on white and inverted."""
    from PIL import Image

    left, top = int(row["left"]), int(row["top"])
    box = (left, top, left + SIZE, top + SIZE)
    if not 0 <= left <= sheet.width - SIZE or not 0 <= top <= sheet.height - SIZE:
        raise ValueError(
            f"{where}: the picture at {box} is not on the sheet of {sheet.width} x "
            f"{sheet.height} pixels"
        )
    paper = Image.new("RGBA", (SIZE, SIZE), "white")
    picture = Image.alpha_composite(paper, sheet.crop(box)).convert("RGB")
    return 255 - np.asarray(picture)


def picture_features(pictures: Sequence[np.ndarray], count: int) -> np.ndarray:
    """Return what a frozen network makes of pictures: float32 [N, count], standardised over them.

    Its one layer has random filters of 8 x 8 pixels at every other pixel, rectified and averaged
    in each quarter of the picture, after contrast is normalised (Coates et al. 2011, An analysis
    of single-layer networks, section 3; random filters: section 4.5).

    Args:
        pictures: uint8 [64, 64, 3] each.
        count: four times the number of filters.
    """
    if count % 4:
        raise ValueError(f"features are {count}; each filter gives four")
    filters = np.random.default_rng(0).normal(size=(3 * 8 * 8, count // 4)).astype(np.float32)
    found = []
    for picture in pictures:
        windows = np.lib.stride_tricks.sliding_window_view(picture, (8, 8), axis=(0, 1))
        x = windows[::2, ::2].astype(np.float32).reshape(29, 29, -1)
        x -= x.mean(axis=2, keepdims=True)
        x /= np.sqrt(x.var(axis=2, keepdims=True) + 10)
        x = np.maximum(x @ filters, 0)
        halves = [np.array_split(half, 2, axis=1) for half in np.array_split(x, 2)]
        found.append([quarter.mean(axis=(0, 1)) for half in halves for quarter in half])
    features = np.array(found, np.float32).reshape(len(found), -1)
    return np.asarray((features - features.mean(axis=0)) / (features.std(axis=0) + 1e-3))


def captioned(
    record: Record,
    rng: np.random.Generator,
    *,
    shift: int = 0,
    languages: Sequence[str] = (),
    facts: Sequence[str] = (),
) -> Example:
    """Take a picture, and one of its captions: its name, some of its keywords, or both.

    How many keywords, which of them, in which order, and whether the name precedes them is drawn
    anew each time; all captions of a record share its group.

    Args:
        shift: pixels by which the picture is moved at most, up, down, left and right; what comes
            into view is 0.
        languages: columns of names, of which one is drawn as the caption; none: as above.
        facts: columns that are facts of the example.
    """
    if languages:
        caption = text_of(record, languages[int(rng.integers(len(languages)))])
    else:
        caption = _caption(record, rng)
    picture = column(record, "picture")
    if shift:
        down, right = rng.integers(2 * shift, size=2, endpoint=True)
        height, width = picture.shape[:2]
        room = np.pad(picture, ((shift, shift), (shift, shift), (0, 0)))
        picture = room[down : down + height, right : right + width]
    own = {name: column(record, name) for name in facts}
    return Example({"anchor": picture, "positive": caption}, {**group_of(record), **own})


def _caption(record: Record, rng: np.random.Generator) -> str:
    keywords = text_of(record, "keywords").split("|")
    count = int(rng.integers(len(keywords), endpoint=True))
    words = [keywords[i] for i in rng.permutation(len(keywords))[:count]]
    named = not words or rng.random() < 0.5
    return ", ".join([text_of(record, "name")] * named + words)
