"""Hashed letter n-grams of cells in one cell font: what reads the shipped `tiny` models.

These models are no transformers. A word is drawn in cells of equal width, each cell is classified
as a letter, the hashed n-grams of letters select rows of a table, and the mean of their sums is the
embedding. The table was solved by ridge regression; commit 108adf9 is the last with the solver.
"""

from pixel_linguist.ngram.ngram_encoder import NgramEmbedder, NgramEncoder
from pixel_linguist.ngram.ngram_model import NgramConfig, NgramModel, is_ngram, read_ngram

__all__ = ["NgramConfig", "NgramEmbedder", "NgramEncoder", "NgramModel", "is_ngram", "read_ngram"]
