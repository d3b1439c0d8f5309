"""Encoding texts of a file, or pictures, by one process or by several that share the work."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from pixel_linguist.api import Dtype, SentenceEncoder
from pixel_linguist.data.records import column, open_records, text_of
from pixel_linguist.encode.kept_columns import column_types, typed
from pixel_linguist.encode.picture_corpus import (
    Pages,
    embed_pages,
    holds_pages,
    log_unread,
    page_columns,
    page_embedder,
)
from pixel_linguist.encode.shards import Format, Shards
from pixel_linguist.files import sampled_sha256
from pixel_linguist.inference import blocks
from pixel_linguist.model.store import Model


@dataclasses.dataclass(frozen=True)
class Job:
    """A file of texts, a folder of pictures or a PDF that is to be encoded.

    Attributes:
        source: .txt, .tsv, .csv or .jsonl, also .gz, or .parquet; a folder; .pdf.
        folder: of the shards.
        model: folder, name of a shipped model, or "hf:owner/name".
        column: of the text.
        keep: columns that are copied beside the vectors; they need the format "parquet".
        format: of the shards; pictures need "parquet".
        dtype: of the vectors.
        batch_size: texts or pictures encoded at once.
        shard_size: texts or pictures in a shard.
        device: "cpu", "gpu" or "tpu"; None is JAX's default.
    """

    source: Path
    folder: Path
    model: str
    column: str
    keep: Sequence[str]
    format: Format
    dtype: Dtype
    batch_size: int
    shard_size: int
    device: str | None


def encode_corpus(job: Job) -> int:
    """Encode the shards that are neither complete nor claimed by another process.

    Shards of pictures have the columns `path` (below the folder), `page` (of a PDF, from 1; else
    null) and `words` (found on the picture; null if it is damaged).

    Returns:
        The number of texts or pictures encoded.

    Raises:
        FileNotFoundError: if the source or the model does not exist.
        ValueError: for a bad file or a kept column of several types, naming the line, a folder of
            other settings, or a model that cannot read the pictures.
    """
    return _encode_pages(job) if holds_pages(job.source) else _encode_texts(job)


def _encode_texts(job: Job) -> int:
    records = open_records(job.source)
    # The first record is checked before the model is loaded.
    _columns(job, *next(iter(records)))
    types = column_types(records, job.keep)
    encoder = SentenceEncoder.load(job.model)
    shards = _open_shards(job, encoder)
    with tqdm(unit="text") as progress:
        for number, block in enumerate(blocks(records.raw(), job.shard_size)):
            with shards.claim(number) as ours:
                if not ours:
                    continue
                rows = [_columns(job, records.parse(raw), records.where(raw)) for raw in block]
                vectors = encoder.encode(
                    [text for text, _ in rows],
                    batch_size=job.batch_size,
                    dtype=job.dtype,
                    device=job.device,
                )
                kept = {
                    name: typed([columns[name] for _, columns in rows], name, kind)
                    for name, kind in types.items()
                }
                shards.write(number, vectors, kept)
                progress.update(len(block))
        return progress.n


def _encode_pages(job: Job) -> int:
    pages = Pages(job.source)
    encoder = SentenceEncoder.load(job.model)
    embedder = page_embedder(job.model, encoder, job.batch_size, job.device)
    shards = _open_shards(job, encoder)
    words: list[int | None] = []
    with tqdm(unit="picture", total=len(pages.pages)) as progress:
        for number, block in enumerate(blocks(pages.pages, job.shard_size)):
            with shards.claim(number) as ours:
                if not ours:
                    continue
                vectors, found = embed_pages(embedder, pages, block, progress.update)
                shards.write(number, vectors.astype(job.dtype), page_columns(block, found))
                words += found
    log_unread(words, embedder.encoder.config.max_patches)
    return len(words)


def _open_shards(job: Job, encoder: SentenceEncoder) -> Shards:
    settings = {
        "source": job.source.name,
        **origin(job.source, job.column, encoder.model),
        "keep": list(job.keep),
        "format": job.format,
        "dtype": job.dtype,
        "shard_size": job.shard_size,
    }
    return Shards(job.folder, settings, job.format)


def _columns(job: Job, record: dict[str, Any], where: str) -> tuple[str, dict[str, Any]]:
    """Return the text of a record and the columns kept of it."""
    kept = {name: column(record, name, where) for name in job.keep}
    return text_of(record, job.column, where), kept


def origin(source: Path, column: str, model: Model) -> dict[str, Any]:
    """Return all that the vectors of a source depend on, for encode.json."""
    weights = hashlib.sha256()
    for array in jax.tree.leaves(model.params):
        weights.update(np.asarray(array).tobytes())
    paged = holds_pages(source)
    return {
        "sha256": Pages(source).sha256() if paged else sampled_sha256(source),
        "weights": weights.hexdigest(),
        "renderer": model.renderer,
        "column": None if paged else column,
    }
