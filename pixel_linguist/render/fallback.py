"""Font fallback: which font of a family draws which grapheme cluster."""

import re
import unicodedata
from typing import NamedTuple

import regex

from pixel_linguist.render.fonts import Family, Font, characters, find, hashes, manifest
from pixel_linguist.render.units import INVISIBLE
from pixel_linguist.text.graphemes import split_clusters

_UNCLEAN = regex.compile(r"[\p{Cs}\p{Cc}\s]")
_EMOJI = regex.compile(r"\p{Emoji_Presentation}(?!\ufe0e)|\ufe0f|\u20e3")
_NO_CHARACTER = "\ufffd"
# The "font" of boxes.
BOX_FONT = -1
# Clusters whose fonts are cached.
_CLUSTERS_KEPT = 1 << 16


class Part(NamedTuple):
    """Text that one font draws.

    `font` is an index into the chain, or BOX_FONT for the code points of one cluster that no font
    has. `marks` are combining marks on the last cluster that come from other fonts, with their
    indices.
    """

    text: str
    font: int
    marks: tuple[tuple[str, int], ...] = ()


class Chain:
    """The installed fonts of a family at one size and style, in order of preference."""

    def __init__(
        self, chosen: Family, height: int, scale: float = 1.0, weight: int = 400, slant: int = 0
    ):
        """Find the fonts; each is opened when it is first needed.

        Args:
            height: of patches, in pixels.
            scale: font size relative to the family's.
            weight: of fonts with several weights; 400 is regular.
            slant: degrees to the right.

        Raises:
            FileNotFoundError: the first font of the family is not installed.
        """
        self.family, self._style = chosen, (weight, slant)
        members = [member for member in chosen.fonts if find(member.font) is not None]
        if not members or members[0] != chosen.fonts[0]:
            raise FileNotFoundError(
                f"font {chosen.fonts[0].font} of family {chosen.name!r} is not installed; "
                f"pixel-linguist render --install-fonts {chosen.name} installs it"
            )
        self.names = [member.font for member in members]
        self.absent = [m.font for m in chosen.fonts if m not in members]
        self.hashes = hashes(self.names)
        baseline = round(chosen.baseline * height)
        self._sizes = [round(member.size * height * scale * 64) for member in members]
        self._raised = [baseline - round(member.baseline * height) for member in members]
        self.own = sum(member in chosen.fonts[: chosen.own] for member in members)
        # Boxes are a row lower than patches, and still lower where letters are smaller than usual.
        self.box_height = max(round((height - 1) * min(scale, 1.0)), 2)
        self.box_top = round(baseline * self.box_height / (height - 1))
        fonts = manifest()["fonts"]
        self._emoji = [
            i for i, name in enumerate(self.names) if fonts.get(name, {}).get("emoji", False)
        ]
        self._fonts: dict[int, Font] = {}
        # Whether the first font has all of ASCII.
        self._plain = self._covers(0, "".join(map(chr, range(0x20, 0x7F))))
        self._cached: dict[str, tuple[Part, ...]] = {}

    def font(self, index: int) -> Font:
        """Return a font, opened."""
        if index not in self._fonts:
            size, raised = self._sizes[index], self._raised[index]
            self._fonts[index] = Font(self.names[index], size, raised, *self._style)
        return self._fonts[index]

    def split(self, text: str) -> list[Part]:
        """Split text into parts of one font each, in order.

        Clusters without a picture are dropped.
        """
        if self._plain and text.isascii() and text.isprintable():
            return [Part(text, 0)] if text else []
        parts: list[Part] = []
        for cluster in split_clusters(_clean(text)):
            for part in self._parts(cluster):
                before = parts[-1] if parts else None
                if before and before.font == part.font != BOX_FONT and not before.marks:
                    parts[-1] = Part(before.text + part.text, part.font, part.marks)
                else:
                    parts.append(part)
        return parts

    def font_of(self, character: str) -> int:
        """Return the font that draws a character alone, or BOX_FONT."""
        font = self._first(character)
        return BOX_FONT if font is None else font

    def _parts(self, cluster: str) -> tuple[Part, ...]:
        if len(self._cached) > _CLUSTERS_KEPT:
            self._cached.clear()
        parts = self._cached.get(cluster)
        if parts is None:
            parts = self._choose(cluster)
            if len(cluster) < 32:
                self._cached[cluster] = parts
        return parts

    def _choose(self, cluster: str) -> tuple[Part, ...]:
        if not INVISIBLE.sub("", cluster):
            return ()
        whole = self._first(cluster)
        base = self._first(cluster[0])
        if whole is not None and base in (None, whole):
            return (Part(cluster, whole),)
        if base is None:
            return (_box(cluster),)
        # A letter of one font with marks of others, unless a font of the same rank has them all.
        own = "".join(c for c in cluster if self._covers(base, c))
        marks = [(c, self._first(c)) for c in cluster if not self._covers(base, c)]
        found = tuple((c, font) for c, font in marks if font is not None)
        if whole is not None and whole <= max((font for _, font in found), default=whole):
            return (Part(cluster, whole),)
        missing = "".join(c for c, font in marks if font is None)
        return Part(own, base, found), *([_box(missing)] if missing else ())

    def _first(self, cluster: str) -> int | None:
        """Return the first font that has every visible character of a cluster."""
        order = [*self._emoji, *range(len(self.names))] if _EMOJI.search(cluster) else None
        needed = _visible(cluster)
        for index in order or range(len(self.names)):
            if needed <= characters(self.names[index]):
                return index
        return None

    def _covers(self, index: int, text: str) -> bool:
        return _visible(text) <= characters(self.names[index])


def _visible(text: str) -> set[int]:
    return {ord(character) for character in text if not INVISIBLE.match(character)}


def _box(cluster: str) -> Part:
    return Part(INVISIBLE.sub("", cluster), BOX_FONT)


def _clean(text: str) -> str:
    """Normalise (NFC), replace lone surrogates, drop controls, turn white space into spaces."""
    text = unicodedata.normalize("NFC", text)
    if not _UNCLEAN.search(text):
        return text
    spaced = re.sub(r"\s", " ", text)
    return regex.sub(r"\p{Cc}", "", regex.sub(r"\p{Cs}", _NO_CHARACTER, spaced))
