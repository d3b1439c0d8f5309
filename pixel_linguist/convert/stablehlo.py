"""An encoder as StableHLO, which runs with JAX alone, without this package.

exported = jax.export.deserialize(Path("OUT/encoder.stablehlo").read_bytes())
embeddings = exported.call(rendered.patches, rendered.count)
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import export

from pixel_linguist.files import write_json, write_whole
from pixel_linguist.model.encoders import encoder_settings
from pixel_linguist.model.store import Model
from pixel_linguist.render.patches import one_text_a_row

PLATFORMS = ("cpu", "cuda", "tpu")


def export_encoder(model: Model) -> export.Exported:
    """Return the encoder, its weights inside, for batches and lengths of any size.

    It maps patches uint8 [B, S, H, W] (S at most the model's) and count int32 [B] to embeddings
    float32 [B, D] of length 1, on any of PLATFORMS.
    """
    config = model.config

    def embed(patches: jax.Array, count: jax.Array) -> jax.Array:
        rows = one_text_a_row(patches, count, jnp)
        embedding = model.encoder.encode(model.params, rows)["embedding"][:, 0]
        norm = jnp.linalg.norm(embedding, axis=1, keepdims=True)
        return embedding / jnp.maximum(norm, 1e-12)

    most = config.max_patches
    batch, length = export.symbolic_shape(
        "batch, length", constraints=["batch >= 1", "length >= 1", f"length <= {most}"]
    )
    pictures = (batch, length, config.patch_height, config.patch_width)
    return export.export(jax.jit(embed), platforms=PLATFORMS)(
        jax.ShapeDtypeStruct(pictures, jnp.uint8), jax.ShapeDtypeStruct((batch,), jnp.int32)
    )


def write_export(folder: Path, model: Model) -> Path:
    """Write encoder.stablehlo, and renderer.json with the settings of the renderer for its input.

    Returns:
        The path of encoder.stablehlo.
    """
    path = folder / "encoder.stablehlo"
    write_whole(path, bytes(export_encoder(model).serialize()))
    described: dict[str, Any] = {
        "model": encoder_settings(model.encoder),
        "renderer": model.renderer,
        "fonts": model.fonts,
    }
    write_json(folder / "renderer.json", described)
    return path
