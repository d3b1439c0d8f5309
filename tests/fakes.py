"""Stand-ins for an encoder: given embeddings for objectives, and a reader of pictures for tasks."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from pixel_linguist.objective import AXIS, Batch, Objective, View
from pixel_linguist.render.patches import Patches

Tree = Any
VIEWS = ("anchor", "positive", "negative")


@dataclasses.dataclass(frozen=True)
class GivenEmbeddings:
    """An `Encode` whose parameters are what it returns, by view.

    They are embeddings, float [B, D] of a device, or what an objective's function of rows returns.
    """

    encoder: Any = None

    def __call__(
        self,
        params: Tree,
        view: View,
        *,
        key: jax.Array,
        outputs: Sequence[str] = ("embedding",),
        **options: Any,
    ) -> dict[str, jax.Array]:
        """Return the view's embeddings, or outputs by name."""
        given = params[view.name]
        return given if isinstance(given, dict) else {"embedding": given}

    def many(self, params: Tree, views: Sequence[View], *, key: jax.Array) -> dict[str, jax.Array]:
        """Return view → its embeddings."""
        return {view.name: params[view.name] for view in views}

    def rows(
        self, function: Callable[..., Tree], params: Tree, view: View, *, key: jax.Array
    ) -> Tree:
        """Return what is given of the view, whatever the function is."""
        return params["encoder"][view.name]


class ReadingEncoder:
    """Embeds texts by their letters, and pictures by the amount of ink in 12 columns and 3 rows."""

    dimension = 36

    def encode(self, sentences: Sequence[str], **settings: Any) -> np.ndarray:
        """Return float32 [N, 36]."""
        alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
        return np.array([[text.count(letter) for letter in alphabet] for text in sentences], "f4")

    def encode_images(self, pictures: Iterable[Any], **settings: Any) -> np.ndarray:
        """Return float32 [N, 36]."""
        ink = [255 - np.asarray(Image.fromarray(np.asarray(p)).resize((12, 3))) for p in pictures]
        return np.array(ink, np.float32).reshape(-1, 36)


def facts_of(rows: int, **given: Any) -> dict[str, Any]:
    """Return the facts of a batch in which no example has a group, unless one is given."""
    return {"group": np.full((rows, 1), -1, np.int32), **given}


def view_facts_of(ids: Any, present: Any = None) -> dict[str, dict[str, np.ndarray]]:
    """Return the facts of the views "anchor", "positive" and "negative".

    Args:
        ids: int [3, B], of their texts; or B, if all texts differ.
        present: bool [B], which negatives there are; None: all.
    """
    ids = np.arange(3 * ids).reshape(3, ids) if isinstance(ids, int) else ids
    present = np.ones(ids.shape[1], bool) if present is None else np.array(present)
    names = zip(VIEWS, ids.astype(np.int32), strict=True)
    return {name: {"text_id": row, "present": present} for name, row in names}


def evaluate(
    objective: Objective,
    embeddings: Mapping[str, Any],
    facts: Mapping[str, Any],
    view_facts: Mapping[str, Any] | None = None,
    *,
    params: Tree = None,
    devices: int = 1,
) -> tuple[Any, dict[str, Any], tuple[Tree, Tree]]:
    """Return an objective's loss over all devices, its metrics and its gradients.

    Args:
        objective: whose loss it is.
        embeddings: view → float [B, D], or what `GivenEmbeddings.rows` returns.
        facts: of all examples.
        view_facts: of all examples; None: those of texts that all differ.
        params: of the objective; None: those it draws.
        devices: that share the examples, in order.

    Returns:
        float32 []; name → float32 []; and the gradients by the embeddings and by the objective's
        parameters.
    """
    rows = len(facts["group"])
    if view_facts is None:
        view_facts = view_facts_of(rows)
    key = jax.random.key(0)
    drawn: Any = (params, {}, {})
    if params is None:
        drawn = objective.init(key, None, None, {})  # type: ignore[arg-type]
    own, state, constants = drawn

    def on_device(own: Tree, embeddings: Tree, example: Any, facts: Tree, view_facts: Tree) -> Any:
        # The embeddings are given, so that there is nothing to read.
        views = {name: View(name, cast(Patches, None), example) for name in embeddings}
        batch = Batch(views, facts, view_facts)
        given = {"encoder": embeddings, "objective": own}
        loss, metrics, _, _ = objective.loss(given, state, constants, batch, GivenEmbeddings(), key)
        return jax.lax.pmean((loss, metrics), AXIS)

    def split(tree: Tree) -> Tree:
        return jax.tree.map(lambda x: x.reshape(devices, -1, *x.shape[1:]), tree)

    def whole(embeddings: Tree, own: Tree) -> Any:
        mapped = jax.vmap(on_device, in_axes=(None, 0, 0, 0, 0), axis_name=AXIS)
        given = split((embeddings, np.arange(rows, dtype=np.int32), facts, view_facts))
        losses, metrics = mapped(own, *given)
        return losses[0], jax.tree.map(lambda x: x[0], metrics)

    run = jax.jit(jax.value_and_grad(whole, argnums=(0, 1), has_aux=True, allow_int=True))
    (loss, metrics), gradients = run(jax.tree.map(jnp.asarray, dict(embeddings)), own)
    return loss, metrics, gradients
