"""Edited copies of texts: what changed, and that words that meet have met before."""

import collections
import itertools
from pathlib import Path

import pytest

from pixel_linguist.data.edited_texts import EditedTexts
from pixel_linguist.data.sources import make_source

TEXTS = (
    *("a man plays a guitar", "a man plays the piano", "a woman plays a drum", "a man sings"),
    *("the man plays a small drum", "a dog plays a guitar", "one", ""),
)
NUMBER = 3


def blocks(texts: tuple[str, ...]) -> list[list[str]]:
    """Return each text with its copies."""
    source = EditedTexts([{"text": text} for text in texts], "text", NUMBER)
    found = [source[i]["text"] for i in range(len(source))]
    assert found == [source[i]["text"] for i in range(len(source))]
    return [found[i : i + 1 + NUMBER] for i in range(0, len(found), 1 + NUMBER)]


def meetings(text: str) -> set[tuple[str, str]]:
    """Return the pairs of words side by side, the edges of the text among them."""
    return set(itertools.pairwise(["<", *text.split(), ">"]))


def test_copies_change_a_word_or_two() -> None:
    texts = TEXTS[:-2] * 5
    found = blocks(texts)
    assert [block[0] for block in found] == list(texts)
    known = set().union(*map(meetings, TEXTS))
    kinds: collections.Counter[str] = collections.Counter()
    for text, *copies in found:
        words, different = text.split(), set(copies) - {text}
        assert different
        for copy in different:
            edited = copy.split()
            changed = [
                i for i, pair in enumerate(zip(words, edited, strict=False)) if len({*pair}) > 1
            ]
            if sorted(edited) == sorted(words):
                kinds["exchanged"] += 1
                assert len(changed) == 2
                continue
            assert meetings(copy) <= known
            length = len(edited) - len(words)
            kinds[{-1: "dropped", 0: "replaced", 1: "added"}[length]] += 1
            assert length or len(changed) == 1
    assert kinds.keys() == {"exchanged", "dropped", "replaced", "added"}


def test_texts_that_allow_no_edit_are_repeated() -> None:
    assert blocks(TEXTS)[-2:] == [["one"] * 4, [""] * 4]


def test_copies_depend_on_the_texts_alone() -> None:
    assert blocks(TEXTS) == blocks(TEXTS)
    assert blocks((TEXTS[0],) * 2)[0][0] == TEXTS[0]


def test_as_a_source_of_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "texts.tsv").write_text("text\n" + "\n".join(TEXTS[:4]) + "\n")
    inner = {"name": "tsv", "path": "texts.tsv"}
    spec = {"name": "edited_texts", "source": inner, "text": "text", "number": 2}
    assert len(make_source(tmp_path, spec)) == 12
    with pytest.raises(ValueError, match="number"):
        make_source(tmp_path, spec | {"number": 0})
    with pytest.raises(IndexError):
        make_source(tmp_path, spec)[12]
