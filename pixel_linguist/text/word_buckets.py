"""Words of a text, each hashed into one of a fixed number of buckets."""

import unicodedata
import zlib

import regex

# A stretch between two word boundaries that begins with a letter or a digit.
_WORD = regex.compile(r"\b(?=\w).+?\b", regex.WORD | regex.DOTALL)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return start and end of each word of a text, in order.

    Words are those of Unicode Standard Annex 29 ("can't", "3.14"). Of scripts written without
    spaces (Han, Thai) each character is a word.
    """
    return [match.span() for match in _WORD.finditer(text)]


def word_bucket(word: str, buckets: int) -> int:
    """Return the bucket of a word in 0..buckets - 1, whatever its case (CRC-32 of UTF-8, NFC).

    It is the same on every machine and in every process.
    """
    folded = unicodedata.normalize("NFC", word.casefold())
    return zlib.crc32(folded.encode("utf-8", "surrogatepass")) % buckets
