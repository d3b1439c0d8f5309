"""The generated world: sentences of known meaning, the corpus that needs no download.

A proposition says who did what to whom, where, when and how; languages say it in words. English
has real words, the generated languages (Velian in Latin, Doran in Cyrillic, Ashani in Devanagari
letters) have their own words, morphology and order.
"""

from pixel_linguist.data.toy.languages import LANGUAGES, content_words
from pixel_linguist.data.toy.proposition import Proposition, similarity, split_of
from pixel_linguist.data.toy.source import ToySource

__all__ = [
    "LANGUAGES",
    "Proposition",
    "ToySource",
    "content_words",
    "similarity",
    "split_of",
]
