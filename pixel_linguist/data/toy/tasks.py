"""The tasks of the world: what the texts of a record mean, and how the record is written."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from pixel_linguist.data.toy.languages import get_language
from pixel_linguist.data.toy.lexicon import concept_numbers
from pixel_linguist.data.toy.proposition import HIGHEST_SCORE, Proposition, similarity
from pixel_linguist.data.toy.scene import (
    contradicting,
    draw_of_scene,
    draw_proposition,
    draw_scene,
    entailed,
    graded,
    pick,
)
from pixel_linguist.data.toy.zipf import pick_rank

Record = dict[str, str | int | float]
# Text column → the propositions that its sentences state, in order.
Meaning = dict[str, tuple[Proposition, ...]]

# How far the words and form of a second sentence stray from the first one's.
_ENTAILMENT_DIFFERS = 0.7
_CONTRADICTION_DIFFERS = (0.0, 0.6)
_SIMILAR_DIFFERS = (0.3, 0.95)
# How often the first language is one of the two, where there are more than two.
_FIRST_LANGUAGE = 0.75


def _draw_sentence(rng: np.random.Generator, split: str) -> Meaning:
    return {"text": (draw_proposition(rng, split),)}


def _write_sentence(
    rng: np.random.Generator, meaning: Meaning, languages: Sequence[str], index: int
) -> Record:
    code = pick(rng, languages)
    text, _ = get_language(code).compose(rng, meaning["text"][0])
    return {"text": text, "language": code}


def _draw_document(rng: np.random.Generator, split: str) -> Meaning:
    scene, count = draw_scene(rng), 6 + int(rng.random() * 7)
    told: dict[tuple[str, str, str], Proposition] = {}
    while len(told) < count:
        new = draw_of_scene(rng, scene, split)
        # An event is told once, so that a document does not contradict itself.
        told.setdefault((new.agent, new.action, new.patient), new)
    return {"text": tuple(told.values())}


def _write_document(
    rng: np.random.Generator, meaning: Meaning, languages: Sequence[str], index: int
) -> Record:
    code = pick(rng, languages)
    language = get_language(code)
    text = ". ".join(language.compose(rng, proposition)[0] for proposition in meaning["text"])
    return {"text": f"{text}.", "language": code, "group": index}


def _draw_nli(rng: np.random.Generator, split: str) -> Meaning:
    premise = draw_proposition(rng, split)
    hypotheses = entailed(rng, premise), contradicting(rng, premise)
    return {
        "premise": (premise,),
        "entailment": (hypotheses[0],),
        "contradiction": (hypotheses[1],),
    }


def _write_nli(
    rng: np.random.Generator, meaning: Meaning, languages: Sequence[str], index: int
) -> Record:
    code = pick(rng, languages)
    compose = get_language(code).compose
    premise, wording = compose(rng, meaning["premise"][0])
    differ = _CONTRADICTION_DIFFERS[int(rng.random() * 2)]
    entailment, _ = compose(rng, meaning["entailment"][0], wording, _ENTAILMENT_DIFFERS)
    contradiction, _ = compose(rng, meaning["contradiction"][0], wording, differ)
    return {
        "premise": premise,
        "entailment": entailment,
        "contradiction": contradiction,
        "language": code,
    }


def _draw_similarity(rng: np.random.Generator, split: str) -> Meaning:
    first = draw_proposition(rng, split)
    return {"sentence1": (first,), "sentence2": (graded(rng, first),)}


def _write_similarity(
    rng: np.random.Generator, meaning: Meaning, languages: Sequence[str], index: int
) -> Record:
    code = pick(rng, languages)
    compose = get_language(code).compose
    (first,), (second,) = meaning["sentence1"], meaning["sentence2"]
    score = similarity(first, second)
    # The more alike in meaning, the less alike in words and form: the surface misleads.
    lowest, highest = _SIMILAR_DIFFERS
    differ = lowest + (highest - lowest) * score / HIGHEST_SCORE
    sentence1, wording = compose(rng, first)
    sentence2, _ = compose(rng, second, wording, differ)
    return {
        "score": round(score, 3),
        "sentence1": sentence1,
        "sentence2": sentence2,
        "language": code,
    }


def _draw_words(rng: np.random.Generator, split: str) -> Meaning:
    proposition = (draw_proposition(rng, split),)
    return {"word1": proposition, "word2": proposition}


def _write_words(
    rng: np.random.Generator, meaning: Meaning, languages: Sequence[str], index: int
) -> Record:
    concept = pick(rng, meaning["word1"][0].concepts())
    first, *others = languages
    second = pick(rng, others or languages)
    record: Record = {"group": concept_numbers()[concept]}
    for number, code in enumerate((first, second), start=1):
        words = get_language(code).vocabulary[concept]
        forms = words[pick_rank(rng, len(words))]
        record[f"word{number}"] = pick(rng, [*forms.values()])
        record[f"language{number}"] = code
    return record


def _draw_parallel(rng: np.random.Generator, split: str) -> Meaning:
    proposition = (draw_proposition(rng, split),)
    return {"sentence1": proposition, "sentence2": proposition}


def _write_parallel(
    rng: np.random.Generator, meaning: Meaning, languages: Sequence[str], index: int
) -> Record:
    first, *others = languages
    if len(others) > 1 and rng.random() >= _FIRST_LANGUAGE:
        first = others.pop(int(rng.random() * len(others)))
    second = pick(rng, others)
    sentence1, _ = get_language(first).compose(rng, meaning["sentence1"][0])
    sentence2, _ = get_language(second).compose(rng, meaning["sentence2"][0])
    return {
        "sentence1": sentence1,
        "sentence2": sentence2,
        "language1": first,
        "language2": second,
    }


@dataclasses.dataclass(frozen=True)
class Task:
    """A kind of record.

    Attributes:
        draw: (rng, split) → what its texts mean.
        write: (rng, meaning, languages, index) → the record.
        languages: how many languages it takes at least.
        aligned: whether a record means the same in whatever languages it is written.
    """

    draw: Callable[[np.random.Generator, str], Meaning]
    write: Callable[[np.random.Generator, Meaning, Sequence[str], int], Record]
    languages: int = 1
    aligned: bool = False


TASKS = {
    "sentences": Task(_draw_sentence, _write_sentence),
    "documents": Task(_draw_document, _write_document),
    "nli": Task(_draw_nli, _write_nli),
    "similarity": Task(_draw_similarity, _write_similarity),
    "words": Task(_draw_words, _write_words),
    "parallel": Task(_draw_parallel, _write_parallel, languages=2),
    "translations": Task(_draw_sentence, _write_sentence, aligned=True),
}
