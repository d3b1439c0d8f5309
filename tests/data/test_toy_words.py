"""The words of the world: how many, in which letters, how inflected, and that they can be read."""

import collections
import re
import unicodedata

import numpy as np
import pytest

from pixel_linguist.data.toy import LANGUAGES, ToySource, content_words
from pixel_linguist.data.toy.english import english_forms, past, plural
from pixel_linguist.data.toy.languages import get_language, read_concepts, surface_forms
from pixel_linguist.data.toy.lexicon import KINDS, concepts, of_kind, parse, themes
from pixel_linguist.data.toy.scene import pick_concept

SCRIPTS = {"en": "LATIN", "vel": "LATIN", "dor": "CYRILLIC", "ash": "DEVANAGARI"}
# Consonants joined by virama, then at most one vowel sign and an anusvara.
AKSHARA = "[\u0915-\u0939](?:\u094d[\u0915-\u0939])*[\u093e-\u094c]?\u0902?"


@pytest.mark.parametrize("code", LANGUAGES)
def test_at_least_two_thousand_words_in_the_script(code: str) -> None:
    words = content_words(code)
    assert len(words) >= 2000
    for word in words | set(surface_forms(code)):
        assert unicodedata.is_normalized("NFC", word)
        assert all(unicodedata.name(char).startswith(SCRIPTS[code]) for char in word), word
    if code == "ash":
        assert all(re.fullmatch(f"(?:{AKSHARA})+", word) for word in surface_forms(code))


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_form_belongs_to_two_words_of_different_concepts(code: str) -> None:
    owners = collections.defaultdict(set)
    for concept, words in get_language(code).vocabulary.items():
        for forms in words:
            for form in forms.values():
                owners[form.casefold()].add(concept)
    assert {form: names for form, names in owners.items() if len(names) > 1} == {}
    assert {form: names.pop() for form, names in owners.items()} == surface_forms(code)


def test_languages_share_no_form() -> None:
    forms = [form for code in LANGUAGES for form in surface_forms(code)]
    assert len(forms) == len(set(forms))


def test_most_concepts_have_synonyms() -> None:
    for code in LANGUAGES:
        counts = [len(words) for words in get_language(code).vocabulary.values()]
        assert set(counts) == {1, 2, 3}
        assert np.mean(np.array(counts) > 1) > 0.5


@pytest.mark.parametrize("code", LANGUAGES)
def test_texts_say_exactly_the_concepts_that_are_meant(code: str) -> None:
    for task in ("sentences", "documents", "nli", "similarity"):
        source = ToySource(task, split="train", size=150, languages=(code,), seed=5)
        for i in range(len(source)):
            record = source[i]
            for column, meaning in source.meaning(i).items():
                meant = [name for proposition in meaning for name in proposition.concepts()]
                assert sorted(read_concepts(str(record[column]), code)) == sorted(meant)


@pytest.mark.parametrize("code", LANGUAGES)
def test_sentences_are_short_and_plain(code: str) -> None:
    source = ToySource("sentences", split="train", size=3000, languages=(code,))
    texts = [str(source[i]["text"]) for i in range(len(source))]
    lengths = np.array([len(text) for text in texts])
    assert lengths.max() <= 80
    assert np.mean(lengths <= 60) > 0.97
    words = np.array([len(text.split(" ")) for text in texts])
    assert words.min() >= 4 and np.median(words) <= 9 and words.max() <= 14
    assert all(text == " ".join(text.split()) and text[0] == text[0].upper() for text in texts)


def test_concepts_follow_zipfs_law() -> None:
    names, rng = of_kind("animate"), np.random.default_rng(0)
    drawn = collections.Counter(pick_concept(rng, names) for _ in range(50_000))
    counts = np.sort([drawn[name] for name in names])[::-1]
    ranks = np.arange(1, len(names) + 1)
    expected = 50_000 / ranks / np.sum(1 / ranks)
    # Sorting the counts moves those of like frequency, so the law shows in the sums up to a rank.
    np.testing.assert_allclose(np.cumsum(counts), np.cumsum(expected), rtol=0.03)


def test_sentences_use_all_concepts_the_rare_ones_too() -> None:
    source = ToySource("sentences", split="train", size=30_000)
    counts: collections.Counter[str] = collections.Counter()
    for i in range(len(source)):
        (meaning,) = source.meaning(i)["text"]
        counts.update(meaning.concepts())
    assert set(counts) == set(concepts())
    for kind in KINDS:
        numbers = np.array([counts[name] for name in of_kind(kind)])
        assert numbers.max() > 3 * np.median(numbers), kind


def test_themes_hold_what_a_scene_needs() -> None:
    assert len(themes()) >= 40
    for theme in themes():
        assert len(of_kind("animate", theme=theme)) >= 3, theme
        assert len(of_kind("inanimate", theme=theme)) >= 3, theme
        assert of_kind("place", theme=theme) and of_kind(
            "verb animate", "verb inanimate", theme=theme
        )


def test_opposites_are_mutual_and_of_one_kind() -> None:
    for concept in concepts().values():
        for other in concept.opposites:
            assert concept.name in concepts()[other].opposites
            assert concept.kind == concepts()[other].kind


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("bake", "baked"), ("carry", "carried"), ("stop", "stopped"), ("stir", "stirred"),
        ("play", "played"), ("visit", "visited"), ("mix", "mixed"), ("chew", "chewed"),
        ("kick", "kicked"), ("clean", "cleaned"), ("quench", "quenched"),
    ],
)  # fmt: skip
def test_regular_past(verb: str, expected: str) -> None:
    assert past(verb) == expected


@pytest.mark.parametrize(
    ("noun", "expected"),
    [("cat", "cats"), ("box", "boxes"), ("dish", "dishes"), ("lady", "ladies"), ("boy", "boys")],
)
def test_regular_plural(noun: str, expected: str) -> None:
    assert plural(noun) == expected


def test_irregular_forms() -> None:
    assert english_forms("inanimate", "knife:knives")["plural"] == "knives"
    forms = english_forms("verb animate", "see:saw:seen")
    assert list(forms.values()) == ["see", "saw", "seen"]
    assert english_forms("verb inanimate", "find:found")["participle"] == "found"


def test_english_articles() -> None:
    source = ToySource("sentences", split="train", size=20_000)
    text = "\n".join(str(source[i]["text"]) for i in range(len(source)))
    after_a, after_an = (
        set(re.findall(r"\b[Aa] (\w+)", text)),
        set(re.findall(r"\b[Aa]n (\w+)", text)),
    )
    assert {word for word in after_a if word[0] in "aeiou"} == {"useful", "useless", "usual"}
    assert {word for word in after_an if word[0] not in "aeiou"} == {"heir", "honest"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[farm]\nbeasts: cow", "x.txt, line 2.*kind"),
        ("animate: cow", "x.txt, line 1.*theme"),
        ("[farm]\n\nanimate: cow, , pig", "x.txt, line 3.*without words"),
    ],
)
def test_unreadable_word_lists_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text, "x.txt")
