"""The tasks of the generated world: what the texts of a record mean, and how they are written."""

import dataclasses
from collections.abc import Callable, Sequence

from numpy.random import Generator

from pixel_linguist.data.records import Record
from pixel_linguist.data.toy.languages import get_language
from pixel_linguist.data.toy.lexicon import concept_numbers, pick, pick_rank
from pixel_linguist.data.toy.meaning import (
    contradicting,
    draw_document,
    draw_proposition,
    entailed,
    similar,
)
from pixel_linguist.data.toy.proposition import HIGHEST_SCORE, Proposition, similarity

# Text column → the propositions that its sentences state, in order.
Meaning = dict[str, tuple[Proposition, ...]]
Draw = Callable[[Generator, str], Meaning]
Write = Callable[[Generator, Meaning, Sequence[str]], Record]

# How far the wording of a second sentence differs from that of the first one.
_ENTAILMENT_DIFFERS = 0.7
_CONTRADICTION_DIFFERS = (0.0, 0.6)
_SIMILAR_DIFFERS = (0.3, 0.95)
# How often the first language is one of the two, where there are more than two.
_FIRST_LANGUAGE = 0.75


def _same(*columns: str) -> Draw:
    """Return the draw of one proposition that all columns state."""
    return lambda rng, split: dict.fromkeys(columns, (draw_proposition(rng, split),))


def _draw_nli(rng: Generator, split: str) -> Meaning:
    premise = draw_proposition(rng, split)
    meaning = {"premise": premise, "entailment": entailed(rng, premise)}
    meaning["contradiction"] = contradicting(rng, premise)
    return {column: (proposition,) for column, proposition in meaning.items()}


def _draw_similarity(rng: Generator, split: str) -> Meaning:
    first = draw_proposition(rng, split)
    return {"sentence1": (first,), "sentence2": (similar(rng, first),)}


def _write_text(rng: Generator, meaning: Meaning, languages: Sequence[str]) -> Record:
    code = pick(rng, languages)
    sentences = [get_language(code).compose(rng, said)[0] for said in meaning["text"]]
    # A single sentence has no full stop.
    text = sentences[0] if len(sentences) == 1 else ". ".join(sentences) + "."
    return {"text": text, "language": code}


def _write_nli(rng: Generator, meaning: Meaning, languages: Sequence[str]) -> Record:
    code = pick(rng, languages)
    compose = get_language(code).compose
    (premise,), (entailment,), (contradiction,) = meaning.values()
    text, wording = compose(rng, premise)
    differ = _CONTRADICTION_DIFFERS[int(rng.random() * 2)]
    return {
        "premise": text,
        "entailment": compose(rng, entailment, wording, _ENTAILMENT_DIFFERS)[0],
        "contradiction": compose(rng, contradiction, wording, differ)[0],
        "language": code,
    }


def _write_similarity(rng: Generator, meaning: Meaning, languages: Sequence[str]) -> Record:
    code = pick(rng, languages)
    compose = get_language(code).compose
    (first,), (second,) = meaning.values()
    score = similarity(first, second)
    # The closer in meaning, the less alike in wording, so that the surface misleads.
    lowest, highest = _SIMILAR_DIFFERS
    differ = lowest + (highest - lowest) * score / HIGHEST_SCORE
    text, wording = compose(rng, first)
    other, _ = compose(rng, second, wording, differ)
    return {"score": round(score, 3), "sentence1": text, "sentence2": other, "language": code}


def _write_words(rng: Generator, meaning: Meaning, languages: Sequence[str]) -> Record:
    concept = pick(rng, meaning["word1"][0].concepts())
    first, *others = languages
    second = pick(rng, others or languages)
    record: Record = {"group": concept_numbers()[concept]}
    for number, code in enumerate((first, second), start=1):
        words = get_language(code).vocabulary[concept]
        forms = words[pick_rank(rng, len(words))]
        record |= {f"word{number}": pick(rng, [*forms.values()]), f"language{number}": code}
    return record


def _write_parallel(rng: Generator, meaning: Meaning, languages: Sequence[str]) -> Record:
    first, *others = languages
    if len(others) > 1 and rng.random() >= _FIRST_LANGUAGE:
        first = others.pop(int(rng.random() * len(others)))
    record: Record = {}
    for number, code in enumerate((first, pick(rng, others)), start=1):
        text, _ = get_language(code).compose(rng, meaning["sentence1"][0])
        record |= {f"sentence{number}": text, f"language{number}": code}
    return record


@dataclasses.dataclass(frozen=True)
class Task:
    """A kind of record.

    Attributes:
        draw: (rng, split) → the meaning of its texts.
        write: (rng, meaning, languages) → the record.
        languages: the least number of languages.
        aligned: whether the meaning of a record does not depend on the languages.
        numbered: whether a record's index is its "group".
    """

    draw: Draw
    write: Write
    languages: int = 1
    aligned: bool = False
    numbered: bool = False


TASKS = {
    "sentences": Task(_same("text"), _write_text),
    "documents": Task(
        lambda rng, split: {"text": draw_document(rng, split)}, _write_text, numbered=True
    ),
    "nli": Task(_draw_nli, _write_nli),
    "similarity": Task(_draw_similarity, _write_similarity),
    "words": Task(_same("word1", "word2"), _write_words),
    "parallel": Task(_same("sentence1", "sentence2"), _write_parallel, languages=2),
    "translations": Task(_same("text"), _write_text, aligned=True),
}
