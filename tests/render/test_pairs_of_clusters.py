"""Pairs of grapheme clusters part no signs and conjuncts that are drawn together."""

import pytest
import regex

from pixel_linguist.render import Renderer
from pixel_linguist.render.fallback import BOX_FONT
from pixel_linguist.render.units import WORDS
from pixel_linguist.text.graphemes import cluster_ends, split_clusters, split_pairs

DOTTED_CIRCLE = 0x25CC
# Every Myanmar sign of its own behind a letter, and words of scripts whose conjuncts are parted.
SIGNS = [*range(0x1062, 0x1065), *range(0x1067, 0x106E), *range(0x1087, 0x108D), 0x102B, 0x102C]
SIGNS += [0x1038, 0x1083, 0x108F, 0x109A, 0x109B, 0x109C, 0xAA7B, 0xAA7D]
WORDS_OF_SCRIPTS = [
    *("\u1000\u1000" + chr(code) for code in SIGNS),
    "မြန်မာစာ", "ကောင်းပါသလား", "သင်္ဘော", "ಕನ್ನಡ", "ರಾಷ್ಟ್ರ", "ਪ੍ਰਸ਼ਨ", "ਸ੍ਵਰ", "பக்ஷி", "ஸ்ரீதர்",
    "ශ්‍රී", "ක්‍ෂය", "தமிழ்நாடு", "ක්ෂ", "हिन्दी",
]  # fmt: skip


def glyphs(renderer: Renderer, unit: str) -> list[tuple[int, int]]:
    """Return font and number of the glyphs of a unit."""
    return [(g.font, g.number) for g in renderer._grid.layout.shape(unit).glyphs]


@pytest.mark.parametrize("word", WORDS_OF_SCRIPTS)
def test_pairs_have_the_glyphs_of_the_word(word: str) -> None:
    renderer = Renderer(strategy="bigrams")
    whole = glyphs(renderer, word)
    if any(font == BOX_FONT for font, _ in whole):
        pytest.skip("no font for this script is installed")
    parts = [glyph for pair in split_pairs(word) for glyph in glyphs(renderer, pair)]
    chain = renderer._grid.layout.chain
    for font, number in parts:
        assert number != chain.font(font).shaper.get_nominal_glyph(DOTTED_CIRCLE)
    assert parts == whole


@pytest.mark.parametrize(
    ("text", "clusters"),
    [
        ("ನಕ್ಷ", ["ನ", "ಕ್ಷ"]),
        ("க்க", ["க்", "க"]),
        ("ක්ෂ", ["ක්", "ෂ"]),
        ("က်က", ["က်", "က"]),
        ("क्\u200cष", ["क्\u200c", "ष"]),
        ("a \u102c", ["a", " ", "\u102c"]),
        ("ಕ್ a", ["ಕ್", " ", "a"]),
    ],
)
def test_what_readers_part_stays_parted(text: str, clusters: list[str]) -> None:
    assert split_clusters(text) == clusters
    assert cluster_ends(text) == [len("".join(clusters[: i + 1])) for i in range(len(clusters))]
    assert "".join(split_pairs(text)) == text


def test_longer_clusters_are_whole_ones_of_uax_29() -> None:
    for text in (*WORDS_OF_SCRIPTS, " ".join(WORDS_OF_SCRIPTS)):
        ends = {match.end() for match in regex.finditer(r"\X", text)}
        assert set(cluster_ends(text)) <= ends
    assert WORDS.one(WORDS_OF_SCRIPTS[0]) == WORDS_OF_SCRIPTS[:1]
