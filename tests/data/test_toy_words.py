"""The words of the generated world: how many, in which letters, how inflected, and readable."""

import collections
import difflib
import itertools
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.data import toy
from pixel_linguist.data.toy import LANGUAGES, ToySource
from pixel_linguist.data.toy.english import english_forms
from pixel_linguist.data.toy.generated import GRAMMARS
from pixel_linguist.data.toy.languages import change_word, get_language, surface_forms
from pixel_linguist.data.toy.lexicon import concepts, of_kind, pick_concept, themes
from tests.data.toy_text import read_concepts

RESOURCES = Path(toy.__file__).parent / "resources"
KINDS = ["animate", "inanimate", "verb animate", "verb inanimate", "adjective"]
KINDS += ["adjective animate", "adjective inanimate", "place", "time", "manner", "quantity"]
SCRIPTS = dict.fromkeys(LANGUAGES, "LATIN") | {"ash": "DEVANAGARI"}
SISTERS = {"ald": "en", "nar": "vel"}
# Consonants joined by virama, then at most one vowel sign and an anusvara.
AKSHARA = "[\u0915-\u0939](?:\u094d[\u0915-\u0939])*[\u093e-\u094c]?\u0902?"


@pytest.mark.parametrize("code", LANGUAGES)
def test_words_are_many_in_one_script_and_of_one_concept_each(code: str) -> None:
    owners = collections.defaultdict(set)
    lemmas, counts = set(), collections.Counter[int]()
    for concept, words in get_language(code).vocabulary.items():
        counts[len(words)] += 1
        lemmas |= {next(iter(forms.values())) for forms in words}
        for forms in words:
            for form in forms.values():
                assert unicodedata.is_normalized("NFC", form)
                assert all(unicodedata.name(char).startswith(SCRIPTS[code]) for char in form), form
                assert code != "ash" or re.fullmatch(f"(?:{AKSHARA})+", form)
                owners[form.casefold()].add(concept)
    assert len(lemmas) >= 2000
    assert {form: {name} for form, name in surface_forms(code).items()} == owners
    # Most concepts have synonyms.
    assert set(counts) == {1, 2, 3} and counts[1] < counts.total() / 2


def test_languages_share_no_form_but_for_sisters_words_of_one_concept() -> None:
    for one, other in itertools.combinations(LANGUAGES, 2):
        known, found = surface_forms(one), surface_forms(other)
        shared = known.keys() & found.keys()
        assert all(known[form] == found[form] for form in shared)
        # Loanwords, names, and words that no change has reached.
        limits = (0.05, 0.25) if SISTERS.get(other) == one else (0, 0)
        assert limits[0] <= len(shared) / len(found) <= limits[1], (one, other)


@pytest.mark.parametrize(("code", "parent"), SISTERS.items())
def test_a_sisters_words_are_mostly_cognates(code: str, parent: str) -> None:
    def likeness(pairs: list[tuple[str, str]]) -> np.ndarray:
        return np.array([difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs])

    words = [
        (old[form], new[form])
        for name, olds in get_language(parent).vocabulary.items()
        for old, new in zip(olds, get_language(code).vocabulary[name], strict=True)
        for form in old
    ]
    strangers = [(one[0], other[1]) for one, other in zip(words, words[7:], strict=False)]
    alike, unlike = likeness(words), likeness(strangers)
    assert 0.55 < (alike > 0.6).mean() < 0.85
    assert (unlike > 0.6).mean() < 0.05
    assert (alike == 1).mean() < 0.25


@pytest.mark.parametrize(
    ("code", "word", "inherited", "borrowed"),
    [
        ("ald", "the", "da", "the"),
        ("ald", "house", "husa", "house"),
        ("ald", "washed", "vasket", "vasjed"),
        ("ald", "knights", "kniktr", "knights"),
        ("ald", "January", "Januarig", "Januari"),
        ("nar", "zökim", "sechin", "zökim"),
        ("nar", "kélabač", "cheelawach", "keelabach"),
    ],
)
def test_sound_changes_by_hand(code: str, word: str, inherited: str, borrowed: str) -> None:
    grammar = GRAMMARS[code]
    assert change_word(word, grammar) == inherited
    assert change_word(word, grammar, inherited=False) == borrowed


