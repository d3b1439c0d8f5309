"""Words are found by their letters alone, and texts are split as one by one."""

from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_linguist.render import Renderer
from pixel_linguist.render.cache import unit_cache
from pixel_linguist.render.cache.word_table import LONG, Keys, WordTable, keys_of
from pixel_linguist.render.ragged import Spans
from pixel_linguist.render.units import PAIRS, PIECES, WORDS, Splitting

# White space of all kinds, letters of both directions, beyond the basic plane, lone surrogates.
TEXTS = st.lists(
    st.text(st.sampled_from("ab é \t\n\u3000\xa0\u0000\ud800𝔘אב1"), max_size=12), max_size=6
)


@settings(deadline=None)
@given(TEXTS, st.sampled_from([WORDS, PIECES, PAIRS]))
def test_many_texts_are_split_as_each_alone(texts: list[str], split: Splitting) -> None:
    units = split(texts)
    found = [
        [units.unit(number) for number in range(units.bounds[i], units.bounds[i + 1])]
        for i in range(len(texts))
    ]
    assert found == [split.one(text) for text in texts]


def test_words_are_split_at_all_white_space() -> None:
    texts = [f"a{chr(code)}b" for code in range(0x11000)]
    units = WORDS(texts)
    found = np.diff(units.bounds)
    np.testing.assert_array_equal(found, [len(text.split()) for text in texts])


def keys(words: list[str]) -> Keys:
    return keys_of(WORDS([" ".join(words)]).spans)


def add(table: WordTable, words: list[str], known: dict[str, int]) -> None:
    """Add words that are not there yet, to a table and to a dict."""
    new = [word for word in dict.fromkeys(words) if word not in known]
    known.update(zip(new, range(len(known), len(known) + len(new)), strict=True))
    if new:
        numbers = np.array([known[word] for word in new])
        table.add(keys(new), numbers)


@settings(deadline=None)
@given(st.lists(st.lists(st.text("abc\u0000я中𝔘", min_size=1, max_size=5), min_size=1), max_size=8))
def test_a_vocabulary_is_a_dict(batches: list[list[str]]) -> None:
    table, known = WordTable(), dict[str, int]()
    for words in batches:
        expected = [known.get(word, -1) for word in words]
        found = table.find(keys(words))
        np.testing.assert_array_equal(found, expected)
        add(table, words, known)


def test_a_vocabulary_grows() -> None:
    table, known = WordTable(), dict[str, int]()
    for start in range(0, 20_000, 700):
        add(table, [f"w{number}" for number in range(start, start + 700)], known)
    words = [f"w{number}" for number in range(0, 40_000, 3)]
    found = table.find(keys(words))
    np.testing.assert_array_equal(found, [known.get(word, -1) for word in words])


@pytest.mark.parametrize("strategy", ["words", "continuous"])
def test_words_of_one_hash_stay_apart(strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"one longword{number} two {number}" for number in range(50)] * 2
    expected = Renderer(strategy=strategy)(texts)

    def few(words: Spans) -> Keys:
        found = keys_of(words)
        hashes = found.hashes.copy()
        hashes[found.long] = hashes[found.long] % np.uint64(7) | LONG
        return found._replace(hashes=hashes)

    monkeypatch.setattr(unit_cache, "keys_of", few)
    np.testing.assert_array_equal(Renderer(strategy=strategy)(texts).patches, expected.patches)


def test_what_others_add_meanwhile_is_found_or_not_but_never_wrong() -> None:
    table, known = WordTable(), dict[str, int]()
    words = [f"w{number}" for number in range(8000)]
    everything, wrong = keys(words), []

    def look() -> None:
        for _ in range(60):
            found = table.find(everything)
            if not np.isin(found - np.arange(len(words)) * (found >= 0), [0, -1]).all():
                wrong.append(found)

    threads = [Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for start in range(0, len(words), 50):
        add(table, words[start : start + 50], known)
    for thread in threads:
        thread.join()
    assert not wrong
    np.testing.assert_array_equal(table.find(everything), np.arange(len(words)))
