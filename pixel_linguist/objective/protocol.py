"""What a training method is: views, parameters, a loss, and state that follows updates."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import jax

from pixel_linguist.model.encoder import Encoder, Params
from pixel_linguist.render.patches import Patches

Tree = Any
# The name of the device axis that a loss may gather over.
AXIS = "data"


class View(NamedTuple):
    """One view of a device's examples.

    Attributes:
        patches: of B rows, one a row for each example.
        example: int32 [B], the examples' numbers in the global batch.
        options: name → array [B] that the encoder takes as an option whenever it reads the view.
    """

    name: str
    patches: Patches
    example: Any
    options: Mapping[str, Any] = {}


class Batch(NamedTuple):
    """What a loss sees of a device's B examples.

    Attributes:
        views: name → view.
        facts: name → array [B, ...], of examples; "group" int32 [B, G] is always there, -1 where an
            example has no more groups: two examples are alike if they share any.
        view_facts: view → name → array [B, ...], of one view; "text_id" int32 [B] is equal for
            equal texts.
    """

    views: Mapping[str, View]
    facts: Mapping[str, jax.Array]
    view_facts: Mapping[str, Mapping[str, jax.Array]]

    def select(self, names: Sequence[str]) -> list[View]:
        """Return views by name."""
        return [self.views[name] for name in names]


class Encode(Protocol):
    """Encodes views of a device's batch, a chunk of examples at a time.

    An objective may call it as often as it likes, with the parameters that are trained or with
    others. Dropout and augmentation go by `key`, the view's name and the example's number, so that
    the number of devices changes nothing; two passes of one view take two keys.
    """

    @property
    def encoder(self) -> Encoder:
        """Return the encoder of patches."""
        ...

    def __call__(
        self,
        params: Params,
        view: View,
        *,
        key: jax.Array,
        outputs: Sequence[str] = ("embedding",),
        **options: Any,
    ) -> dict[str, jax.Array]:
        """Return the encoder's outputs of a view; "embedding" is float32 [B, D].

        Options that are arrays have a leading axis B.
        """
        ...

    def many(
        self, params: Params, views: Sequence[View], *, key: jax.Array
    ) -> dict[str, jax.Array]:
        """Return view → float32 [B, D]; views of one shape are encoded together."""
        ...

    def rows(
        self,
        function: Callable[[Tree, Patches, jax.Array], Tree],
        params: Tree,
        view: View,
        *,
        key: jax.Array,
    ) -> Tree:
        """Return `function(params, patches, keys [b])` of a view's examples, chunk by chunk.

        What it returns has a leading axis of examples. It is computed again in the backward pass
        where a stage has chunks, so that memory does not grow with the batch.
        """
        ...


class Objective(Protocol):
    """A training method: frozen settings, and pure functions of them.

    Equal objectives have equal hashes, so that they share one compiled step.

    - `views` names the views of an example that are drawn.
    - Parameters are trained with the encoder's, saved with the stage's result under the
      objective's name, and handed on to the next stage that has it.
    - State is neither trained nor averaged, equal on all devices, and saved with checkpoints.
    - Constants are neither trained nor saved: tables that a stage's annotations hold.
    """

    @property
    def views(self) -> tuple[str, ...]:
        """Return the names: an anchor and its positive, unless a method says otherwise."""
        return ("anchor", "positive")

    @property
    def reads_pixels(self) -> bool:
        """Tell whether the loss needs pixels, beside what the encoder makes of them."""
        return False

    def __hash__(self) -> int:
        """Return the hash of the settings."""
        return object.__hash__(self)

    def init(
        self,
        key: jax.Array,
        encoder: Encoder,
        encoder_params: Params,
        annotations: Mapping[str, Any],
    ) -> tuple[Tree, Tree, Tree]:
        """Return (parameters, state, constants)."""
        return {}, {}, {}

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss [], metrics of [], rows, totals) of a device's examples.

        Runs on one device inside the axis `AXIS`; loss and metrics are averaged over devices.

        Args:
            params: {"encoder": ..., "objective": ...}.
            state: as `init` or `after_update` returned it.
            constants: as `init` returned them.
            batch: this device's examples.
            encode: encodes views.
            key: of the step.

        Returns:
            Beside loss and metrics, what `after_update` is given: `rows`, arrays [B, ...], which
            are gathered from all devices in the order of the global batch, and `totals`, which are
            summed over devices.
        """
        ...

    def after_update(self, params: Tree, state: Tree, rows: Tree, totals: Tree) -> Tree:
        """Return the state after one update of the parameters; no collectives in here.

        Called once an optimiser step, and not after one whose loss or gradient is not finite.
        """
        return state

    def images(
        self, params: Tree, encoder: Encoder, views: Mapping[str, Patches], key: jax.Array
    ) -> dict[str, Patches]:
        """Return pictures for the report: caption → patches whose pixels are ink in [0, 1]."""
        return {}
