"""Records of the generated world as a random-access sequence."""

import operator
import zlib
from collections.abc import Sequence

import numpy as np

from pixel_linguist.data.records import Record
from pixel_linguist.data.toy.languages import LANGUAGES
from pixel_linguist.data.toy.proposition import SPLITS
from pixel_linguist.data.toy.toy_tasks import TASKS, Meaning
from pixel_linguist.registry import choose


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
        self.task = task
        self.split = split
        self.size = size
        self.languages = tuple(languages)
        self.seed = seed

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
