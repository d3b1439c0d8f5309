"""Tasks by name, from the specifications of a recipe or of a catalogue."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pixel_linguist.bucket import data_root
from pixel_linguist.data.sources import make_source
from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.chance import chance
from pixel_linguist.evaluate.classification import Classification, ZeroShot
from pixel_linguist.evaluate.clustering import Clustering, SharedTags
from pixel_linguist.evaluate.embedding_geometry import Geometry
from pixel_linguist.evaluate.human import HumanSimilarity
from pixel_linguist.evaluate.pair_classification import PairClassification
from pixel_linguist.evaluate.picture_retrieval import PictureRetrieval
from pixel_linguist.evaluate.reading import Pictures, WordReading
from pixel_linguist.evaluate.retrieval import Retrieval
from pixel_linguist.evaluate.robustness import Robustness
from pixel_linguist.evaluate.score_maps import ScoreMaps
from pixel_linguist.evaluate.segmentation import Segmentation
from pixel_linguist.evaluate.soft_prompts import SoftPrompts
from pixel_linguist.evaluate.sts import STS, STSYear
from pixel_linguist.evaluate.suite import Task
from pixel_linguist.evaluate.triplets import Triplets
from pixel_linguist.registry import make

Spec = Mapping[str, Any]

# Defaults of a task's arguments are those of its maker, here alone.
TASKS: dict[str, Callable[..., Task]] = {
    "sts": STS.from_source,
    "sts_year": STSYear.from_sources,
    "bitext": Bitext.from_source,
    "chance": chance,
    "retrieval": Retrieval.from_folder,
    "column_retrieval": Retrieval.from_source,
    "picture_retrieval": PictureRetrieval.from_source,
    "score_maps": ScoreMaps.from_source,
    "pair_classification": PairClassification.from_source,
    "classification": Classification.from_sources,
    "clustering": Clustering.from_source,
    "shared_tags": SharedTags.from_source,
    "geometry": Geometry.from_sources,
    "zero_shot": ZeroShot.from_source,
    "soft_prompts": SoftPrompts.from_sources,
    "segmentation": Segmentation.from_source,
    "human_similarity": HumanSimilarity.from_source,
    "robustness": Robustness,
    "pictures": Pictures,
    "triplets": Triplets.from_source,
    "word_reading": WordReading.from_source,
}


def make_task(root: str | Path, spec: Spec) -> Task:
    """Make the task that {"name": ..., **arguments} describes.

    Args:
        spec: a name in TASKS, and the arguments of its maker. In place of a source stands
            its specification (see `data.sources`), in place of a task its own.

    Raises:
        ValueError: for an unknown name or argument (the nearest known one is named), a missing
            argument, or bad data.
        FileNotFoundError: for a missing file.
    """
    return make("task", TASKS, {key: _read(root, key, spec[key]) for key in spec})


def _read(root: str | Path, key: str, value: Any) -> Any:
    """Read the data that an argument stands for; other arguments are returned as they are."""
    if key == "folder":
        return data_root(root, {key: value}) / value
    # Of a bitext task "second" is the name of a column.
    if value is None or isinstance(value, str):
        return value
    if key in ("source", "second", "train", "test", "things"):
        return make_source(root, value)
    if key in ("sources", "sets"):
        return {name: make_source(root, value[name]) for name in value}
    return make_task(root, value) if key == "task" else value


def make_tasks(root: str | Path, specs: Mapping[str, Spec]) -> dict[str, Task]:
    """Make all tasks of a recipe; an error names the task."""
    tasks = {}
    for name, spec in specs.items():
        try:
            tasks[name] = make_task(root, spec)
        except (ValueError, FileNotFoundError) as error:
            raise type(error)(f"task {name}: {error}") from error
    return tasks
