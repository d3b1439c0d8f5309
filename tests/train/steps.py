"""Train a tiny encoder for a few steps, so that results of devices and back ends can be compared.

Run as a program, so that the number of devices can be chosen:
steps.py RESULT.npz VARIANT [VARIANT ...], a variant being OBJECTIVE:BACKEND:PIXELS:CHUNK
with PIXELS "text" (styled and augmented) or "random".
"""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.data.example import Example
from pixel_linguist.data.views import HostBatch, Pair, ViewPipeline, make_view_pipeline
from pixel_linguist.objective import Objective, make_objective
from pixel_linguist.objective.contriever import Contriever
from pixel_linguist.render import Renderer
from pixel_linguist.render.augment import Augmentation, compose
from pixel_linguist.train.hosts import Backend, place, place_state
from pixel_linguist.train.step import NO_AUGMENTATION, init_state, make_step
from tests.train.tiny import BATCH, DOMAINS, LENGTH, OPTIMIZER, encoder, flat, random_batch

SEED = 5
STYLES: dict[str, Any] = {
    "family": {"strength": 1.0, "families": ("noto", "mono")},
    "size": {"strength": 0.5},
    "slant": {"strength": 1.0},
}
AUGMENT = {"rotate": {"strength": 1.0}, "noise": {"strength": 0.5}}


@dataclasses.dataclass(frozen=True)
class Momentum(Contriever):
    """Contriever's queue and teacher (rows), and second moments of its keys [D, D] (totals)."""

    def init(self, key: Any, encoder: Any, encoder_params: Any, annotations: Any) -> Any:
        """Add the moments to the state."""
        params, state, constants = super().init(key, encoder, encoder_params, annotations)
        return params, state | {"second": jnp.zeros((encoder.dimension,) * 2)}, constants

    def loss(self, *arguments: Any) -> Any:
        """Add the totals."""
        loss, metrics, rows, _ = super().loss(*arguments)
        return loss, metrics, rows, {"second": rows["key"].T @ rows["key"]}

    def after_update(self, params: Any, state: Any, rows: Any, totals: Any) -> Any:
        """Let the moments follow too."""
        second = 0.9 * state["second"] + 0.1 * totals["second"]
        return super().after_update(params, state, rows, totals) | {"second": second}


# Arguments of `states` for an encoder with experts.
EXPERTS: dict[str, Any] = {
    "name": "experts",
    "domains": DOMAINS,
    "depth": 2,
    "encoder_options": ("domain",),
}
OBJECTIVES: dict[str, Objective] = {
    "experts": make_objective({"name": "info_nce"}),
    "momentum": Momentum(queue_size=20, momentum=0.7, temperature=0.5),
    "contrast": make_objective({"name": "info_nce", "learnable_temperature": True}),
    "hard": make_objective(
        {"name": "info_nce", "hard_negatives": True, "learnable_temperature": True}
    ),
}


def pipeline(views: tuple[str, ...], styles: Any = STYLES) -> ViewPipeline:
    """Return what is between text and encoder."""
    return make_view_pipeline(
        Renderer(patch=8, max_patches=LENGTH),
        views,
        styles=styles,
        facts={},
        seed=SEED,
    )


def pairs(step: int) -> list[Pair]:
    """Return a step's examples, in styles of their own."""
    rng = np.random.default_rng(step)
    found = []
    for i in range(BATCH):
        views = {"anchor": f"text {i * 37 + step}", "positive": f"Écrit {i}, στο {step}"}
        original = Example(views, {"group": (-1,)})
        styles = {view: {"style": int(rng.integers(1 << 31))} for view in views}
        found.append((original, original._replace(view_facts=styles)))
    return found


def states(
    objective: Objective,
    backend: Backend,
    *,
    pixels: str = "random",
    chunk_size: int = 0,
    steps: int = 4,
    seed: int = SEED,
    rate: float = 1e-2,
    encoder_options: tuple[str, ...] = (),
    **changes: Any,
) -> list[dict[str, Any]]:
    """Return the states before each step and after the last, each with its step's "metrics"."""
    tiny = encoder(**changes)
    augmentation: Augmentation = NO_AUGMENTATION
    batch_of: Callable[[int], HostBatch] = random_batch
    if pixels != "random":
        augmentation, views = compose(AUGMENT), pipeline(objective.views)
        batch_of = lambda step: views.batch(pairs(step), LENGTH)._replace(cut=None)  # noqa: E731
    state, constants = init_state(tiny, tiny.init(0), objective, OPTIMIZER, seed=3)
    options: Any = {
        "augmentation": augmentation,
        "chunk_size": chunk_size,
        "shard_optimizer": False,
        "encoder_options": encoder_options,
    }
    step_fn = make_step(tiny, objective, OPTIMIZER, backend, **options)
    state = place_state(state, backend, shard_optimizer=False)
    found = [jax.device_get(state)]
    for step in range(steps):
        batch = place(batch_of(step), backend)
        state, metrics = step_fn(state, constants, batch, np.float32(rate), np.uint32(seed))
        found[-1]["metrics"] = {name: float(value) for name, value in metrics.items()}
        found.append(jax.device_get(state))
    return found


def train(
    objective: Objective, backend: Backend, **options: Any
) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Return the state after some steps, and each step's metrics."""
    *before, last = states(objective, backend, **options)
    return last, [state["metrics"] for state in before]


def main(path: str, *variants: str) -> None:
    """Write each variant's results as "VARIANT|name", and the number of devices."""
    results: dict[str, Any] = {"devices": np.int32(jax.device_count())}
    for variant in variants:
        name, backend, pixels, chunk_size = variant.split(":")
        state, metrics = train(
            OBJECTIVES[name],
            cast(Backend, backend),
            pixels=pixels,
            chunk_size=int(chunk_size),
            **(EXPERTS if name == "experts" else {}),
        )
        kept = {"params": state["params"], "objective": state["objective"]}
        results |= {f"{variant}|{name}": value for name, value in flat(kept).items()}
        # Adam hides the gradients' scale.
        results[f"{variant}|norms"] = np.array([step["gradient_norm"] for step in metrics])
    np.savez(path, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
