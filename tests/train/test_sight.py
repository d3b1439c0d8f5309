"""What the encoder is shown: the same on any devices, whoever rasterises, as it was asked for."""

import dataclasses
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.data.draw import Draw, OneStyle
from pixel_linguist.model import init_params
from pixel_linguist.render import Renderer, StyledRenderer
from pixel_linguist.train import step as step_module
from pixel_linguist.train.hosts import AXIS, Backend, place
from pixel_linguist.train.sight import Sight, make_sight, size
from pixel_linguist.train.step import AS_DRAWN, init_state, mapped_step
from tests.train import styled_steps
from tests.train.five_steps import OPTIMIZER
from tests.train.styled_steps import BATCH, LENGTH, SEED, SMALL, pairs, sight

VIEWS = ("anchor", "positive")
SLOW = pytest.mark.slow
SHAPE = (len(VIEWS), BATCH, LENGTH, 8, 8)


@dataclasses.dataclass(frozen=True)
class Recorder:
    """An objective that keeps the pixels and counts that were to be encoded."""

    views: tuple[str, ...] = VIEWS

    def init(self) -> tuple[Any, Any]:
        return {}, {"pixels": np.zeros(SHAPE, np.uint8), "count": np.zeros(SHAPE[:2], np.int32)}

    def __call__(self, params: Any, outputs: Any, batch: Any, state: Any, key: Any) -> Any:
        def whole(rows: Any) -> jax.Array:
            # A sum over devices, of which each has only its own rows, is the same on all.
            shape = (BATCH, *rows.shape[1:])
            start = jax.lax.axis_index(AXIS) * len(rows)
            own = jax.lax.dynamic_update_slice_in_dim(
                jnp.zeros(shape, jnp.int32), rows.astype(jnp.int32), start, 0
            )
            return jax.lax.psum(own, AXIS)

        pixels = jnp.stack([whole(outputs[view]["pixels"]) for view in VIEWS])
        count = jnp.stack([whole(batch[view]["count"]) for view in VIEWS])
        seen = {"pixels": pixels.astype(jnp.uint8), "count": count}
        return sum(outputs[view]["zero"].sum() for view in VIEWS), {}, seen


