"""Pictures of what a model makes of sentences, beside its scores: neighbours, changes, a map."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jax
import numpy as np

from pixel_linguist.evaluate.embed import Embedder
from pixel_linguist.evaluate.extra import scikit_learn
from pixel_linguist.evaluate.geometry import Geometry
from pixel_linguist.evaluate.similarity import Embed, cosine_matrix, paired_cosine, unit_rows
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.suite import Task
from pixel_linguist.files import write_whole
from pixel_linguist.model import encode
from pixel_linguist.render import Renderer
from pixel_linguist.report.drawing import DARK, LIGHT, in_theme, png
from pixel_linguist.report.findings import map_figure
from pixel_linguist.report.pictures import save_moved, save_neighbours, save_patch_similarity
from pixel_linguist.text import compose

TYPOS = {"transpose_characters": {"rate": 0.1}, "keyboard_neighbours": {"rate": 0.04}}
QUERIES = 4
NEIGHBOURS = 3
MOVED_EACH_WAY = 3
MAPPED = 150
# A matrix of patches is drawn of sentences of at most this many.
MOST_PATCHES = 24


def draw_examples(folder: Path, models: Sequence[Embedder], tasks: Mapping[str, Task]) -> None:
    """Draw what the tasks allow: of STS neighbours, changes and patches, and a map of languages.

    Args:
        folder: where the pictures go.
        models: the last is drawn; changes are those from the first, where there are several.
        tasks: by name; the first STS among them gives the sentences, the first geometry, or all
            STS, those of the map.
    """
    model = models[-1]
    for task in tasks.values():
        if isinstance(task, STS):
            texts = list(dict.fromkeys(task.texts()))
            draw_neighbours(model.renderer, model, texts, folder / "neighbours.png")
            draw_patches(model, task, folder / "patches.png")
            if len(models) > 1:
                draw_moved(models[0], model, task, folder / "moved.png")
            break
    if sides := mapped(tasks):
        draw_map(model, sides, folder / "map.png")


def mapped(tasks: Mapping[str, Task]) -> Mapping[str, Sequence[str]]:
    """Return the texts of a map, by language where there is a geometry, else by task of STS."""
    for task in tasks.values():
        if isinstance(task, Geometry):
            return task.sides
    return {name: task.sentence1 for name, task in tasks.items() if isinstance(task, STS)}


def draw_neighbours(renderer: Renderer, embed: Embed, texts: Sequence[str], path: Path) -> None:
    """Draw a few texts with typos, spread over the list, and their nearest among the others."""
    rng = np.random.default_rng(0)
    chosen = np.linspace(0, len(texts) - 1, QUERIES).astype(int)
    queries = [compose(TYPOS)(texts[place], rng) for place in chosen]
    cosines = cosine_matrix(embed(queries), embed(texts))
    shown = []
    for query, row in zip(queries, cosines, strict=True):
        nearest = np.argsort(-row, kind="stable")[:NEIGHBOURS]
        shown.append((query, [(texts[i], float(row[i])) for i in nearest]))
    save_neighbours(renderer, shown, path)


def draw_moved(before: Embedder, after: Embedder, task: STS, path: Path) -> None:
    """Draw the pairs whose rank by cosine changed most between two models."""
    cosines = [
        paired_cosine(model(task.sentence1), model(task.sentence2)) for model in (before, after)
    ]
    rise = np.argsort(np.argsort(cosines[1])) - np.argsort(np.argsort(cosines[0]))
    order = np.argsort(rise, kind="stable")
    chosen = [*order[::-1][:MOVED_EACH_WAY], *order[:MOVED_EACH_WAY]]
    pairs = [
        (task.sentence1[i], task.sentence2[i], float(cosines[0][i]), float(cosines[1][i]))
        for i in chosen
    ]
    save_moved(after.renderer, pairs, path)


def draw_patches(model: Embedder, task: STS, path: Path) -> None:
    """Draw the similarity of the patches of the most alike pair that is not the same text.

    Without a pair that is short enough nothing is drawn.
    """
    length = min(MOST_PATCHES, model.config.max_patches)
    counts = [model.renderer.count_patches(side) for side in (task.sentence1, task.sentence2)]
    differs = [a.lower() != b.lower() for a, b in zip(task.sentence1, task.sentence2, strict=True)]
    fits = (np.maximum(*counts) <= length) & differs
    if not fits.any():
        return
    place = int(np.argmax(np.where(fits, task.gold, -np.inf)))
    pair = (task.sentence1[place], task.sentence2[place])
    rendered = model.renderer(pair, length=length)
    run = jax.jit(encode, static_argnums=0)
    outputs = run(model.config, model.params, rendered.patches, rendered.count)
    first, second = (
        unit_rows(np.asarray(features[:count]))
        for features, count in zip(outputs["patch_features"], rendered.count, strict=True)
    )
    save_patch_similarity(model.renderer, *pair, first @ second.T, path)


def draw_map(embed: Embed, sides: Mapping[str, Sequence[str]], path: Path) -> None:
    """Draw the principal components of sentences, a colour a side; map-dark.png beside it."""
    texts = [text for side in sides.values() for text in side[:MAPPED]]
    groups = [name for name, side in sides.items() for _ in side[:MAPPED]]
    points = (
        scikit_learn("decomposition").PCA(2, random_state=0).fit_transform(unit_rows(embed(texts)))
    )
    for theme, to in ((LIGHT, path), (DARK, path.with_stem(f"{path.stem}-dark"))):
        with in_theme(theme):
            write_whole(to, png(map_figure(points, groups, theme)))
