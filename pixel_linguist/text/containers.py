"""The one way in for texts: any container of str, but nothing that is one by accident."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def as_texts(given: Any) -> Iterable[Any]:
    """Return the texts of a container, in its order; each is still to be checked to be a str.

    Args:
        given: a list, tuple, iterator, NumPy array of str, pandas Series or Arrow array.

    Raises:
        TypeError: for one str or bytes, None, a mapping or a table, which would be iterated by its
            keys or columns, an array of another number of dimensions than 1, and what cannot be
            iterated.
    """
    kind = type(given).__name__
    if isinstance(given, str):
        raise TypeError("this needs a list of texts, not one str: write [text]")
    if isinstance(given, bytes | bytearray | memoryview):
        raise TypeError(f"this needs a list of texts, not {kind}: write [content.decode()]")
    if given is None:
        raise TypeError("this needs a list of texts, not None")
    # Of what has keys, a Series alone is iterated by its values.
    keyed = callable(getattr(given, "keys", None)) and not hasattr(given, "dtype")
    if isinstance(given, Mapping) or keyed:
        raise TypeError(
            f"this needs a list of texts, not {kind}, of which the keys alone would be read: give "
            "its values, as list(texts.values()), or one column"
        )
    if hasattr(given, "column_names"):
        raise TypeError(f"this needs a list of texts, not {kind}: give one column of it")
    if getattr(given, "ndim", 1) != 1:
        raise TypeError(f"this needs a list of texts, not an array of {given.ndim} dimensions")
    if not isinstance(given, Iterable):
        raise TypeError(f"this needs a list of texts, not {kind}")
    return _unwrapped(given) if type(given).__module__.startswith("pyarrow") else given


def _unwrapped(array: Any) -> Iterator[Any]:
    """Yield the values of an Arrow array, whose elements are scalars of its own."""
    return (scalar.as_py() for scalar in array)


def holds_vectors(given: Any) -> bool:
    """Tell whether an argument that may be texts or vectors is an array or a list of numbers."""
    dtype = getattr(given, "dtype", None)
    if dtype is not None:
        # Arrays of other libraries than NumPy hold numbers, but for a Series of pandas.
        kind = getattr(dtype, "kind", "f")
        return kind in "fiucbV" or (kind == "O" and getattr(given, "ndim", 1) == 2)
    if not isinstance(given, list | tuple) or not given:
        return False
    first = given[0]
    if isinstance(first, str | bytes):
        return False
    return isinstance(first, int | float | list | tuple) or hasattr(first, "dtype")
