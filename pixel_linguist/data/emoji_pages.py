"""Pages of emoji: up to four pictures on one, and which patch is of which."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pixel_linguist.data.emoji import SIZE, emoji
from pixel_linguist.data.example import NO_GROUP, Example, padded
from pixel_linguist.data.records import Record, column
from pixel_linguist.seeds import derive_seed

CELLS = 4


@dataclasses.dataclass(frozen=True)
class EmojiPages:
    """Pages of 2 x 2 cells, of which two to four hold an emoji, moved within its cell.

    A record is {"picture" uint8 [128, 128, 3], "names", "labels" (numbers of the emoji), and
    "patch_labels" int32 [64]}, by patches of 16 x 16 pixels; a cell without an emoji has -1.
    """

    emoji: Sequence[Record]
    size: int
    seed: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Record:
        rng = np.random.default_rng(derive_seed(self.seed, str(index)))
        count = int(rng.integers(2, CELLS, endpoint=True))
        chosen = [self.emoji[i] for i in rng.permutation(len(self.emoji))[:count]]
        page = np.zeros((2 * SIZE, 2 * SIZE, 3), np.uint8)
        labels = np.full((8, 8), NO_GROUP, np.int32)
        for record, cell in zip(chosen, rng.permutation(CELLS), strict=False):
            row, right = divmod(int(cell), 2)
            page[row * SIZE :, right * SIZE :][:SIZE, :SIZE] = record["picture"]
            labels[4 * row :, 4 * right :][:4, :4] = record["group"]
        names = tuple(record["name"] for record in chosen)
        groups = tuple(record["group"] for record in chosen)
        patches = labels.reshape(-1)
        return {"picture": page, "names": names, "labels": groups, "patch_labels": patches}


def emoji_pages(root: Path, *, path: str, split: str, size: int, seed: int = 0) -> EmojiPages:
    """Make pages of the emoji of a split, as `emoji` reads them.

    Raises:
        ValueError: as `emoji`; for a size below 1, or fewer than four emoji.
    """
    records = emoji(root, path=path, split=split)
    if size < 1 or len(records) < CELLS:
        raise ValueError(f"{size} pages of {len(records)} emoji; 1 and {CELLS} are the least")
    return EmojiPages(records, size, seed)


def on_page(record: Record, rng: np.random.Generator, *, most: int = CELLS) -> Example:
    """Take a page, and the name of one of at most `most` things on it; all of these are its groups.

    The example has the facts "label" and "patch_labels".
    """
    names, labels = column(record, "names"), column(record, "labels")
    chosen = int(rng.integers(len(names)))
    facts = {"label": labels[chosen], "patch_labels": record["patch_labels"]}
    views = {"anchor": record["picture"], "positive": names[chosen]}
    return Example(views, {"group": padded(labels, most), **facts})
