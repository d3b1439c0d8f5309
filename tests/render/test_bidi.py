"""The bidirectional algorithm against python-bidi's own (a Rust crate), and on known texts."""

import unicodedata

import bidi
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_linguist.render.bidi import levels, visual_order

LETTERS = "abאבגجده١٢12 +-,.:$%()[]{}!?<\u0301\u05b0\u2329\u3009"
CONTROLS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200d"


def shown(text: str) -> str:
    """The text in the order it is seen, without what leaves no mark."""
    order = visual_order(levels(text))
    return without_controls("".join(text[i] for i in order))


def without_controls(text: str) -> str:
    removed = {"LRE", "RLE", "LRO", "RLO", "PDF", "BN"}
    return "".join(c for c in text if unicodedata.bidirectional(c) not in removed)


@settings(deadline=None)
@given(st.text(st.sampled_from(LETTERS), max_size=30))
def test_plain_text_as_the_other_implementation_orders_it(text: str) -> None:
    assert shown(text) == without_controls(bidi.get_display(text))


@settings(deadline=None)
@given(st.text(st.sampled_from(LETTERS + CONTROLS), max_size=30))
def test_text_with_controls_as_the_other_implementation_orders_it(text: str) -> None:
    # At the end of a line the two differ where an override covers white space or an isolate: the
    # annex goes by the original types there (L1), and so do we.
    text += "."
    assert shown(text) == without_controls(bidi.get_display(text))


def test_numbers_and_latin_keep_their_order_among_hebrew() -> None:
    assert shown("אבג 12 abc דה") == "הד abc 12 גבא"
    # Brackets are mirrored by the font, later.
    assert shown("abc אבג (12) def") == "abc )12( גבא def"


def test_nothing_is_lost_however_deep() -> None:
    text = "\u202b" * 200 + "אa" * 50
    assert sorted(visual_order(levels(text))) == list(range(len(text)))
