"""Fonts: the manifest, finding and verifying files, and which font draws which cluster."""

import dataclasses
import hashlib
import importlib.util
import sys
import tomllib
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import freetype
import regex
import uharfbuzz as hb

MANIFEST = Path(__file__).with_name("manifest.toml")
# Where fonts go that come from no Python package.
FOLDER = Path(sys.prefix) / "share" / "pixel_linguist" / "fonts"

_CLUSTER = regex.compile(r"\X")
# Characters that have no picture of their own; fonts need not have them. HarfBuzz still sees
# them, because joiners and variation selectors choose other glyphs.
_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cc}]")
BOX = "\ufffd"


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


class Font:
    """One font file, ready for shaping and for drawing. Not safe for several threads at once."""

    def __init__(self, name: str, path: Path, sha256: str):
        self.name, self.path, self.sha256 = name, path, sha256
        blob = hb.Blob.from_file_path(str(path))
        face = hb.Face(blob)
        self.shaper = hb.Font(face)
        self.units: int = face.upem
        self.outlines = freetype.Face(str(path))
        self.characters: frozenset[int] = frozenset(face.unicodes)

    def covers(self, cluster: str) -> bool:
        """Whether the font has every visible character of a cluster."""
        return all(ord(c) in self.characters or _INVISIBLE.match(c) is not None for c in cluster)


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


class Chain:
    """The installed fonts of a family, in order of preference.

    Raises:
        FileNotFoundError: the first font of the family is not installed.
    """

    def __init__(self, chosen: Family):
        self.family = chosen
        self.fonts: list[Font] = []
        self.absent: list[str] = []
        for name in chosen.fonts:
            found = find(name)
            if found is not None:
                self.fonts.append(Font(name, *found))
            elif not self.fonts:
                raise FileNotFoundError(
                    f"font {name} of family {chosen.name!r} is not installed; "
                    f"python -m pixel_linguist.render --install-fonts {chosen.name} installs it"
                )
            else:
                self.absent.append(name)
        own = chosen.fonts[: chosen.own]
        self.own = sum(font.name in own for font in self.fonts)
        self._plain = self.fonts[0].covers("".join(map(chr, range(0x20, 0x7F))))

    def split(self, text: str) -> list[tuple[str, int]]:
        """Split text into runs of one font each.

        Returns:
            (run, font): font is an index into `fonts`, or -1 for a cluster that none covers.
            Characters without a picture are left out where nothing visible is beside them.
        """
        if self._plain and text.isascii() and text.isprintable():
            return [(text, 0)] if text else []
        runs: list[tuple[str, int]] = []
        for cluster in _CLUSTER.findall(_clean(text)):
            font = self._font_of(cluster)
            if font is None:
                continue
            if runs and font >= 0 and runs[-1][1] == font:
                runs[-1] = (runs[-1][0] + cluster, font)
            else:
                runs.append((cluster, font))
        return runs

    def _font_of(self, cluster: str) -> int | None:
        if not _INVISIBLE.sub("", cluster):
            return None
        for index, font in enumerate(self.fonts):
            if font.covers(cluster):
                return index
        # A letter whose marks are in no font of its own is drawn without them.
        for index, font in enumerate(self.fonts):
            if font.covers(cluster[0]):
                return index
        return -1


def _clean(text: str) -> str:
    """Normalise (NFC), replace what is no character, drop controls, make all spaces alike."""
    kept = []
    for character in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(character)
        if kind == "Cs":
            kept.append(BOX)
        elif character.isspace():
            kept.append(" ")
        elif kind != "Cc":
            kept.append(character)
    return "".join(kept)


def hashes(fonts: Sequence[Font]) -> dict[str, str]:
    """Return SHA-256 by file name."""
    return {font.path.name: font.sha256 for font in fonts}
