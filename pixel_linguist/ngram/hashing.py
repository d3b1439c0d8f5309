"""From the cells of patches to hashed n-grams, and from hashes to rows of a table. NumPy alone."""

import numpy as np

from pixel_linguist.ngram.ngram_model import BUCKET, FINGERPRINTS

# The least cosine at which a cell is read as the letter that it is most similar to.
SIMILAR = 0.6
# A cell that resembles no letter is named by its pixels, from here on; letters have smaller names.
PICTURE = np.uint32(1 << 31)
# Letters of the shortest word with a feature for its letters in any order.
SHORTEST = 4
# Hashes, uint32 [N, starts], and which of them exist, bool [N, starts].
Found = tuple[np.ndarray, np.ndarray]


def cut_cells(patches: np.ndarray, width: int, scale: int) -> np.ndarray:
    """Return the cells of patches uint8 [N, H, W] whose width is halved `scale` times.

    They are [N, W / width / 2**scale, H, width], of sums of pixels: uint16, but uint8 at scale 0.
    """
    number, height, across = patches.shape
    shape = (number, height, across >> scale, 1 << scale)
    narrow = patches.reshape(shape).sum(axis=-1, dtype=np.uint16) if scale else patches
    return narrow.reshape(number, height, -1, width).swapaxes(1, 2)


def mix(numbers: np.ndarray) -> np.ndarray:
    """Return uint32 of which every bit depends on all bits of a number (murmur3's last step)."""
    numbers = (numbers ^ (numbers >> 16)) * np.uint32(0x85EBCA6B)
    numbers = (numbers ^ (numbers >> 13)) * np.uint32(0xC2B2AE35)
    mixed: np.ndarray = numbers ^ (numbers >> 16)
    return mixed


def name_cells(
    codes: np.ndarray, letters: np.ndarray, pixels: np.ndarray, scale: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the names of cells, uint32 [N], and which of them are read, bool [N].

    A blank cell is 0 and letter k is k + 1. At scale 0 a cell that resembles no letter is named by
    a hash of its pixels; at others it is not read, as it may be halves of two letters.

    Args:
        codes: float [N, C], of length 1 at most.
        letters: float [L, C], of length 1.
        pixels: uint [N, P].
        scale: how often the width was halved.
    """
    cosines = codes @ letters.T
    letter = cosines.argmax(axis=1).astype(np.uint32) + np.uint32(1)
    similar, ink = cosines.max(axis=1) >= SIMILAR, pixels.any(axis=1)
    factors = mix(np.arange(1, pixels.shape[1] + 1, dtype=np.uint32)) | np.uint32(1)
    picture = mix((pixels.astype(np.uint32) * factors).sum(axis=1, dtype=np.uint32)) | PICTURE
    names = np.where(ink, np.where(similar, letter, picture), np.uint32(0))
    return names, similar | ~ink | (scale == 0)


def hash_ngrams(names: np.ndarray, ink: np.ndarray, read: np.ndarray, longest: int) -> list[Found]:
    """Return for each length uint32 [N, starts], the n-grams of patches, and which exist.

    A blank cell stands on either side of a patch, so that n-grams show where words begin and end.
    Inside an n-gram there is no blank cell, and it is not blank as a whole.

    Args:
        names: uint32 [N, cells], as `name_cells` gives them.
        ink: bool [N, cells], whether a cell has any.
        read: bool [N, cells], whether a cell is read.
        longest: n-gram, in cells.
    """
    names, ink = (np.pad(x, ((0, 0), (1, 1))) for x in (names, ink))
    read = np.pad(read, ((0, 0), (1, 1)), constant_values=True)
    hashes, all_read, some_ink = mix(names + np.uint32(1)), read, ink
    inner = np.ones_like(ink)
    found = [(hashes, read & ink)]
    for length in range(2, longest + 1):
        hashes = mix(hashes[:, :-1] * np.uint32(0x9E3779B1) + names[:, length - 1 :])
        all_read = all_read[:, :-1] & read[:, length - 1 :]
        some_ink = some_ink[:, :-1] | ink[:, length - 1 :]
        inner = inner[:, :-1]
        if length > 2:
            inner = inner & ink[:, length - 2 : -1]
        found.append((hashes, all_read & some_ink & inner))
    return found


def hash_bags(names: np.ndarray, ink: np.ndarray, read: np.ndarray) -> Found:
    """Return uint32 [N, 1], the bags of letters of patches, and which exist, bool [N, 1].

    The first and the last letter are marked; the others may come in any order, so that a word with
    scrambled inner letters keeps this feature. Words of fewer than `SHORTEST` letters have none.
    Arguments are those of `hash_ngrams`.
    """
    place = ink.cumsum(axis=1)
    total = place[:, -1:]
    ends = (ink & (place == 1)) * np.uint32(2) + (ink & (place == total)) * np.uint32(4)
    each = mix(names + np.uint32(1)) * (ink + ends)
    hashes = mix(each.sum(axis=1, keepdims=True, dtype=np.uint32))
    return hashes, read.all(axis=1, keepdims=True) & (total >= SHORTEST)


def find_rows(hashes: np.ndarray, fingerprints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of n-grams, int [N], and which n-grams have one, bool [N].

    Args:
        hashes: uint32 [N].
        fingerprints: int [R / `BUCKET`, `BUCKET`], of the n-gram of each row; 0 matches all.
    """
    buckets = np.uint32(len(fingerprints))
    bucket = (hashes % buckets).astype(np.int32)
    own = (hashes // buckets % np.uint32(FINGERPRINTS)).astype(np.int32) + 1
    there = fingerprints[bucket]
    same = (there == own[:, None]) | (there == 0)
    return bucket * BUCKET + same.argmax(axis=1), same.any(axis=1)
