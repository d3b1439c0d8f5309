"""Text before rendering: perturbed views of a sentence, and spans of a document."""

from pixel_linguist.text.graphemes import split_clusters
from pixel_linguist.text.perturb import PERTURBATIONS, Composition, compose
from pixel_linguist.text.spans import crop, two_spans

__all__ = ["PERTURBATIONS", "Composition", "compose", "crop", "split_clusters", "two_spans"]
