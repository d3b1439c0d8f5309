"""Bags of words: the words of a text, each by the number of the bucket that its hash falls into."""

import unicodedata
import zlib

import regex

# A stretch between two word boundaries that begins with a letter or a digit.
_WORD = regex.compile(r"\b(?=\w).+?\b", regex.WORD | regex.DOTALL)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return where each word of a text begins and ends, in order.

    Words are those of Unicode Standard Annex 29 ("can't", "3.14"), so that what is around a word,
    and scripts that write no spaces, need nothing of their own: Han and Thai fall into characters.
    """
    return [match.span() for match in _WORD.finditer(text)]


def word_bucket(word: str, buckets: int) -> int:
    """Return the bucket of a word, in 0..buckets - 1, whatever its case (CRC-32 of UTF-8, NFC).

    It is the same on every machine and in every process.
    """
    folded = unicodedata.normalize("NFC", word.casefold())
    return zlib.crc32(folded.encode("utf-8", "surrogatepass")) % buckets
