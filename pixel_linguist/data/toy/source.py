"""Records of the generated world as a random-access sequence."""

import operator
import zlib
from collections.abc import Sequence

import numpy as np

from pixel_linguist.data.toy.languages import LANGUAGES
from pixel_linguist.data.toy.proposition import SPLITS
from pixel_linguist.data.toy.tasks import TASKS, Meaning, Record


class ToySource:
    """A sequence of generated records; each depends on the arguments and its index alone.

    | task | columns |
    |---|---|
    | sentences | text, language |
    | documents | text (6 to 12 sentences about one scene), language, group (the scene's number) |
    | nli | premise, entailment, contradiction, language |
    | similarity | score (0..5, see `proposition.similarity`), sentence1, sentence2, language |
    | words | word1, word2 (any forms for one concept), language1, language2, group (the concept) |
    | parallel | sentence1, sentence2 (the same proposition), language1, language2 |
    | translations | text (a record says the same in sources of other languages), language |

    No set of content words of a sentence in one split occurs in another (see `split_of`).

    Args:
        task: one of the above.
        split: "train", "dev" or "test".
        size: number of records.
        languages: codes (`LANGUAGES`); a record's language is drawn from them. Parallel records
            need two or more; of more than two, the first is language1 in three of four records.
            Of words, the first is always language1, and language2 another one if there is one.
        seed: of everything that is drawn; at least 0.

    Raises:
        ValueError: for an unknown task, split or language, naming the known ones; for languages
            that are too few or named twice; for a negative size or seed.
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
        for kind, names, known in (
            ("task", [task], TASKS),
            ("split", [split], SPLITS),
            ("language", languages, LANGUAGES),
        ):
            for name in names:
                if name not in known:
                    raise ValueError(f"no {kind} {name!r} in the world; there are {list(known)}")
        least = TASKS[task].languages
        if len(languages) < least or len(set(languages)) < len(languages):
            raise ValueError(f"{task!r} takes {least} or more different languages: {languages}")
        for name, number in (("size", size), ("seed", seed)):
            if number < 0:
                raise ValueError(f"{name} must be at least 0, not {number}")
        self.task = task
        self.split = split
        self.size = size
        self.languages = tuple(languages)
        self.seed = seed

    def __len__(self) -> int:
        return self.size

    def _draw(self, index: int) -> tuple[np.random.Generator, Meaning]:
        """Draw the meaning of a record; the generator goes on to its words."""
        if not 0 <= index < self.size:
            raise IndexError(f"record {index} of a source of {self.size}")
        languages = () if TASKS[self.task].aligned else self.languages
        name = " ".join([self.task, self.split, *languages])
        rng = np.random.default_rng([self.seed, zlib.crc32(name.encode()), index])
        return rng, TASKS[self.task].draw(rng, self.split)

    def __getitem__(self, index: int) -> Record:
        """Return one record; IndexError unless 0 <= index < size."""
        index = operator.index(index)
        rng, meaning = self._draw(index)
        return TASKS[self.task].write(rng, meaning, self.languages, index)

    def meaning(self, index: int) -> Meaning:
        """Return what the texts of record `index` mean: column → one proposition a sentence."""
        return self._draw(operator.index(index))[1]
