"""Recipes as configuration: load a file of experiments/, override keys, compare two."""

import difflib
import importlib.util
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict


def load(path: str | Path) -> ConfigDict:
    """Return the locked config that a file's `get_config()` makes.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it defines no `get_config`.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"no config file {path}; recipes are in experiments/")
    # A recipe imports its neighbours as `from experiments import base`.
    if (folder := str(path.parent.parent)) not in sys.path:
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
            is read as the type of the one it replaces (lists as JSON or with commas).

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
    """Say that a key is unknown, and which one may be meant."""
    known = list(node) if isinstance(node, ConfigDict) else []
    nearest = difflib.get_close_matches(name, known, 1, 0)
    hint = f"did you mean {nearest[0]!r}?" if nearest else "it has no keys"
    place = f"in {prefix}" if prefix else "at the top"
    return f"unknown config key {name!r} {place}: {hint} (known: {', '.join(known)})"


def _parse(key: str, text: str, old: Any) -> Any:
    """Read a value as the type of the one it replaces."""
    try:
        if isinstance(old, bool):
            return {"true": True, "false": False}[text.lower()]
        if isinstance(old, (int, float)):
            return type(old)(text)
        if isinstance(old, (list, tuple)):
            items = json.loads(text) if text.startswith("[") else text.split(",")
            read = type(old[0]) if old else str
            return type(old)(read(item) for item in items if item != "")
        return json.loads(text) if old is None and text[:1] in '[{"0123456789' else text
    except (KeyError, ValueError) as error:
        kind = type(old).__name__
        raise ValueError(f"config key {key} is a {kind} (now {old!r}); {text!r} is not") from error


def plain(config: Any) -> Any:
    """Return a config as dicts, lists and scalars, as JSON would give it back."""
    return json.loads(json.dumps(config.to_dict() if isinstance(config, ConfigDict) else config))


def differences(old: Any, new: Any, prefix: str = "") -> list[str]:
    """List what differs between two plain configs, as "key: old → new"."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in sorted(old.keys() | new.keys())
            for line in differences(old.get(key), new.get(key), f"{prefix}.{key}".lstrip("."))
        ]
    return [] if old == new else [f"{prefix}: {old!r} → {new!r}"]
