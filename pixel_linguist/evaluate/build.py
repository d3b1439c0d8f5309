"""Tasks by name, from a recipe's configuration."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pixel_linguist.data.sources import make_source
from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.suite import Task

TASKS: dict[str, Callable[..., Task]] = {"sts": STS.from_source, "bitext": Bitext.from_source}


def make_task(root: str | Path, spec: Mapping[str, Any]) -> Task:
    """Make the task that {"name": ..., "source": {...}, **arguments} describes.

    Raises:
        ValueError: for an unknown name or wrong arguments, and whatever the source raises.
    """
    arguments = dict(spec)
    name = arguments.pop("name", None)
    if name not in TASKS:
        raise ValueError(f"no task {name!r}; there are {', '.join(TASKS)}")
    source = make_source(root, arguments.pop("source"))
    try:
        return TASKS[name](source, **arguments)
    except TypeError as error:
        raise ValueError(f"task {name!r}: {error}") from error


def make_tasks(root: str | Path, specs: Mapping[str, Mapping[str, Any]]) -> dict[str, Task]:
    """Make all tasks of a recipe; an error names the task."""
    tasks = {}
    for name, spec in specs.items():
        try:
            tasks[name] = make_task(root, spec)
        except (ValueError, FileNotFoundError) as error:
            raise type(error)(f"task {name}: {error}") from error
    return tasks
