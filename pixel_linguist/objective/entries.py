"""DefSent+: a definition is to point at its entries, which are vectors made of definitions."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.data.dictionary import entry_vectors
from pixel_linguist.objective.contrastive import in_blocks
from pixel_linguist.objective.protocol import Batch, Encode, Objective

Tree = Any


def isotropic(x: np.ndarray) -> np.ndarray:
    """Whiten vectors [K, D]: mean 0 and covariance I (ZCA), float32.

    Directions in which vectors hardly differ, to 1e-6 of the greatest variance, are left small.
    """
    centred = np.asarray(x, float) - x.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(x))
    scale = 1 / np.sqrt(np.maximum(values, max(1e-6 * values.max(), 1e-24)))
    return np.asarray(centred @ (vectors * scale) @ vectors.T, np.float32)


@dataclasses.dataclass(frozen=True)
class EntryPrediction(Objective):
    """Cross-entropy of a definition's entries among all entries of the dictionary.

        loss_i = log sum_k exp(s_ik) - mean over the entries k of i of s_ik
        s_ik = E_k tanh(W h_i + b) / sqrt(D)

    where h_i is the embedding of definition i and E_k [D] the vector of entry k: the mean of the
    vectors that a frozen model gives its definitions, whitened over all entries. E is not trained.
    A definition of several entries (synonyms) has all of them as targets, in equal parts. W and b
    are dropped when training ends.

    View: "anchor", the definition. Fact: "entries" int32 [B, M], -1 where there are no more; the
    stage's data are annotated by "definitions". Rounds are stages: each starts from the same model,
    with E by the model of the round before (progressive separate training).

    Source: DefSent+ (Liu 2024, arXiv 2405.16153), which makes E isotropic by independent components
    times 100 and has no factor 1 / sqrt(D); it makes the loss log K at first, whatever D.

    >>> EntryPrediction(whitened=True)

    Attributes:
        whitened: False leaves E as it is, but for one factor that makes its mean square 1.
    """

    whitened: bool = True

    @property
    def views(self) -> tuple[str, ...]:
        """The definition."""
        return ("anchor",)

    def init(
        self, key: Any, encoder: Any, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return "kernel" [encoder's dimension, D] and "bias" [D], and "vectors" [K, D], E.

        The model that made the vectors may have another dimension than the encoder.

        Raises:
            ValueError: without one part whose data are annotated by "definitions".
        """
        tables = [table for table in annotations.values() if "definition" in table]
        if len(tables) != 1:
            raise ValueError(
                f"{len(tables)} parts of the stage are annotated by 'definitions'; entries have "
                "numbers of their own in each, so that it must be one"
            )
        found = entry_vectors(tables[0]["definition"], tables[0]["entries"])
        found = isotropic(found) if self.whitened else found / np.sqrt(np.mean(found**2))
        width = found.shape[1]
        kernel = jax.nn.initializers.orthogonal()(key, (encoder.dimension, width))
        return {"kernel": kernel, "bias": jnp.zeros(width)}, {}, {"vectors": jnp.asarray(found)}

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, {"accuracy"}, {}, {})."""
        own, vectors = params["objective"], constants["vectors"]
        found = encode(params["encoder"], batch.views["anchor"], key=key)["embedding"]
        pointed = jnp.tanh(found @ own["kernel"] + own["bias"]) / vectors.shape[1] ** 0.5

        def score(rows: Tree) -> Tree:
            scores = rows["pointed"] @ vectors.T
            real = rows["entries"] >= 0
            right = jnp.take_along_axis(scores, jnp.maximum(rows["entries"], 0), axis=1)
            mean = jnp.where(real, right, 0).sum(axis=1) / real.sum(axis=1)
            best = (scores.argmax(axis=1)[:, None] == rows["entries"]).any(axis=1)
            return {"loss": jax.nn.logsumexp(scores, axis=1) - mean, "correct": best}

        scored = in_blocks(score, {"pointed": pointed, "entries": batch.facts["entries"]})
        return scored["loss"].mean(), {"accuracy": scored["correct"].mean()}, {}, {}
