"""From examples to pixels: perturbation, styles, and drawing of the views of a batch."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import grain
import numpy as np

from pixel_linguist.data.example import Content, Example, content_id, read_picture, stack_facts
from pixel_linguist.data.facts import FactMaker
from pixel_linguist.data.pairs import PairMaker
from pixel_linguist.render import Renderer, StyledRenderer
from pixel_linguist.render.patches import (
    PADDING,
    Patches,
    check_positions,
    one_text_a_row,
    picture_patches,
)
from pixel_linguist.render.styles import compose_styles
from pixel_linguist.text.perturb import Composition

# An example as its source has it, and as the model sees it.
Pair = tuple[Example, Example]


class HostBatch(NamedTuple):
    """One host's share of a batch, of B examples.

    Attributes:
        views: name → `Patches` of B rows.
        facts: name → array [B, ...].
        view_facts: view → name → array [B, ...].
        cut: int32 [], texts that were longer than their room; None once it is counted.
    """

    views: dict[str, Patches]
    facts: dict[str, np.ndarray]
    view_facts: dict[str, dict[str, np.ndarray]]
    cut: np.int32 | None


@dataclasses.dataclass(frozen=True)
class MakeViews(grain.transforms.RandomMap):
    """Record → (original example, its views as the model sees them).

    Attributes:
        pair_maker: of the part of the data that the record is of.
        perturb: of texts, each view on its own.
        perturb_views: names of the views that are perturbed.
        part: number of that part; it keeps groups of one part apart from those of another.
        parts: number of parts.
        groups: length of the fact "group", padded.
        view_facts: view → names of its facts in any part of the data; 0 where this one has none.
    """

    pair_maker: PairMaker
    perturb: Composition
    perturb_views: tuple[str, ...]
    part: int
    parts: int
    groups: int = 1
    view_facts: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def random_map(self, record: Any, rng: np.random.Generator) -> Pair:
        """Apply the pair maker, then the perturbation to each text; draw each view's style."""
        made = self.pair_maker(record, rng)
        own = made.facts.get("group", ())
        group = [g * self.parts + self.part if g >= 0 else PADDING for g in own]
        group += [PADDING] * (self.groups - len(group))
        original = made._replace(facts={**made.facts, "group": tuple(group)})
        views = {
            name: self._perturbed(content, rng) if name in self.perturb_views else content
            for name, content in made.views.items()
        }
        # Drawn last, so that texts are the same with styles and without.
        styles = rng.integers(1 << 31, size=len(views)).tolist()
        facts: dict[str, dict[str, Any]] = {
            view: {name: made.view_facts.get(view, {}).get(name, 0) for name in names}
            for view, names in self.view_facts.items()
        }
        for view, style in zip(views, styles, strict=True):
            facts.setdefault(view, {})["style"] = style
        return original, Example(views, original.facts, facts)

    def _perturbed(self, content: Content, rng: np.random.Generator) -> Content:
        if isinstance(content, str):
            return self.perturb(content, rng)
        if isinstance(content, tuple):
            return tuple(self.perturb(sentence, rng) for sentence in content)
        return content


@dataclasses.dataclass(frozen=True)
class OneStyle:
    """A renderer in its own style, whatever the seeds, which choose those of `StyledRenderer`."""

    renderer: Renderer

    def __call__(self, texts: Sequence[str], length: int, *, seeds: Sequence[int]) -> Any:
        """Draw texts."""
        return self.renderer(texts, length)

    def count_patches(self, texts: Sequence[str], *, seeds: Sequence[int]) -> np.ndarray:
        """Count the patches of texts."""
        return self.renderer.count_patches(texts)


