"""Fonts: the manifest, finding and verifying font files, and families of fonts."""

import dataclasses
import hashlib
import importlib.util
import math
import struct
import sys
import tomllib
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import freetype
import numpy as np
import uharfbuzz as hb

MANIFEST = Path(__file__).with_name("manifest.toml")
# Fonts that come from no Python package are installed here.
FOLDER = Path(sys.prefix) / "share" / "pixel_linguist" / "fonts"

_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
_COMPRESSED = {b"wOFF": "WOFF", b"wOF2": "WOFF2"}
_BRAILLE_BLANK = 0x2800
# Tables that hold the outlines, or say where they are.
_OUTLINES = frozenset({"glyf", "loca", "CFF ", "CFF2"})

N = TypeVar("N", int, np.ndarray)


class Member(NamedTuple):
    """A font of a family; its size and baseline are fractions of the patch height."""

    font: str
    size: float
    baseline: float


@dataclasses.dataclass(frozen=True)
class Family:
    """Fonts in order of preference and their place in a patch; the manifest explains the fields.

    The first `own` fonts are the family's own; the others draw what these lack.
    """

    name: str
    fonts: tuple[Member, ...]
    own: int
    size: float
    baseline: float
    margin: int
    gap: int
    cell: float = 0.0
    features: tuple[str, ...] = ()


class Font:
    """A font in one size and style, ready for shaping and drawing. Not thread-safe.

    Attributes:
        size: in 64ths of a pixel.
        raised: pixels by which it stands above the family's baseline.
        units: font units per em.
        glyphs: number of glyphs.
        joined: its letters touch, so that no space may be added between them.
        pairs: the advance of a plain letter depends on that letter and the next one alone.
    """

    def __init__(self, name: str, size: int, raised: int, weight: int = 400, slant: int = 0):
        """Open an installed font; the weight matters if it has a weight axis."""
        path, entry = installed(name), _entry(name)
        number = entry.get("number", 0)
        self.size, self.raised = size, raised
        self.joined: bool = entry.get("joined", False)
        self.pairs: bool = entry.get("pairs", False)
        face = hb.Face(_blob(path), number)
        self.shaper = hb.Font(face)
        self.units: int = face.upem
        self.glyphs: int = face.glyph_count
        self.outlines = freetype.Face(str(path), number)
        self.outlines.set_char_size(size, size, 72, 72)
        axes = {axis.tag: axis for axis in face.axis_infos}
        if "wght" in axes:
            weight = min(max(weight, axes["wght"].min_value), axes["wght"].max_value)
            if weight != axes["wght"].default_value:
                self.shaper.set_variations({"wght": weight})
                self.outlines.set_var_design_coords(
                    [weight if tag == "wght" else axis.default_value for tag, axis in axes.items()]
                )
        if slant:
            shear = round(math.tan(math.radians(slant)) * 0x10000)
            self.outlines.set_transform(
                freetype.Matrix(0x10000, shear, 0, 0x10000), freetype.Vector(0, 0)
            )

    def pixels(self, distance: N) -> N:
        """Convert font units to whole pixels; halves are rounded up."""
        return (2 * distance * self.size + 64 * self.units) // (128 * self.units)


@lru_cache(maxsize=256)
def _blob(path: Path) -> hb.Blob:
    return hb.Blob.from_file_path(str(path))


@lru_cache(maxsize=256)
def characters(name: str) -> frozenset[int]:
    """Return the code points that an installed font can draw.

    A file that is not in the manifest may be damaged: letters, digits and symbols whose glyphs are
    empty do not count.

    Raises:
        ValueError: a file that is not in the manifest is no font, cut off or damaged, or has no
            outlines.
    """
    number, path = _entry(name).get("number", 0), installed(name)
    found = frozenset(hb.Face(_blob(path), number).unicodes)
    if name in manifest()["fonts"]:
        return found
    if kind := _COMPRESSED.get(path.read_bytes()[:4]):
        raise ValueError(f"{path} is compressed ({kind}), which is not read: convert it to .ttf")
    if not found:
        raise ValueError(f"{path} is no font: it has no characters")
    damaged = _damaged_tables(path.read_bytes())
    if cut := [tag for tag, whole in damaged.items() if not whole]:
        raise ValueError(f"{path} is cut off: its tables {', '.join(cut)} reach beyond its end")
    drawn = frozenset(_with_outlines(path, found))
    if not any(map(_inked, drawn)):
        raise ValueError(f"{path} has no outlines: it is damaged, or holds only bitmaps")
    letters = {code for code in found if chr(code).isalnum()}
    # Some whole fonts have a wrong checksum, and others a few letters without outlines.
    if _OUTLINES & damaged.keys() and len(letters & drawn) < 0.9 * len(letters):
        empty = "".join(map(chr, sorted(letters - drawn)[:5]))
        raise ValueError(
            f"{path} is damaged: its outlines do not have their checksum, and letters have none, "
            f"such as {empty}"
        )
    return drawn


