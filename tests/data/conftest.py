"""What tests of the loader and of drawing share."""

from collections.abc import Callable
from typing import Any

import pytest
from absl import flags


@pytest.fixture
def parsed_flags() -> None:
    """Let Grain start processes outside an absl application."""
    flags.FLAGS.mark_as_parsed()


@pytest.fixture(scope="session")
def stage() -> Callable[..., dict[str, Any]]:
    """Return a maker of what the loader reads of a stage, with any changes.

    Its one part is data.tsv, of which columns a and b are anchor and positive.
    """

    def make(**changes: Any) -> dict[str, Any]:
        columns = {
            "name": "columns",
            "anchor": "a",
            "positive": "b",
            "negative": None,
            "alternatives": False,
        }
        part = {"source": {"name": "tsv", "path": "data.tsv"}, "pairs": columns, "weight": 1.0}
        settings = {
            "data": {"all": part},
            "perturb": {},
            "perturb_probability": 1.0,
            "perturb_each": 1.0,
            "batch_size": 8,
            "mixture_temperature": 0.0,
        }
        return settings | changes

    return make
