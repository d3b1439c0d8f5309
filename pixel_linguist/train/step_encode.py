"""Encoding the views of a device's batch inside a step: augment, encode, in chunks."""

import dataclasses
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.model.encoder import Encoder, Params
from pixel_linguist.objective import AXIS, Batch, View
from pixel_linguist.render.augment import Augmentation
from pixel_linguist.render.patches import Patches

Tree = Any
# Sets the keys of augmentations apart from those of dropout.
_AUGMENT = zlib.crc32(b"augment")


def in_chunks(function: Callable[[Tree], Tree], chunk_size: int) -> Callable[[Tree], Tree]:
    """Return a function of a tree of [B, ...] that runs `chunk_size` rows at a time.

    A chunk is drawn and encoded again in the backward pass, so that the memory of pixels and
    activations is that of one chunk whatever B is. Exact: GradCache (Gao et al. 2021, arXiv
    2101.06983) in one pass.

    Args:
        function: rows → outputs, trees of [chunk_size, ...].
        chunk_size: rows; 0: all at once, without encoding again.

    Raises:
        ValueError: at the first call, if `chunk_size` does not divide B.
    """
    if not chunk_size:
        return function
    again = jax.checkpoint(function, prevent_cse=False)

    def run(rows: Tree) -> Tree:
        count = jax.tree.leaves(rows)[0].shape[0]
        if count % chunk_size:
            raise ValueError(f"chunk_size {chunk_size} does not divide a device's {count} rows")
        chunks = jax.tree.map(lambda x: x.reshape(-1, chunk_size, *x.shape[1:]), rows)
        outputs = jax.lax.map(again, chunks)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), outputs)

    return run


@dataclasses.dataclass(frozen=True)
class StepEncode:
    """The `Encode` that a step hands to its objective.

    Attributes:
        augmentation: of the pixels of each text; pictures in colour stay as they are.
        chunk_size: examples encoded at once, as `in_chunks` says; 0: all.
        options: names of facts [B] that the encoder takes as options.
    """

    encoder: Encoder
    augmentation: Augmentation
    chunk_size: int
    options: tuple[str, ...] = ()

    def __call__(
        self,
        params: Params,
        view: View,
        *,
        key: jax.Array,
        outputs: Sequence[str] = ("embedding",),
        **options: Any,
    ) -> dict[str, jax.Array]:
        """Return the encoder's outputs of a view, each [B, ...]."""
        arrays = {name: x for name, x in options.items() if hasattr(x, "shape")}
        static = {name: x for name, x in options.items() if name not in arrays}

        def encode(params: Params, patches: Patches, keys: jax.Array, arrays: Tree) -> Tree:
            chosen = {"outputs": outputs, **static, **arrays}
            return _by_example(self.encoder.encode(params, patches, keys=keys, **chosen))

        return self._chunked(encode, params, [view], key, arrays)[view.name]

    def many(
        self, params: Params, views: Sequence[View], *, key: jax.Array
    ) -> dict[str, jax.Array]:
        """Return view → float32 [B, D]; views of one shape are encoded together."""

        def encode(params: Params, patches: Patches, keys: jax.Array, arrays: Tree) -> Tree:
            return _by_example(self.encoder.encode(params, patches, keys=keys, **arrays))

        alike: dict[Any, list[View]] = {}
        for view in views:
            alike.setdefault(_shape(view), []).append(view)
        found: dict[str, Any] = {}
        for group in alike.values():
            found |= self._chunked(encode, params, group, key, {})
        return {view.name: found[view.name]["embedding"] for view in views}

    def rows(
        self,
        function: Callable[[Tree, Patches, jax.Array], Tree],
        params: Tree,
        view: View,
        *,
        key: jax.Array,
    ) -> Tree:
        """Return `function(params, patches, keys)` of a view's examples, chunk by chunk.

        Raises:
            ValueError: if the encoder takes options, which the function would not see.
        """
        if view.options:
            raise ValueError(
                f"encoder_options names {', '.join(view.options)}; the objective encodes rows "
                "without options"
            )

        def apply(params: Tree, patches: Patches, keys: jax.Array, arrays: Tree) -> Tree:
            return function(params, patches, keys)

        return self._chunked(apply, params, [view], key, {})[view.name]

    def _chunked(
        self,
        function: Callable[[Tree, Patches, jax.Array, Tree], Tree],
        params: Tree,
        views: Sequence[View],
        key: jax.Array,
        arrays: Tree,
    ) -> dict[str, Tree]:
        """Return view → outputs of the views of the same chunk together."""
        rows = {
            view.name: {
                "patches": view.patches,
                "example": view.example,
                "keys": example_keys(key, view.name, view.example),
                "arrays": {**view.options, **arrays},
            }
            for view in views
        }

        def on_rows(rows: Tree) -> Tree:
            parts = []
            for view in views:
                own = rows[view.name]
                patches = self._augmented(own["patches"], key, view.name, own["example"])
                parts.append((patches, own["keys"], own["arrays"]))
            together = jax.tree.map(lambda *x: jnp.concatenate(x), *parts)
            outputs = function(params, *together)
            split = jax.tree.map(lambda x: jnp.split(x, len(views)), outputs)
            is_list = lambda x: isinstance(x, list)  # noqa: E731
            return {
                view.name: jax.tree.map(lambda x, i=i: x[i], split, is_leaf=is_list)
                for i, view in enumerate(views)
            }

        return in_chunks(on_rows, self.chunk_size)(rows)

    def _augmented(
        self, patches: Patches, key: jax.Array, name: str, example: jax.Array
    ) -> Patches:
        if not self.augmentation.steps or patches.pixels.shape[-1] != 1:
            return patches
        key = jax.random.fold_in(jax.random.fold_in(key, _AUGMENT), zlib.crc32(name.encode()))
        count = (patches.segment >= 0).sum(axis=1)
        pixels = self.augmentation(patches.pixels[..., 0], count, key, example)
        return patches._replace(pixels=pixels[..., None])


def example_keys(key: jax.Array, name: str, example: jax.Array) -> jax.Array:
    """Return a key for each example of a view, [B], whichever device has it."""
    own = jax.random.fold_in(key, zlib.crc32(name.encode()))
    return jax.vmap(jax.random.fold_in, (None, 0))(own, example)


def device_batch(batch: Any, options: Sequence[str] = ()) -> Batch:
    """Return a device's share of a `HostBatch` as losses take it, inside the mapped axis.

    Args:
        options: names of facts [B] that the encoder takes as options.
    """
    number = batch.facts["group"].shape[0]
    example = jnp.arange(number) + jax.lax.axis_index(AXIS) * number
    chosen = {name: batch.facts[name] for name in options}
    views = {name: View(name, patches, example, chosen) for name, patches in batch.views.items()}
    return Batch(views, batch.facts, batch.view_facts)


def _shape(view: View) -> Any:
    """Return the structure and shapes of a view; equal ones are encoded together."""
    leaves, tree = jax.tree.flatten(view.patches)
    return tree, tuple((x.shape, str(x.dtype)) for x in leaves)


def _by_example(outputs: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Take the axis of segments out of outputs, as training has one text a row."""
    by_segment = ("embedding", "cls_features", "word_logits")
    return {name: x[:, 0] if name in by_segment else x for name, x in outputs.items()}
