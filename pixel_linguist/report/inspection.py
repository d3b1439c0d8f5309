"""What a model makes of a text, shown in a notebook and on the page of `preview`.

>>> encoder = SentenceEncoder.load("tiny")
>>> look = Inspector(encoder.embedder(32, None))
>>> look.text("A cook saw the pilot", view="A cok saw teh pilot")
>>> look.pair("A cook saw the pilot", "The pilot was seen by a cook")
"""

import base64
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jinja2
import numpy as np
from PIL import Image

from pixel_linguist.evaluate.robustness import ATTACKS, make_attack
from pixel_linguist.evaluate.similarity import cosine_matrix, unit_rows
from pixel_linguist.inference import Embedder
from pixel_linguist.render.coverage import missing_letters
from pixel_linguist.render.page_pictures import Margins, draw_page
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.render.visualize import to_png
from pixel_linguist.render.wear import WEAR
from pixel_linguist.render.word_pictures import read_line
from pixel_linguist.report.text_pictures import GRID, INK, PAPER, draw_patches
from pixel_linguist.text.graphemes import split_clusters
from pixel_linguist.word_embedder import WordEmbedder, draw_lines

# Patches whose similarity is shown, at most; and the multiple to which they are padded, so that few
# shapes are compiled.
MOST_PATCHES, SHAPE = 32, 8
# Of the letters of pictures that are worn, in pixels an em.
SIZE = 24

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclasses.dataclass(frozen=True)
class Shown:
    """Something to look at: a macro of `inspection.html.jinja`, and what it shows."""

    macro: str
    content: Mapping[str, Any]

    def _repr_html_(self) -> str:
        """Return HTML that needs nothing else; pictures are inside."""
        module: Any = TEMPLATES.get_template("inspection.html.jinja").module
        return f"<style>{module.style()}</style>{self.html()}"

    def html(self) -> str:
        """Return the same without its style."""
        module: Any = TEMPLATES.get_template("inspection.html.jinja").module
        return f'<div class="look">{getattr(module, self.macro)(**self.content)}</div>'


