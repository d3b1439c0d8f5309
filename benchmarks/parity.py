"""How far our numbers are from the PyTorch reference's, tensor by tensor.

    python -m benchmarks.parity ../shared/fixtures [--write docs/parity.md]

prints one line of JSON; --write makes the table.
"""

import argparse
import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from pixel_linguist.convert.reference import Converted, read_reference, reference_tensors
from pixel_linguist.data.views import HostBatch
from pixel_linguist.model import ViTEncoder
from pixel_linguist.model.encoder import Params
from pixel_linguist.model.positions import sincos_2d
from pixel_linguist.objective import AXIS, Objective
from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.masked_autoencoder import MaskedAutoencoder
from pixel_linguist.objective.masking import kept
from pixel_linguist.render.patches import Patches, one_text_a_row
from pixel_linguist.train.hosts import place
from pixel_linguist.train.optim import OptimizerConfig
from pixel_linguist.train.step import NO_AUGMENTATION, init_state, make_step
from pixel_linguist.train.step_encode import StepEncode, device_batch
from tests.fakes import evaluate, facts_of, view_facts_of

LIMIT = 1e-5
CONTRAST = InfoNCE(mask_false_negatives=False)
HEADER = """\
# Parity with the PyTorch reference

Absolute errors against tensors computed by the unmodified public code of
[PIXEL](https://github.com/xplip/pixel) (1b0da29) and
[Pixel-Linguist](https://github.com/gowitheflow-1998/Pixel-Linguist) (2d48a48), in float32, on
random weights that are read by `pixel-linguist convert`. A star stands for all layers.
`tests/convert/test_parity.py` holds every row below 1e-5. Gradients by the keys' biases are zero
but for rounding, and ours exactly. The five steps use epsilon as the reference's AdamW (that of
transformers) does, before the second moment's bias is corrected; a stage of ours uses it after, as
torch and optax do, which moves the losses of these steps by 4e-5. Made by
`python -m benchmarks.parity ../shared/fixtures --write docs/parity.md`.

| tensor | numbers | largest error | mean error |
|---|---|---|---|
"""


class Row(NamedTuple):
    """One tensor, or one of all layers."""

    name: str
    numbers: int
    largest: float
    mean: float


class Pair(NamedTuple):
    """A tensor as we compute it and as the reference does."""

    name: str
    ours: Any
    theirs: Any


@dataclasses.dataclass(frozen=True)
class GivenMasks(MaskedAutoencoder):
    """The masked autoencoder with given masks: the places that are kept, of each text."""

    places: tuple[tuple[int, ...], ...] = ()

    def keep(self, keys: jax.Array, count: jax.Array, length: int) -> jax.Array:
        """Return the given places, int32 [B, K]."""
        return jnp.asarray(self.places, jnp.int32)


def read_patches(arrays: Mapping[str, np.ndarray], suffix: str = "") -> Patches:
    """Cut the reference's pictures [B, C, H, N * W] in [0, 1] into our patches."""
    pixels = arrays[f"pixel_values{suffix}"]
    batch, channels, height, _ = pixels.shape
    cut = pixels.reshape(batch, channels, height, -1, height).transpose(0, 3, 2, 4, 1)
    count = arrays[f"attention_mask{suffix}"].sum(1).astype(np.int32)
    return one_text_a_row(255 - np.round(cut * 255).astype(np.uint8), count)


def hidden_states(outputs: Mapping[str, jax.Array]) -> jax.Array:
    """Put the CLS token's features in front of the patches', as the reference has them."""
    return jnp.concatenate([outputs["cls_features"], outputs["patch_features"]], axis=1)


def run(encoder: ViTEncoder, params: Params, patches: Patches, **given: Any) -> dict[str, Any]:
    """Return the encoder's outputs, "embedding" float32 [B, D]."""
    outputs = ("embedding", "patch_features", "cls_features")
    call = jax.jit(lambda p, x, g: encoder.encode(p, x, outputs=outputs, **g))
    found: dict[str, Any] = call(params, patches, given)
    return {**found, "embedding": found["embedding"][:, 0]}