@pytest.fixture
def unencoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pixels pass the encoder as they are."""

    def forward(
        config: Any, objective: Any, params: Any, patches: Any, count: Any, keys: Any
    ) -> Any:
        zero = 0 * params["encoder"]["embed"]["kernel"].sum() * jnp.ones(len(count))
        return {"pixels": patches, "zero": zero}

    monkeypatch.setattr(step_module, "forward", forward)


def shown(seen: Sight, backend: Backend, chunk_size: int, steps: int = 2) -> Any:
    """Return the pixels and counts of the last of some steps."""
    objective = Recorder()
    step_fn = mapped_step(
        SMALL,
        objective,
        OPTIMIZER,
        backend,
        augmentation=seen.augmentation,
        chunk_size=chunk_size,
    )
    state = init_state(init_params(SMALL, 0), objective, OPTIMIZER)
    draw = seen.draw(VIEWS)
    for step in range(steps):
        batch = draw(pairs(step), LENGTH)
        del batch["cut"]
        batch["group"] = np.full(BATCH, -1, np.int32)
        state, _ = step_fn(state, place(batch, backend), np.float32(0), np.uint32(SEED))
    return jax.device_get(state["objective"])


@pytest.mark.parametrize("raster", ["host", "device"])
@pytest.mark.parametrize(
    ("backend", "chunk_size"),
    [
        ("pmap", 0),
        ("shard_map", 1),
        pytest.param("pmap", 1, marks=SLOW),
        pytest.param("shard_map", 0, marks=SLOW),
    ],
)
@pytest.mark.usefixtures("unencoded")
def test_the_encoder_sees_what_the_picture_of_pairs_shows(
    raster: str, backend: Backend, chunk_size: int
) -> None:
    assert jax.device_count() == 4
    seen = sight(raster)
    found = shown(seen, backend, chunk_size)
    look = seen.look(pairs(1), VIEWS, LENGTH, seed=SEED, step=1)
    for number, view in enumerate(VIEWS):
        for row, expected in enumerate(look[view]):
            count = found["count"][number, row]
            assert len(expected) == count
            np.testing.assert_array_equal(found["pixels"][number, row, :count], expected)
            assert not found["pixels"][number, row, count:].any()


def test_each_text_is_styled_and_augmented_by_its_own_seed_and_number() -> None:
    """Text by text, by the renderer of its style and the augmentation of a single picture."""
    seen = sight("host")
    assert isinstance(seen.render, StyledRenderer)
    look = seen.look(pairs(1), VIEWS, LENGTH, seed=SEED, step=1)
    key = jax.random.fold_in(
        jax.random.fold_in(jax.random.key(np.uint32(SEED)), 1), zlib.crc32(b"augment")
    )
    styles = set()
    for row, (_, example) in enumerate(pairs(1)[:3]):
        for number, view in enumerate(VIEWS):
            style = seen.render.style(example.style(view))
            styles.add(str(style))
            drawn = Renderer(**style)([getattr(example, view)], LENGTH)
            text = 2 * row + number
            expected = seen.augmentation(
                jnp.asarray(drawn.patches[0]), drawn.count[0], key, jnp.int32(text)
            )
            difference = expected[: drawn.count[0]].astype(int) - look[view][row]
            # A rounding in the last bit of a float may fall to the other level.
            assert np.abs(difference).max() <= 1 and (difference != 0).mean() < 0.01
    assert len(styles) > 3


def test_two_steps_and_two_views_look_different() -> None:
    seen = sight("host", styles={})
    same = [(clean, clean._replace(positive=clean.anchor)) for clean, _ in pairs(0)]
    first, later = (seen.look(same, VIEWS, LENGTH, seed=SEED, step=step) for step in (0, 1))
    for one, other in (("anchor", "positive"), ("positive", "anchor")):
        assert all(not np.array_equal(a, b) for a, b in zip(first[one], first[other], strict=True))
        assert all(not np.array_equal(a, b) for a, b in zip(first[one], later[one], strict=True))


def test_strength_0_is_the_fixed_picture() -> None:
    still = {"strength": 0.0}
    aspects = ("family", "size", "weight", "slant", "spacing")
    names = ("rotate", "noise", "mask_spans", "invert")
    seen = sight("host", dict.fromkeys(aspects, still), dict.fromkeys(names, still))
    assert seen.augmentation == AS_DRAWN
    drawn = Draw(OneStyle(Renderer(patch=8, max_patches=LENGTH)), VIEWS)(pairs(0), LENGTH)
    look = seen.look(pairs(0), VIEWS, LENGTH, seed=SEED, step=0)
    for view in VIEWS:
        for row, patches in enumerate(look[view]):
            np.testing.assert_array_equal(patches, drawn[view]["patches"][row][: len(patches)])


@pytest.mark.parametrize("raster", ["host", "device"])
def test_the_size_of_a_batch_is_that_of_its_texts(raster: str) -> None:
    batch = sight(raster).draw(VIEWS)(pairs(0), LENGTH)
    look = sight("host").look(pairs(0), VIEWS, LENGTH, seed=SEED, step=0)
    used = sum(len(patches) for view in VIEWS for patches in look[view])
    assert size(batch, VIEWS) == (2 * BATCH, LENGTH, used)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"raster": "devise"}, "raster is 'devise': did you mean 'device'? known: host, device"),
        ({"styles": {"sise": {"strength": 1}}}, "did you mean 'size'"),
        ({"augmentations": {"rotat": {"strength": 1}}}, "did you mean 'rotate'"),
        ({"augmentations": {"rotate": {"strength": 2}}}, "rotate: strength must be a number from"),
    ],
)
def test_what_is_unknown_is_named_with_the_nearest(change: dict[str, Any], message: str) -> None:
    settings: dict[str, Any] = {"styles": {}, "augmentations": {}, "raster": "host", "seed": 0}
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        make_sight(Renderer(), **(settings | change))


def parameters(folder: Path, devices: int, *variants: str) -> dict[str, dict[str, np.ndarray]]:
    """Train as `styled_steps` says: variant → parameters by name."""
    path = folder / f"{devices}.npz"
    program = Path(styled_steps.__file__)
    environment = os.environ | {
        "JAX_NUM_CPU_DEVICES": str(devices),
        "PYTHONPATH": str(program.parents[2]),
    }
    subprocess.run(
        [sys.executable, str(program), str(path), *variants], env=environment, check=True
    )
    stored = np.load(path)
    assert stored["devices"] == devices
    return {
        variant: {
            name.split("|")[1]: stored[name] for name in stored if name.startswith(f"{variant}|")
        }
        for variant in variants
    }


def test_devices_and_rasterisers_train_the_same_parameters(tmp_path: Path) -> None:
    host = styled_steps.train("pmap", "host", 0)
    alone = parameters(tmp_path, 1, "pmap:device:0")["pmap:device:0"]
    start = init_params(SMALL, 0)["embed"]["kernel"]
    assert np.abs(host["embed/kernel"] - start).max() > 1e-3
    for name, value in host.items():
        np.testing.assert_allclose(value, alone[name], atol=1e-6, err_msg=name)


@SLOW
@pytest.mark.parametrize("devices", [1, 4])
def test_back_ends_and_chunks_train_the_same_parameters(tmp_path: Path, devices: int) -> None:
    first, same, *others = parameters(
        tmp_path,
        devices,
        "shard_map:host:0",
        "shard_map:device:0",
        "pmap:device:2",
        "shard_map:device:1",
    ).values()
    for name, value in first.items():
        np.testing.assert_array_equal(value, same[name], err_msg=name)
        for other in others:
            np.testing.assert_allclose(value, other[name], atol=1e-6, err_msg=name)