@pytest.mark.parametrize("code", LANGUAGES)
def test_texts_say_exactly_the_concepts_that_are_meant(code: str) -> None:
    for task in ("sentences", "documents", "nli", "similarity"):
        source = ToySource(task, split="train", size=80, languages=(code,), seed=5)
        for i in range(len(source)):
            record = source[i]
            for column, meaning in source.meaning(i).items():
                meant = [name for proposition in meaning for name in proposition.concepts()]
                assert sorted(read_concepts(record[column], code)) == sorted(meant)


def test_concepts_follow_zipfs_law() -> None:
    names, rng = of_kind("animate"), np.random.default_rng(0)
    drawn = collections.Counter(pick_concept(rng, names) for _ in range(50_000))
    counts = np.sort([drawn[name] for name in names])[::-1]
    ranks = np.arange(1, len(names) + 1)
    expected = 50_000 / ranks / np.sum(1 / ranks)
    # Sorting the counts moves those of like frequency, so the law shows in the sums up to a rank.
    np.testing.assert_allclose(np.cumsum(counts), np.cumsum(expected), rtol=0.03)


@pytest.mark.slow
def test_english_sentences_use_all_concepts_and_the_right_articles() -> None:
    source = ToySource("sentences", split="train", size=30_000)
    counts: collections.Counter[str] = collections.Counter()
    texts = []
    for i in range(len(source)):
        counts.update(source.meaning(i)["text"][0].concepts())
        texts.append(source[i]["text"])
    assert set(counts) == set(concepts())
    for kind in KINDS:
        numbers = np.array([counts[name] for name in of_kind(kind)])
        assert numbers.max() > 3 * np.median(numbers), kind
    after_a, after_an = (set(re.findall(rf"\b[Aa]{n} (\w+)", "\n".join(texts))) for n in ("", "n"))
    assert {word for word in after_a if word[0] in "aeiou"} == {"useful", "useless", "usual"}
    assert {word for word in after_an if word[0] not in "aeiou"} == {"heir", "honest"}


def test_word_lists_hold_what_a_scene_needs_and_mutual_opposites() -> None:
    lists = [path.read_text().splitlines() for path in RESOURCES.glob("*.txt")]
    entries = [line.partition(": ")[2] for lines in lists for line in lines if line[:1] not in "[#"]
    assert len(concepts()) == sum(len(re.split("[,~]", entry)) for entry in entries)
    assert len(themes()) >= 40
    for theme in themes():
        assert len(of_kind("animate", theme=theme)) >= 3, theme
        assert len(of_kind("inanimate", theme=theme)) >= 3, theme
        assert of_kind("place", theme=theme), theme
        assert of_kind("verb animate", "verb inanimate", theme=theme), theme
    for concept in concepts().values():
        assert concept.kind in KINDS and concept.theme and concept.english
        for other in concept.opposites:
            assert concept.name in concepts()[other].opposites
            assert concept.kind == concepts()[other].kind


@pytest.mark.parametrize(
    ("kind", "entry", "forms"),
    [
        *(("verb animate", verb, [verb, past, past]) for verb, past in (
            ("bake", "baked"), ("carry", "carried"), ("stop", "stopped"), ("stir", "stirred"),
            ("play", "played"), ("visit", "visited"), ("mix", "mixed"), ("chew", "chewed"),
            ("kick", "kicked"), ("clean", "cleaned"), ("quench", "quenched"),
        )),
        *(("animate", noun, [noun, plural]) for noun, plural in (
            ("cat", "cats"), ("box", "boxes"), ("dish", "dishes"), ("lady", "ladies"),
            ("boy", "boys"),
        )),
        ("inanimate", "knife:knives", ["knife", "knives"]),
        ("verb animate", "see:saw:seen", ["see", "saw", "seen"]),
        ("verb inanimate", "find:found", ["find", "found", "found"]),
        ("manner", "slowly", ["slowly"]),
    ],
)  # fmt: skip
def test_english_inflection(kind: str, entry: str, forms: list[str]) -> None:
    assert list(english_forms(kind, entry).values()) == forms
