"""Strategy "continuous": the text runs on across patches, as PIXEL draws it.

Each word is drawn once; a text is its words' strips of pixels, set side by side.
"""

from collections.abc import Sequence
from itertools import chain
from threading import Lock

import numpy as np

from pixel_linguist.render.grid import OVERHEAD, PIECE, Full, Grid, join, sums
from pixel_linguist.render.rendered import Rendered, Stats


class Continuous:
    """The text runs on across patches; between words stands the font's space."""

    def __init__(self, grid: Grid, memory: int):
        self.grid, self._memory, self._lock = grid, memory, Lock()
        self._store = StripStore(grid, memory, self._lock)

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """Return the patches that texts take in full, int32 [N]."""
        words = [_split(text) for text in texts]
        flat = [*chain.from_iterable(words)]
        widths = np.zeros(len(flat), np.int64)
        for start in range(0, len(flat), PIECE):
            widths[start : start + PIECE] = self._widths(flat[start : start + PIECE])
        return self._counts(sums(widths + self.grid.layout.space, words))

    def _widths(self, words: list[str]) -> np.ndarray:
        try:
            store, ids = self._lookup(words)
        except Full:
            half = len(words) // 2
            return np.concatenate([self._widths(words[:half]), self._widths(words[half:])])
        return store.width[ids]

    def _lookup(self, words: list[str]) -> tuple["StripStore", list[int]]:
        store = self._store
        try:
            return store, store.lookup(words)
        except Full:
            store = self._store = StripStore(self.grid, self._memory, self._lock)
            return store, store.lookup(words)

    def _counts(self, widths: np.ndarray) -> np.ndarray:
        """Turn widths of texts, a space at their end included, into patches, int32."""
        taken = widths - self.grid.layout.space + self.grid.margin + self.grid.gap
        return np.maximum(-(-taken // self.grid.width), 1).astype(np.int32)

    def render(self, texts: Sequence[str], length: int | None) -> Rendered:
        """Draw texts, uint8 [B, S, H, W]."""
        if length is None:
            length = min(int(self.count(texts).max(initial=1)), self.grid.max_patches)
        return self._render([_split(text) for text in texts], length)

    def _render(self, words: list[list[str]], length: int) -> Rendered:
        try:
            store, ids = self._lookup([*chain.from_iterable(words)])
        except Full:
            half = len(words) // 2
            if half:
                return join(self._render(words[:half], length), self._render(words[half:], length))
            # One text with more words than there is memory: what is out of sight is left out.
            store, ids, words = self._lookup_seen(words[0], length)
        return self._put_together(store, words, ids, length)

    def _lookup_seen(
        self, words: list[str], length: int
    ) -> tuple["StripStore", list[int], list[list[str]]]:
        starts = np.cumsum([0, *(self._widths(words) + self.grid.layout.space)])[:-1]
        room = min(length, self.grid.max_patches) * self.grid.width
        seen = words[: int((starts <= room).sum())]
        self._store = StripStore(self.grid, self._memory, self._lock)
        return *self._lookup(seen), [seen]

    def _put_together(
        self, store: "StripStore", words: list[list[str]], ids: list[int], length: int
    ) -> Rendered:
        grid, unit = self.grid, self.grid.width
        bounds = np.cumsum([0, *map(len, words)])
        width, before = store.width[ids], store.before[ids]
        begins = np.concatenate([[0], np.cumsum(width + grid.layout.space)])
        xs = begins[:-1] - np.repeat(begins[bounds[:-1]], np.diff(bounds)) + grid.margin
        counts = self._counts(np.diff(begins[bounds]))
        # Ink may reach out of the text on both sides; whole patches, so that rows stay aligned.
        reach = int(max(before.max(initial=0), store.after[ids].max(initial=0)))
        lead = -(-reach // unit)
        canvas = np.zeros((len(words), grid.height, (length + 2 * lead) * unit), np.uint8)
        places = (xs - before + lead * unit).tolist()
        stops = bounds[1:].copy()
        missing = int(store.missing[ids].sum())
        room = min(length, grid.max_patches)
        long = np.flatnonzero(counts > room)
        for text in long:
            start, stop = bounds[text : text + 2]
            fits = xs[start:stop] + width[start:stop] <= room * unit - grid.gap
            whole = start + int(fits.sum())
            last = words[text][whole - start]
            with self._lock:
                cut = grid.fit(grid.layout.shape(last), room * unit - grid.gap - int(xs[whole]))
                grid.atlas.draw(
                    cut.glyphs, canvas[text], int(xs[whole]) + lead * unit, grid.baseline
                )
            end = int(xs[whole]) + cut.width
            counts[text] = max(-(-(end + grid.gap) // unit), 1)
            missing += cut.missing - int(store.missing[ids[whole:stop]].sum())
            stops[text] = whole
        for row, start, stop in zip(canvas, bounds[:-1].tolist(), stops.tolist(), strict=True):
            store.draw(row, ids[start:stop], places[start:stop])
        seen = canvas[:, :, lead * unit : (lead + length) * unit]
        patches = seen.reshape(len(words), grid.height, length, unit).swapaxes(1, 2)
        return Rendered(np.ascontiguousarray(patches), counts, Stats(int(long.size), missing))


class StripStore:
    """Words as strips of pixels, uint8 [height, width + overhang], to be set side by side.

    Words are only ever added, behind a lock, so that what was read stays valid without one.
    """

    def __init__(self, grid: Grid, capacity: int, lock: Lock):
        """Make room for `capacity` bytes."""
        self._grid, self._lock = grid, lock
        # At the least what one text shows.
        columns = grid.max_patches * grid.width
        words = columns // grid.layout.space + 2
        self._left = max(capacity, 4 * columns * grid.height + 2 * words * OVERHEAD)
        self.ids: dict[str, int] = {}
        self.strips: list[np.ndarray] = []
        # Columns by which ink begins before the word's start.
        self.before = np.zeros(1024, np.int32)
        # Columns by which ink goes on after its end.
        self.after = np.zeros(1024, np.int32)
        # Whether ink reaches so far beyond the word that it may meet that of its neighbours.
        self.meets: list[bool] = []
        self.width = np.zeros(1024, np.int32)
        self.missing = np.zeros(1024, np.int32)

    def lookup(self, words: Sequence[str]) -> list[int]:
        """Return the numbers of words; what is new is drawn.

        Raises:
            Full: they do not fit beside those before.
        """
        try:
            return [*map(self.ids.__getitem__, words)]
        except KeyError:
            with self._lock:
                for word in words:
                    if word not in self.ids:
                        self._add(word)
            return [*map(self.ids.__getitem__, words)]

    def _add(self, word: str) -> None:
        grid, number = self._grid, len(self.ids)
        shaped = grid.layout.shape(word)
        left, right = grid.atlas.extent(shaped)
        right = max(min(right, grid.max_patches * grid.width), left)
        cost = (right - left) * grid.height + 2 * OVERHEAD
        if self.ids and cost > self._left:
            raise Full
        self._left -= cost
        if number == len(self.width):
            for name in ("width", "missing", "before", "after"):
                setattr(self, name, np.concatenate([getattr(self, name)] * 2))
        strip = np.zeros((grid.height, right - left), np.uint8)
        grid.atlas.draw(shaped.glyphs, strip, -left, grid.baseline)
        self.strips.append(strip)
        reach = grid.layout.space // 2
        self.meets.append(-left > reach or right - shaped.width > reach)
        self.before[number] = -left
        self.after[number] = max(right - shaped.width, 0)
        self.width[number] = shaped.width
        self.missing[number] = shaped.missing
        self.ids[word] = number

    def draw(self, row: np.ndarray, ids: list[int], places: list[int]) -> None:
        """Draw the words of one text on a row, uint8 [height, columns], from their columns on."""
        strips, meets = self.strips, self.meets
        for i, place in zip(ids, places, strict=True):
            strip = strips[i]
            part = row[:, place : place + strip.shape[1]]
            if meets[i]:
                part += np.minimum(strip, 255 - part)
            else:
                part[:] = strip


def _split(text: str) -> list[str]:
    """Split at spaces; each further space of several adds an empty word."""
    return text.strip().split(" ")
