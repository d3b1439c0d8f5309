"""Emoji: pictures off the sheet, splits by emoji, and captions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.data.emoji import SIZE, SPLITS, captioned
from pixel_linguist.data.sources import make_source

COUNT = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a sheet of squares of different colours on transparent ground."""
    rng = np.random.default_rng(0)
    sheet = np.zeros((SIZE, COUNT * SIZE, 4), np.uint8)
    rows = ["emoji\tcode\tleft\ttop\tcategory\tsubcategory\tname\tkeywords"]
    for i in range(COUNT):
        left = i * SIZE
        sheet[16:48, left + 16 : left + 48] = [*rng.integers(0, 256, 3), 255]
        rows.append(f"{chr(0x1F600 + i)}\t{0x1F600 + i:X}\t{left}\t0\tc\ts\tname {i}\ta{i}|b|c")
    (tmp_path / "emoji").mkdir()
    Image.fromarray(sheet).save(tmp_path / "emoji" / "sheet64.png")
    (tmp_path / "emoji" / "emoji.tsv").write_text("\n".join(rows) + "\n")
    return tmp_path


def read(root: Path, split: str) -> Any:
    return make_source(root, {"name": "emoji", "path": "emoji", "split": split})


def test_each_emoji_is_in_one_split_and_its_picture_is_its_own(folder: Path) -> None:
    splits = {split: read(folder, split) for split in SPLITS}
    emoji = [record["emoji"] for records in splits.values() for record in records]
    assert len(emoji) == len(set(emoji)) == COUNT
    assert len(splits["train"]) > len(splits["dev"]) + len(splits["test"])
    sheet = np.asarray(Image.open(folder / "emoji" / "sheet64.png"))
    for record in splits["train"]:
        number = ord(record["emoji"]) - 0x1F600
        assert record["group"] == number and record["name"] == f"name {number}"
        picture = record["picture"]
        # Transparent ground is paper, which is 0.
        assert picture.shape == (SIZE, SIZE, 3) and not picture[:16].any()
        left = number * SIZE
        np.testing.assert_array_equal(
            255 - picture[16:48, 16:48], sheet[16:48, left + 16 : left + 48, :3]
        )


def test_captions_are_names_and_keywords_of_one_group() -> None:
    picture = np.ones((8, 8, 3), np.uint8)
    record = {"name": "name", "keywords": "a|b", "picture": picture, "group": 7}
    rng = np.random.default_rng(0)
    examples = [captioned(record, rng) for _ in range(300)]
    assert {example.facts["group"] for example in examples} == {(7,)}
    assert {example.views["positive"] for example in examples} == {
        "name", "a", "b", "a, b", "b, a", "name, a", "name, b", "name, a, b", "name, b, a"
    }  # fmt: skip
    assert all(example.views["anchor"] is picture for example in examples)


def test_pictures_are_moved_within_their_frame() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[3:5, 3:5] = 9
    record = {"name": "name", "keywords": "a", "picture": picture}
    rng = np.random.default_rng(0)
    seen = [np.asarray(captioned(record, rng, shift=2).views["anchor"]) for _ in range(300)]
    assert {view.shape for view in seen} == {(8, 8, 3)}
    assert {tuple(np.argwhere(view[..., 0])[0]) for view in seen} == {
        (row, column) for row in range(1, 6) for column in range(1, 6)
    }
    assert all(view.sum() == picture.sum() for view in seen)


def off_the_sheet(text: str) -> str:
    return text.replace("\t0\t0\t", "\t9999999\t0\t")


@pytest.mark.parametrize(
    ("change", "split", "word"), [(str, "tran", "train"), (off_the_sheet, "train", "sheet")]
)
def test_bad_folders_are_refused(
    folder: Path, change: Callable[[str], str], split: str, word: str
) -> None:
    table = folder / "emoji" / "emoji.tsv"
    table.write_text(change(table.read_text()))
    with pytest.raises(ValueError, match=word):
        read(folder, split)


def test_the_real_emoji_are_split_by_emoji(shared: Path) -> None:
    sizes = {split: len(read(shared / "data", split)) for split in SPLITS}
    assert sizes == {"train": 1534, "dev": 187, "test": 190}
    first = read(shared / "data", "test")[0]
    assert first["picture"].any() and first["name"]
