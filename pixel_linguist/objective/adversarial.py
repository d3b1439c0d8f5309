"""Invariance: another objective under small perturbations of patches that raise its loss."""

import dataclasses
import zlib
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.model.encoder import Encoder
from pixel_linguist.model.hybrid import HybridEncoder
from pixel_linguist.objective.protocol import Batch, Encode, Objective

Tree = Any


@dataclasses.dataclass(frozen=True)
class Adversarial(Objective):
    """The mean of another objective's loss over passes whose patches are perturbed.

        loss = mean over k of L(x + delta_k), delta_0 uniform in [-size, size],
        delta_k+1 = delta_k + size * sign of the gradient of L(x + delta_k) by delta_k

    where x are the vectors of a stem where the encoder has one, otherwise the ink of patches in
    [0, 1]. Patches that no gradient reaches, such as padding, keep their delta. Views, facts,
    parameters and state are those of the objective; its rows and totals are those of the first
    pass. With `size=0` it is the objective, at the cost of twice as many passes as `steps`.

    Source: GraphCLIP (Zhu et al. 2025, arXiv 2410.10329), its invariant learning: free adversarial
    training (arXiv 1904.12843) in which, as in the authors' code, deltas pile up.

    >>> Adversarial(InfoNCE(learnable_temperature=True), steps=3, size=0.01)

    Attributes:
        objective: that is trained.
        steps: passes, at least 1.
        size: of a perturbation, at least 0.
    """

    objective: Objective
    steps: int = 3
    size: float = 0.01

    def __post_init__(self) -> None:
        if self.steps < 1 or self.size < 0:
            raise ValueError(f"steps is {self.steps} and size {self.size}: at least 1 and 0")

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are encoded."""
        return self.objective.views

    @property
    def reads_pixels(self) -> bool:
        """Tell whether the objective needs pixels."""
        return self.objective.reads_pixels

    def init(self, key: Any, encoder: Any, encoder_params: Any, annotations: Any) -> Any:
        """Return the parameters, state and constants of the objective."""
        return self.objective.init(key, encoder, encoder_params, annotations)

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics, rows, totals); "rise" is the last loss less the first."""
        inputs = {
            name: _floats(encode.encoder, params["encoder"], batch.views[name].patches.pixels)
            for name in self.views
        }
        vectors = all(x.ndim == 3 for x in inputs.values())
        scale = self.size * (1.0 if vectors else 255.0)

        def run(deltas: Tree, params: Tree) -> Any:
            views = {
                name: view._replace(
                    patches=view.patches._replace(pixels=inputs[name] + deltas[name])
                )
                if name in deltas
                else view
                for name, view in batch.views.items()
            }
            found = self.objective.loss(
                params, state, constants, batch._replace(views=views), encode, key
            )
            return found[0], found[1:]

        deltas = {
            name: scale * self._noise(key, name, x.shape, batch.views[name].example)
            for name, x in inputs.items()
        }
        losses: list[Any] = []
        first: Any = None
        for step in range(self.steps):
            loss, rest = run(deltas, params)
            losses.append(loss)
            first = first or rest
            if step < self.steps - 1:
                slope, _ = jax.grad(run, has_aux=True)(deltas, jax.lax.stop_gradient(params))
                moved = {name: deltas[name] + scale * jnp.sign(slope[name]) for name in deltas}
                deltas = jax.lax.stop_gradient(moved)
        metrics, rows, totals = first
        rise = losses[-1] - losses[0]
        return sum(losses) / self.steps, {**metrics, "rise": rise}, rows, totals

    def after_update(self, params: Tree, state: Tree, rows: Tree, totals: Tree) -> Tree:
        """Return the objective's state."""
        return self.objective.after_update(params, state, rows, totals)

    @staticmethod
    def _noise(key: Any, name: str, shape: Any, example: jax.Array) -> jax.Array:
        """Draw from [-1, 1] for each example of a view, whichever device has it."""
        own = jax.random.fold_in(key, zlib.crc32(f"delta of {name}".encode()))
        keys = jax.vmap(jax.random.fold_in, (None, 0))(own, example)
        return jax.vmap(lambda k: jax.random.uniform(k, shape[1:], minval=-1, maxval=1))(keys)


def _floats(encoder: Encoder, params: Tree, pixels: jax.Array) -> jax.Array:
    """Return patches as numbers that can be perturbed: a stem's vectors, or ink in [0, 255]."""
    if pixels.ndim > 3 and isinstance(encoder, HybridEncoder):
        return encoder.stem_rows(params, pixels)
    return pixels.astype(jnp.float32)
