"""Reading words: each is found by its picture among words that differ from it by one letter."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from PIL import Image

from pixel_linguist.data.records import Source
from pixel_linguist.data.word_list import neighbour
from pixel_linguist.evaluate.bootstrap import Observations, mean
from pixel_linguist.evaluate.reading import FAMILIES, MEAN, WORST, Pictures
from pixel_linguist.evaluate.similarity import Embed, cosine_matrix
from pixel_linguist.evaluate.suite import Measured, Task
from pixel_linguist.inference import blocks
from pixel_linguist.seeds import derive_seed

_BLOCK = 512


@dataclasses.dataclass(frozen=True)
class Texts(Task):
    """Texts without judgements, to be drawn."""

    own: tuple[str, ...]
    metric: ClassVar[str] = MEAN

    def texts(self) -> list[str]:
        """Return the texts."""
        return list(self.own)

    def measure(self, embed: Embed) -> Measured:
        """Refuse, by a ValueError: nothing says how alike texts are."""
        raise ValueError("texts alone have no score")


@dataclasses.dataclass(frozen=True)
class WordReading(Task):
    """Accuracy of words' pictures among the texts of all words and of a neighbour of each.

    Attributes:
        pictures: of the words, in families that are not the renderer's own.
        neighbours: a word one letter off each word.
    """

    pictures: Pictures
    neighbours: tuple[str, ...]
    metric: ClassVar[str] = MEAN

    @classmethod
    def from_source(
        cls,
        source: Source,
        size: int = 1500,
        families: tuple[str, ...] = FAMILIES,
        wear: dict[str, float] | None = None,
        seed: int = 0,
    ) -> Self:
        """Draw distinct lower-case words of records {"word"}.

        Args:
            source: of the words.
            size: number of words; there are twice as many candidates.
            families: of the manifest, or paths of font files.
            wear: name in `WEAR` → strength; each picture has one of them.
            seed: of all random choices.

        Raises:
            ValueError: for fewer words, or a family that is not installed.
        """
        rng = np.random.default_rng(derive_seed(seed, "word_reading"))
        known = [str(source[i]["word"]) for i in range(len(source))]
        words = sorted({word for word in known if word.isalpha() and word.islower()})
        if len(words) < size:
            raise ValueError(f"there are {len(words)} lower-case words; size is {size}")
        chosen = tuple(words[i] for i in rng.choice(len(words), size, replace=False))
        taken, neighbours = {*chosen}, []
        for word in chosen:
            other = neighbour(word, rng)
            while other in taken:
                other = neighbour(word, rng)
            taken.add(other)
            neighbours.append(other)
        drawn = Pictures(Texts(chosen), tuple(families), sizes=(24, 32, 40), wear=wear or {})
        return cls(dataclasses.replace(drawn, seed=seed), tuple(neighbours))

    def texts(self) -> list[str]:
        """Return the words and their neighbours."""
        return [*self.pictures.texts(), *self.neighbours]

    def contents(self) -> Iterator[str | Image.Image]:
        """Return the texts, and draw the words in the first family."""
        yield from self.texts()
        yield from self.pictures.contents()

    def measure(self, embed: Embed) -> Measured:
        """Return accuracy by family, their "mean" and the "worst"; observations are of words."""
        candidates = embed(self.texts())
        words = self.pictures.texts()
        right = {}
        for family in self.pictures.families:
            drawn = blocks(self.pictures.draw(words, (family,)), _BLOCK)
            queries = np.concatenate([embed(block) for block in drawn])
            found = cosine_matrix(queries, candidates).argmax(axis=1)
            right[Path(family).stem] = found == np.arange(len(words))
        by_family = {name: float(own.mean()) for name, own in right.items()}
        accuracies = list(by_family.values())
        scores = {MEAN: float(np.mean(accuracies)), WORST: min(accuracies), **by_family}
        of_word = np.mean(list(right.values()), axis=0)
        return Measured(scores, Observations((of_word,), mean))
