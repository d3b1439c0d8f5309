"""Strategy "words": each word starts at a patch, and patches never cross words (Lotz et al. 2023).

Each word is drawn once; a batch is one gather from the patches of all words seen.
"""

from collections.abc import Sequence
from itertools import chain
from threading import Lock

import numpy as np

from pixel_linguist.render.grid import OVERHEAD, PIECE, Full, Grid, join, sums
from pixel_linguist.render.layout import Word
from pixel_linguist.render.rendered import Rendered, Stats


class PatchStore:
    """Words as rows of patches in one array: a batch is one gather from it.

    Words are only ever added, behind a lock, so that what was read stays valid without one.
    """

    def __init__(self, grid: Grid, capacity: int, lock: Lock):
        """Make room for `capacity` bytes.

        The memory is claimed from the system page by page, as it is written.
        """
        self._grid, self._lock = grid, lock
        size = grid.height * grid.width
        self._slots = max(capacity // (size + OVERHEAD), 4 * grid.max_patches)
        # Patch 0 is blank; so is the last of each text that has no picture.
        self.patches = np.zeros((self._slots, size), np.uint8)
        self._used = 1
        self.ids: dict[str | tuple[str, int], int] = {}
        self.count = np.zeros(1024, np.int32)
        self.first = np.zeros(1024, np.int32)
        self.missing = np.zeros(1024, np.int32)

    def lookup(self, words: Sequence[str]) -> np.ndarray:
        """Return the numbers of words, int64 [n]; what is new is drawn.

        Raises:
            Full: they do not fit beside those before.
        """
        try:
            return np.fromiter(map(self.ids.__getitem__, words), np.int64, len(words))
        except KeyError:
            with self._lock:
                for word in words:
                    if word not in self.ids:
                        self._add(word, self._grid.layout.shape(word))
            return np.fromiter(map(self.ids.__getitem__, words), np.int64, len(words))

    def lookup_cut(self, word: str, room: int) -> int:
        """Return the number of a word that is cut to at most `room` patches."""
        known = self.ids.get((word, room))
        if known is None:
            with self._lock:
                limit = room * self._grid.width - self._grid.margin - self._grid.gap
                cut = self._grid.fit(self._grid.layout.shape(word), limit)
                known = self._add((word, room), cut)
        return known

    def _add(self, key: str | tuple[str, int], word: Word) -> int:
        grid = self._grid
        count = grid.patches(word.width)
        drawn = min(count, grid.max_patches)
        number = len(self.ids)
        if self._used + max(drawn, 1) > self._slots:
            raise Full
        if number == len(self.count):
            for name in ("count", "first", "missing"):
                setattr(self, name, np.concatenate([getattr(self, name)] * 2))
        canvas = np.zeros((grid.height, drawn * grid.width), np.uint8)
        grid.atlas.draw(word.glyphs, canvas, grid.margin, grid.baseline)
        patches = canvas.reshape(grid.height, drawn, grid.width).swapaxes(0, 1)
        self.patches[self._used : self._used + drawn] = patches.reshape(drawn, -1)
        self.count[number] = count
        self.first[number] = self._used
        self.missing[number] = word.missing
        # A word without a picture takes a slot too, so that their number stays bounded.
        self._used += max(drawn, 1)
        self.ids[key] = number
        return number


class Words:
    """Each word starts at a patch; a text is a row of patches of words."""

    def __init__(self, grid: Grid, memory: int):
        self.grid, self._memory, self._lock = grid, memory, Lock()
        self._store = self._new()

    def _new(self) -> "PatchStore":
        return PatchStore(self.grid, self._memory, self._lock)

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """Return the patches that texts take in full, int32 [N]."""
        words = [text.split() for text in texts]
        counts = self._count_words([*chain.from_iterable(words)])
        return np.maximum(sums(counts, words), 1).astype(np.int32)

    def _count_words(self, words: list[str]) -> np.ndarray:
        counts = np.zeros(len(words), np.int64)
        for start in range(0, len(words), PIECE):
            piece = words[start : start + PIECE]
            try:
                counts[start : start + PIECE] = self._try_count(piece)
            except Full:
                counts[start : start + PIECE] = [self._count_one(word) for word in piece]
        return counts

    def _try_count(self, words: list[str]) -> np.ndarray:
        store = self._store
        return store.count[store.lookup(words)]

    def _count_one(self, word: str) -> int:
        try:
            return int(self._try_count([word])[0])
        except Full:
            self._store = self._new()
            return int(self._try_count([word])[0])

    def render(self, texts: Sequence[str], length: int | None) -> Rendered:
        """Draw texts, uint8 [B, S, H, W]."""
        words = [text.split() for text in texts]
        if length is None:
            counts = np.maximum(sums(self._count_words([*chain.from_iterable(words)]), words), 1)
            length = min(int(counts.max(initial=1)), self.grid.max_patches)
        return self._render(words, length)

    def _render(self, words: list[list[str]], length: int) -> Rendered:
        try:
            return self._put_together(self._store, words, length)
        except Full:
            store = self._store = self._new()
        try:
            return self._put_together(store, words, length)
        except Full:
            half = len(words) // 2
            if half:
                return join(self._render(words[:half], length), self._render(words[half:], length))
        # One text with more words than there is memory: those that do not show are left out.
        counts = self._count_words(words[0])
        room = min(length, self.grid.max_patches)
        seen = np.flatnonzero(counts)[: int((np.cumsum(counts[counts > 0]) <= room).sum()) + 1]
        self._store = self._new()
        return self._put_together(self._store, [[words[0][i] for i in seen]], length)

    def _put_together(self, store: PatchStore, words: list[list[str]], length: int) -> Rendered:
        flat = [*chain.from_iterable(words)]
        ids = store.lookup(flat)
        count = store.count[ids].astype(np.int64)
        room = min(length, self.grid.max_patches)
        totals = sums(count, words)
        long = np.flatnonzero(totals > room)
        if long.size:
            starts = np.cumsum([0, *map(len, words)])
            for text in long:
                part = slice(starts[text], starts[text + 1])
                self._cut(store, flat[part], ids[part], count[part], room)
            totals = sums(count, words)
        before = np.cumsum(count) - count
        slots = np.repeat(store.first[ids] - before, count) + np.arange(count.sum())
        index = np.zeros((len(words), length), np.int64)
        index[np.arange(length) < totals[:, None]] = slots
        patches = store.patches.take(index.ravel(), axis=0)
        return Rendered(
            patches.reshape(len(words), length, self.grid.height, self.grid.width),
            np.maximum(totals, 1).astype(np.int32),
            Stats(int(long.size), int(store.missing[ids[count > 0]].sum())),
        )

    @staticmethod
    def _cut(
        store: PatchStore, words: list[str], ids: np.ndarray, count: np.ndarray, room: int
    ) -> None:
        """Cut one text in place: `ids` and `count` of its words."""
        ends = np.cumsum(count)
        last = int(np.searchsorted(ends, room, side="right"))
        left = room - int(ends[last] - count[last])
        count[last:] = 0
        if left:
            ids[last] = store.lookup_cut(words[last], left)
            count[last] = store.count[ids[last]]
