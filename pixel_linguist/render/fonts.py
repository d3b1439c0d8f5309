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
from typing import Any, NamedTuple, TypeVar

import freetype
import numpy as np
import regex
import uharfbuzz as hb

from pixel_linguist.render.units import CLUSTER, INVISIBLE

MANIFEST = Path(__file__).with_name("manifest.toml")
# Where fonts go that come from no Python package.
FOLDER = Path(sys.prefix) / "share" / "pixel_linguist" / "fonts"

_UNCLEAN = regex.compile(r"[\p{Cs}\p{Cc}\s]")
_EMOJI = regex.compile(r"\p{Emoji_Presentation}(?!\ufe0e)|\ufe0f|\u20e3")
_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
BOX_FONT = -1
# Clusters whose fonts are remembered.
_CLUSTERS_KEPT = 1 << 16
_NO_CHARACTER = "\ufffd"


N = TypeVar("N", int, np.ndarray)


class Member(NamedTuple):
    """A font of a family, with its size and baseline as shares of the patch height."""

    font: str
    size: float
    baseline: float


@dataclasses.dataclass(frozen=True)
class Family:
    """A chain of fonts and how it sits in a patch; see the manifest's head for the fields."""

    name: str
    fonts: tuple[Member, ...]
    # So many of the fonts are its own, the others are there for what these lack.
    own: int
    size: float
    baseline: float
    margin: int
    gap: int
    cell: float = 0.0
    all_cells: bool = False
    features: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Style:
    """How fonts are varied: weight where they have it (400 is regular), slant in degrees."""

    weight: int = 400
    slant: int = 0


class Font:
    """A font in one size and style, ready for shaping and drawing. Not safe for several threads.

    Attributes:
        size: in 64ths of a pixel.
        raised: pixels by which it stands above the family's baseline.
        units: to the size.
        glyphs: how many it has.
        joined: letters touch, so that nothing may be put between them.
        pairs: plain letters advance by themselves and the letter that follows alone.
    """

    def __init__(self, name: str, size: int, raised: int, style: Style):
        """Open an installed font."""
        path, number = installed(name), _entry(name).get("number", 0)
        self.size, self.raised = size, raised
        self.joined: bool = _entry(name).get("joined", False)
        self.pairs: bool = _entry(name).get("pairs", False)
        face = hb.Face(_blob(path), number)
        self.shaper = hb.Font(face)
        self.units: int = face.upem
        self.glyphs: int = face.glyph_count
        self.outlines = freetype.Face(str(path), number)
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

    def pixels(self, distance: N) -> N:
        """Turn the font's units into whole pixels, halves upwards."""
        return (2 * distance * self.size + 64 * self.units) // (128 * self.units)


@lru_cache(maxsize=256)
def _blob(path: Path) -> hb.Blob:
    return hb.Blob.from_file_path(str(path))


@lru_cache(maxsize=256)
def characters(name: str) -> frozenset[int]:
    """Return the code points that an installed font has."""
    number = _entry(name).get("number", 0)
    return frozenset(hb.Face(_blob(installed(name)), number).unicodes)


def _entry(name: str) -> dict[str, Any]:
    entry: dict[str, Any] = manifest()["fonts"].get(name, {})
    return entry


def installed(name: str) -> Path:
    """Return the path of an installed font."""
    found = find(name)
    if found is None:
        raise FileNotFoundError(f"font {name} is not installed")
    return found[0]


@lru_cache(maxsize=1)
def manifest() -> dict[str, Any]:
    """Return the manifest: `families` and `fonts` by name."""
    return tomllib.loads(MANIFEST.read_text(encoding="utf-8"))


def family(name: str) -> Family:
    """Return a family of the manifest, or the one of a font file or a folder of them.

    Raises:
        ValueError: there is none of that name, or no font in that place.
    """
    families = manifest()["families"]
    if name in families:
        entry = families[name]
    elif Path(name).exists():
        entry = _own_family(Path(name))
    else:
        raise ValueError(
            f"no font family {name!r}, and no such file or folder; there are "
            f"{', '.join(sorted(families))}"
        )
    # A font of no size of its own has that of the family that lists it.
    fonts = [
        Member(font, listing["size"], listing["baseline"])
        if isinstance(font, str)
        else Member(**font)
        for listing in (entry, *([families[entry["then"]]] if "then" in entry else ()))
        for font in listing["fonts"]
    ]
    return Family(
        name=name,
        fonts=tuple(fonts),
        own=len(entry["fonts"]),
        size=entry["size"],
        baseline=entry["baseline"],
        margin=entry["margin"],
        gap=entry["gap"],
        cell=entry.get("cell", 0.0),
        all_cells=entry.get("all_cells", False),
        features=tuple(entry.get("features", ())),
    )


def _own_family(place: Path) -> dict[str, Any]:
    """Make a family of a font file, or of those in a folder by name, with Noto for the rest."""
    paths = [place]
    if place.is_dir():
        paths = sorted(path for path in place.iterdir() if path.suffix.lower() in _SUFFIXES)
        if not paths:
            raise ValueError(f"no font in {place}; fonts end in {', '.join(_SUFFIXES)}")
    face = hb.Face(_blob(paths[0]))
    extents = hb.Font(face).get_font_extents("ltr")
    # As large as lets its lines stand in a patch, and no larger than Noto Sans.
    above, below = extents.ascender / face.upem, -extents.descender / face.upem
    size = min(1 / max(above + below, 0.1), 0.75)
    baseline = 1 - below * size
    listed = [str(path) for path in paths]
    for path in listed:
        if not characters(path):
            raise ValueError(f"{path} is no font: it has no characters")
    shape = {"size": size, "baseline": baseline, "margin": 1, "gap": 2}
    return {"fonts": listed, "then": "noto", **shape}


