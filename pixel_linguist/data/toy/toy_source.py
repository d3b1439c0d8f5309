"""The tasks of the generated world: random-access sequences of records, and their meaning."""

import dataclasses
import operator
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

from pixel_linguist.data.records import Record
from pixel_linguist.data.toy.headlines import headlines
from pixel_linguist.data.toy.languages import LANGUAGES, get_language
from pixel_linguist.data.toy.lexicon import concept_numbers, pick, pick_rank
from pixel_linguist.data.toy.meaning import (
    contradicting,
    draw_document,
    draw_proposition,
    entailed,
    similar,
)
from pixel_linguist.data.toy.proposition import HIGHEST_SCORE, SPLITS, Proposition, similarity
from pixel_linguist.data.toy.scenes import scene_picture
from pixel_linguist.registry import choose
from pixel_linguist.text.perturb import compose

# Text column → the propositions that its sentences state, in order.
Meaning = dict[str, tuple[Proposition, ...]]

# How far the wording of a second sentence differs from that of the first one.
_ENTAILMENT_DIFFERS = 0.7
_CONTRADICTION_DIFFERS = (0.0, 0.6)
_SIMILAR_DIFFERS = (0.3, 0.95)
# About one letter in five is hit.
_MISSPELL = compose(
    {
        "transpose_characters": {"rate": 0.05},
        "insert_characters": {"rate": 0.05},
        "delete_characters": {"rate": 0.05},
        "keyboard_neighbours": {"rate": 0.05},
    }
)
# How often the first language is one of the two, where there are more than two.
_FIRST_LANGUAGE = 0.75


def _sentence(rng: Generator, split: str, languages: Sequence[str]) -> tuple[Record, Meaning]:
    proposition = draw_proposition(rng, split)
    code = pick(rng, languages)
    text, _ = get_language(code).compose(rng, proposition)
    return {"text": text, "language": code}, {"text": (proposition,)}


def _document(rng: Generator, split: str, languages: Sequence[str]) -> tuple[Record, Meaning]:
    propositions = draw_document(rng, split)
    code = pick(rng, languages)
    sentences = (get_language(code).compose(rng, proposition)[0] for proposition in propositions)
    text = " ".join(f"{sentence}." for sentence in sentences)
    return {"text": text, "language": code}, {"text": propositions}


def _nli(rng: Generator, split: str, languages: Sequence[str]) -> tuple[Record, Meaning]:
    premise = draw_proposition(rng, split)
    entailment, contradiction = entailed(rng, premise), contradicting(rng, premise)
    code = pick(rng, languages)
    compose = get_language(code).compose
    text, wording = compose(rng, premise)
    differ = _CONTRADICTION_DIFFERS[int(rng.random() * 2)]
    record = {
        "premise": text,
        "entailment": compose(rng, entailment, wording, _ENTAILMENT_DIFFERS)[0],
        "contradiction": compose(rng, contradiction, wording, differ)[0],
        "language": code,
    }
    meaning = {"premise": premise, "entailment": entailment, "contradiction": contradiction}
    return record, {column: (proposition,) for column, proposition in meaning.items()}


def _similarity(rng: Generator, split: str, languages: Sequence[str]) -> tuple[Record, Meaning]:
    first = draw_proposition(rng, split)
    second = similar(rng, first)
    code = pick(rng, languages)
    compose = get_language(code).compose
    score = similarity(first, second)
    # The closer in meaning, the less alike in wording, so that the surface misleads.
    lowest, highest = _SIMILAR_DIFFERS
    differ = lowest + (highest - lowest) * score / HIGHEST_SCORE
    sentence1, wording = compose(rng, first)
    texts = {"sentence1": sentence1, "sentence2": compose(rng, second, wording, differ)[0]}
    record = {"score": round(score, 3), **texts, "language": code}
    return record, {"sentence1": (first,), "sentence2": (second,)}


def _misspelled(rng: Generator, split: str, languages: Sequence[str]) -> tuple[Record, Meaning]:
    record, meaning = _similarity(rng, split, languages)
    original = record["sentence2"]
    record |= {"sentence2": _MISSPELL(original, rng), "original2": original}
    return record, meaning | {"original2": meaning["sentence2"]}


def _words(rng: Generator, split: str, languages: Sequence[str]) -> tuple[Record, Meaning]:
    proposition = draw_proposition(rng, split)
    concept = pick(rng, proposition.concepts())
    first, *others = languages
    record: Record = {"group": concept_numbers()[concept]}
    for number, code in enumerate((first, pick(rng, others or languages)), start=1):
        words = get_language(code).vocabulary[concept]
        forms = words[pick_rank(rng, len(words))]
        record |= {f"word{number}": pick(rng, [*forms.values()]), f"language{number}": code}
    return record, dict.fromkeys(("word1", "word2"), (proposition,))


