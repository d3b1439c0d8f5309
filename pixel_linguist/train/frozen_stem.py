"""Batches in which the vectors of a frozen stem stand for the pictures of words."""

from collections.abc import Callable

from pixel_linguist.data.views import HostBatch
from pixel_linguist.inference import Embedder
from pixel_linguist.render.patches import Patches
from pixel_linguist.train.stage import Stage
from pixel_linguist.word_embedder import KeptVectors, WordEmbedder

ReadBatch = Callable[[HostBatch], HostBatch]


def stem_reader(stage: Stage, embedder: Embedder) -> ReadBatch:
    """Return what replaces pictures of words by the stem's vectors, where that changes nothing.

    A stem that is not trained gives a picture the same vector in every step, so that each distinct
    picture is computed once; the stem takes most of a step otherwise. A stage with augmentation, or
    whose objective reads pixels, keeps its pictures.
    """
    needed = stage.augmentation.steps or stage.objective.reads_pixels
    if not isinstance(embedder, WordEmbedder) or "stem" not in stage.optimizer.frozen or needed:
        return lambda batch: batch

    kept = KeptVectors(embedder.encoder, embedder.params, "stem")

    def vectors(patches: Patches) -> Patches:
        return patches._replace(pixels=kept.of_rows(patches.pixels[..., 0]))

    def read(batch: HostBatch) -> HostBatch:
        views = {name: vectors(patches) for name, patches in batch.views.items()}
        return batch._replace(views=views)

    return read
