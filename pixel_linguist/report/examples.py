"""Pictures of what a model makes of sentences, beside its scores: neighbours, changes, a map."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.evaluate.extra import scikit_learn
from pixel_linguist.evaluate.geometry import Geometry
from pixel_linguist.evaluate.similarity import paired_cosine
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.suite import Task
from pixel_linguist.files import write_whole
from pixel_linguist.model import encode
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


def draw_examples(
    folder: Path, encoders: Sequence[SentenceEncoder], tasks: Mapping[str, Task]
) -> None:
    """Draw what the tasks allow: of STS neighbours, changes and patches, of geometry a map.

    Args:
        folder: where the pictures go.
        encoders: the last is drawn; changes are those from the first, where there are several.
        tasks: by name; the first STS and the first geometry among them give the sentences.
    """
    encoder = encoders[-1]
    for task in tasks.values():
        if isinstance(task, STS):
            texts = list(dict.fromkeys(task.texts()))
            draw_neighbours(encoder, texts, folder / "neighbours.png")
            draw_patches(encoder, task, folder / "patches.png")
            if len(encoders) > 1:
                draw_moved(encoders[0], encoder, task, folder / "moved.png")
            break
    for task in tasks.values():
        if isinstance(task, Geometry):
            draw_map(encoder, task.sides, folder / "map.png")
            break


def draw_neighbours(encoder: SentenceEncoder, texts: Sequence[str], path: Path) -> None:
    """Draw a few texts with typos, spread over the list, and their nearest among the others."""
    rng = np.random.default_rng(0)
    chosen = np.linspace(0, len(texts) - 1, QUERIES).astype(int)
    queries = [compose(TYPOS)(texts[place], rng) for place in chosen]
    values, places = encoder.semantic_search(queries, list(texts), k=NEIGHBOURS)
    shown = [
        (query, [(texts[i], float(v)) for i, v in zip(row, found, strict=True)])
        for query, row, found in zip(queries, places, values, strict=True)
    ]
    save_neighbours(encoder.renderer, shown, path)


def draw_moved(before: SentenceEncoder, after: SentenceEncoder, task: STS, path: Path) -> None:
    """Draw the pairs whose rank by cosine changed most between two models."""
    cosines = [
        paired_cosine(model.encode(task.sentence1), model.encode(task.sentence2))
        for model in (before, after)
    ]
    rise = np.argsort(np.argsort(cosines[1])) - np.argsort(np.argsort(cosines[0]))
    order = np.argsort(rise, kind="stable")
    chosen = [*order[::-1][:MOVED_EACH_WAY], *order[:MOVED_EACH_WAY]]
    pairs = [
        (task.sentence1[i], task.sentence2[i], float(cosines[0][i]), float(cosines[1][i]))
        for i in chosen
    ]
    save_moved(after.renderer, pairs, path)


def draw_patches(encoder: SentenceEncoder, task: STS, path: Path) -> None:
    """Draw the similarity of the patches of the most alike pair that is not the same text."""
    counts = [encoder.renderer.count_patches(s) for s in (task.sentence1, task.sentence2)]
    fits = np.maximum(*counts) <= min(MOST_PATCHES, encoder.model.config.max_patches)
    differs = [a.lower() != b.lower() for a, b in zip(task.sentence1, task.sentence2, strict=True)]
    place = int(np.argmax(np.where(fits & differs, task.gold, -np.inf)))
    pair = (task.sentence1[place], task.sentence2[place])
    rendered = encoder.renderer(pair, length=MOST_PATCHES)
    outputs = encode(
        encoder.model.config,
        encoder.model.params,
        jnp.asarray(rendered.patches),
        jnp.asarray(rendered.count),
    )
    first, second = (
        np.asarray(features[:count])
        for features, count in zip(outputs["patch_features"], rendered.count, strict=True)
    )
    first = first / np.linalg.norm(first, axis=1, keepdims=True)
    second = second / np.linalg.norm(second, axis=1, keepdims=True)
    save_patch_similarity(encoder.renderer, *pair, first @ second.T, path)


def draw_map(encoder: SentenceEncoder, sides: Mapping[str, Sequence[str]], path: Path) -> None:
    """Draw the principal components of sentences, a colour a language; map-dark.png beside it."""
    texts = [text for side in sides.values() for text in side[:MAPPED]]
    groups = [name for name, side in sides.items() for _ in side[:MAPPED]]
    points = (
        scikit_learn("decomposition").PCA(2, random_state=0).fit_transform(encoder.encode(texts))
    )
    for theme, to in ((LIGHT, path), (DARK, path.with_stem(f"{path.stem}-dark"))):
        with in_theme(theme):
            write_whole(to, png(map_figure(points, groups, theme)))
