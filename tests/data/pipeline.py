"""What tests of the input pipeline share: a stage's settings, and batches to compare."""

import itertools
from typing import Any

import jax
import numpy as np

from pixel_linguist.recipe import columns, part


def tsv(path: str, negative: str | None = None, weight: float = 1.0) -> dict[str, Any]:
    """Return a part of the data: columns a and b of a table are anchor and positive."""
    return part({"name": "tsv", "path": path}, columns("a", "b", negative), weight)


def settings(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return what the loader reads of a stage."""
    defaults = {
        "mixture_temperature": 0.0,
        "perturb": {},
        "perturb_probability": 1.0,
        "perturb_each": 1.0,
        "perturb_views": ("anchor", "positive", "negative"),
    }
    return {"data": data} | defaults | changes


def take(dataset: Any, count: int) -> list[Any]:
    """Return the first batches."""
    iterator = iter(dataset)
    found = list(itertools.islice(iterator, count))
    iterator.close()
    return found


def stop_and_resume(dataset: Any, before: int, after: int) -> list[Any]:
    """Return the first batches, read by an iterator that stopped and another that resumed."""
    iterator = iter(dataset)
    found = [next(iterator) for _ in range(before)]
    state = iterator.get_state()
    iterator.close()
    resumed = iter(dataset)
    resumed.set_state(state)
    found += [next(resumed) for _ in range(after)]
    resumed.close()
    return found


def assert_same(a: Any, b: Any) -> None:
    """Compare trees of arrays."""
    jax.tree.map(np.testing.assert_array_equal, a, b)


def assert_parts_of(whole: Any, parts: list[Any]) -> None:
    """Compare the batches of several hosts with the batch of one."""
    assert sum(part.cut for part in parts) == whole.cut
    bare = [part._replace(cut=None) for part in parts]
    # Each host's rows have owners 0 to B - 1 of their own.
    together = jax.tree.map(lambda *rows: np.concatenate(rows), *map(without_owner, bare))
    assert_same(together, without_owner(whole._replace(cut=None)))


def without_owner(batch: Any) -> Any:
    """Return a batch whose patches have no owners, which are counted by host."""
    views = {name: view._replace(owner=None) for name, view in batch.views.items()}
    return batch._replace(views=views)
