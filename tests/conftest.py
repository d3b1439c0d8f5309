"""Four virtual CPU devices, the real data where it is, and a tiny encoder and model."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pixel_linguist.model import ViTEncoder
    from pixel_linguist.model.store import Model

ROOT = Path(__file__).parents[1]

# JAX reads these when it is imported; processes that tests start inherit them.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_NUM_CPU_DEVICES"] = "4"
# Tests compile much and compute little.
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(ROOT / ".pytest_cache" / "compilation")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.3"


@pytest.fixture(scope="module", autouse=True)
def forget_what_was_compiled() -> Iterator[None]:
    """Free a file's compiled functions after it.

    Each takes a dozen memory mappings; XLA aborts where a process has the 65,530 that Linux allows.
    """
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data and reference values, which is beside the repository."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        message = f"no {folder}: the real data and the reference values are not on this machine"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder() -> "Callable[..., ViTEncoder]":
    """Return a maker of tiny encoders: 8 x 8 patches, width 32, depth 2, with any changes."""

    def make(**changes: Any) -> "ViTEncoder":
        from pixel_linguist.model import make_encoder
        from pixel_linguist.recipe import get_config

        sides = {"patch_height": 8, "patch_width": 8, "max_patches": 64}
        sizes = {"width": 32, "depth": 2, "heads": 4, "mlp_width": 64}
        return make_encoder({**get_config().model, **sides, **sizes, **changes})

    return make


@pytest.fixture(scope="session")
def tiny_model(tiny_encoder: "Callable[..., ViTEncoder]") -> "Callable[..., Model]":
    """Return a maker of untrained models of a tiny encoder, with any changes to that."""

    def make(**changes: Any) -> "Model":
        from pixel_linguist.model.store import Model
        from pixel_linguist.render import Renderer

        encoder = tiny_encoder(**changes)
        config = encoder.config
        patch = (config.patch_height, config.patch_width)
        renderer = Renderer(patch=patch, max_patches=config.max_patches)
        return Model(encoder, encoder.init(0), renderer.settings(), renderer.font_hashes())

    return make


@pytest.fixture(scope="session")
def reading_model() -> "Model":
    """Return an untrained model that reads pictures of up to 8 words."""
    import numpy as np

    from pixel_linguist.model import make_encoder
    from pixel_linguist.model.store import Model
    from pixel_linguist.render import Renderer
    from tests.model.test_hybrid import SETTINGS

    encoder = make_encoder(SETTINGS | {"patch_width": 160, "max_patches": 8})
    params = encoder.init(0)
    params["positions"] = np.random.default_rng(1).normal(size=(8, 16)).astype(np.float32)
    renderer = Renderer(patch=(20, 160), max_patches=8, font_size=16)
    return Model(encoder, params, renderer.settings(), renderer.font_hashes())