def loss_on_one_device(
    objective: Objective, encoder: ViTEncoder, params: Params, batch: HostBatch
) -> jax.Array:
    """Return the loss of a batch as the training step computes it, on one device."""
    encode = StepEncode(encoder, NO_AUGMENTATION, 0)

    def loss(params: Params, batch: HostBatch) -> jax.Array:
        own, key = device_batch(batch), jax.random.key(0)
        return objective.loss(params, {}, {}, own, encode, key)[0]

    mapped = jax.vmap(loss, axis_name=AXIS, axis_size=1, in_axes=None)
    return mapped(params, batch)[0]


def encoder_pairs(folder: Path) -> Iterator[Pair]:
    """Compare the sentence encoder's outputs, its head's among them."""
    (encoder, params, *_), _ = read_reference(folder)
    patches, expected = (
        read_patches(np.load(folder / "inputs.npz")),
        np.load(folder / "outputs.npz"),
    )
    outputs = run(encoder, params, patches)
    yield Pair("last hidden state", hidden_states(outputs), expected["last_hidden_state"])
    yield Pair("embedding", outputs["embedding"], expected["representation_pooled"])
    yield Pair("embedding, length 1", normalise(outputs["embedding"]), expected["representation"])
    with_head = ViTEncoder(dataclasses.replace(encoder.config, keep_head=True))
    pooled = run(with_head, params, patches)["embedding"]
    yield Pair("embedding with the head", pooled, expected["mlp_pooled"])
    yield Pair("embedding with the head, length 1", normalise(pooled), expected["mlp"])


def loss_pairs(path: Path) -> Iterator[Pair]:
    """Compare the contrastive losses and their gradients."""
    stored = np.load(path)
    views = {"anchor": stored["A"], "positive": stored["B"], "negative": stored["N"]}
    facts = facts_of(len(stored["A"]))
    loss, _, (grads, _) = evaluate(CONTRAST, views, facts)
    yield Pair("contrastive loss", loss, stored["loss_normalised"])
    yield Pair("its gradient by the anchors", grads["anchor"], stored["grad_A_through_normalise"])
    yield Pair(
        "its gradient by the positives", grads["positive"], stored["grad_B_through_normalise"]
    )
    with_negatives = dataclasses.replace(CONTRAST, hard_negatives=True)
    yield Pair(
        "contrastive loss with hard negatives",
        evaluate(with_negatives, views, facts)[0],
        stored["loss_hardneg_rows_only_normalised"],
    )


def step_pairs(folder: Path) -> Iterator[Pair]:
    """Compare a training step's gradients, and five steps of AdamW by the real training step."""
    (encoder, params, *_), _ = read_reference(folder)
    encoder = ViTEncoder(dataclasses.replace(encoder.config, dropout=0.0))
    stored = np.load(folder / "train_step.npz")
    anchor = read_patches(np.load(folder / "inputs.npz"))
    views = {"anchor": anchor, "positive": read_patches(stored, "_b")}
    batch = HostBatch(views, facts_of(4), view_facts_of(4), None)

    def loss(params: Params) -> jax.Array:
        given = {"encoder": params, "objective": {}}
        return loss_on_one_device(CONTRAST, encoder, given, batch)

    grads = jax.device_get(jax.jit(jax.grad(loss))(params))
    yield from gradient_pairs("alignment", stored, reference_tensors(encoder.config, grads))

    optimizer = OptimizerConfig(
        b1=0.9, b2=0.999, epsilon=1e-8, weight_decay=0.0, clip_norm=1.0, accumulate=1
    )
    state, constants = init_state(encoder, params, CONTRAST, optimizer, seed=0)
    step = make_step(encoder, CONTRAST, optimizer, "pmap")
    _, metrics = step(state, constants, place(batch, "pmap"), stored["lr"], np.uint32(0))
    yield Pair("loss of the training step", metrics["loss"], stored["loss"])
    norms = stored["grad_norms_before_clip"]
    relative = metrics["gradient_norm"] / norms[0]
    yield Pair("gradient norm of the training step, relative", relative, 1.0)

    losses, params = five_steps(jax.jit(jax.value_and_grad(loss)), params, stored["lr"])
    yield Pair("losses of five steps", losses, stored["losses_5_steps"])
    keys = jax.random.split(jax.random.key(0), 4)
    after = run(encoder, params, anchor, keys=keys)["embedding"]
    expected = stored["mlp_after_5_steps"]
    yield Pair("embedding with the head after five steps", normalise(after), expected)


