"""Features of a patch as the sum over its windows of neighbouring cells."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

# A cell is read as the letter that it is most like, if its code answers to it so much.
ALIKE = 0.6
# Letters of a word whose order may not count, at least.
SHORTEST = 4
# Rows that stand together; whose they are is told by numbers from 1 to `PRINTS`, which float16
# holds. 0 answers to every window.
BUCKET, PRINTS = 8, 2047
# Of each bucket the first rows, whose windows are the more frequent, are stored more finely.
FINE = 4
# Vectors that a code of a row chooses from.
CHOICES = 256
# A cell that is read as its own picture has a name from here on; names of letters are smaller.
PICTURE = np.uint32(1 << 31)


class WindowFeatures(nn.Module):
    """A layer over all windows of a patch: what it learns of a few letters holds wherever they are.

    Attributes:
        cell_pixels: width of a cell.
        cell_scales: how often a patch is read, each time half as wide as before: letters of twice
            the width are then like others.
        cell_hidden: units of a layer that a cell's pixels go through first, to numbers of length 1
            at most; 0: none.
        cell_width: numbers C that a cell is mapped to, linearly, of length 1 at most.
        window_cells: cells K of the longest windows.
        letters: L codes of letters.
        rows: R, each of a window of one to K letters.
        codes: M of each row, which name vectors for D / M of its numbers each.
        fine_codes: more, of each row that is stored more finely, for what the others leave.
        width: D.
        dtype: of the rows.
    """

    cell_pixels: int
    cell_scales: int
    cell_hidden: int
    cell_width: int
    window_cells: int
    letters: int
    rows: int
    codes: int
    fine_codes: int
    width: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, patches: jax.Array) -> jax.Array:
        """Map uint8 [S, H, W] to float [S, D].

        A blank cell stands on either side of a patch, so that words are seen to begin and end.
        """
        # Which letters there are is told in single precision, as `Reader` tells it.
        first = nn.Dense(self.cell_hidden, name="cell_hidden") if self.cell_hidden else None
        cell = nn.Dense(self.cell_width, name="cell")
        shape = (self.letters, self.cell_width)
        letters = unit_length(self.param("letters", nn.initializers.normal(), shape))
        prints = whole(self.param("prints", nn.initializers.zeros, (self.rows // BUCKET, BUCKET)))
        table = self.table()
        total = jnp.zeros((len(patches), self.width), self.dtype)
        for scale in range(self.cell_scales):
            cells = cut_apart(narrower(patches, scale), self.cell_pixels)
            cells = cells.reshape(*cells.shape[:2], -1)
            ink = cells.any(axis=-1)
            x = cells.astype(jnp.float32) / (255 << scale)
            x = cell(x if first is None else nn.relu(first(x)))
            # A picture unlike all that were seen may not wake every unit.
            x /= jnp.sqrt(jnp.maximum((x**2).sum(axis=-1, keepdims=True), 1))
            names, told = name_cells(x, letters, cells, scale)
            windows = hash_windows(names, ink, told, self.window_cells)
            for hashes, there in (*windows, hash_letters(names, ink, told)):
                row, known = find_rows(hashes, prints)
                total += jnp.where((known & there)[..., None], table(row), 0).sum(axis=1)
        return total

    def table(self) -> Any:
        """Return what gives the rows, float [..., D], of numbers, int [...]."""
        normal, size = nn.initializers.normal(self.width**-0.5), self.rows // BUCKET * FINE
        coded = {
            "codes": whole(self.param("codes", draw_codes, (self.rows, self.codes))),
            "fine_codes": whole(self.param("fine_codes", draw_codes, (size, self.fine_codes))),
            "scales": self.param("scales", nn.initializers.ones, (self.rows,)),
        }
        for name, codes in (("book", self.codes), ("fine_book", self.fine_codes)):
            coded[name] = self.param(name, normal, (codes, CHOICES, self.width // codes))
        # NumPy's arrays take no numbers that JAX has yet to find out.
        coded = {name: jnp.asarray(array) for name, array in coded.items()}
        return lambda rows: decode_rows(coded, rows).astype(self.dtype)


def whole(numbers: jax.Array) -> jax.Array:
    """Return parameters that are whole numbers as int32; they are not trained."""
    return jax.lax.stop_gradient(jnp.rint(numbers)).astype(jnp.int32)


def draw_codes(key: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Return codes drawn at random, as float32."""
    return jax.random.randint(key, shape, 0, CHOICES).astype(jnp.float32)


