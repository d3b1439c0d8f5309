"""Pages of rendered words: texts in lines, and which patch is of which word."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from pixel_linguist.data.emoji import SPLITS
from pixel_linguist.data.example import NO_GROUP, content_id
from pixel_linguist.data.records import Record, Source, text_of
from pixel_linguist.registry import choose
from pixel_linguist.render import Renderer
from pixel_linguist.render.units import turns
from pixel_linguist.seeds import derive_seed
from pixel_linguist.text.spans import bare_word

LINES, WIDTH, PATCH = 4, 128, 16
# Words that a page names at most, pixels between words, and columns that make a patch a word's.
MOST, GAPS, LEAST = 32, (4, 8), 3


@dataclasses.dataclass(frozen=True)
class WordPages:
    """Pages of 4 lines of 128 pixels, each with words of a text, which begin at any column.

    A record is {"picture" uint8 [64, 128, 1], "names": the distinct words without punctuation, in
    lower case, "labels" (their numbers), and "patch_labels" int32 [32]}, by patches of 16 x 16
    pixels. A patch is of the word that has most of its columns, at least 3; without one it has -1.
    Words are drawn as the renderer draws them alone and stand in reading order, 4 to 8 pixels
    apart, from the right in texts that run from the right.
    """

    # The words of each text that fit a line.
    texts: Sequence[Sequence[str]]
    # Bare word → number.
    numbers: Mapping[str, int]
    renderer: Renderer
    size: int
    seed: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Record:
        rng = np.random.default_rng(derive_seed(self.seed, str(index)))
        words = self.texts[int(rng.integers(len(self.texts)))]
        # The first word has a name, so that each page has one.
        starts = [place for place, word in enumerate(words) if len(bare_word(word)) > 1]
        start = starts[int(rng.integers(len(starts)))]
        words = [*words[start:], *words[:start]][: 2 * MOST]
        leftward = any(map(turns, words))
        page = np.zeros((LINES * PATCH, WIDTH, 1), np.uint8)
        columns = np.full((LINES, WIDTH), NO_GROUP, np.int32)
        line, x = 0, int(rng.integers(PATCH))
        for word, ink in zip(words, self._drawn(words), strict=True):
            width = ink.shape[1]
            if x + width > WIDTH:
                line, x = line + 1, int(rng.integers(PATCH))
            if line == LINES:
                break
            left = WIDTH - x - width if leftward else x
            page[line * PATCH :, left:, 0][:PATCH, :width] = ink
            columns[line, left : left + width] = self.numbers.get(bare_word(word), NO_GROUP)
            x += width + int(rng.integers(*GAPS, endpoint=True))
        patches = np.array([_most_of(patch) for patch in columns.reshape(-1, PATCH)], np.int32)
        labels = list(dict.fromkeys(patches[patches >= 0].tolist()))[:MOST]
        patches[~np.isin(patches, labels)] = NO_GROUP
        bare = {self.numbers.get(word): word for word in map(bare_word, words)}
        names = tuple(bare[label] for label in labels)
        return {"picture": page, "names": names, "labels": labels, "patch_labels": patches}

    def _drawn(self, words: Sequence[str]) -> list[np.ndarray]:
        """Draw each word alone, uint8 [16, width], from its first column of ink to its last."""
        strips = np.concatenate([*np.moveaxis(self.renderer(words).patches, 1, 0)], axis=2)
        inked = [np.flatnonzero(strip.any(axis=0)) for strip in strips]
        pairs = zip(strips, inked, strict=True)
        return [s[:, x[0] : x[-1] + 1] if len(x) else s[:, :0] for s, x in pairs]


def _most_of(labels: np.ndarray) -> int:
    """Return the label of most columns of a patch, -1 without one of enough columns."""
    found, counts = np.unique(labels[labels >= 0], return_counts=True)
    return int(found[counts.argmax()]) if counts.max(initial=0) >= LEAST else NO_GROUP


def word_pages(
    records: Source,
    *,
    split: str,
    size: int,
    text: str = "text",
    keep: Mapping[str, Sequence[str]] | None = None,
    family: str = "noto",
    seed: int = 0,
) -> WordPages:
    """Make pages of the texts of records.

    Args:
        split: "train", "dev" or "test", by the CRC-32 of each text, in shares as of `emoji`.
        size: number of pages.
        keep: column → its values in the records that are taken; None: all.
        family: of the fonts.

    Raises:
        ValueError: for an unknown split, a size below 1, or without a word that fits a line.
    """
    parts, renderer = choose("split", SPLITS, split), Renderer(family, patch=PATCH)
    texts = []
    for number in range(len(records)):
        record: Record = records[number]
        written = text_of(record, text, f"record {number + 1}")
        kept = all(record[name] in values for name, values in (keep or {}).items())
        if kept and content_id(written) % 10 in parts:
            # A line may begin up to a patch from its edge.
            fits = renderer.count_patches(words := written.split()) < WIDTH // PATCH
            texts.append([word for word, one in zip(words, fits, strict=True) if one])
    texts = [words for words in texts if any(len(bare_word(word)) > 1 for word in words)]
    if size < 1 or not texts:
        raise ValueError(f"{size} pages of {len(texts)} texts; at least 1 of each is needed")
    bare = sorted({bare_word(word) for words in texts for word in words} - {""})
    return WordPages(texts, {word: n for n, word in enumerate(bare)}, renderer, size, seed)
