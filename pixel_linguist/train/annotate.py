"""Annotations: before a stage, a frozen model reads its data once (targets, neighbours, ...).

They are written beside the stage in pieces, so that an interrupted run resumes with the next one,
and the model's hash is part of the stage's settings. For pair makers they are columns of the
records; the objective's `init` is given them as whole tables.
"""

import dataclasses
import functools
import importlib
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import numpy as np
from ml_collections import ConfigDict

from pixel_linguist.bucket import data_root
from pixel_linguist.config import differences, plain
from pixel_linguist.data.candidates import Candidates
from pixel_linguist.data.dictionary import Definitions
from pixel_linguist.data.nearest_texts import NearestTexts
from pixel_linguist.data.records import Record, Source, column
from pixel_linguist.data.representative import Representatives
from pixel_linguist.data.sources import make_source, source_files
from pixel_linguist.data.teacher_pairs import JointScores
from pixel_linguist.evaluate.similarity import Embed
from pixel_linguist.files import read_json, sha256, write_json, write_whole
from pixel_linguist.model.store import load_model
from pixel_linguist.registry import make
from pixel_linguist.render import Renderer
from pixel_linguist.train.context import RunContext
from pixel_linguist.train.hosts import shared_by_hosts
from pixel_linguist.word_embedder import make_embedder

# Records of a piece.
PIECE = 4096
# Marks the folder of a part whose pieces are all there.
COMPLETE = "complete"
# Before the name or folder of a text model that sentence-transformers loads.
TEXT_MODEL = "st:"
# Files of the weights of our models, and of PIXEL's checkpoints.
WEIGHTS = ("weights.safetensors", "model.safetensors", "pytorch_model.bin")


class Annotator(Protocol):
    """Looks at the records of one part of a stage's data with a frozen model."""

    def __call__(self, records: Source, rows: range, embed: Embed) -> Mapping[str, np.ndarray]:
        """Return column → array [N, ...], of the N records `rows` among all.

        It is called for one piece of the records after the other.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Embeddings:
    """The model's vector of a text of each record: a target for distillation, or for search.

    Attributes:
        text: column of the text, or K columns.
        column: name of the vectors' column.
    """

    text: str | Sequence[str]
    column: str

    def __call__(self, records: Source, rows: range, embed: Embed) -> Mapping[str, np.ndarray]:
        """Return the vectors, float32 [N, D], or [N, K, D] of several columns."""
        names = (self.text,) if isinstance(self.text, str) else self.text
        texts = [column(records[i], name, "the record") for i in rows for name in names]
        found = np.asarray(embed(texts), np.float32)
        if not isinstance(self.text, str):
            found = found.reshape(len(rows), len(names), -1)
        return {self.column: found}


ANNOTATORS: dict[str, Callable[..., Annotator]] = {
    "embeddings": Embeddings,
    "candidates": Candidates,
    "definitions": Definitions,
    "joint_scores": JointScores,
    "nearest_texts": NearestTexts,
    "representatives": Representatives,
}


class Rows(NamedTuple):
    """Rows of a .npy file, read one by one.

    np.load parses the file's header as Python, which fails at times in several threads at once
    (CPython 3.11), and loader threads read a row each.
    """

    path: Path
    length: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of_file(cls, path: Path) -> "Rows":
        """Read the header of a file."""
        array = np.load(path, mmap_mode="r")
        return cls(path, len(array), array.shape[1:], array.dtype)

    def read(self, row: int) -> Any:
        """Return a row, which is a number if the array has one dimension."""
        if not 0 <= row < self.length:
            raise IndexError(f"{self.path} has {self.length} rows; {row} is none of them")
        size = math.prod(self.shape) * self.dtype.itemsize
        with self.path.open("rb") as file:
            file.seek((row - self.length) * size, os.SEEK_END)
            row_of_file: np.ndarray = np.frombuffer(file.read(size), self.dtype)
        return row_of_file.reshape(self.shape)[()]


@dataclasses.dataclass(frozen=True)
class AnnotatedSource:
    """A source whose records have columns of annotations; arrays stay on disk.

    A record's column "record_of" is a function from the number of a record to it, for annotations
    that are such numbers. It is not the source: Grain walks through all that a record holds.

    Attributes:
        source: of the records.
        columns: each one's file and rows by piece.
    """

    source: Source
    columns: Mapping[str, Sequence[Rows]]

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Record:
        return {**self.record(index), "record_of": self.record}

    def record(self, index: int) -> Record:
        """Return a record with its annotations alone."""
        piece, row = divmod(index, PIECE)
        added = {name: pieces[piece].read(row) for name, pieces in self.columns.items()}
        return {**self.source[index], **added}


def annotate(source: Source, spec: Mapping[str, Any], embed: Embed, folder: Path) -> None:
    """Write the annotations of a source, piece by piece; finished pieces are not made again.

    Args:
        spec: {"name": ..., **arguments} of an annotator.
    """
    annotator = make("annotator", ANNOTATORS, spec)
    for piece in range(-(-len(source) // PIECE)):
        done = folder / f"{piece}.done"
        if done.is_file():
            continue
        rows = range(piece * PIECE, min((piece + 1) * PIECE, len(source)))
        for name, array in annotator(source, rows, embed).items():
            if len(array) != len(rows):
                raise ValueError(
                    f"annotation {name!r} has {len(array)} rows of {len(rows)} records"
                )
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{piece}.{name}.npy"
            with path.with_suffix(".partial").open("wb") as file:
                np.save(file, array)
            path.with_suffix(".partial").replace(path)
        write_whole(done, b"")
    write_whole(folder / COMPLETE, b"")


def annotated(source: Source, folder: Path) -> AnnotatedSource:
    """Return a source with the annotations that its folder holds."""
    pieces = range(-(-len(source) // PIECE))
    columns = {
        name: tuple(Rows.of_file(folder / f"{piece}.{name}.npy") for piece in pieces)
        for name in _columns(folder)
    }
    return AnnotatedSource(source, columns)


def _columns(folder: Path) -> tuple[str, ...]:
    """Return the names of the columns of annotations that a folder holds."""
    return tuple(sorted(path.name.split(".")[1] for path in folder.glob("0.*.npy")))


def annotation_folder(context: RunContext, stage: str, part: str) -> Path:
    """Return the folder of the annotations of one part of a stage's data."""
    return context.folder.stage(stage) / "annotations" / part


