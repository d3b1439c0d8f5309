"""Reading: scores of texts that are given as pictures, in several font families."""

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self, get_args

import numpy as np
from PIL import Image

from pixel_linguist.data.records import Source
from pixel_linguist.data.word_list import neighbour
from pixel_linguist.evaluate.baselines import of_texts
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.similarity import Embed, cosine_matrix
from pixel_linguist.evaluate.suite import Attack, Measured, Task
from pixel_linguist.inference import blocks
from pixel_linguist.registry import choose
from pixel_linguist.render.page_pictures import Margins, draw_page, installed_fonts
from pixel_linguist.render.wear import WEAR
from pixel_linguist.seeds import derive_seed

# Serif, sans-serif, monospaced, narrow, handwritten and display designs, in the extra `fonts`.
FAMILIES = (
    "garamond", "lora", "mukta", "rubik", "plex-mono", "pt-narrow", "caveat", "indie", "marker",
    "arcade", "lobster",
)  # fmt: skip
MEAN, WORST, MIXED = "mean", "worst", "mixed"
# Pictures drawn and embedded at once, which bounds memory.
BLOCK = 512

Layout = Literal["line", "page"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drawing:
    """How texts are drawn, by Pillow, not by the package's renderer.

    Size, wear, line height and margins of each picture are random.

    Attributes:
        families: of the manifest, or paths of font files.
        sizes: of fonts, in pixels an em; each picture has one of them.
        wear: name in `WEAR` → strength in (0, 1]; each picture has one of them. Empty: none.
        layout: "line": one line, with margins of 0.1 to 0.6 em. "page": several lines of at most
            `wrap` characters, 1 to 1.6 em apart, with margins of 0.5 to 2 em.
        wrap: characters in a line of a page.
        seed: of all random choices.
    """

    families: tuple[str, ...] = FAMILIES
    sizes: tuple[int, ...] = (16, 20, 24, 32, 40)
    wear: Mapping[str, float] = dataclasses.field(default_factory=dict)
    layout: Layout = "line"
    wrap: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.families or not self.sizes:
            raise ValueError("pictures need at least one of families and one of sizes")
        names = [*map(_name, self.families), MEAN, WORST, MIXED]
        if len({*names}) < len(names):
            raise ValueError(f"families need different names, none of {names[-3:]}: {names[:-3]}")
        for family in self.families:
            installed_fonts(family)
        for kind, strength in self.wear.items():
            choose("wear", WEAR, kind)
            if not 0 < strength <= 1:
                raise ValueError(f"strength {strength} of {kind} is not above 0 and at most 1")
        if self.layout not in get_args(Layout):
            raise ValueError(f"layout is {self.layout!r}; choose one of {get_args(Layout)}")
        if min(self.sizes) < 1 or self.wrap < 1:
            raise ValueError(f"sizes {self.sizes} and wrap {self.wrap} must be at least 1")

    def draw(self, texts: Sequence[str], families: Sequence[str]) -> Iterator[Image.Image]:
        """Draw each text in one of some families: grey pictures."""
        for number, text in enumerate(texts):
            stream = derive_seed(self.seed, *map(_name, families), number)
            rng = np.random.default_rng(stream)
            yield Image.fromarray(self._draw_one(text, str(rng.choice(families)), rng))

    def embed_drawn(
        self, embed: Embed, texts: Sequence[str], families: Sequence[str]
    ) -> np.ndarray:
        """Return the embeddings of the pictures of N texts: [N, D]."""
        drawn = blocks(self.draw(texts, families), BLOCK)
        return np.concatenate([embed(block) for block in drawn])

    def _draw_one(self, text: str, family: str, rng: np.random.Generator) -> np.ndarray:
        size = int(rng.choice(self.sizes))
        lines, height, blank = [" ".join(text.split())], 1.0, (0.1, 0.6)
        if self.layout == "page":
            lines, height, blank = textwrap.wrap(text, self.wrap), rng.uniform(1, 1.6), (0.5, 2.0)
        margins = Margins(*(size * rng.uniform(*blank, 4)).round().astype(int).tolist())
        picture = draw_page(lines or [""], family, size, height, margins)
        if self.wear:
            kind = str(rng.choice(list(self.wear)))
            picture = WEAR[kind](picture, size, self.wear[kind], rng)
        return picture


@dataclasses.dataclass(frozen=True)
class Pictures(Drawing, Task):
    """The main score of a task when each of its texts is drawn as a picture, by font family.

    Visual STS of MIEB (Xiao et al. 2025, arXiv 2504.10471) for any task of texts alone.
    """

    task: Task

    metric: ClassVar[str] = MEAN

    def __post_init__(self) -> None:
        super().__post_init__()
        if not of_texts(self.task):
            raise ValueError(f"{type(self.task).__name__} has pictures of its own")

    @property
    def note(self) -> str:
        """That of the task."""
        return self.task.note

    def texts(self) -> list[str]:
        """Return the texts that are drawn."""
        return self.task.texts()

    def contents(self) -> Iterator[Image.Image]:
        """Draw the pictures of the first family."""
        return self.draw(self.texts(), self.families[:1])

    def attacked(self, attack: Attack) -> "Pictures":
        """Return the task with the queries perturbed before they are drawn."""
        return dataclasses.replace(self, task=self.task.attacked(attack))

    def measure(self, embed: Embed) -> Measured:
        """Return the task's main score by family.

        Returns:
            By each family's name the score where all pictures are drawn in it; their "mean" and
            the "worst"; with several families "mixed", where each picture is drawn in one at
            random. Observations are those of the task, of all families at once.
        """

        def measured(families: Sequence[str]) -> Measured:
            return self.task.checked(lambda texts: self.embed_drawn(embed, texts, families))

        each = {_name(family): measured((family,)) for family in self.families}
        scores = _summary({name: own.scores[self.task.metric] for name, own in each.items()})
        if len(self.families) > 1:
            scores[MIXED] = measured(self.families).scores[self.task.metric]
        return Measured(scores, _joined([own.observations for own in each.values()]))


@dataclasses.dataclass(frozen=True)
class WordReading(Drawing, Task):
    """Accuracy of words' pictures among the texts of all words and of a neighbour of each.

    Attributes:
        words: drawn in families that are not the renderer's own.
        neighbours: a word one letter off each word.
    """

    words: tuple[str, ...]
    neighbours: tuple[str, ...]

    metric: ClassVar[str] = MEAN
    embedded: ClassVar = ("words", "neighbours")

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
            size: number of words; there are twice as many candidates.
            families: as those of `Drawing`, like `wear` and `seed`.

        Raises:
            ValueError: for fewer words, or a family that is not installed.
        """
        rng = np.random.default_rng(derive_seed(seed, "word_reading"))
        known = [str(source[i]["word"]) for i in range(len(source))]
        words = sorted({word for word in known if word.isalpha() and word.islower()})
        if len(words) < size:
            raise ValueError(f"there are {len(words)} lower-case words; size is {size}")
        chosen = tuple(words[i] for i in rng.choice(len(words), size, replace=False))
        taken = dict.fromkeys(chosen)
        for word in chosen:
            while (other := neighbour(word, rng)) in taken:
                pass
            taken[other] = None
        neighbours = (*taken,)[size:]
        sizes, own = (24, 32, 40), tuple(families)
        return cls(chosen, neighbours, families=own, sizes=sizes, wear=wear or {}, seed=seed)

    def contents(self) -> Iterator[str | Image.Image]:
        """Return the texts, and draw the words in the first family."""
        yield from self.texts()
        yield from self.draw(self.words, self.families[:1])

    def measure(self, embed: Embed) -> Measured:
        """Return accuracy by family, their "mean" and the "worst"; observations are of words."""
        candidates = embed(self.texts())
        right = {}
        for family in self.families:
            queries = self.embed_drawn(embed, self.words, (family,))
            found = cosine_matrix(queries, candidates).argmax(axis=1)
            right[_name(family)] = found == np.arange(len(self.words))
        scores = _summary({name: own.mean() for name, own in right.items()})
        return Measured(scores, Observations((np.mean(list(right.values()), axis=0),)))


def _name(family: str) -> str:
    """Return the name of a family, or of a file without its folder and ending."""
    return Path(family).stem


def _summary(scores: dict[str, float]) -> dict[str, float]:
    """Return the mean and the least of scores by family, and these."""
    values = list(scores.values())
    return {MEAN: float(np.mean(values)), WORST: min(values), **scores}


def _joined(observations: Sequence[Observations | None]) -> Observations | None:
    """Return observations whose statistic is the mean of those of several, resampled together."""
    known = [own for own in observations if own]
    if len(known) < len(observations):
        return None

    def mean(*values: np.ndarray) -> np.ndarray:
        each = len(values) // len(known)
        return np.mean(
            [own.statistic(*values[i * each : (i + 1) * each]) for i, own in enumerate(known)],
            axis=0,
        )

    return Observations(tuple(values for own in known for values in own.values), mean)