def decode_rows(coded: Any, rows: Any) -> Any:
    """Return rows, float [..., D], of numbers, int [...]; NumPy's arrays give NumPy's.

    Args:
        coded: what is stored of R rows: "codes" int [R, M] and "fine_codes" int
            [R * `FINE` / `BUCKET`, N], in [0, `CHOICES`), "scales" float [R], "book" float
            [M, `CHOICES`, D / M] and "fine_book" [N, `CHOICES`, D / N].
        rows: their numbers.
    """
    within = rows % BUCKET
    fine = rows // BUCKET * FINE + within % FINE
    row = name_parts(coded["codes"][rows], coded["book"])
    more = name_parts(coded["fine_codes"][fine], coded["fine_book"])
    return (row + more * (within < FINE)[..., None]) * coded["scales"][rows][..., None]


def name_parts(codes: Any, book: Any) -> Any:
    """Return vectors, float [..., D], each of parts that codes name (Jégou et al. 2011).

    Each code names what every M-th number is, so that those that vary most have codes of their own.

    Args:
        codes: int [..., M], in [0, `CHOICES`).
        book: float [M, `CHOICES`, D / M].
    """
    size, _, part = book.shape
    chosen = book[np.arange(size), codes]
    return chosen.swapaxes(-1, -2).reshape(*codes.shape[:-1], size * part)


def mix(numbers: Any) -> Any:
    """Return uint32 of which every bit depends on all of a uint32's (murmur3's last step)."""
    numbers = (numbers ^ (numbers >> 16)) * np.uint32(0x85EBCA6B)
    numbers = (numbers ^ (numbers >> 13)) * np.uint32(0xC2B2AE35)
    return numbers ^ (numbers >> 16)


def name_cells(codes: Any, letters: Any, pixels: Any, scale: int) -> tuple[Any, Any]:
    """Return what cells are read as, uint32 [...], and bool [...], whether they are read at all.

    A blank one is 0 and the letter k is k + 1. What is like no letter is read as its own picture,
    but not narrower than it was drawn: it is parts of two letters then.

    Args:
        codes: float [..., C], of length 1 at most.
        letters: float [L, C], of length 1.
        pixels: uint [..., P].
        scale: how often they were made half as wide.
    """
    xp: Any = jnp if isinstance(codes, jax.Array) else np
    answers = codes @ letters.T
    letter = answers.argmax(axis=-1).astype(np.uint32) + np.uint32(1)
    alike, ink = answers.max(axis=-1) >= ALIKE, pixels.any(axis=-1)
    factors = mix(np.arange(1, pixels.shape[-1] + 1, dtype=np.uint32)) | np.uint32(1)
    picture = mix((pixels.astype(np.uint32) * factors).sum(axis=-1, dtype=np.uint32)) | PICTURE
    names = xp.where(ink, xp.where(alike, letter, picture), np.uint32(0))
    return names, alike | ~ink | (scale == 0)