def unannotated(context: RunContext, name: str) -> list[str]:
    """Return the parts of a stage's data that ask for annotations and do not have all of them."""
    parts = context.config.stages[name].data.items()
    wanted = [part for part, settings in parts if settings.annotate]
    return [p for p in wanted if not (annotation_folder(context, name, p) / COMPLETE).is_file()]


def annotate_stage(context: RunContext, name: str) -> None:
    """Write the annotations of all parts of a stage's data that ask for some."""
    for part, settings in context.config.stages[name].data.items():
        if not settings.annotate:
            continue
        spec = settings.annotate.to_dict()
        embed = frozen_embed(context, spec.pop("model"))
        source = make_source(context.config.data_dir, settings.source)
        folder = annotation_folder(context, name, part)
        _claim(context, settings, folder)
        annotate(source, spec, embed, folder)


def _claim(context: RunContext, part: ConfigDict, folder: Path) -> None:
    """Write the settings of a part's annotations, or refuse pieces made with other settings.

    Annotations are made before the stage begins, whose settings therefore do not guard them.
    """
    root = context.config.data_dir
    files, data = sorted(source_files(root, part.source)), data_root(root, part.source)
    settings = {
        "annotate": plain(part.annotate),
        "source": plain(part.source),
        "model": frozen_sha256(context, part.annotate.model),
        "sha256": {str(file): sha256(data / file) for file in files},
    }
    path = folder / "settings.json"
    if path.is_file() and (changed := differences(read_json(path), settings)):
        raise ValueError(
            f"{folder} was begun with other settings; delete it to annotate again. "
            f"{'; '.join(changed)}"
        )
    write_json(path, settings)


def annotation_tables(context: RunContext, name: str) -> dict[str, dict[str, np.ndarray]]:
    """Return part → column → array [N, ...] of a stage's annotations."""
    tables: dict[str, dict[str, np.ndarray]] = {}
    for part, settings in context.config.stages[name].data.items():
        if settings.annotate:
            folder = annotation_folder(context, name, part)
            pieces = range(len(list(folder.glob("*.done"))))
            tables[part] = {
                column: np.concatenate([np.load(folder / f"{n}.{column}.npy") for n in pieces])
                for column in _columns(folder)
            }
    return tables


def annotations_sha256(context: RunContext, settings: ConfigDict) -> dict[str, str]:
    """Return the SHA-256 of the weights of the models that annotate a stage, "" of none yet."""
    models = {part.annotate.model for part in settings.data.values() if part.annotate}
    return {model: frozen_sha256(context, model) for model in models}


def frozen_embed(context: RunContext, name: str) -> Embed:
    """Return the embedding of texts by a model.

    Args:
        name: an earlier stage, a model folder, or "st:" and a text model of sentence-transformers.

    Raises:
        ModuleNotFoundError: without sentence-transformers, naming the extra.
        FileNotFoundError, ValueError: there is no such model, or it is damaged.
    """
    size = context.config.evaluate.batch_size
    if name.startswith(TEXT_MODEL):
        own = name.removeprefix(TEXT_MODEL)
        text_model = sentence_transformers(own).SentenceTransformer(own)
        encode = functools.partial(text_model.encode, batch_size=size, show_progress_bar=False)
        return lambda texts: np.asarray(encode(list(texts)), np.float32)
    # It may be of another architecture, and draw texts in another style.
    model = load_model(context.start(name))
    embedder = make_embedder(model.encoder, model.params, Renderer(**model.renderer), size)
    return shared_by_hosts(embedder)


def sentence_transformers(model: str) -> ModuleType:
    """Import sentence-transformers for a text model; ModuleNotFoundError names the extra."""
    try:
        return importlib.import_module("sentence_transformers")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the text model {model} needs sentence-transformers: "
            "pip install 'pixel-linguist[peers]'"
        ) from error


def frozen_sha256(context: RunContext, name: str) -> str:
    """Return the SHA-256 of a model's weights; "" of a stage not yet trained, and of text models.

    A text model is known by its name alone.
    """
    if name.startswith(TEXT_MODEL):
        return ""
    paths = (context.start(name) / file for file in WEIGHTS)
    return next((sha256(path) for path in paths if path.is_file()), "")