@lru_cache(maxsize=256)
def find(name: str) -> tuple[Path, str] | None:
    """Find a font of the manifest, or one given by its path, on this machine.

    Returns:
        Its path and SHA-256; None if it is not installed.

    Raises:
        ValueError: the file in one of its places has not the hash of the manifest.
    """
    entry = manifest()["fonts"].get(name)
    if entry is None:
        return Path(name), hashlib.sha256(Path(name).read_bytes()).hexdigest()
    for place in entry["places"]:
        for path, ours in _paths(place):
            if path.is_file():
                found = hashlib.sha256(path.read_bytes()).hexdigest()
                if found == entry["sha256"]:
                    return path, found
                if ours:
                    raise ValueError(
                        f"font {name} is not the one of the manifest, pictures would differ: "
                        f"{path} has SHA-256 {found}, not {entry['sha256']}; install "
                        f"{place.get('pip', place.get('apt'))}, or delete the file"
                    )
    return None


def _paths(place: dict[str, str]) -> list[tuple[Path, bool]]:
    """Return where a font may be, and whether a file there is meant to be this very one.

    What the system has installed is not: it may be of another release, and is then left alone.
    """
    if "pip" in place:
        package, _, rest = place["path"].partition("/")
        spec = importlib.util.find_spec(package)
        folders = spec.submodule_search_locations if spec else None
        return [(Path(folder) / rest, True) for folder in folders or ()]
    return [(FOLDER / Path(place["path"]).name, True), (Path("/") / place["path"], False)]


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
    """The installed fonts of a family at one size and style, in order of preference.

    Raises:
        FileNotFoundError: the first font of the family is not installed.
    """

    def __init__(self, chosen: Family, height: int, scale: float = 1.0, style: Style | None = None):
        """Find the fonts; each is opened when it is first needed.

        Args:
            chosen: family.
            height: of patches, in pixels.
            scale: by which fonts are larger than the family has them.
            style: None: regular.
        """
        self.family, self.style = chosen, style or Style()
        self.names: list[str] = []
        self.absent: list[str] = []
        self.hashes: dict[str, str] = {}
        self._sizes: list[int] = []
        self._raised: list[int] = []
        for name, size, baseline in chosen.fonts:
            found = find(name)
            if found is not None:
                self.names.append(name)
                self.hashes[found[0].name] = found[1]
                self._sizes.append(round(size * height * scale * 64))
                self._raised.append(round(chosen.baseline * height) - round(baseline * height))
            elif not self.names:
                raise FileNotFoundError(
                    f"font {name} of family {chosen.name!r} is not installed; "
                    f"pixel-linguist render --install-fonts {chosen.name} installs it"
                )
            else:
                self.absent.append(name)
        own = {member.font for member in chosen.fonts[: chosen.own]}
        self.own = sum(name in own for name in self.names)
        self.size = self._sizes[0]
        # Boxes are as high as patches but for a row, and lower where fonts are smaller than usual.
        self.box_height = max(round((height - 1) * min(scale, 1.0)), 2)
        baseline = round(chosen.baseline * height)
        self.box_top = round(baseline * self.box_height / (height - 1))
        self._emoji = [i for i, name in enumerate(self.names) if _entry(name).get("emoji")]
        self._fonts: dict[int, Font] = {}
        # Whether the first font has all of ASCII.
        self.plain = self._covers(0, "".join(map(chr, range(0x20, 0x7F))))
        self._chosen: dict[str, tuple[Part, ...]] = {}

    def font(self, index: int) -> Font:
        """Return a font, opened."""
        if index not in self._fonts:
            self._fonts[index] = Font(
                self.names[index], self._sizes[index], self._raised[index], self.style
            )
        return self._fonts[index]

    def split(self, text: str) -> list[Part]:
        """Split text into parts of one font each, in order.

        What has no picture is left out where nothing visible is beside it.
        """
        if self.plain and text.isascii() and text.isprintable():
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

    def font_of(self, character: str) -> int:
        """Return the font that draws a character alone, or BOX_FONT."""
        font = self._first(character)
        return BOX_FONT if font is None else font

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
        if not INVISIBLE.sub("", cluster):
            return ()
        whole = self._first(cluster)
        base = self._first(cluster[0])
        if base is None or base == whole:
            return (Part(cluster, whole) if whole is not None else _box(cluster),)
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


def _box(cluster: str) -> Part:
    return Part(INVISIBLE.sub("", cluster), BOX_FONT)


def _visible(text: str) -> set[int]:
    """Return the code points of a text's visible characters."""
    return {ord(character) for character in text if not INVISIBLE.match(character)}


def _clean(text: str) -> str:
    """Normalise (NFC), replace what is no character, drop controls, make all spaces alike."""
    text = unicodedata.normalize("NFC", text)
    if not _UNCLEAN.search(text):
        return text
    kept = []
    for character in text:
        kind = unicodedata.category(character)
        if kind == "Cs":
            kept.append(_NO_CHARACTER)
        elif character.isspace():
            kept.append(" ")
        elif kind != "Cc":
            kept.append(character)
    return "".join(kept)
