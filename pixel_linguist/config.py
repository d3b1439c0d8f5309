"""Recipes as configuration: loading a file, overriding keys, comparing two."""

import ast
import contextlib
import importlib.util
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.registry import did_you_mean


def load(path: str | Path) -> ConfigDict:
    """Return the locked config that a file's `get_config()` makes.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no Python file, or defines no `get_config`.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"no config file {path}; recipes are in experiments/")
    if path.suffix != ".py":
        raise ValueError(f"{path} is no recipe: a recipe is a Python file with get_config()")
    # A recipe imports its neighbours as `from experiments import small`, from folders below too;
    # experiments/ itself must not stand there, as one of its files is named as the package.
    named = [parent.parent for parent in path.parents if parent.name == "experiments"]
    if (folder := str((named or [path.parent.parent])[0])) not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "get_config"):
        raise ValueError(f"{path} defines no get_config()")
    return module.get_config().lock()


def override(config: ConfigDict, assignments: Iterable[str]) -> None:
    """Set keys from the command line, in place.

    Args:
        config: locked.
        assignments: each "--config.stages.nli.steps=100", also without "--config."; the value
            is read as the type of the one it replaces; lists with commas, or as JSON or Python
            write them. One that replaces None is read as JSON or Python where that is possible.

    Raises:
        ValueError: for an unknown key, naming the nearest known one, or a value of a wrong type.
    """
    for assignment in assignments:
        key, equals, text = assignment.removeprefix("--config.").partition("=")
        if not equals:
            raise ValueError(f"{assignment!r} is not of the form --config.key=value")
        *parents, last = key.split(".")
        node = config
        for depth, name in enumerate([*parents, last]):
            if not isinstance(node, ConfigDict) or name not in node:
                raise ValueError(_unknown(node, ".".join(key.split(".")[:depth]), name))
            if depth < len(parents):
                node = node[name]
        if isinstance(node[last], ConfigDict):
            raise ValueError(f"config key {key} is a group of {', '.join(node[last])}; set one")
        node[last] = _parse(key, text, node[last])


def _unknown(node: Any, prefix: str, name: str) -> str:
    """Say that a key is unknown, and name the nearest known one."""
    hint = did_you_mean(name, node) if isinstance(node, ConfigDict) else "it has no keys"
    place = f"in {prefix}" if prefix else "at the top"
    return f"unknown config key {name!r} {place}: {hint}"


def _parse(key: str, text: str, old: Any) -> Any:
    """Read a value as the type of the one it replaces; if that is None, as what it looks like."""
    try:
        if old is None or isinstance(old, dict):
            with contextlib.suppress(ValueError):
                return _literal(text)
        elif isinstance(old, bool):
            return {"true": True, "false": False}[text.lower()]
        elif isinstance(old, (int, float)):
            return type(old)(text)
        elif isinstance(old, (list, tuple)):
            items = _items(text)
            words = [item if isinstance(item, str) else json.dumps(item) for item in items]
            return type(old)(_parse(key, word, old[0] if old else "") for word in words if word)
        return text
    except (KeyError, ValueError) as error:
        kind = type(old).__name__
        raise ValueError(f"config key {key} is a {kind} (now {old!r}); {text!r} is not") from error


def _literal(text: str) -> Any:
    """Read JSON, or Python: null and None, true and True, [1, 2] and (1, 2)."""
    with contextlib.suppress(ValueError):
        return json.loads(text)
    try:
        return ast.literal_eval(text)
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _items(text: str) -> list[Any]:
    """Read a list: a,b, or as JSON or Python writes it; None is an empty one."""
    if not text.strip().startswith(("[", "(", '"', "'")):
        return [] if text in ("None", "null") else [word.strip() for word in text.split(",")]
    found = _literal(text)
    return list(found) if isinstance(found, list | tuple) else [found]


def plain(config: Any) -> Any:
    """Return a config as dicts, lists and scalars, as JSON would give it back."""
    return json.loads(json.dumps(config.to_dict() if isinstance(config, ConfigDict) else config))


def differences(old: Any, new: Any, prefix: str = "") -> list[str]:
    """List the differences between two plain configs, each as "key: old → new"."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in sorted(old.keys() | new.keys())
            for line in differences(old.get(key), new.get(key), f"{prefix}.{key}".lstrip("."))
        ]
    return [] if old == new else [f"{prefix}: {old!r} → {new!r}"]
