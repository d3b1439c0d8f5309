"""The encoder as a user meets it: load a model folder, encode sentences, compare them."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import jax
import numpy as np
from tqdm import tqdm

from pixel_linguist.caller import warn_caller
from pixel_linguist.evaluate.segmentation import best_boundaries
from pixel_linguist.evaluate.similarity import cosine_matrix, norms, paired_cosine
from pixel_linguist.files import local_path
from pixel_linguist.forked import check_not_forked
from pixel_linguist.hub import open_model
from pixel_linguist.inference import Embedder
from pixel_linguist.model.store import Model, Stored, save_model
from pixel_linguist.render import Renderer
from pixel_linguist.search import Hits, Pairs, Vectors, as_vectors, nearest, nearest_pairs
from pixel_linguist.text.containers import as_texts, holds_vectors
from pixel_linguist.text.spans import split_sentences
from pixel_linguist.word_embedder import make_embedder

if TYPE_CHECKING:
    from pixel_linguist.render.images import Picture

Dtype = Literal["float32", "float16"]


def similarity(a: Vectors, b: Vectors) -> np.ndarray:
    """Return the cosine of every row of `a` [N, D] with every row of `b` [M, D]: float32 [N, M].

    Raises:
        ValueError: if the arrays are not of two dimensions, or of different widths.
    """
    first, second = _two(a, b, "similarity needs [N, D] and [M, D]")
    return cosine_matrix(first, second).astype(np.float32)


def similarity_pairwise(a: Vectors, b: Vectors) -> np.ndarray:
    """Return the cosine of each row of `a` [N, D] with the same row of `b` [N, D]: float32 [N].

    Raises:
        ValueError: if the arrays are not of two dimensions, or of different shapes.
    """
    first, second = _two(a, b, "similarity_pairwise needs [N, D] twice")
    if len(first) != len(second):
        raise ValueError(f"similarity_pairwise needs as many rows: {len(first)}, {len(second)}")
    return paired_cosine(first, second).astype(np.float32)


def _two(a: Vectors, b: Vectors, needed: str) -> tuple[np.ndarray, np.ndarray]:
    """Return two arrays [., D], at least float32, as squares of smaller types overflow."""
    first, second = (x.astype(np.result_type(x, np.float32)) for x in map(as_vectors, (a, b)))
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"{needed}; it was given {first.shape}, {second.shape}")
    return first, second


class SentenceEncoder:
    """A model with the renderer that draws its input.

    Methods and arguments are named as in sentence-transformers where they do the same.

    >>> encoder = SentenceEncoder.load("runs/quickstart/model")
    >>> embeddings = encoder.encode(["A cook saw the pilot.", "The pilot was seen by a cook."])
    >>> encoder.similarity(embeddings, embeddings)
    """

    def __init__(self, model: Model, truncate_dim: int | None = None):
        self.model = model
        self.truncate_dim = _checked_width(truncate_dim, model.config.dimension)
        self.renderer = Renderer(**model.renderer)
        # The last one, by batch size and device: parameters stay on the devices between calls.
        self.embedder = functools.lru_cache(maxsize=1)(self._make_embedder)
        _check_fonts(self.renderer, model.fonts)

    @classmethod
    def load(
        cls, path: str | Path, *, truncate_dim: int | None = None, prompts: None = None
    ) -> "SentenceEncoder":
        """Read a model.

        Args:
            path: a model folder, the name of a shipped model, or "hf:owner/name", a repository of
                the Hugging Face hub (which needs the extra `hub`). A folder or repository may also
                hold a checkpoint of PIXEL or Pixel-Linguist.
            truncate_dim: first numbers of each vector that `encode` keeps; None: all.
            prompts: refused; see `encode`.

        Raises:
            FileNotFoundError: there is no such model; the error lists the shipped ones.
            ValueError: its files are damaged or of another format; truncate_dim is not in 1 to
                the model's dimension; there are prompts.
        """
        _refuse_prompts(prompts)
        return cls(open_model(path), truncate_dim)

    def save(self, path: str | Path, dtype: Stored = "float32") -> None:
        """Write the model folder: weights, settings, font hashes and card.

        Args:
            path: the folder; made if it is not there, its model replaced if it is.
            dtype: of the weights on disk; "float16" halves them, rounded to 11 bits; "int8"
                nearly quarters them, with kernels of 8 bits.
        """
        save_model(local_path(path), self.model, dtype)

    @property
    def dimension(self) -> int:
        """The length D of an embedding, `truncate_dim` if that is set."""
        return self.truncate_dim or self.model.config.dimension

    def encode(
        self,
        texts: Iterable[str],
        *,
        batch_size: int = 64,
        show_progress: bool = False,
        normalize: bool = True,
        dtype: Dtype = "float32",
        device: str | None = None,
        truncate_dim: int | None = None,
        convert_to_numpy: Literal[True] = True,
        prompt: None = None,
        prompt_name: None = None,
    ) -> np.ndarray:
        """Return [N, D], one vector a text, in the order of the texts; of length 1 if normalize.

        The embedding of an empty text is that of a blank picture.
        Texts with more patches than the model reads are cut, with one warning that counts them. The
        other texts of a batch and its padding change a vector by at most 1e-6.

        Args:
            texts: any strings in any script, in a list, tuple, iterator, NumPy array, pandas Series
                or Arrow array.
            batch_size: texts encoded at once, about; rounded up to a multiple of the devices.
            show_progress: whether to draw a progress bar.
            normalize: whether vectors are scaled to length 1.
            dtype: of the vectors, "float32" or "float16".
            device: "cpu", "gpu" or "tpu"; None: JAX's default. This process's devices of the kind
                share each batch.
            truncate_dim: D, the first numbers that are kept of each vector, before it is scaled;
                None: those that `load` was told to keep, or all. Only models trained by the
                objective "matryoshka" put most of the meaning into them.
            convert_to_numpy: True; False is refused, as vectors are NumPy arrays.
            prompt: refused, as no model was trained with prompts.
            prompt_name: refused, too.

        Raises:
            TypeError: texts is one str, bytes, None or a mapping, or holds something other than
                str.
            ValueError: batch_size or truncate_dim is out of range, dtype or device is unknown,
                or an argument is refused.
            RuntimeError: in a process that was forked after an encoder was used.
        """
        _refuse_prompts(prompt, prompt_name)
        if not convert_to_numpy:
            raise ValueError(
                "convert_to_numpy is False, but vectors are NumPy arrays: make tensors of them by "
                "torch.from_numpy(vectors) or jax.numpy.asarray(vectors)"
            )
        checked = as_texts(texts)
        total = len(texts) if isinstance(texts, Sized) else None
        found = [self._finisher(normalize, dtype, truncate_dim)(self._nothing)]
        with tqdm(total=total, unit="text", disable=not show_progress) as progress:
            for block in self.encode_stream(
                checked,
                batch_size=batch_size,
                normalize=normalize,
                dtype=dtype,
                device=device,
                truncate_dim=truncate_dim,
            ):
                found.append(block)
                progress.update(len(block))
        return np.concatenate(found)

    def encode_query(self, texts: Iterable[str], **settings: Any) -> np.ndarray:
        """Return `encode(texts, **settings)`: queries and documents are read alike."""
        return self.encode(texts, **settings)

    def encode_document(self, texts: Iterable[str], **settings: Any) -> np.ndarray:
        """Return `encode(texts, **settings)`: queries and documents are read alike."""
        return self.encode(texts, **settings)

    def encode_stream(
        self,
        texts: Iterable[str],
        *,
        batch_size: int = 64,
        normalize: bool = True,
        dtype: Dtype = "float32",
        device: str | None = None,
        truncate_dim: int | None = None,
    ) -> Iterator[np.ndarray]:
        """Yield the vectors of any number of texts block by block, in constant memory.

        Arguments and errors are those of `encode`; a block is [N, D], N at most 64 x batch_size.
        """
        finish = self._finisher(normalize, dtype, truncate_dim)
        done = cut = 0
        for block, cut_here in self._embedder(batch_size, device).stream(as_texts(texts)):
            yield finish(block)
            done, cut = done + len(block), cut + cut_here
        if cut:
            warn_caller(
                f"{cut} of {done} texts were cut: they are longer than "
                f"{self.model.config.max_patches} patches"
            )

    def encode_images(
        self,
        pictures: Iterable["Picture"],
        *,
        batch_size: int = 64,
        normalize: bool = True,
        dtype: Dtype = "float32",
        device: str | None = None,
        truncate_dim: int | None = None,
    ) -> np.ndarray:
        """Return [N, D] for pictures of text, such as scans and screenshots.

        A model that reads (encoder "hybrid") takes pages and lines in any typeface and size, dark
        on light or light on dark, tilted by up to 5 degrees. It finds the words in reading order,
        and gives a page one vector; a text and its picture by `encode`'s renderer have the same one
        to 1e-4. It warns of pictures without text, whose vector is that of an empty text, and of
        those with more words than it reads, whose first ones are read.

        Any other transformer takes one line of text a picture, resized to the height of a patch and
        cut into patches; light on dark gives the same vector as dark on light. Such a model knows
        its own renderer's pictures: the closer a picture is to those in typeface, size and margin,
        the closer its vector is to that of the text. It warns of lines that it cuts.

        Args:
            pictures: paths, bytes, binary files, `PIL.Image`s, or arrays [height, width] or
                [height, width, 1, 3 or 4], bool, uint8, uint16 or float in [0, 1].
            batch_size: as in `encode`, like the other arguments.

        Raises:
            FileNotFoundError: there is no such file.
            TypeError: one of them is no picture.
            ValueError: a file is damaged or no picture, or does not have the shape of a line of
                text where only lines are read.
        """
        finish = self._finisher(normalize, dtype, truncate_dim)
        found = self._embedder(batch_size, device).images(pictures)
        return np.concatenate([finish(self._nothing), *map(finish, found)])

    def semantic_search(
        self, queries: Iterable[str] | Vectors, corpus: Iterable[str] | Vectors, k: int = 10
    ) -> Hits:
        """Return the k rows of the corpus nearest to each query: scores and rows [Q, k].

        Args:
            queries: texts, or their vectors [Q, D], as lists or arrays.
            corpus: texts, or their vectors [N, D]; searched in blocks.
            k: at least 1; at most N rows are returned.

        Raises:
            ValueError: the corpus is empty, shapes do not fit, or a value is not finite.
        """
        return nearest(self._vectors(queries), self._vectors(corpus), k)

    def paraphrase_mining(self, texts: Iterable[str] | Vectors, k: int = 10) -> Pairs:
        """Return pairs of similar texts, the most similar first.

        Args:
            texts: texts, or their vectors [N, D].
            k: neighbours of each text that are considered.
        """
        return nearest_pairs(self._vectors(texts), k)

    def segment(self, texts: str | Iterable[str], *, count: int | None = None) -> list[list[str]]:
        """Return the sentences of a document in order, as lists, one a topic.

        Boundaries are the best ones by the sentences' vectors: within a topic these are to be near
        their mean (`evaluate.segmentation.best_boundaries`). It takes the memory of the square of
        the number of sentences: 0.2 GB for 2,000.

        Args:
            texts: the document, which is split into sentences; or its sentences.
            count: number of topics; None: as many as are worth it.

        Raises:
            TypeError: texts are no strings.
            ValueError: count is not in 1 to the number of sentences.
        """
        sentences = list(split_sentences(texts) if isinstance(texts, str) else as_texts(texts))
        if not sentences and count is None:
            return []
        ends = best_boundaries(self.encode(sentences), count)
        parts = np.split(np.arange(len(sentences)), np.flatnonzero(ends) + 1)
        return [[sentences[i] for i in part] for part in parts]

    def fine_tune(self, pairs: str | Path, **settings: Any) -> "SentenceEncoder":
        """Return an encoder trained further on pairs of texts; this one does not change.

        A part of the pairs is held out, to choose the best model and to stop early.

        Args:
            pairs: .tsv, .jsonl or .parquet with columns sentence1 and sentence2 (or anchor and
                positive), for triplets also negative, for scored pairs also score.
            settings: of `pixel_linguist.train.finetune.Settings`: epochs, batch_size, peak, ...

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: a column is missing or a score is bad (the error names the line), or
                there are too few pairs.
        """
        # Training loads much that encoding does not need.
        from pixel_linguist.train.finetune import Settings, fine_tune, read_pairs

        tuned = fine_tune(self.model, read_pairs(Path(pairs)), Settings(**settings))
        return SentenceEncoder(tuned.model, self.truncate_dim)

    def _vectors(self, given: Any) -> np.ndarray:
        return as_vectors(given) if holds_vectors(given) else self.encode(given)

    @property
    def _nothing(self) -> np.ndarray:
        return np.zeros((0, self.model.config.dimension), np.float32)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the model alone: what is compiled and on devices stays with the process."""
        return SentenceEncoder, (self.model, self.truncate_dim)

    def _embedder(self, batch_size: int, device: str | None) -> Embedder:
        check_not_forked()
        return self.embedder(batch_size, device)

    def _make_embedder(self, batch_size: int, device: str | None) -> Embedder:
        model, devices = self.model, _devices(device)
        return make_embedder(model.encoder, model.params, self.renderer, batch_size, devices)

    def _finisher(
        self, normalize: bool, dtype: Dtype, truncate_dim: int | None
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Return the function from embeddings float32 [N, D] to vectors."""
        if dtype not in get_args(Dtype):
            raise ValueError(f"dtype is {dtype!r}; choose one of {', '.join(get_args(Dtype))}")
        width = _checked_width(truncate_dim, self.model.config.dimension) or self.dimension

        def finish(block: np.ndarray) -> np.ndarray:
            kept = block[:, :width]
            return (kept / norms(kept)[:, None] if normalize else kept).astype(dtype)

        return finish

    similarity = staticmethod(similarity)
    similarity_pairwise = staticmethod(similarity_pairwise)


def _checked_width(truncate_dim: int | None, dimension: int) -> int | None:
    """Return the number of numbers to keep, if it is one."""
    if truncate_dim is not None and not 1 <= truncate_dim <= dimension:
        raise ValueError(f"truncate_dim is {truncate_dim}; it must be None or 1 to {dimension}")
    return truncate_dim


def _refuse_prompts(*given: Any) -> None:
    if any(prompt is not None for prompt in given):
        raise ValueError(
            "prompts are for models that were trained with them, and none was here: each text is "
            "drawn and read as it is. Leave the prompt out, or write what belongs to a text into it"
        )


def _check_fonts(renderer: Renderer, fonts: Mapping[str, str]) -> None:
    """Warn of a model's fonts that are missing here or have other contents."""
    found = renderer.font_hashes()
    if changed := [name for name in fonts if found.get(name, fonts[name]) != fonts[name]]:
        warn_caller(
            f"the model was trained with other versions of the fonts {', '.join(changed)} "
            f"(family {renderer.family!r}); its embeddings may differ"
        )
    if absent := [name for name in fonts if name not in found]:
        warn_caller(
            f"fonts of the model's family {renderer.family!r} are not installed; scripts that only "
            "they have are drawn as boxes, until pixel-linguist render --install-fonts "
            f"{renderer.family} installs them: {', '.join(absent)}"
        )


def _devices(kind: str | None) -> list[jax.Device]:
    """Return this process's devices of a kind."""
    try:
        return jax.local_devices(backend=kind)
    except RuntimeError:
        here = jax.local_devices()[0].platform
        raise ValueError(f"no device {kind!r} here; there is {here!r}") from None
