"""WhitenedCSE: contrast of embeddings that are whitened in shuffled groups of channels."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.objective.contrastive import exclude, gather, info_nce, same_meaning
from pixel_linguist.objective.geometry import alignment, normalise, uniformity
from pixel_linguist.objective.protocol import AXIS, Batch, Encode, Objective

Tree = Any


@jax.custom_jvp
def inverse_root(c: jax.Array) -> jax.Array:
    """Return C^(-1/2) of symmetric positive definite matrices, float [..., g, g].

    The derivative of `eigh` divides by differences of eigenvalues; this one does not, so that
    equal eigenvalues do no harm:

        dC^(-1/2) = U (F * (U^T dC U)) U^T, F_ij = -1 / (s_i s_j (s_i + s_j)), s = sqrt(eigenvalues)
    """
    values, vectors = jnp.linalg.eigh(c)
    return (vectors / jnp.sqrt(values)[..., None, :]) @ jnp.swapaxes(vectors, -1, -2)


@inverse_root.defjvp
def _inverse_root_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (c,), (change,) = primals, tangents
    values, vectors = jnp.linalg.eigh(c)
    transposed, s = jnp.swapaxes(vectors, -1, -2), jnp.sqrt(values)
    root = (vectors / s[..., None, :]) @ transposed
    row, column = s[..., :, None], s[..., None, :]
    turned = (transposed @ change @ vectors) / (row * column * (row + column))
    return root, -vectors @ turned @ transposed


def whiten(x: jax.Array, groups: int, order: jax.Array, epsilon: float) -> jax.Array:
    """Whiten groups of channels by the batch: mean 0, covariance I in each group (ZCA).

    Args:
        x: float32 [N, D], N > D / groups.
        groups: number of them; it divides D.
        order: int [D], a permutation; consecutive channels of it are a group.
        epsilon: added to the covariances' diagonals, relative to the mean eigenvalue.

    Returns:
        float32 [N, D], channels in their own order.
    """
    count, size = len(x), x.shape[1] // groups
    parts = x[:, order].reshape(count, groups, size)
    parts = parts - parts.mean(axis=0)
    c = jnp.einsum("ngi,ngj->gij", parts, parts, precision="highest") / count
    scale = jnp.trace(c, axis1=1, axis2=2)[:, None, None] / size
    root = inverse_root(c + (epsilon * scale + 1e-12) * jnp.eye(size))
    whitened = jnp.einsum("ngi,gij->ngj", parts, root, precision="highest")
    return whitened.reshape(count, -1)[:, jnp.argsort(order)]


@dataclasses.dataclass(frozen=True)
class GroupWhitening(Objective):
    """Contrast of whitened embeddings, with the positive whitened in several ways.

        loss_i = sum_p -log (e(z_i, z_i^p) / sum_j e(z_i, z_j^p)), e(x, y) = exp(cos(x, y) / t)

    where z is the anchor and z^p, p = 1 to P, the positive after whitening by the batch of all
    devices in groups of channels, each time shuffled anew, and a head tanh(W z + b). Models are
    saved without the head, and embed without whitening.

    Views: "anchor", "positive". Facts: "group"; of views "text_id".

    Without whitening (`groups=0`) and head, and with one positive, it is InfoNCE one way. With one
    group, or one channel a group, the order of channels changes nothing, so that several positives
    are the same.

    Source: Zhuo et al. 2023 (arXiv 2305.17746), section 3 and figure 2: D 768, 128 groups, three
    positives, t 0.05. Their code sums over positives; it has no epsilon and runs through the
    gradient of `eigh`.

    >>> GroupWhitening(groups=64, positives=3)

    Attributes:
        groups: of channels; it divides the encoder's dimension. 0: no whitening.
        positives: P.
        shuffled: whether channels are shuffled before they are grouped.
        head: whether the head is there.
        epsilon: as `whiten` takes it.
    """

    groups: int
    positives: int = 3
    shuffled: bool = True
    head: bool = True
    temperature: float = 0.05
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if self.groups < 0 or self.positives < 1:
            raise ValueError(
                f"objective.groups is {self.groups} and objective.positives {self.positives}; they "
                "must be at least 0 and 1"
            )

    def init(
        self, key: Any, encoder: Any, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return the head's parameters, "kernel" [D, D] and "bias" [D].

        Raises:
            ValueError: if the groups do not divide D.
        """
        if self.groups and encoder.dimension % self.groups:
            raise ValueError(
                f"objective.groups is {self.groups}; it must divide the dimension, "
                f"{encoder.dimension}"
            )
        if not self.head:
            return {}, {}, {}
        width = encoder.dimension
        kernel = jax.nn.initializers.orthogonal()(key, (width, width))
        return {"kernel": kernel, "bias": jnp.zeros(width)}, {}, {}

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics, {}, {}); alignment and uniformity are those without whitening."""
        found = encode.many(params["encoder"], batch.select(self.views), key=key)
        group = batch.facts["group"]
        ids = jnp.stack([batch.view_facts[view]["text_id"] for view in self.views], axis=1)
        number = len(group)
        labels = jnp.arange(number) + jax.lax.axis_index(AXIS) * number
        # All devices whiten the whole batch, so that their number changes nothing.
        anchors, positives = (gather(found[view]) for view in self.views)
        related = same_meaning(ids, group, gather(ids), gather(group))
        own = self._project(params, anchors, key, 0)[labels]
        loss, correct = jnp.float32(0), []
        for p in range(1, self.positives + 1):
            scores = own @ self._project(params, positives, key, p).T / self.temperature
            scores = exclude(scores, labels, related)
            loss += info_nce(scores, labels).mean()
            correct.append((jnp.argmax(scores, axis=1) == labels).mean())
        unit = {view: normalise(found[view]) for view in self.views}
        metrics = {
            "accuracy": jnp.stack(correct).mean(),
            "alignment": alignment(unit["anchor"], unit["positive"]),
            "uniformity": uniformity(unit["anchor"], normalise(anchors), ~related),
        }
        return loss, metrics, {}, {}

    def _project(self, params: Tree, x: jax.Array, key: jax.Array, number: int) -> jax.Array:
        """Whiten and project the embeddings of a view [N, D]; the result has length 1.

        Raises:
            ValueError: for a batch that is too small to whiten.
        """
        count, width = x.shape
        x = x.astype(jnp.float32)
        if self.groups:
            if count <= width // self.groups:
                raise ValueError(
                    f"a batch of {count} cannot be whitened in groups of {width // self.groups} "
                    "channels: take eight times as many examples, or more objective.groups"
                )
            order = jnp.arange(width)
            if self.shuffled:
                order = jax.random.permutation(jax.random.fold_in(key, number), width)
            x = whiten(x, self.groups, order, self.epsilon)
        if self.head:
            x = jnp.tanh(x @ params["objective"]["kernel"] + params["objective"]["bias"])
        return normalise(x)