def five_steps(
    value_and_grad: Callable[[Params], tuple[jax.Array, Params]], params: Params, rate: float
) -> tuple[np.ndarray, Params]:
    """Return the losses of five steps of AdamW as the reference's library has it, and the result.

    That adds epsilon before the second moment's bias is corrected, which optax and torch do after
    (as Kingma and Ba 2015, algorithm 1); an epsilon of each step makes up for it.
    """
    losses, state = [], optax.scale_by_adam().init(params)
    for number in range(1, 6):
        loss, grads = value_and_grad(params)
        losses.append(loss)
        update = optax.chain(
            optax.clip_by_global_norm(1.0),
            optax.scale_by_adam(eps=1e-8 / math.sqrt(1 - 0.999**number)),
        ).update
        updates, (_, state) = update(grads, (optax.EmptyState(), state))
        params = optax.tree.add_scale(params, -rate, updates)
    return np.array(losses), params


def gradient_pairs(
    kind: str, stored: Mapping[str, np.ndarray], ours: Mapping[str, np.ndarray]
) -> Iterator[Pair]:
    """Pair all stored gradients with ours; those of frozen tables are not stored."""
    for name in stored:
        if name.startswith("grad:"):
            tensor = name.removeprefix("grad:")
            yield Pair(f"{kind} gradient of {tensor}", ours[tensor], stored[name])


def autoencoder_pairs(folder: Path) -> Iterator[Pair]:
    """Compare the masked autoencoder under the reference's random and span masks."""
    converted = read_reference(folder)
    inputs = np.load(folder / "inputs.npz")
    expected, patches = np.load(folder / "outputs.npz"), read_patches(inputs)
    loudest = np.argmax(inputs["noise"] * inputs["attention_mask"], axis=1)
    noise = inputs["noise"].copy()
    noise[np.arange(len(noise)), loudest] = 100.0
    spans = inputs["patch_mask"] + inputs["span_noise"] / 100
    for prefix, ranks in (("", noise), ("span_", spans)):
        keep = jax.vmap(lambda x: kept(x, 0.25))(jnp.asarray(ranks))
        loss, grads, outputs = autoencoder_loss(converted, patches, keep, normalise_pixels=True)
        name = "span " if prefix else ""
        yield Pair(f"{name}autoencoder loss", loss, expected[f"{prefix}loss"])
        yield Pair(
            f"{name}autoencoder mask", np.float32(outputs["masked"]), expected[f"{prefix}mask"]
        )
        yield Pair(
            f"{name}autoencoder predictions",
            outputs["decoder"],
            expected[f"{prefix}predictions"],
        )
        if not prefix:
            order = np.sort(np.argsort(expected["ids_restore"], axis=1)[:, : keep.shape[1]], axis=1)
            assert np.array_equal(order, keep)
            yield from plain_autoencoder_pairs(converted, patches, keep, expected)
            yield from gradient_pairs(
                "autoencoder", np.load(folder / "grads.npz"), by_reference_name(converted, grads)
            )
    yield from table_pairs(np.load(folder / "sincos.npz"))


def by_reference_name(converted: Converted, grads: Params) -> dict[str, np.ndarray]:
    """Return the gradients of encoder and decoder by the reference's names."""
    model, decoder = converted
    assert decoder is not None
    grads = jax.device_get(grads)
    of_decoder = grads["objective"]["decoder"]
    return reference_tensors(model.config, grads["encoder"], decoder[0], of_decoder)