def _damaged_tables(content: bytes) -> dict[str, bool]:
    """Return the tables of a font that are not whole, or (True) do not have their checksum.

    The checksum of "head" is another one, and is left out (OpenType, "Calculating checksums").
    """
    starts = [0]
    if content[:4] == b"ttcf":
        (fonts,) = struct.unpack_from(">L", content, 8)
        starts = [*struct.unpack_from(f">{fonts}L", content, 12)]
    found = {}
    for start in starts:
        (tables,) = struct.unpack_from(">H", content, start + 4)
        for number in range(tables):
            entry = start + 12 + 16 * number
            tag, checksum, offset, length = struct.unpack_from(">4sLLL", content, entry)
            table = content[offset : offset + length]
            words = np.frombuffer(table + bytes(-len(table) % 4), ">u4")
            if len(table) < length:
                found[tag.decode("latin-1")] = False
            elif tag != b"head" and int(words.sum(dtype=np.uint64)) & 0xFFFFFFFF != checksum:
                found.setdefault(tag.decode("latin-1"), True)
    return found


def _with_outlines(path: Path, codes: Iterable[int]) -> Iterable[int]:
    """Yield the code points whose glyphs are not empty, unless they should be."""
    try:
        face = freetype.Face(str(path))
    except freetype.FT_Exception as error:
        raise ValueError(f"{path} is no font that FreeType reads: {error}") from error
    for code in codes:
        if not _inked(code):
            yield code
        elif face.is_scalable:
            try:
                face.load_glyph(face.get_char_index(code), freetype.FT_LOAD_NO_SCALE)
            except freetype.FT_Exception:
                continue
            if face.glyph.outline.n_points:
                yield code


def _inked(code: int) -> bool:
    """Whether each font that has a character has ink for it."""
    return unicodedata.category(chr(code))[0] in "LNPS" and code != _BRAILLE_BLANK


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
    """Return a family of the manifest, or one of a font file or a folder of font files.

    Raises:
        ValueError: there is no such family, file or folder, or no font in it.
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
    # A font without a size of its own has that of the family that lists it.
    fonts = [
        Member(font, listing["size"], listing["baseline"])
        if isinstance(font, str)
        else Member(**font)
        for listing in (entry, *([families[entry["then"]]] if "then" in entry else ()))
        for font in listing["fonts"]
    ]
    fields = {"size", "baseline", "margin", "gap", "cell"} & entry.keys()
    return Family(
        name=name,
        fonts=tuple(fonts),
        own=len(entry["fonts"]),
        features=tuple(entry.get("features", ())),
        **{field: entry[field] for field in fields},
    )


def _own_family(place: Path) -> dict[str, Any]:
    """Make a family of a font file, or of a folder's, sorted by name, with Noto for the rest."""
    paths = [place]
    if place.is_dir():
        paths = sorted(path for path in place.iterdir() if path.suffix.lower() in _SUFFIXES)
        if not paths:
            raise ValueError(f"no font in {place}; fonts end in {', '.join(_SUFFIXES)}")
    for path in paths:
        characters(str(path))
    face = hb.Face(_blob(paths[0]))
    extents = hb.Font(face).get_font_extents("ltr")
    # The largest size at which its lines fit in a patch, but not larger than Noto Sans.
    above, below = extents.ascender / face.upem, -extents.descender / face.upem
    size = min(1 / max(above + below, 0.1), 0.75)
    shape = {"size": size, "baseline": 1 - below * size, "margin": 1, "gap": 2}
    return {"fonts": [*map(str, paths)], "then": "noto", **shape}


@lru_cache(maxsize=256)
def find(name: str) -> tuple[Path, str] | None:
    """Find a font of the manifest, or one given by its path.

    Returns:
        Its path and SHA-256; None if it is not installed.

    Raises:
        ValueError: a file in one of our places differs from the manifest's.
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
                    source = place.get("pip") or place.get("apt") or "pixel_linguist"
                    raise ValueError(
                        f"font {name} is not the one of the manifest, pictures would differ: "
                        f"{path} has SHA-256 {found}, not {entry['sha256']}; install {source}, or "
                        f"delete the file"
                    )
    return None


def _paths(place: dict[str, str]) -> list[tuple[Path, bool]]:
    """Return the paths at which a font may be, and whether a file there must be this very one.

    The system's own fonts need not be: another release of them is left alone.
    """
    if "pip" in place:
        package, _, rest = place["path"].partition("/")
        spec = importlib.util.find_spec(package)
        folders = spec.submodule_search_locations if spec else None
        return [(Path(folder) / rest, True) for folder in folders or ()]
    if "package" in place:
        return [(MANIFEST.with_name(place["package"]), True)]
    return [(FOLDER / Path(place["path"]).name, True), (Path("/") / place["path"], False)]


def hashes(names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each installed font, in order, by its file's name.

    A second file of the same name and other content is named with its folder.
    """
    result: dict[str, str] = {}
    for path, sha256 in filter(None, map(find, names)):
        same = result.get(path.name, sha256) == sha256
        result[path.name if same else f"{path.parent.name}/{path.name}"] = sha256
    return result
