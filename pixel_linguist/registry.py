"""Choosing by name: {"name": ..., **arguments} in a recipe becomes an object of the package."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Name the known name nearest to an unknown one, and list all known ones."""
    names = list(known)
    if not names:
        return "there are none"
    nearest = difflib.get_close_matches(str(name), names, n=1, cutoff=0.0)[0]
    return f"did you mean {nearest!r}? known: {', '.join(names)}"


def choose(kind: str, registry: Mapping[str, T], name: str) -> T:
    """Return the entry of a registry.

    Raises:
        ValueError: if there is none, naming the nearest known.
    """
    if name not in registry:
        raise ValueError(f"unknown {kind} {name!r}: {did_you_mean(name, registry)}")
    return registry[name]


def check_arguments(
    label: str, callee: Callable[..., Any], arguments: Mapping[str, Any], given: int = 0
) -> None:
    """Refuse keyword arguments that a class or function does not take, or lacks.

    Args:
        label: of the callee for the error message, as in "objective 'info_nce'".
        given: number of positional arguments that the caller gives besides.

    Raises:
        ValueError: for an unknown argument (the nearest known one is named) or a missing one.
    """
    parameters = list(inspect.signature(callee).parameters.values())[given:]
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    known = {p.name: p.default is p.empty for p in parameters if p.kind in named}
    for name in arguments:
        if name not in known and not open_ended:
            raise ValueError(f"{label} takes no {name!r}: {did_you_mean(name, known)}")
    if missing := [name for name, needed in known.items() if needed and name not in arguments]:
        raise ValueError(f"{label} lacks {', '.join(map(repr, missing))}")


def make(
    kind: str, registry: Mapping[str, Callable[..., T]], spec: Mapping[str, Any], *given: Any
) -> T:
    """Make the object that {"name": ..., **arguments} describes.

    Args:
        spec: "name", and the keyword arguments of that entry.
        given: positional arguments that precede them, the same for every entry.

    Raises:
        ValueError: if the name is unknown or missing, or an argument is.
    """
    arguments = dict(spec)
    if "name" not in arguments:
        raise ValueError(f"a {kind} is described by 'name' and its arguments, not by {arguments}")
    name = arguments.pop("name")
    callee = choose(kind, registry, name)
    check_arguments(f"{kind} {name!r}", callee, arguments, len(given))
    return callee(*given, **arguments)