def plain_autoencoder_pairs(
    converted: Converted, patches: Patches, keep: jax.Array, expected: Mapping[str, np.ndarray]
) -> Iterator[Pair]:
    """Compare the latent, the raw targets, and the loss on pixels that are not normalised."""
    loss, _, outputs = autoencoder_loss(converted, patches, keep, normalise_pixels=False)
    shuffled = np.argsort(expected["ids_restore"], axis=1)[:, : keep.shape[1]]
    back = 1 + np.argsort(shuffled, axis=1)
    read = np.take_along_axis(expected["latent"], back[:, :, None], axis=1)
    latent = np.concatenate([expected["latent"][:, :1], read], axis=1)
    encoded = run(converted.model.encoder, converted.model.params, patches, keep=keep)
    yield Pair("autoencoder latent", hidden_states(encoded), latent)
    yield Pair("autoencoder loss on raw pixels", loss, expected["loss_norm_pix_false"])
    yield Pair("autoencoder targets", outputs["pixels"][:1], expected["target_patches_raw"])


def autoencoder_loss(
    converted: Converted, patches: Patches, keep: jax.Array, *, normalise_pixels: bool
) -> tuple[jax.Array, Params, dict[str, jax.Array]]:
    """Return the loss, its gradients by the parameters, and what was reconstructed."""
    model, decoder = converted
    assert decoder is not None
    sizes = dataclasses.asdict(decoder[0])
    del sizes["from_embedding"]
    places = tuple(map(tuple, np.asarray(keep).tolist()))
    objective = GivenMasks(sizes, normalise_pixels=normalise_pixels, places=places)
    encoder = ViTEncoder(dataclasses.replace(model.config, dropout=0.0))
    batch = HostBatch({"anchor": patches}, facts_of(len(keep)), {}, None)
    keys = jax.random.split(jax.random.key(0), len(keep))

    def loss(params: Params) -> tuple[jax.Array, dict[str, jax.Array]]:
        outputs = objective.reconstruct(params, encoder, patches, keys, None)
        return loss_on_one_device(objective, encoder, params, batch), outputs

    params = {"encoder": model.params, "objective": {"decoder": decoder[1]}}
    (value, outputs), grads = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    return value, grads, outputs


def table_pairs(stored: Mapping[str, np.ndarray]) -> Iterator[Pair]:
    """Compare the sine-cosine tables; the CLS token's row there is zero."""
    for name, side, width in (
        ("encoder_grid8_dim48", 8, 48),
        ("decoder_grid8_dim32", 8, 32),
        ("grid23_dim48", 23, 48),
    ):
        table = stored[name].reshape(-1, width)
        ours = np.pad(sincos_2d(side * side, width), ((1, 0), (0, 0)))
        yield Pair(f"sine-cosine table, {side} x {side}, width {width}", ours, table)


def compare(fixtures: Path) -> list[Row]:
    """Return the errors of everything there is to compare, layers taken together."""
    errors: dict[str, list[np.ndarray]] = {}
    for pairs in (
        encoder_pairs(fixtures / "pixel_tiny_a"),
        loss_pairs(fixtures / "loss.npz"),
        step_pairs(fixtures / "pixel_tiny_a"),
        autoencoder_pairs(fixtures / "pixel_mae_tiny"),
    ):
        for name, ours, theirs in pairs:
            ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
            if ours.shape != theirs.shape:
                raise ValueError(f"{name} is {ours.shape}, the reference's is {theirs.shape}")
            name = re.sub(r"(layers?)\.\d+\.", r"\1.*.", name)
            errors.setdefault(name, []).append(np.abs(ours - theirs).ravel())
    joined = {name: np.concatenate(parts) for name, parts in errors.items()}
    return [Row(n, e.size, float(e.max()), float(e.mean())) for n, e in joined.items()]


def main() -> None:
    """Compare, print the worst, and write the table if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fixtures", type=Path)
    parser.add_argument("--write", type=Path)
    known = parser.parse_args()
    rows = compare(known.fixtures)
    if known.write:
        lines = [f"| {r.name} | {r.numbers:,} | {r.largest:.1e} | {r.mean:.1e} |" for r in rows]
        known.write.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    worst = max(rows, key=lambda row: row.largest)
    print(
        json.dumps(
            {"tensors": len(rows), "worst": worst.name, "error": worst.largest, "limit": LIMIT}
        )
    )


if __name__ == "__main__":
    main()
