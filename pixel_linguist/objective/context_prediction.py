"""CCP: contrast of neighbouring sentences, with banks of negatives by language."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.objective.contrastive import gather, info_nce, same_meaning
from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.protocol import AXIS, Batch, Encode, Objective

Tree = Any
EPSILON = 1e-5


@dataclasses.dataclass(frozen=True)
class ContextPrediction(Objective):
    """Contrast of a sentence with a neighbour, among sentences of its language alone.

        z = BN(h W1) W2, scaled to length 1
        loss_i = -log (e(c_i, s_i) / (e(c_i, s_i) + sum_j e(c_i, s_j) + sum_m e(c_i, m)))

    averaged with the same for s and c exchanged, where c and s are a sentence and its neighbour, j
    runs over the batch's other examples of the language, m over the bank of the language, the
    vectors of earlier batches, e(x, y) = exp(x . y / t), and t is the temperature. Negatives of
    other languages would make telling languages apart the task.

    Batch normalisation lets examples see each other. So one of the two views is normalised by the
    batch of all devices, the other by running statistics, and the views take turns by steps.

    Views: "anchor", "positive". Facts: "group", "language" int32 [] in [0, languages); of views
    "text_id". Shared texts and groups are no negatives, in banks either. An example of a language
    out of range is in no bank.

    With `bank_size` 0 and one language it is `InfoNCE` on projected embeddings. Models are saved
    without W1, W2 and the normalisation.

    Source: Wu et al. 2022 (arXiv 2206.03281). Bank size, temperature and widths are not published;
    defaults are choices of ours.

    >>> ContextPrediction(languages=4, bank_size=1024)

    Attributes:
        bank_size: M, vectors kept of a language; 0, or at least the examples of an update.
        by_language: whether negatives are of the own language; False shares one bank.
        one_sided: whether one view is normalised by running statistics; False: none is.
        hidden: width between W1 and W2.
        width: of z.
        momentum: share of the running statistics that an update keeps.
        groups: groups of an example that are kept in the bank.
    """

    languages: int
    bank_size: int
    by_language: bool = True
    one_sided: bool = True
    hidden: int = 256
    width: int = 128
    momentum: float = 0.9
    temperature: float = 0.05
    groups: int = 1

    def __post_init__(self) -> None:
        if self.languages < 1 or self.bank_size < 0:
            raise ValueError(
                f"objective.languages is {self.languages} and objective.bank_size "
                f"{self.bank_size}; they must be at least 1 and 0"
            )
        if not 0 <= self.momentum < 1:
            raise ValueError(f"objective.momentum is {self.momentum}; it must be in [0, 1)")

    @property
    def banks(self) -> int:
        """The number of banks."""
        return self.languages if self.by_language else 1

    def init(
        self, key: Any, encoder: Any, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return the projection's parameters, and the state.

        The state is "bank", z [L, M, 2, width] of both views with "ids" and "group"; "written"
        int32 [L], vectors that were put into it; "mean" and "variance" [hidden]; "steps" int32 [].
        """
        draw = jax.nn.initializers.lecun_normal()
        first, second = jax.random.split(key)
        params = {
            "first": {"kernel": draw(first, (encoder.dimension, self.hidden))},
            "norm": {"scale": jnp.ones(self.hidden), "bias": jnp.zeros(self.hidden)},
            "second": {"kernel": draw(second, (self.hidden, self.width))},
        }
        places = (self.banks, self.bank_size)
        bank = {
            "z": np.zeros((*places, 2, self.width), np.float32),
            "ids": np.zeros((*places, 2), np.int32),
            "group": np.full((*places, self.groups), -1, np.int32),
        }
        state = {
            "bank": bank,
            "written": np.zeros(self.banks, np.int32),
            "mean": np.zeros(self.hidden, np.float32),
            "variance": np.ones(self.hidden, np.float32),
            "steps": np.int32(0),
        }
        return params, state, {}

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics, rows, totals); rows go into the bank, totals are moments.

        Raises:
            ValueError: for a batch of one, examples without a language, or another number of
                groups.
        """
        group = batch.facts["group"]
        if "language" not in batch.facts:
            raise ValueError("examples have no fact 'language'; the pair maker with_facts adds it")
        if group.shape[1] != self.groups:
            raise ValueError(
                f"examples have {group.shape[1]} groups; objective.groups is {self.groups}"
            )
        language = batch.facts["language"] * self.by_language
        number = len(group)
        found = encode.many(params["encoder"], batch.select(self.views), key=key)
        z, moments = self._project(params["objective"], state, [found[v] for v in self.views])
        ids = jnp.stack([batch.view_facts[view]["text_id"] for view in self.views], axis=1)
        rows = {"z": jnp.stack(z, axis=1), "ids": ids, "group": group, "language": language}
        pool = jax.tree.map(gather, rows)
        labels = jnp.arange(number) + jax.lax.axis_index(AXIS) * number
        related = same_meaning(ids, group, pool["ids"], pool["group"])
        same = language[:, None] == pool["language"]
        own = jnp.arange(len(pool["group"])) == labels[:, None]
        allowed = own | (same & ~related)
        bank, negative = self._negatives(state, language, ids, group)
        losses, correct = [], []
        for view in (0, 1):
            near = z[view] @ pool["z"][:, 1 - view].T / self.temperature
            earlier = z[view] @ bank[:, 1 - view].T / self.temperature
            scores = jnp.where(allowed, near, -1e9), jnp.where(negative, earlier, -1e9)
            together = jnp.concatenate(scores, axis=1)
            losses.append(info_nce(together, labels).mean())
            correct.append((jnp.argmax(together, axis=1) == labels).mean())
        metrics = {
            "accuracy": jnp.stack(correct).mean(),
            "cosine": (z[0] * z[1]).sum(axis=1).mean(),
            "bank_filled": jnp.minimum(state["written"], self.bank_size).mean()
            / max(self.bank_size, 1),
        }
        return (losses[0] + losses[1]) / 2, metrics, jax.lax.stop_gradient(rows), moments

    def _project(
        self, params: Tree, state: Tree, views: list[jax.Array]
    ) -> tuple[list[jax.Array], Tree]:
        """Project both views [B, D] to unit vectors [B, width]; return sums for the moments too."""
        inner = [x @ params["first"]["kernel"] for x in views]
        whole = [gather(x) for x in inner]
        if len(whole[0]) < 2:
            raise ValueError("a batch of 1 has no statistics: batch_size must be at least 2")
        batch = [(x.mean(axis=0), x.var(axis=0)) for x in whole]
        running = state["mean"], state["variance"]
        # Whether the first view is the one that the batch normalises.
        first = state["steps"] % 2 == 0
        sides = batch
        if self.one_sided:
            sides = [
                jax.tree.map(lambda a, b: jnp.where(first, a, b), batch[0], running),
                jax.tree.map(lambda a, b: jnp.where(first, a, b), running, batch[1]),
            ]
        z = []
        for x, (mean, variance) in zip(inner, sides, strict=True):
            normed = (x - mean) * jax.lax.rsqrt(variance + EPSILON)
            normed = normed * params["norm"]["scale"] + params["norm"]["bias"]
            z.append(normalise(normed @ params["second"]["kernel"]))
        seen = jax.lax.stop_gradient(jnp.where(first, *inner)) - state["mean"]
        return z, {"first": seen.sum(axis=0), "second": (seen**2).sum(axis=0)}

    def _negatives(
        self, state: Tree, language: jax.Array, ids: jax.Array, group: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Return all banks in one, [L M, 2, width], and which are a row's negatives, [B, L M]."""
        bank = {name: x.reshape(-1, *x.shape[2:]) for name, x in state["bank"].items()}
        filled = jnp.arange(self.bank_size) < state["written"][:, None]
        owner = jnp.repeat(jnp.arange(self.banks), self.bank_size)
        alike = same_meaning(ids, group, bank["ids"], bank["group"])
        return bank["z"], filled.reshape(-1) & (owner == language[:, None]) & ~alike

    def after_update(self, params: Tree, state: Tree, rows: Tree, totals: Tree) -> Tree:
        """Move the running statistics, and put the rows into their banks, oldest out first.

        Raises:
            ValueError: if a bank has less room than the examples of one update.
        """
        number = len(rows["language"])
        if 0 < self.bank_size < number:
            raise ValueError(
                f"objective.bank_size is {self.bank_size}; an update brings {number} examples, and "
                "a bank must hold them, or be of size 0"
            )
        centre = totals["first"] / number
        variance = totals["second"] / number - centre**2
        m = self.momentum
        # Row i is number rank[i] of its language in this update.
        language = rows["language"]
        of_language = jax.nn.one_hot(language, self.banks, dtype=jnp.int32)
        rank = (jnp.cumsum(of_language, axis=0) * of_language).sum(axis=1) - 1
        state = {
            **state,
            "written": state["written"] + of_language.sum(axis=0),
            "mean": state["mean"] + (1 - m) * centre,
            "variance": m * state["variance"] + (1 - m) * variance,
            "steps": state["steps"] + 1,
        }
        if not self.bank_size:
            return state
        before = state["written"] - of_language.sum(axis=0)
        place = (before[language] + rank) % self.bank_size
        # Beyond the last bank, where nothing is written.
        language = jnp.where(language < 0, self.banks, language)
        bank = {name: x.at[language, place].set(rows[name]) for name, x in state["bank"].items()}
        return {**state, "bank": bank}
