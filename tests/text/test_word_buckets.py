"""Words of any script, and their buckets."""

import subprocess
import sys
from collections import Counter

import pytest

from pixel_linguist.data.facts import word_bucket, word_spans


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Can't stop: a café-au-lait, 3.14!", ["Can't", "stop", "a", "café", "au", "lait", "3.14"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("שלום, עולם", ["שלום", "עולם"]),
        ("我喜欢。", ["我", "喜", "欢"]),
        ("a\u0301b \ud800 👍\nc", ["a\u0301b", "c"]),
        ("", []),
        (" ,. ", []),
    ],
)
def test_words_are_found_where_they_stand(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in word_spans(text)] == words


def test_spellings_of_one_word_share_a_bucket() -> None:
    for one, other in (("Guitar", "GUITAR"), ("caf\u00e9", "cafe\u0301"), ("Straße", "STRASSE")):
        assert word_bucket(one, 1 << 30) == word_bucket(other, 1 << 30)
    assert word_bucket("guitar", 1 << 30) != word_bucket("guitars", 1 << 30)


def test_another_process_has_the_same_buckets() -> None:
    code = "from pixel_linguist.data.facts import word_bucket as b; print(b('déjà', 997))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert int(found.stdout) == word_bucket("déjà", 997)


def test_words_are_spread_over_the_buckets() -> None:
    counts = Counter(word_bucket(f"word{number}", 16) for number in range(1600))
    assert set(counts) == set(range(16))
    # Five standard deviations of a binomial of 1600 draws in 16.
    assert max(abs(count - 100) for count in counts.values()) < 50
