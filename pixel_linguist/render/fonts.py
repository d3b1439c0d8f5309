"""Fonts: the manifest, finding and verifying files, and which font draws which cluster."""

import dataclasses
import hashlib
import importlib.util
import math
import sys
import tomllib
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import freetype
import regex
import uharfbuzz as hb

from pixel_linguist.render.units import CLUSTER

MANIFEST = Path(__file__).with_name("manifest.toml")
# Where fonts go that come from no Python package.
FOLDER = Path(sys.prefix) / "share" / "pixel_linguist" / "fonts"

# Characters that have no picture of their own; fonts need not have them. HarfBuzz still sees
# them, because joiners and variation selectors choose other glyphs.
_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cc}]")
_EMOJI = regex.compile(r"\p{Emoji_Presentation}(?!\ufe0e)|\ufe0f|\u20e3")
BOX_FONT = -1
# Clusters whose fonts are remembered.
_CLUSTERS_KEPT = 1 << 16
_NO_CHARACTER = "\ufffd"


@dataclasses.dataclass(frozen=True)
class Family:
    """A chain of fonts and how it sits in a patch; see the manifest's head for the fields."""

    name: str
    fonts: tuple[str, ...]
    # So many of the fonts are its own, the others are there for what these lack.
    own: int
    size: float
    baseline: float
    margin: int
    gap: int
    cell: float = 0.0
    features: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Style:
    """How fonts are varied: weight where they have it (400 is regular), slant in degrees."""

    weight: int = 400
    slant: int = 0


class Font:
    """A font file in one style, ready for shaping and drawing. Not safe for several threads."""

    def __init__(self, path: Path, style: Style, size: int):
        """Open a font at a size in 64ths of a pixel."""
        face = hb.Face(_blob(path))
        self.shaper = hb.Font(face)
        self.units: int = face.upem
        self.outlines = freetype.Face(str(path))
        self.outlines.set_char_size(size, size, 72, 72)
        axes = {axis.tag: axis for axis in face.axis_infos}
        if "wght" in axes:
            weight = min(max(style.weight, axes["wght"].min_value), axes["wght"].max_value)
            if weight != axes["wght"].default_value:
                self.shaper.set_variations({"wght": weight})
                self.outlines.set_var_design_coords(
                    [weight if tag == "wght" else axis.default_value for tag, axis in axes.items()]
                )
        if style.slant:
            shear = round(math.tan(math.radians(style.slant)) * 0x10000)
            self.outlines.set_transform(
                freetype.Matrix(0x10000, shear, 0, 0x10000), freetype.Vector(0, 0)
            )


@lru_cache(maxsize=256)
def _blob(path: Path) -> hb.Blob:
    return hb.Blob.from_file_path(str(path))


@lru_cache(maxsize=256)
def _characters(path: Path) -> frozenset[int]:
    return frozenset(hb.Face(_blob(path)).unicodes)


@lru_cache(maxsize=1)
def manifest() -> dict[str, Any]:
    """Return the manifest: `families` and `fonts` by name."""
    return tomllib.loads(MANIFEST.read_text(encoding="utf-8"))


def family(name: str) -> Family:
    """Return a family of the manifest.

    Raises:
        ValueError: there is none of that name.
    """
    families = manifest()["families"]
    if name not in families:
        raise ValueError(f"no font family {name!r}; there are {', '.join(sorted(families))}")
    entry = families[name]
    fonts = tuple(entry["fonts"])
    if "then" in entry:
        fonts += family(entry["then"]).fonts
    return Family(
        name=name,
        fonts=fonts,
        own=len(entry["fonts"]),
        size=entry["size"],
        baseline=entry["baseline"],
        margin=entry["margin"],
        gap=entry["gap"],
        cell=entry.get("cell", 0.0),
        features=tuple(entry.get("features", ())),
    )


@lru_cache(maxsize=256)
def find(name: str) -> tuple[Path, str] | None:
    """Find a font of the manifest on this machine.

    Returns:
        Its path and SHA-256; None if it is not installed.

    Raises:
        ValueError: there are files in its places, and none has the hash of the manifest.
    """
    entry = manifest()["fonts"][name]
    wrong = []
    for place in entry["places"]:
        for path in _paths(place):
            if path.is_file():
                found = hashlib.sha256(path.read_bytes()).hexdigest()
                if found == entry["sha256"]:
                    return path, found
                wrong.append(f"{path} has SHA-256 {found}")
    if wrong:
        raise ValueError(
            f"font {name} is not the one of the manifest, pictures would differ: "
            f"{'; '.join(wrong)}, not {entry['sha256']}; install the package's pinned version"
        )
    return None


def _paths(place: dict[str, str]) -> list[Path]:
    if "pip" in place:
        package, _, rest = place["path"].partition("/")
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            return []
        return [Path(folder) / rest for folder in spec.submodule_search_locations]
    system = [Path("/") / place["path"]] if "apt" in place else []
    return [FOLDER / Path(place["path"]).name, *system]


