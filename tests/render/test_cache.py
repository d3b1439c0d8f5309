"""The fast path: words are found by their letters alone, and drawn as one by one, in any memory."""

import json
import os
import tracemalloc
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_linguist.render import Renderer
from pixel_linguist.render.cache import unit_cache
from pixel_linguist.render.cache.shape import BulkShaper
from pixel_linguist.render.cache.word_table import LONG, Keys, WordTable, keys_of
from pixel_linguist.render.ragged import Codes, Spans
from pixel_linguist.render.units import PAIRS, PIECES, WORDS, Splitting

SAMPLES = json.loads(Path(__file__).with_name("words.json").read_text())
ODD = (
    "office fluffy affix AVATAR To. 'quoted' (x) 1,234.50 ½ № ﬁ Å Å 가나다 각 ᄀ가 ﷺ e\u0301 "
    "ǆ ŉ ﬃ ß ẞ İ ı ĳ A\u200db x\u00ady ① ☎ € ₿ + = → ⇒ © 1️⃣ 中a ａ１ ｶﾞ ー々〆 ﬓ ŀl \ue000"
)
# White space of all kinds, letters of both directions, beyond the basic plane, lone surrogates.
TEXTS = st.lists(
    st.text(st.sampled_from("ab é \t\n\u3000\xa0\u0000\ud800𝔘אב1"), max_size=12), max_size=6
)
both = pytest.mark.parametrize("strategy", ["words", "continuous"])


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
    found = np.diff(WORDS(texts).bounds)
    np.testing.assert_array_equal(found, [len(text.split()) for text in texts])


def keys(words: list[str]) -> Keys:
    return keys_of(WORDS([" ".join(words)]).spans)


def add(table: WordTable, words: list[str], known: dict[str, int]) -> None:
    """Add new words to a table and to a dict."""
    new = [word for word in dict.fromkeys(words) if word not in known]
    known.update(zip(new, range(len(known), len(known) + len(new)), strict=True))
    if new:
        table.add(keys(new), np.array([known[word] for word in new]))


@settings(deadline=None)
@given(st.lists(st.lists(st.text("abc\u0000я中𝔘", min_size=1, max_size=5), min_size=1), max_size=8))
def test_a_word_table_is_a_dict(batches: list[list[str]]) -> None:
    table, known = WordTable(), dict[str, int]()
    for words in batches:
        expected = [known.get(word, -1) for word in words]
        np.testing.assert_array_equal(table.find(keys(words)), expected)
        add(table, words, known)


@both
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


def test_a_table_that_grows_is_never_wrong_for_other_threads() -> None:
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


@pytest.mark.parametrize("strategy", ["words", "continuous", "mono"])
@pytest.mark.parametrize("family", ["noto", "garamond", "unifont"])
def test_many_words_at_once_are_drawn_and_cut_as_one_by_one(
    strategy: str, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [word for entry in SAMPLES.values() for word in entry["words"]] + ODD.split()
    words += [f"{a}{b}{c}" for a in words[:20:3] for b in "-'’.," for c in words[25:50:6]]
    sizes = (1, 2, 3, 16) if family == "noto" else (16,)

    def draw() -> list[Renderer]:
        return [Renderer(family, strategy, max_patches=patches) for patches in sizes]

    try:
        together = [renderer(words) for renderer in draw()]
    except FileNotFoundError as error:
        pytest.skip(str(error))
    drawn = 0

    def refuse(self: BulkShaper, words: Codes, *_: object) -> None:
        nonlocal drawn
        drawn += len(words.end)

    monkeypatch.setattr(BulkShaper, "draw", refuse)
    for found, renderer in zip(together, draw(), strict=True):
        alone = renderer(words)
        changed = np.flatnonzero((found.patches != alone.patches).any((1, 2, 3)))
        assert not [words[i] for i in changed]
        np.testing.assert_array_equal(found.count, alone.count)
        assert found.stats == alone.stats
    assert drawn > 500 and (family != "noto" or together[0].stats.cut > 10)


def test_letters_without_a_picture_have_none_among_many_either() -> None:
    renderer = Renderer("unifont")
    renderer(["a b c d \u3164 \uffa0"])
    assert renderer(["\u3164", "\uffa0"]).count.tolist() == [1, 1]
    assert not renderer(["\u3164", "\uffa0"]).patches.any()


@both
def test_more_new_words_than_fit_are_counted_and_drawn(strategy: str) -> None:
    texts = [f"abc{number} x{number}y" for number in range(3000)]
    counted = Renderer(strategy=strategy).count_patches(texts)
    assert (counted == Renderer(strategy=strategy)(texts).count).all()
    pairs = [(text, text.split()[0]) for text in texts[:600]]
    assert Renderer(strategy=strategy)(pairs, 64).patches.any((1, 2, 3)).all()


@pytest.mark.parametrize("strategy", ["words", "continuous", "bigrams", "mono"])
def test_one_text_of_many_parts_has_a_picture_in_any_memory(strategy: str) -> None:
    parts = tuple(f"a{n} b{n} c{n} d{n} e{n} f{n} g{n}" for n in range(40))
    for memory in (1, 256 << 20):
        rendered = Renderer(strategy=strategy, max_patches=5, memory=memory)([parts])
        assert rendered.count.tolist() == [5] and rendered.stats.cut == 1


@both
def test_new_words_that_are_reshaped_take_little_more_memory_than_their_pictures(
    strategy: str,
) -> None:
    rng = np.random.default_rng(0)
    letters = [*map(chr, range(0x915, 0x939))]
    texts = ["".join(rng.choice(letters, 24)) for _ in range(1000)]
    renderer = Renderer(strategy=strategy)
    # Cached pictures are not traced, temporary arrays are.
    tracemalloc.start()
    renderer(texts, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20


def resident() -> float:
    """Return the MiB of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@both
def test_a_stream_of_new_words_stays_within_its_memory(strategy: str) -> None:
    memory = 8 << 20
    renderer = Renderer(strategy=strategy, memory=memory, max_patches=4)

    def draw(words: range) -> None:
        for i in words[::2000]:
            renderer([f"w{j}ord" for j in range(i, i + 2000)], 4)

    draw(range(40_000))
    before = resident()
    # Their pictures take 60 MiB and more.
    draw(range(40_000, 160_000))
    assert resident() - before < 2 * memory / 2**20
