"""Pictures of what a model makes of sentences: neighbours, changed pairs, a map."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from pixel_linguist.evaluate.embedding_geometry import Geometry
from pixel_linguist.evaluate.similarity import Embed, cosine_matrix, paired_cosine, unit_rows
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.suite import Task
from pixel_linguist.inference import Embedder
from pixel_linguist.render import Renderer
from pixel_linguist.report.plot_style import save_plot
from pixel_linguist.report.score_plots import map_figure
from pixel_linguist.report.text_pictures import save_texts
from pixel_linguist.text import compose

TYPOS = {"transpose_characters": {"rate": 0.1}, "keyboard_neighbours": {"rate": 0.04}}
QUERIES = 4
NEIGHBOURS = 3
MOVED_EACH_WAY = 3
# Sentences of each group of the map.
MAPPED = 150


def draw_examples(folder: Path, models: Sequence[Embedder], tasks: Mapping[str, Task]) -> None:
    """Draw neighbours.png, moved.png and map.svg, as far as the tasks allow.

    Args:
        models: the last is drawn; changes are counted from the first, if there are several.
        tasks: by name; the first STS among them gives the sentences, the first geometry, or all
            STS, those of the map.
    """
    model = models[-1]
    if task := next((task for task in tasks.values() if isinstance(task, STS)), None):
        texts = list(dict.fromkeys(task.texts()))
        draw_neighbours(model.renderer, model, texts, folder / "neighbours.png")
        if len(models) > 1:
            draw_moved(models[0], model, task, folder / "moved.png")
    if groups := map_groups(tasks):
        save_plot(embedding_map(model, groups), folder / "map.svg")


def map_groups(tasks: Mapping[str, Task]) -> Mapping[str, Sequence[str]]:
    """Return the texts of a map, by language if there is a geometry, else by task of STS."""
    for task in tasks.values():
        if isinstance(task, Geometry):
            return task.sides
    return {name: task.sentence1 for name, task in tasks.items() if isinstance(task, STS)}


def draw_neighbours(renderer: Renderer, embed: Embed, texts: Sequence[str], path: Path) -> None:
    """Draw a few texts with typos, spread over the list, and their nearest among the others."""
    rng = np.random.default_rng(0)
    chosen = np.linspace(0, len(texts) - 1, QUERIES).astype(int)
    queries = [compose(TYPOS)(texts[place], rng) for place in chosen]
    blocks = []
    for query, row in zip(queries, cosine_matrix(embed(queries), embed(texts)), strict=True):
        nearest = np.argsort(-row, kind="stable")[:NEIGHBOURS]
        blocks.append([("query", query), *((f"{row[i]:.2f}", texts[i]) for i in nearest)])
    save_texts(renderer, blocks, path)


def draw_moved(before: Embedder, after: Embedder, task: STS, path: Path) -> None:
    """Draw the pairs whose rank by cosine changed most between two models."""
    cosines = [
        paired_cosine(model(task.sentence1), model(task.sentence2)) for model in (before, after)
    ]
    rise = np.argsort(np.argsort(cosines[1])) - np.argsort(np.argsort(cosines[0]))
    order = np.argsort(rise, kind="stable")
    blocks = [
        [
            (f"{cosines[0][i]:.2f} → {cosines[1][i]:.2f}", task.sentence1[i]),
            (" ", task.sentence2[i]),
        ]
        for i in (*order[::-1][:MOVED_EACH_WAY], *order[:MOVED_EACH_WAY])
    ]
    save_texts(after.renderer, blocks, path)


def embedding_map(embed: Embed, groups: Mapping[str, Sequence[str]]) -> Figure:
    """Draw the two principal components of groups of sentences, a colour a group."""
    texts = [text for group in groups.values() for text in group[:MAPPED]]
    names = [name for name, group in groups.items() for _ in group[:MAPPED]]
    return map_figure(PCA(2, random_state=0).fit_transform(unit_rows(embed(texts))), names)
