"""An example: views of one meaning, and facts about them."""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# A text; a picture, uint8 [height, width, C] or the path of one; or a document's sentences.
Content = str | np.ndarray | Path | tuple[str, ...]
NO_GROUP = -1


class Example(NamedTuple):
    """What a pair maker returns.

    Attributes:
        views: name → text, picture or document. A view that an example lacks, or that is "", is
            drawn blank, and its fact "present" says so.
        facts: of the example, by name: numbers, or arrays of one shape in all examples of a stage.
            "group" is a tuple of ints: examples that share one are alike, and never negatives of
            each other.
        view_facts: view → name → number, of one view.
    """

    views: Mapping[str, Content]
    facts: Mapping[str, Any] = {}
    view_facts: Mapping[str, Mapping[str, Any]] = {}


def group_of(record: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the fact "group" of a record: its column "group", or none; null is none.

    A record of several groups has a sequence of them, of one length in all records.
    """
    group = record.get("group")
    several = group if isinstance(group, tuple | list) else (group,)
    try:
        return {"group": tuple(NO_GROUP if one is None else int(one) for one in several)}
    except (TypeError, ValueError) as error:
        raise ValueError(f"the group is {group!r:.80}, no integer, in {record!r:.200}") from error


def padded(numbers: Sequence[int], length: int) -> tuple[int, ...]:
    """Return numbers, and -1 behind them up to a length; a fact has one length in all examples."""
    return (*numbers, *[NO_GROUP] * (length - len(numbers)))


def content_id(content: Content) -> int:
    """Return a number of 31 bits (CRC-32) that is equal for equal contents."""
    if isinstance(content, np.ndarray):
        data = content.tobytes()
    else:
        text = "\x1f".join(content) if isinstance(content, tuple) else str(content)
        data = text.encode("utf-8", "surrogatepass")
    return zlib.crc32(data) & 0x7FFFFFFF


def read_picture(picture: np.ndarray | Path) -> np.ndarray:
    """Return a picture, pixels or the path of a file, as uint8 [height, width, C].

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for an array of another kind, or a file that is no picture.
    """
    if isinstance(picture, Path):
        from PIL import Image

        try:
            with Image.open(picture) as opened:
                pixels = np.asarray(opened.convert("RGB"))
        except FileNotFoundError:
            raise
        except (OSError, SyntaxError) as error:
            raise ValueError(f"{picture} is no picture, or damaged: {error}") from error
        picture = pixels
    if picture.dtype != np.uint8 or picture.ndim != 3:
        raise ValueError(
            f"a picture is uint8 [height, width, channels], not {picture.dtype} {picture.shape}"
        )
    return picture


def stack_facts(name: str, values: Sequence[Any]) -> np.ndarray:
    """Return a fact of B examples as an array [B, ...] of int32, float32 or bool.

    Raises:
        ValueError: for facts of other kinds or of different shapes, or integers beyond 32 bits.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"the fact {name!r} has different shapes: pad it to one") from error
    if array.dtype.kind == "b":
        return array
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    if array.dtype.kind not in "iu":
        raise ValueError(f"the fact {name!r} is {values[0]!r}; it must be a number or an array")
    limits = np.iinfo(np.int32)
    if array.size and not (limits.min <= array.min() and array.max() <= limits.max):
        raise ValueError(f"the fact {name!r} has values beyond 32 bits, such as {array.max()}")
    return array.astype(np.int32)
