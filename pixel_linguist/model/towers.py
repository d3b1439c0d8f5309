"""Two towers, as CLIP has: a vision transformer for texts, and one for pictures in colour."""

import dataclasses

import flax.linen as nn
import jax
import numpy as np

from pixel_linguist.model.encoder import Params, VisionTransformer, ViTEncoder
from pixel_linguist.model.vit import Options
from pixel_linguist.render.patches import Patches

TOWERS = ("text", "picture")


class TwoTowers(VisionTransformer):
    """Both transformers; patches of three channels are of a picture, all others of a text."""

    @nn.compact
    def __call__(
        self,
        patches: Patches,
        keys: jax.Array | None,
        keep: jax.Array | None,
        units: int,
        options: Options,
    ) -> dict[str, jax.Array]:
        """Return every output of the tower that reads the patches."""
        towers = {name: VisionTransformer(self.config, name=name) for name in TOWERS}
        given = patches, keys, keep, units, options
        if self.is_initializing():
            towers["picture"](*given)
        coloured = patches.pixels.ndim == 5 and patches.pixels.shape[-1] == 3
        found: dict[str, jax.Array] = towers["picture" if coloured else "text"](*given)
        return found


@dataclasses.dataclass(frozen=True)
class TowersEncoder(ViTEncoder):
    """Two towers of one architecture; `optimizer.frozen` of a stage holds "text" or "picture"."""

    module = TwoTowers


def to_towers(params: Params, encoder: ViTEncoder) -> Params:
    """Return a vision transformer as both towers."""
    return {name: jax.tree.map(np.array, params) for name in TOWERS}
