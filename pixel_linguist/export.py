"""Write an encoder as StableHLO: `python -m pixel_linguist.export MODEL OUT`.

What is written needs jax to run, and none of this package's models:

    exported = jax.export.deserialize(Path("OUT/encoder.stablehlo").read_bytes())
    embeddings = exported.call(rendered.patches, rendered.count)
"""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import export

from pixel_linguist.files import write_json, write_whole
from pixel_linguist.model.encoder import encode
from pixel_linguist.model.store import Model, load_model
from pixel_linguist.models import find_model

PLATFORMS = ("cpu", "cuda", "tpu")


def export_encoder(model: Model) -> export.Exported:
    """Return the encoder, its weights inside, for batches and lengths of any size.

    It maps patches uint8 [B, S, H, W] (S at most the model's) and count int32 [B] to embeddings
    float32 [B, D] of length 1, on any of PLATFORMS.
    """
    config = model.config

    def embed(patches: jax.Array, count: jax.Array) -> jax.Array:
        embedding = encode(config, model.params, patches, count)["embedding"]
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


def write_export(folder: Path, model: Model) -> None:
    """Write encoder.stablehlo, and renderer.json with what draws its input."""
    serialized = export_encoder(model).serialize()
    write_whole(folder / "encoder.stablehlo", bytes(serialized))
    described: dict[str, Any] = {
        "model": dataclasses.asdict(model.config),
        "renderer": model.renderer,
        "fonts": model.fonts,
    }
    write_json(folder / "renderer.json", described)


def main(arguments: list[str]) -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(
        prog="pixel_linguist.export",
        description="Write an encoder as StableHLO, with its weights, for batches of any size: "
        "encoder.stablehlo, which jax.export.deserialize reads, and renderer.json.",
    )
    parser.add_argument("model", metavar="MODEL", help="a model folder, or a shipped one's name")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write")
    known = parser.parse_args(arguments)
    try:
        write_export(known.out, load_model(find_model(known.model)))
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"error: {error}")
    size = (known.out / "encoder.stablehlo").stat().st_size
    print(f"{known.out / 'encoder.stablehlo'}: {size / 1e6:.1f} MB for {', '.join(PLATFORMS)}")


if __name__ == "__main__":
    main(sys.argv[1:])