def _parallel(rng: Generator, split: str, languages: Sequence[str]) -> tuple[Record, Meaning]:
    proposition = draw_proposition(rng, split)
    first, *others = languages
    if len(others) > 1 and rng.random() >= _FIRST_LANGUAGE:
        first = others.pop(int(rng.random() * len(others)))
    record: Record = {}
    for number, code in enumerate((first, pick(rng, others)), start=1):
        text, _ = get_language(code).compose(rng, proposition)
        record |= {f"sentence{number}": text, f"language{number}": code}
    return record, dict.fromkeys(("sentence1", "sentence2"), (proposition,))


def _scene(rng: Generator, split: str, languages: Sequence[str]) -> tuple[Record, Meaning]:
    proposition = draw_proposition(rng, split)
    texts = {code: get_language(code).compose(rng, proposition)[0] for code in languages}
    record = {"picture": scene_picture(proposition), **texts}
    return record, dict.fromkeys(languages, (proposition,))


def _headlines(rng: Generator, split: str, languages: Sequence[str]) -> tuple[Record, Meaning]:
    story, code = draw_proposition(rng, split), pick(rng, languages)
    record, propositions = headlines(rng, get_language(code), story)
    return record | {"language": code}, dict.fromkeys(("texts", "timeless"), propositions)


@dataclasses.dataclass(frozen=True)
class Task:
    """A kind of record.

    Attributes:
        draw: (rng, split, languages) → a record, and the meaning of its texts.
        languages: the least number of languages.
        aligned: whether the meaning of a record does not depend on the languages.
        numbered: whether a record's index is its "group".
    """

    draw: Callable[[Generator, str, Sequence[str]], tuple[Record, Meaning]]
    languages: int = 1
    aligned: bool = False
    numbered: bool = False


TASKS = {
    "sentences": Task(_sentence),
    "documents": Task(_document, numbered=True),
    "nli": Task(_nli),
    "similarity": Task(_similarity),
    "misspelled": Task(_misspelled),
    "words": Task(_words),
    "parallel": Task(_parallel, languages=2),
    "translations": Task(_sentence, aligned=True),
    "scenes": Task(_scene, aligned=True, numbered=True),
    "headlines": Task(_headlines, numbered=True),
}


class ToySource:
    """A sequence of generated records; each depends only on the arguments and its index.

    | task | columns |
    |---|---|
    | sentences | text, language |
    | documents | text (6 to 12 sentences about one scene), language, group (the scene's number) |
    | nli | premise, entailment, contradiction, language |
    | similarity | score (0..5, see `proposition.similarity`), sentence1, sentence2, language |
    | misspelled | the same, with one letter in five of sentence2 mistyped; original2 |
    | words | word1, word2 (any forms for one concept), language1, language2, group (the concept) |
    | parallel | sentence1, sentence2 (the same proposition), language1, language2 |
    | translations | text (record i means the same in sources of other languages), language |
    | scenes | picture (uint8 [64, 64, 3], of a proposition), a sentence by code, group (index) |
    | headlines | texts (of one story), timeless (without drift), year, language, group (index) |

    No set of content words of a sentence in one split occurs in another (see `split_of`).

    Args:
        task: one of the above.
        split: "train", "dev" or "test".
        size: number of records.
        languages: codes (`LANGUAGES`); a record's language is drawn from them. Parallel records
            need two or more; of more than two, the first is language1 in three of four records.
            Of words, the first is always language1, and language2 another one if there is one.
        seed: of all draws; at least 0.

    Raises:
        ValueError: for an unknown task, split or language; for too few languages, or one named
            twice; for a negative size or seed.
    """

    def __init__(
        self,
        task: str,
        *,
        split: str,
        size: int,
        languages: Sequence[str] = ("en",),
        seed: int = 0,
    ):
        if isinstance(languages, str):
            raise ValueError(f"languages must be a list of codes, not the text {languages!r}")
        least = choose("task", TASKS, task).languages
        choose("split", dict.fromkeys(SPLITS), split)
        for code in languages:
            choose("language", LANGUAGES, code)
        if len(languages) < least or len(set(languages)) < len(languages):
            raise ValueError(f"{task!r} takes {least} or more different languages: {languages}")
        if size < 0 or seed < 0:
            raise ValueError(f"size ({size}) and seed ({seed}) must be at least 0")
        self.task, self.split, self.size, self.seed = task, split, size, seed
        self.languages = tuple(languages)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Record:
        """Return one record; IndexError unless 0 <= index < size."""
        return self._draw(index)[0]

    def meaning(self, index: int) -> Meaning:
        """Return the meaning of record `index`: column → one proposition a sentence."""
        return self._draw(index)[1]

    def _draw(self, index: int) -> tuple[Record, Meaning]:
        index, task = operator.index(index), TASKS[self.task]
        if not 0 <= index < self.size:
            raise IndexError(f"record {index} of a source of {self.size}")
        name = " ".join([self.task, self.split, *(() if task.aligned else self.languages)])
        rng = np.random.default_rng([self.seed, zlib.crc32(name.encode()), index])
        record, meaning = task.draw(rng, self.split, self.languages)
        return (record | {"group": index} if task.numbered else record), meaning
