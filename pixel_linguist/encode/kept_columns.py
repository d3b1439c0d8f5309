"""Types of the columns that are copied beside vectors: one for all shards, found before any."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pixel_linguist.data.records import Records, column
from pixel_linguist.inference import blocks

if TYPE_CHECKING:
    import pyarrow

# The column of the vectors.
EMBEDDING = "embedding"
# Records whose types are inferred at once.
_ROWS = 1 << 14


def column_types(records: Records, names: Sequence[str]) -> "dict[str, pyarrow.DataType]":
    """Return the Arrow type of each column, by all of its values.

    Integers beyond 64 bits with a sign are uint64; integers and floats are double.

    Raises:
        ValueError: for a value that has no type, or another than those before it, with file and
            line; for a column named as that of the vectors.
    """
    if EMBEDDING in names:
        raise ValueError(
            f"the column {EMBEDDING!r} cannot be kept, as vectors have that name: rename it"
        )
    types: dict[str, Any] = {}
    negative: dict[str, str] = {}
    for block in blocks(records if names else (), _ROWS):
        for name in names:
            values = [(column(record, name, where), where) for record, where in block]
            try:
                types[name] = _joined(types.get(name), [value for value, _ in values])
            except (ValueError, TypeError, OverflowError):
                types[name] = _one_by_one(types.get(name), name, values)
            below = (where for value, where in values if isinstance(value, int) and value < 0)
            negative[name] = negative.get(name) or next(below, "")
            if str(types[name]) == "uint64" and negative[name]:
                raise ValueError(
                    f"{negative[name]}: the column {name!r} has a negative number, and others "
                    "beyond 64 bits with a sign; a column that is kept needs one type"
                )
    return types


def typed(values: Sequence[Any], name: str, kind: "pyarrow.DataType") -> "pyarrow.Array":
    """Return values as an Arrow array of a type; ValueError for one that it cannot hold."""
    import pyarrow

    try:
        return pyarrow.array(values, kind)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"the column {name!r} is not {kind} throughout: {error}") from error


def _joined(kind: Any, values: Sequence[Any]) -> Any:
    """Return the type of a column so far together with that of more values."""
    import pyarrow

    try:
        found = pyarrow.array(values).type
    except OverflowError:
        found = pyarrow.array(values, pyarrow.uint64()).type
    if kind is None:
        return found
    if {kind, found} == {pyarrow.int64(), pyarrow.uint64()}:
        return pyarrow.uint64()
    fields = (pyarrow.schema([("column", each)]) for each in (kind, found))
    return pyarrow.unify_schemas([*fields], promote_options="permissive").field("column").type


def _one_by_one(kind: Any, name: str, values: Iterable[tuple[Any, str]]) -> Any:
    """Join types value by value, and name the first that does not fit."""
    for value, where in values:
        try:
            kind = _joined(kind, [value])
        except (ValueError, TypeError, OverflowError) as error:
            before = "" if kind is None else f", but values before it are {kind}"
            raise ValueError(
                f"{where}: the column {name!r} is {value!r:.80}{before}; a column that is kept "
                f"needs one type ({error})"
            ) from error
    return kind