class Inspector:
    """Looks at texts with a model."""

    def __init__(self, embedder: Embedder):
        self.embedder = embedder
        self._encode = _patch_features(embedder)

    def patches(self, text: str) -> np.ndarray:
        """Return the patches that the model reads of a text, uint8 [N, H, W], ink on 0."""
        if isinstance(self.embedder, WordEmbedder):
            return read_line(next(draw_lines(self.embedder.line_renderer, [text])))
        drawn = self.embedder.renderer([text])
        return drawn.patches[0, : drawn.count[0]]

    def text(self, text: str, view: str | None = None) -> Shown:
        """Show a text, its view (a perturbed version, if there is one), patches and their grid.

        What the model cannot know is told: letters that no font has, and words beyond its longest.
        """
        seen = text if view is None else view
        patches = self.patches(seen)
        count = len(patches)
        if not isinstance(self.embedder, WordEmbedder):
            count = int(self.embedder.renderer.count_patches([seen])[0])
        longest = self.embedder.encoder.config.max_patches
        content = {"text": text, "view": view, "count": count, "longest": longest}
        content["picture"] = data_url(_drawn(patches))
        content["missing"] = missing_letters(self.embedder.renderer.family, seen)
        return Shown("text_view", content)

    def perturbed(self, text: str, strength: float = 1.0, seed: int = 0) -> Shown:
        """Show a text under each attack, with its cosine to the text itself."""
        views = {
            name: make_attack(spec, strength, seed)([text])[0] for name, spec in ATTACKS.items()
        }
        cosines = self._cosines(text, list(views.values()))
        rows = [
            (name.replace("_", " "), view, data_url(_drawn(self.patches(view))), cosine)
            for (name, view), cosine in zip(views.items(), cosines, strict=True)
        ]
        return Shown("perturbed", {"rows": rows})

    def worn(self, text: str, strength: float = 0.5, seed: int = 0) -> Shown:
        """Show pictures of a text as wear leaves them, with their cosine to the text itself.

        Cosines are left out for models that do not read pictures.
        """
        page = draw_page([" ".join(text.split())], "noto", SIZE, 1.0, Margins(*4 * (SIZE // 2,)))
        rng = np.random.default_rng(seed)
        pictures = {name: wear(page, SIZE, strength, rng) for name, wear in WEAR.items()}
        cosines: list[float | None] = [None] * len(pictures)
        if isinstance(self.embedder, WordEmbedder):
            drawn = [Image.fromarray(picture) for picture in pictures.values()]
            found = np.concatenate(list(self.embedder.images(drawn)))
            cosines = list(cosine_matrix(self.embedder([text]), found)[0])
        rows = [
            (name.replace("_", " "), data_url(picture), cosine)
            for (name, picture), cosine in zip(pictures.items(), cosines, strict=True)
        ]
        return Shown("worn", {"rows": rows})

    def neighbours(self, text: str, corpus: Sequence[str], count: int = 5) -> Shown:
        """Show the texts of a corpus with the highest cosines, leaving out the text itself."""
        others = [other for other in dict.fromkeys(corpus) if other.strip() and other != text]
        cosines = self._cosines(text, others)
        nearest = np.argsort(-cosines, kind="stable")[:count]
        return Shown("neighbours", {"rows": [(others[i], cosines[i]) for i in nearest]})

    def pair(self, first: str, second: str) -> Shown:
        """Show which words made the similarity of two texts, and how alike their patches are.

        The weight of a word is what the cosine loses where the word is left out (occlusion). The
        matrix has the cosine of each patch of the first with each of the second.
        """
        cosine, *weights = self.occlusion(first, second)
        rows, columns = (self.patches(text)[:MOST_PATCHES] for text in (first, second))
        a, b = (unit_rows(self._features(patches)) for patches in (rows, columns))
        alike = a @ b.T
        low, high = float(alike.min()), float(alike.max())
        return Shown(
            "pair",
            {
                "cosine": cosine,
                "sides": weights,
                "most": max((abs(w) for side in weights for _, w in side), default=0) or 1,
                "heads": [[data_url(_drawn([p])) for p in side] for side in (rows, columns)],
                "alike": alike.tolist(),
                "low": low,
                "span": max(high - low, 1e-6),
            },
        )

    def occlusion(
        self, first: str, second: str
    ) -> tuple[float, list[tuple[str, float]], list[tuple[str, float]]]:
        """Return the cosine of two texts, and of each of their words what it adds to that.

        A text of one word is taken apart into letters.
        """
        sides, without = [], []
        for text in (first, second):
            joint = " " if len(text.split()) > 1 else ""
            words = text.split() if joint else split_clusters(text)
            sides.append(words)
            without.append([joint.join(words[:i] + words[i + 1 :]) for i in range(len(words))])
        vectors = unit_rows(self.embedder([first, second, *without[0], *without[1]]))
        a, b, rest = vectors[0], vectors[1], vectors[2:]
        whole = float(a @ b)
        cut = len(without[0])
        left = zip(sides[0], (whole - rest[:cut] @ b).tolist(), strict=True)
        right = zip(sides[1], (whole - rest[cut:] @ a).tolist(), strict=True)
        return whole, list(left), list(right)

    def _cosines(self, text: str, others: Sequence[str]) -> np.ndarray:
        return cosine_matrix(self.embedder([text]), self.embedder(others))[0]

    def _features(self, patches: np.ndarray) -> np.ndarray:
        """Return the features of N patches, float32 [N, D]."""
        count = len(patches)
        room = min(-(-count // SHAPE) * SHAPE, self.embedder.encoder.config.max_patches)
        padded = np.pad(patches[:room], ((0, max(room - count, 0)), (0, 0), (0, 0)))[None]
        found = self._encode(self.embedder.params, padded, np.array([min(count, room)], np.int32))
        return np.asarray(found)[0, :count]


def _patch_features(embedder: Embedder) -> Callable[..., Any]:
    """Return (params, uint8 [B, S, H, W], int32 [B]) → features of patches, float [B, S, D]."""

    @jax.jit
    def features(params: Any, pixels: Any, count: Any) -> Any:
        rows = one_text_a_row(pixels, count, jnp)
        return embedder.encoder.encode(params, rows, outputs=("patch_features",))["patch_features"]

    return features


def data_url(picture: np.ndarray | Path) -> str:
    """Return a picture, pixels or the path of a .png or .svg, as a URL that holds its content."""
    content = picture.read_bytes() if isinstance(picture, Path) else to_png(picture)
    kind = "svg+xml" if isinstance(picture, Path) and picture.suffix == ".svg" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


TEMPLATES.filters["data_url"] = data_url


def _drawn(patches: Any) -> np.ndarray:
    """Draw patches uint8 [N, H, W] with their grid; of wide ones, words, without the blanks."""
    whole = np.asarray(patches)
    height, width = whole.shape[1:]
    if width <= 2 * height:
        return draw_patches(whole)
    parts = []
    for patch in whole:
        end = np.flatnonzero([True, *patch.any(axis=0)])[-1]
        share = np.pad(patch[:, :end], ((1, 1), (3, 3)))[..., None] / 255
        part = np.array(PAPER) * (1 - share) + np.array(INK) * share
        part[[0, -1]] = part[:, [0, -1]] = GRID
        parts.append(part)
    return np.rint(np.concatenate(parts, axis=1)).astype(np.uint8)
