"""Tasks by name, from a recipe's configuration."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pixel_linguist.data.sources import make_source
from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.classification import Classification
from pixel_linguist.evaluate.clustering import Clustering
from pixel_linguist.evaluate.geometry import Geometry
from pixel_linguist.evaluate.human import HumanSimilarity
from pixel_linguist.evaluate.mining import BitextMining
from pixel_linguist.evaluate.pair_classification import PairClassification
from pixel_linguist.evaluate.retrieval import Retrieval
from pixel_linguist.evaluate.robustness import ATTACKS, Robustness
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.sts_year import STSYear, missing_sets
from pixel_linguist.evaluate.suite import Task

Spec = Mapping[str, Any]


def sts(root: Path, *, source: Spec, second: Spec | None = None, **columns: Any) -> STS:
    """Read STS from a source; across languages, sentence2 from a second one."""
    other = None if second is None else make_source(root, second)
    return STS.from_source(make_source(root, source), second=other, **columns)


def sts_year(root: Path, *, sets: Mapping[str, Spec], year: str) -> STSYear:
    """Read the sets of a year, with a note on those of the official ones that are not there."""
    tasks = {name: sts(root, source=source) for name, source in sets.items()}
    return STSYear(tasks, missing_sets(year, tasks))


def bitext(root: Path, *, source: Spec, first: str, second: str) -> Bitext:
    """Read parallel sentences, a column a language."""
    return Bitext.from_source(make_source(root, source), first=first, second=second)


def mining(root: Path, *, first: Spec, second: Spec, gold: Spec) -> BitextMining:
    """Read two collections and the pairs to be found in them."""
    return BitextMining.from_sources(*(make_source(root, spec) for spec in (first, second, gold)))


def retrieval(root: Path, *, folder: str, split: str = "test") -> Retrieval:
    """Read a folder in BEIR's layout."""
    return Retrieval.from_folder(root / folder, split=split)


def pair_classification(root: Path, *, source: Spec, **columns: Any) -> PairClassification:
    """Read labelled pairs."""
    return PairClassification.from_source(make_source(root, source), **columns)


def classification(root: Path, *, train: Spec, test: Spec, **columns: Any) -> Classification:
    """Read labelled texts to train the probe on, and to test it."""
    return Classification.from_sources(make_source(root, train), make_source(root, test), **columns)


def clustering(root: Path, *, source: Spec, **columns: Any) -> Clustering:
    """Read labelled texts."""
    return Clustering.from_source(make_source(root, source), **columns)


def geometry(root: Path, *, sources: Mapping[str, Spec], **columns: Any) -> Geometry:
    """Read translations, a source a language."""
    return Geometry.from_sources(
        {name: make_source(root, spec) for name, spec in sources.items()}, **columns
    )


def human_similarity(root: Path, *, source: Spec, **columns: Any) -> HumanSimilarity:
    """Read judgements of pairs of things."""
    return HumanSimilarity.from_source(make_source(root, source), **columns)


def robustness(
    root: Path,
    *,
    task: Spec,
    attacks: Mapping[str, Mapping[str, Any]] = ATTACKS,
    strengths: Sequence[float] = (1.0,),
    seed: int = 0,
) -> Robustness:
    """Make another task and attack it; without `attacks`, by the ten of `ATTACKS`."""
    return Robustness(make_task(root, task), dict(attacks), tuple(strengths), seed)  # type: ignore[arg-type]


TASKS: dict[str, Callable[..., Task]] = {
    make.__name__: make
    for make in (
        sts,
        sts_year,
        bitext,
        mining,
        retrieval,
        pair_classification,
        classification,
        clustering,
        geometry,
        human_similarity,
        robustness,
    )
}


def make_task(root: str | Path, spec: Spec) -> Task:
    """Make the task that {"name": ..., **arguments} describes, as a function above takes them.

    Raises:
        ValueError: for an unknown name or wrong arguments, and whatever the source raises.
    """
    arguments = dict(spec)
    name = arguments.pop("name", None)
    if name not in TASKS:
        raise ValueError(f"no task {name!r}; there are {', '.join(TASKS)}")
    try:
        return TASKS[name](Path(root), **arguments)
    except TypeError as error:
        raise ValueError(f"task {name!r}: {error}") from error


def make_tasks(root: str | Path, specs: Mapping[str, Spec]) -> dict[str, Task]:
    """Make all tasks of a recipe; an error names the task."""
    tasks = {}
    for name, spec in specs.items():
        try:
            tasks[name] = make_task(root, spec)
        except (ValueError, FileNotFoundError) as error:
            raise type(error)(f"task {name}: {error}") from error
    return tasks
