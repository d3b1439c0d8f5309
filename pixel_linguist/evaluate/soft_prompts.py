"""Soft prompts: trainable patches before a text, learned from a few texts of each class."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax

from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.classification import ZeroShot
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, cosine_matrix, unit_rows
from pixel_linguist.evaluate.suite import Attack, Measured, Task
from pixel_linguist.inference import Embedder, blocks
from pixel_linguist.objective.joined import insert
from pixel_linguist.render.patches import Patches, one_text_a_row

# Texts encoded at once; Adam's rate in standard deviations of patches; and t.
BLOCK, RATE, TEMPERATURE = 64, 0.05, 0.07


@dataclasses.dataclass(frozen=True)
class SoftPrompts(Task):
    """Accuracy of the class whose description is nearest by cosine, behind trained patches.

        loss = mean over training texts of -log softmax_c(cos(h(T, x), h(d_c)) / t)[class of x]

    where T are the trained patches, which stand before those of a text x, d_c is the description
    of class c, and the encoder h is frozen. T are patches of the training texts at first. An
    embedding without an encoder is scored without T.

    Source: GraphCLIP (Zhu et al. 2025, arXiv 2410.10329), section 4.3, whose prompt is one vector
    that is added to those of all nodes.

    Attributes:
        train: a few texts, with their classes.
        test: the texts that are classified.
        patches: number of T, at least 1.
        steps: of Adam, each on all training texts.
    """

    train: ZeroShot
    test: ZeroShot
    patches: int
    steps: int

    metric: ClassVar[str] = "accuracy"

    @classmethod
    def from_sources(
        cls,
        train: Source,
        test: Source,
        *,
        classes: Mapping[str, str],
        patches: int = 4,
        steps: int = 60,
        **options: str,
    ) -> "SoftPrompts":
        """Read records; `classes` and options are those of `ZeroShot.from_source`.

        Raises:
            ValueError: as there; for fewer than 1 of patches or steps.
        """
        if min(patches, steps) < 1:
            raise ValueError(f"patches is {patches} and steps {steps}; both are at least 1")
        few, many = (ZeroShot.from_source(x, classes=classes, **options) for x in (train, test))
        return cls(few, many, patches, steps)

    def texts(self) -> list[str]:
        """Return the texts of both sources, and the descriptions."""
        return [*self.train.classified, *self.test.texts()]

    def attacked(self, attack: Attack) -> "SoftPrompts":
        """Return the task with every test text perturbed, but no training text."""
        return dataclasses.replace(self, test=self.test.attacked(attack))

    def measure(self, embed: Embed) -> Measured:
        """Return "accuracy", and "zero_shot" and "majority", those of `ZeroShot` on the tests."""
        zero_shot = self.test.measure(embed)
        scores = {**zero_shot.scores, "zero_shot": zero_shot.scores["accuracy"]}
        model = getattr(embed, "embedder", embed)
        if not isinstance(model, Embedder):
            return Measured(scores, zero_shot.observations)
        described = unit_rows(checked_vectors(embed, list(self.test.classes.values())))
        found = prompted(model, self.test.classified, self.trained(model, described))
        right = self.test.right(cosine_matrix(found, described))
        return Measured(scores | {"accuracy": right.mean()}, Observations((right,)))

    def trained(self, model: Embedder, described: np.ndarray) -> np.ndarray:
        """Return T, float32 [T, ...], for descriptions of length 1, [C, D]."""
        rows = patch_rows(model, self.train.classified, self.patches)
        names = list(self.train.classes)
        right = np.array([names.index(label) for label in self.train.labels])
        used = rows.pixels[rows.segment >= 0]
        chosen = np.random.default_rng(0).integers(len(used), size=self.patches)
        start, scale = used[chosen], used.std()
        adam = optax.adam(RATE)

        def loss(moved: jax.Array) -> jax.Array:
            found = encode_prompted(model.encoder, model.params, rows, start + scale * moved)
            lengths = jnp.linalg.norm(found, axis=1, keepdims=True)
            cosines = found / jnp.maximum(lengths, 1e-12) @ described.T
            losses = optax.softmax_cross_entropy_with_integer_labels(cosines / TEMPERATURE, right)
            return losses.mean()

        @jax.jit
        def step(moved: jax.Array, state: Any) -> Any:
            change, state = adam.update(jax.grad(loss)(moved), state)
            return optax.apply_updates(moved, change), state

        moved = jnp.zeros(start.shape)
        state = adam.init(moved)
        for _ in range(self.steps):
            moved, state = step(moved, state)
        return np.asarray(start + scale * moved, np.float32)


def patch_rows(model: Embedder, texts: Sequence[str], room: int) -> Patches:
    """Draw texts as rows of float patches, or tokens where words have some, with room for more."""
    drawn = model.renderer(texts, model.encoder.config.max_patches - room)
    pixels = drawn.patches
    if tokens := getattr(model, "tokens", None):
        pixels = tokens.of_rows(pixels)
    return one_text_a_row(pixels.astype(np.float32), drawn.count)


def encode_prompted(encoder: Any, params: Any, rows: Patches, prompts: Any) -> jax.Array:
    """Return the embeddings of rows behind prompts, float32 [R, D]."""
    # A first sentence of no patches, behind which the prompts are put in.
    second = rows._replace(unit=jnp.where(jnp.asarray(rows.unit) >= 0, 1, rows.unit))
    found = encoder.encode(params, insert(second, jnp.asarray(prompts)))["embedding"]
    embeddings: jax.Array = found[:, 0]
    return embeddings


def prompted(model: Embedder, texts: Sequence[str], prompts: np.ndarray) -> np.ndarray:
    """Return the embeddings of N texts behind prompts, float32 [N, D]."""
    run = jax.jit(lambda params, *given: encode_prompted(model.encoder, params, *given))
    found = []
    for block in blocks(texts, BLOCK):
        rows = patch_rows(model, block + [""] * (BLOCK - len(block)), len(prompts))
        found.append(np.asarray(run(model.params, rows, prompts))[: len(block)])
    return np.concatenate(found)
