"""Headlines of the generated world: papers tell one story, in words that drift with the years."""

import dataclasses
import math

from numpy.random import Generator

from pixel_linguist.data.records import Record
from pixel_linguist.data.toy.language import Language, sentence
from pixel_linguist.data.toy.lexicon import digest
from pixel_linguist.data.toy.meaning import entailed
from pixel_linguist.data.toy.proposition import Proposition

# The first year, and their number.
FIRST, YEARS = 1980, 10
# The fewest and the most papers that tell a story.
_FEWEST, _MOST = 2, 5
# How often a paper takes the preferred synonym; else it draws one as other texts do.
_PREFERRED = 0.8
_ARTICLES = ("a", "an", "the")
_WITHOUT_ARTICLES = 0.7
_UPPER = 0.5


def turns(concept: str, year: int) -> int:
    """Return by how many ranks a concept's synonyms have rotated in a year: 0 or 1.

    Each concept's rotate in a year of its own, so that the preferred synonym of years j and k
    differs for a share |j - k| / `YEARS` of the concepts.
    """
    # The upper bits of the digest order the concepts by frequency.
    return math.floor((year - FIRST) / YEARS + digest(concept) % 2**32 / 2**32)


def headlines(
    rng: Generator, language: Language, story: Proposition
) -> tuple[Record, tuple[Proposition, ...]]:
    """Draw a year, and the headlines of some papers that tell a story in it.

    Each paper has its own wording and case, and leaves out some modifiers and articles.

    Returns:
        {"texts": two to five different headlines, "timeless": the same ones if no synonym had
        rotated, "year"}, and the proposition of each headline.
    """
    year = FIRST + int(rng.random() * YEARS)
    papers = _FEWEST + int(rng.random() * (_MOST + 1 - _FEWEST))
    told: dict[str, tuple[str, Proposition]] = {}
    while len(told) < papers:
        proposition = entailed(rng, story)
        _, wording = language.compose(rng, proposition)
        ranks = {x: rank * (rng.random() >= _PREFERRED) for x, rank in wording.synonyms.items()}
        rotated = {
            concept: (rank + turns(concept, year)) % len(language.vocabulary[concept])
            for concept, rank in ranks.items()
        }
        texts = [
            language.write(proposition, dataclasses.replace(wording, synonyms=synonyms))
            for synonyms in (rotated, ranks)
        ]
        if rng.random() < _WITHOUT_ARTICLES:
            kept = ([x for x in text.split() if x.lower() not in _ARTICLES] for text in texts)
            texts = [sentence(*words) for words in kept]
        if rng.random() < _UPPER:
            texts = [text.upper() for text in texts]
        text, timeless = texts
        if text not in told and timeless not in (other for other, _ in told.values()):
            told[text] = timeless, proposition
    others, propositions = zip(*told.values(), strict=True)
    return {"texts": tuple(told), "timeless": others, "year": year}, propositions
