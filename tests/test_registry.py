"""Objects chosen by name with keyword arguments."""

import dataclasses
from typing import Any

import pytest

from pixel_linguist.registry import check_arguments, choose, make


@dataclasses.dataclass(frozen=True)
class Loss:
    temperature: float
    margin: float = 0.5
    names: list[str] = dataclasses.field(default_factory=list)
    derived: float = dataclasses.field(init=False, default=0.0)


def read(root: str, *, path: str, columns: int = 2) -> tuple[str, str, int]:
    return root, path, columns


def open_ended(root: str, *, path: str, **columns: str) -> dict[str, str]:
    return {"root": root, "path": path, **columns}


REGISTRY: dict[str, Any] = {"contrast": Loss, "file": read, "table": open_ended}


def test_classes_and_functions_are_called_with_their_arguments() -> None:
    assert make("loss", REGISTRY, {"name": "contrast", "temperature": 2.0}) == Loss(2.0)
    assert make("source", REGISTRY, {"name": "file", "path": "a"}, "root") == ("root", "a", 2)
    table = make("source", REGISTRY, {"name": "table", "path": "a", "text": "b"}, "root")
    assert table == {"root": "root", "path": "a", "text": "b"}


@pytest.mark.parametrize(
    ("spec", "given", "word"),
    [
        ({"name": "contrst"}, (), "'contrast'"),
        ({"name": None}, (), "None"),
        ({"temperature": 1.0}, (), "'name'"),
        ({"name": "contrast", "temperatur": 1.0}, (), "'temperature'"),
        ({"name": "contrast", "temperature": 1.0, "derived": 1.0}, (), "derived"),
        ({"name": "contrast", "margin": 1.0}, (), "lacks 'temperature'"),
        ({"name": "file", "path": "a", "root": "b"}, ("root",), "root"),
        ({"name": "table", "text": "b"}, ("root",), "lacks 'path'"),
    ],
)
def test_wrong_specifications_are_refused(
    spec: dict[str, Any], given: tuple[str, ...], word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        make("thing", REGISTRY, spec, *given)


def test_nothing_is_known_of_an_empty_registry() -> None:
    with pytest.raises(ValueError, match="none"):
        choose("thing", {}, "name")
    with pytest.raises(ValueError, match="none"):
        check_arguments("f", lambda: None, {"x": 1})