class Part(NamedTuple):
    """Text that one font draws.

    `font` is an index into the chain, or BOX_FONT for a cluster that none covers. `marks` are
    combining marks on the last cluster that come from other fonts, with their indices.
    """

    text: str
    font: int
    marks: tuple[tuple[str, int], ...] = ()


class Chain:
    """The installed fonts of a family at one size and style, in order of preference.

    Raises:
        FileNotFoundError: the first font of the family is not installed.
    """

    def __init__(self, chosen: Family, size: int, style: Style | None = None):
        """Find the fonts; each is opened when it is first needed.

        Args:
            chosen: family.
            size: in 64ths of a pixel.
            style: None: regular.
        """
        self.family, self.size, self.style = chosen, size, style or Style()
        self.names: list[str] = []
        self.absent: list[str] = []
        self._paths: list[Path] = []
        self.hashes: dict[str, str] = {}
        for name in chosen.fonts:
            found = find(name)
            if found is not None:
                self.names.append(name)
                self._paths.append(found[0])
                self.hashes[found[0].name] = found[1]
            elif not self.names:
                raise FileNotFoundError(
                    f"font {name} of family {chosen.name!r} is not installed; "
                    f"python -m pixel_linguist.render --install-fonts {chosen.name} installs it"
                )
            else:
                self.absent.append(name)
        self.own = sum(name in chosen.fonts[: chosen.own] for name in self.names)
        entries = [manifest()["fonts"][name] for name in self.names]
        self._joined = [bool(entry.get("joined")) for entry in entries]
        self._emoji = [i for i, entry in enumerate(entries) if entry.get("emoji")]
        self._fonts: dict[int, Font] = {}
        self._plain = self._covers(0, "".join(map(chr, range(0x20, 0x7F))))
        self._chosen: dict[str, tuple[Part, ...]] = {}

    def font(self, index: int) -> Font:
        """Return a font, opened."""
        if index not in self._fonts:
            self._fonts[index] = Font(self._paths[index], self.style, self.size)
        return self._fonts[index]

    def joined(self, index: int) -> bool:
        """Whether the letters of a font touch, so that nothing may be put between them."""
        return self._joined[index]

    def split(self, text: str) -> list[Part]:
        """Split text into parts of one font each, in order.

        What has no picture is left out where nothing visible is beside it.
        """
        if self._plain and text.isascii() and text.isprintable():
            return [Part(text, 0)] if text else []
        parts: list[Part] = []
        for cluster in CLUSTER.findall(_clean(text)):
            for part in self._parts(cluster):
                before = parts[-1] if parts else None
                if before and before.font == part.font != BOX_FONT and not before.marks:
                    parts[-1] = Part(before.text + part.text, part.font, part.marks)
                else:
                    parts.append(part)
        return parts

    def _parts(self, cluster: str) -> tuple[Part, ...]:
        if len(self._chosen) > _CLUSTERS_KEPT:
            self._chosen.clear()
        known = self._chosen.get(cluster)
        if known is None:
            known = self._choose(cluster)
            if len(cluster) < 32:
                self._chosen[cluster] = known
        return known

    def _choose(self, cluster: str) -> tuple[Part, ...]:
        if not _INVISIBLE.sub("", cluster):
            return ()
        font = self._first(cluster)
        if font is not None:
            return (Part(cluster, font),)
        # A letter of one font with marks of others.
        base = self._first(cluster[0])
        if base is None:
            return (Part(cluster, BOX_FONT),)
        own = "".join(c for c in cluster if self._covers(base, c))
        strange = [c for c in cluster if not self._covers(base, c)]
        marks = [(c, self._first(c)) for c in strange]
        found = tuple((c, font) for c, font in marks if font is not None)
        boxes = (Part("", BOX_FONT),) * (len(found) < len(marks))
        return Part(own, base, found), *boxes

    def _first(self, cluster: str) -> int | None:
        """Return the first font that has every visible character of a cluster."""
        order = [*self._emoji, *range(len(self.names))] if _EMOJI.search(cluster) else None
        for index in order or range(len(self.names)):
            if self._covers(index, cluster):
                return index
        return None

    def _covers(self, index: int, text: str) -> bool:
        characters = _characters(self._paths[index])
        return all(ord(c) in characters or _INVISIBLE.match(c) for c in text)


def _clean(text: str) -> str:
    """Normalise (NFC), replace what is no character, drop controls, make all spaces alike."""
    kept = []
    for character in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(character)
        if kind == "Cs":
            kept.append(_NO_CHARACTER)
        elif character.isspace():
            kept.append(" ")
        elif kind != "Cc":
            kept.append(character)
    return "".join(kept)