@dataclasses.dataclass(frozen=True)
class ViewPipeline:
    """Draws the views of examples; it travels to worker processes.

    Attributes:
        render: the renderer, in one style or in many.
        views: names of the views that are drawn.
        facts: makers of facts that depend on drawing, by name.
        grid: rows and columns of the encoder's positions, which limit pictures; None: no limit.
    """

    render: OneStyle | StyledRenderer
    views: tuple[str, ...]
    facts: Mapping[str, FactMaker] = dataclasses.field(default_factory=dict)
    grid: tuple[int, int] | None = None

    def font_hashes(self) -> dict[str, str]:
        """Return the SHA-256 of the fonts of styles, by name."""
        return self.render.font_hashes() if isinstance(self.render, StyledRenderer) else {}

    def count_patches(self, pairs: Sequence[Pair]) -> np.ndarray:
        """Return the patches of each example's longest text as it will be drawn: int [N]."""
        longest = np.ones(len(pairs), int)
        for name in self.views:
            rows: list[int] = []
            texts: list[str] = []
            seeds: list[int] = []
            for row, (_, view) in enumerate(pairs):
                content = _content(view, name)
                sentences = (content,) if isinstance(content, str) else content
                # Pictures are not padded to a length.
                if isinstance(sentences, tuple):
                    rows += [row] * len(sentences)
                    texts += sentences
                    seeds += [_style(view, name)] * len(sentences)
            if texts:
                # Each sentence of a document begins a patch.
                counts = self.render.count_patches(texts, seeds=seeds)
                total = np.bincount(rows, counts, minlength=len(pairs)).astype(int)
                longest = np.maximum(longest, total)
        return longest

    def batch(
        self, pairs: Sequence[Pair], length: int, process: int = 0, processes: int = 1
    ) -> HostBatch:
        """Draw one host's share of a batch, and put its facts together.

        Args:
            pairs: of all hosts, N of them.
            length: patches to which every text is padded or cut.
            process: this host's number.
            processes: number of hosts.
        """
        rows = len(pairs) // processes
        # Consecutive rows, so that the global batch is that of one host alone.
        own = pairs[process * rows :][:rows]
        views: dict[str, Patches] = {}
        cut = 0
        for name in self.views:
            contents = [_content(view, name) for _, view in own]
            seeds = [_style(view, name) for _, view in own]
            views[name], over = self._patches(name, contents, seeds, length)
            cut += over
        originals = [original for original, _ in own]
        facts = {
            name: stack_facts(name, [example.facts[name] for example in originals])
            for name in originals[0].facts
        }
        for name, make in self.facts.items():
            facts[name] = make(originals, self.render.renderer, length)
        view_facts = {name: _view_facts(own, name) for name in self.views}
        return HostBatch(views, facts, view_facts, np.int32(cut))

    def _patches(
        self, name: str, contents: Sequence[Any], seeds: Sequence[int], length: int
    ) -> tuple[Patches, int]:
        """Draw the contents of one view: texts, documents or pictures, and blanks among them.

        A text among documents is one of a single sentence.
        """
        kinds = {type(content) for content in contents if not isinstance(content, str)}
        if not kinds:
            rendered = self.render(contents, length, seeds=seeds)
            return one_text_a_row(rendered.patches, rendered.count), rendered.stats.cut
        if kinds == {tuple}:
            documents = [(c,) if isinstance(c, str) else c for c in contents]
            return self._documents(documents, seeds, length)
        if tuple in kinds or any(isinstance(c, str) and c for c in contents):
            raise ValueError(f"the view {name!r} has pictures and texts; it takes either")
        pictures = [read_picture(content) for content in contents if not isinstance(content, str)]
        if len({picture.shape for picture in pictures}) > 1:
            raise ValueError(f"pictures of the view {name!r} are of different sizes; resize them")
        drawn = np.zeros((len(contents), *pictures[0].shape), np.uint8)
        drawn[[not isinstance(content, str) for content in contents]] = pictures
        patches = picture_patches(drawn, self.render.renderer.patch)
        if self.grid:
            check_positions(patches, self.grid, f"a picture of the view {name!r}")
        return patches, 0

    def _documents(
        self, documents: Sequence[tuple[str, ...]], seeds: Sequence[int], length: int
    ) -> tuple[Patches, int]:
        """Draw documents, one in a row, each sentence a unit; sentences beyond the room are cut."""
        sentences = [sentence for document in documents for sentence in document]
        styles = [seed for document, seed in zip(documents, seeds, strict=True) for _ in document]
        rendered = self.render(sentences, length, seeds=styles)
        height, width = self.render.renderer.patch
        pixels = np.zeros((len(documents), length, height, width), np.uint8)
        unit = np.full((len(documents), length), PADDING, np.int32)
        number, cut = 0, 0
        for row, document in enumerate(documents):
            place = 0
            for sentence in range(len(document)):
                take = min(int(rendered.count[number]), length - place)
                pixels[row, place : place + take] = rendered.patches[number, :take]
                unit[row, place : place + take] = sentence
                cut += take < rendered.count[number]
                place, number = place + take, number + 1
        text = one_text_a_row(pixels, (unit >= 0).sum(axis=1))
        return text._replace(unit=unit), int(cut)


def _content(example: Example, name: str) -> Content:
    """Return what is drawn of a view; a blank text where the example lacks it."""
    return example.views.get(name, "")


def _style(example: Example, name: str) -> int:
    return example.view_facts.get(name, {}).get("style", 0)


def _view_facts(pairs: Sequence[Pair], name: str) -> dict[str, np.ndarray]:
    """Return the facts of one view: those of pair makers, "text_id" and "present"."""
    contents = [_content(original, name) for original, _ in pairs]
    facts = {
        "text_id": np.array([content_id(content) for content in contents], np.int32),
        "present": np.array([isinstance(c, np.ndarray) or c not in ("", ()) for c in contents]),
    }
    given = [view.view_facts.get(name, {}) for _, view in pairs]
    for fact in given[0]:
        if fact != "style":
            facts[fact] = stack_facts(fact, [facts_of[fact] for facts_of in given])
    return facts


def make_view_pipeline(
    renderer: Renderer,
    views: tuple[str, ...],
    *,
    styles: Mapping[str, Mapping[str, Any]],
    facts: Mapping[str, FactMaker],
    seed: int,
    grid: tuple[int, int] | None = None,
) -> ViewPipeline:
    """Make a `ViewPipeline` from a stage's settings.

    Args:
        renderer: the recipe's, whose style is that of evaluation.
        styles: as `render.styles.compose_styles` takes them; without strength, all is drawn in the
            renderer's own style.
        seed: of the stage.

    Raises:
        ValueError: for an unknown style, naming the nearest known, or a value out of range.
        FileNotFoundError: for a font family that is not installed.
    """
    composed = compose_styles(styles, seed)
    styled = any(composed.strengths().values())
    render = StyledRenderer(renderer, composed) if styled else OneStyle(renderer)
    return ViewPipeline(render, views, facts, grid)
