from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.data.pairs import make_pair_maker
from pixel_linguist.data.sources import make_source
from pixel_linguist.data.word_list import neighbour, one_letter_off


def edits(a: str, b: str) -> int:
    """Return the distance in substitutions, insertions, deletions and exchanges of neighbours."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    table[:, 0], table[0] = range(len(a) + 1), range(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            best = min(
                table[i - 1, j] + 1,
                table[i, j - 1] + 1,
                table[i - 1, j - 1] + (a[i - 1] != b[j - 1]),
            )
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                best = min(best, table[i - 2, j - 2] + 1)
            table[i, j] = best
    return int(table[-1, -1])


@pytest.mark.parametrize("word", ["reading", "aa", "a", "Straße", "слово", "नमस", "漢字", "?!"])
def test_neighbours_are_one_letter_off(word: str) -> None:
    rng = np.random.default_rng(0)
    found = [neighbour(word, rng) for _ in range(400)]
    assert {edits(word, other) for other in found} == {1}
    assert "" not in found
    lengths = Counter(len(other) - len(word) for other in found)
    assert lengths[1] == pytest.approx(100, abs=40)


def test_words_of_texts(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("text\tother\nto be or|not to_be\tx\nantidisestablishment\ty\n")
    spec = {"name": "words", "paths": ["a.tsv"], "columns": ["text"], "longest": 5}
    source = make_source(tmp_path, spec)
    assert [source[i]["word"] for i in range(len(source))] == ["to", "be", "or", "not"]


def test_capitals_are_those_of_all_views() -> None:
    make = make_pair_maker({"name": "one_letter_off", "word": "word", "capitals": 0.3})
    rng = np.random.default_rng(0)
    examples = [make({"word": "reading"}, rng) for _ in range(300)]
    made = [{name: str(text) for name, text in example.views.items()} for example in examples]
    kinds = Counter((v["anchor"], v["positive"]) for v in made)
    assert set(kinds) == {(w, w) for w in ("reading", "READING", "Reading")}
    assert kinds["READING", "READING"] == pytest.approx(90, abs=30)
    for views in made:
        assert views["negative"].lower() != "reading"
        assert views["anchor"].isupper() == views["negative"].isupper()


def test_wrong_capitals() -> None:
    with pytest.raises(ValueError, match="capitals"):
        one_letter_off({"word": "a"}, np.random.default_rng(0), word="word", capitals=0.6)