def hash_windows(names: Any, ink: Any, told: Any, longest: int) -> list[tuple[Any, Any]]:
    """Return the windows of patches, for each length uint32 [N, starts] and bool, which there are.

    Windows hold no blank cell but at their ends, and not only those. Blank cells stand around.

    Args:
        names: uint32 [N, cells], as `name_cells` gives them.
        ink: bool [N, cells], whether a cell has any.
        told: bool [N, cells], whether a cell is read.
        longest: in cells.
    """
    xp: Any = jnp if isinstance(names, jax.Array) else np
    names, ink = (xp.pad(x, ((0, 0), (1, 1))) for x in (names, ink))
    told = xp.pad(told, ((0, 0), (1, 1)), constant_values=True)
    hashes, all_told, some_ink = mix(names + np.uint32(1)), told, ink
    inner = xp.ones_like(ink)
    found = [(hashes, told & ink)]
    for length in range(2, longest + 1):
        hashes = mix(hashes[:, :-1] * np.uint32(0x9E3779B1) + names[:, length - 1 :])
        all_told = all_told[:, :-1] & told[:, length - 1 :]
        some_ink = some_ink[:, :-1] | ink[:, length - 1 :]
        inner = inner[:, :-1]
        if length > 2:
            inner = inner & ink[:, length - 2 : -1]
        found.append((hashes, all_told & some_ink & inner))
    return found


def hash_letters(names: Any, ink: Any, told: Any) -> tuple[Any, Any]:
    """Return the letters of patches in any order but for the first and the last.

    They are a window more, uint32 [N, 1] and bool [N, 1]. Shorter words have none.

    Args:
        names: uint32 [N, cells], as `name_cells` gives them.
        ink: bool [N, cells], whether a cell has any.
        told: bool [N, cells], whether a cell is read.
    """
    place = ink.cumsum(axis=1)
    total = place[:, -1:]
    ends = (ink & (place == 1)) * np.uint32(2) + (ink & (place == total)) * np.uint32(4)
    each = mix(names + np.uint32(1)) * (ink + ends)
    hashes = mix(each.sum(axis=1, keepdims=True, dtype=np.uint32))
    return hashes, told.all(axis=1, keepdims=True) & (total >= SHORTEST)


def find_rows(hashes: Any, prints: Any) -> tuple[Any, Any]:
    """Return the rows of windows, int [...], and bool [...], whether they have one.

    Args:
        hashes: uint32 [...].
        prints: int [R / `BUCKET`, `BUCKET`], whose each row is.
    """
    bucket, own = locate(hashes, len(prints))
    there = prints[bucket]
    same = (there == own[..., None]) | (there == 0)
    return bucket * BUCKET + same.argmax(axis=-1), same.any(axis=-1)


def locate(hashes: Any, buckets: int) -> tuple[Any, Any]:
    """Return the buckets of windows, int32, and what tells them apart there, 1 to `PRINTS`."""
    bucket, rest = hashes % np.uint32(buckets), hashes // np.uint32(buckets)
    return bucket.astype(np.int32), (rest % np.uint32(PRINTS)).astype(np.int32) + 1


def narrower(patches: Any, scale: int) -> Any:
    """Return patches uint8 [..., W] 2**scale times as narrow: uint16 sums of pixels, not means."""
    shape = (*patches.shape[:-1], patches.shape[-1] >> scale, 1 << scale)
    return patches.reshape(shape).sum(axis=-1, dtype=np.uint16)


def cut_apart(patches: Any, width: int) -> Any:
    """Return the cells of patches [..., H, W]: [..., cells, H, width]."""
    *front, height, across = patches.shape
    return patches.reshape(*front, height, across // width, width).swapaxes(-3, -2)


def map_cells(params: dict[str, Any], pixels: np.ndarray) -> np.ndarray:
    """Return what `WindowFeatures` maps cells to: float32 [N, C] of pixels [N, P] in [0, 1]."""
    hidden, cell = params.get("cell_hidden"), params["cell"]
    if hidden:
        pixels = np.maximum(pixels @ hidden["kernel"] + hidden["bias"], 0)
    codes = pixels @ cell["kernel"] + cell["bias"]
    return codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1)


def unit_length(letters: Any) -> Any:
    """Return codes of letters, float [L, C], of length 1; of blank rows 0."""
    return letters / (jnp if isinstance(letters, jax.Array) else np).maximum(
        (letters**2).sum(axis=1, keepdims=True) ** 0.5, 1e-6
    )
