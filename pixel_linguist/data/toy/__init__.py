"""The generated world: a corpus of sentences whose meaning is known, without a download.

A proposition says who did what to whom, where, when and how; a language puts it into words.
English has real words; Velian, in Latin letters, and Ashani, in Devanagari, have words, morphology
and word order of their own. Aldish is a sister of English and Narvian one of Velian: most of their
words go back to those of the other by regular changes of sounds and spelling.
"""

from pixel_linguist.data.toy.languages import LANGUAGES
from pixel_linguist.data.toy.proposition import Proposition, similarity, split_of
from pixel_linguist.data.toy.toy_source import ToySource

__all__ = [
    "LANGUAGES",
    "Proposition",
    "ToySource",
    "similarity",
    "split_of",
]
