"""An n-gram model on disk: a folder with config.json, weights.safetensors and README.md."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pixel_linguist.files import read_json
from pixel_linguist.model.store import read_weights

FORMAT = "pixel_linguist/ngram-1"
# Rows of a hash bucket, told apart by fingerprints from 1 to 2,047, which float16 holds exactly.
BUCKET, FINGERPRINTS = 8, 2047
# The first rows of each bucket, whose n-grams are the more frequent, are stored more finely.
FINE = 4
# Vectors that each code of a row chooses from.
CHOICES = 256


@dataclasses.dataclass(frozen=True)
class NgramConfig:
    """The sizes of an n-gram model; each is at least 1.

    Attributes:
        patch_height: pixels.
        patch_width: pixels.
        max_patches: patches of the longest text; the rest is cut.
        dimension: D, numbers of an embedding.
        cell_pixels: width of a cell. A patch is cut into cells; the font draws a letter in each.
        scales: how often a patch is read, each time half as wide as before, so that full-width
            letters, two cells wide, are read as well.
        hidden: units of the hidden layer that classifies a cell.
        code_width: C, numbers that a cell is mapped to, to be compared with those of letters.
        letters: L, classes of letters.
        longest: cells of the longest n-gram.
        rows: R of the table, of one n-gram each; a multiple of `BUCKET`.
        codes: M of each row (product quantisation); divides the dimension.
        fine_codes: N more, of the residual of the `FINE` first rows of each bucket; divides the
            dimension.
    """

    patch_height: int
    patch_width: int
    max_patches: int
    dimension: int
    cell_pixels: int
    scales: int
    hidden: int
    code_width: int
    letters: int
    longest: int
    rows: int
    codes: int
    fine_codes: int

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}; it must be an integer of at least 1")
        for name, number, divisor in (
            ("cell_pixels", self.patch_width, self.cell_pixels << self.scales - 1),
            ("rows", self.rows, BUCKET),
            ("codes", self.dimension, self.codes),
            ("fine_codes", self.dimension, self.fine_codes),
        ):
            if number % divisor:
                value = getattr(self, name)
                raise ValueError(f"{name} is {value}, but {divisor} does not divide {number}")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each array, by its name in weights.safetensors."""
        buckets = self.rows // BUCKET
        shapes = {
            "cell_hidden/kernel": (self.patch_height * self.cell_pixels, self.hidden),
            "cell_hidden/bias": (self.hidden,),
            "cell/kernel": (self.hidden, self.code_width),
            "cell/bias": (self.code_width,),
            "letters": (self.letters, self.code_width),
            "prints": (buckets, BUCKET),
            "codes": (self.rows, self.codes),
            "fine_codes": (buckets * FINE, self.fine_codes),
            "scales": (self.rows,),
            "book": (self.codes, CHOICES, self.dimension // self.codes),
            "fine_book": (self.fine_codes, CHOICES, self.dimension // self.fine_codes),
        }
        return {f"windows/{name}": shape for name, shape in shapes.items()}


class NgramModel(NamedTuple):
    """Sizes, float32 arrays, the renderer's settings, and the SHA-256 of each font by name.

    `languages` as in `Model`.
    """

    config: NgramConfig
    params: dict[str, np.ndarray]
    renderer: dict[str, Any]
    fonts: dict[str, str]
    folder: Path
    languages: tuple[str, ...] = ()


def is_ngram(folder: Path) -> bool:
    """Tell whether a folder holds an n-gram model."""
    path = folder / "config.json"
    stored = read_json(path) if path.is_file() else None
    return isinstance(stored, dict) and stored.get("format") == FORMAT


def read_ngram(folder: Path) -> NgramModel:
    """Read a model. The blocks and positions that are stored beside the table add 0: left out.

    Raises:
        ValueError: for damaged files, or a config that is wrong or does not fit the weights.
    """
    stored = read_json(folder / "config.json")
    try:
        config = NgramConfig(**stored["model"])
        renderer, fonts = stored["renderer"], stored["fonts"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder}/config.json is damaged: {error}") from error
    arrays, params = read_weights(folder / "weights.safetensors"), {}
    for name, shape in config.shapes().items():
        found = arrays[name].shape if name in arrays else "missing"
        if found != shape:
            raise ValueError(f"{folder}/weights.safetensors: {name} is {found}, not {shape}")
        params[name] = arrays[name].astype(np.float32)
    return NgramModel(config, params, renderer, fonts, folder, tuple(stored.get("languages", ())))
