"""Experts by domain against dense encoders, row by row."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from pixel_linguist import config as configs
from pixel_linguist.model import ViTEncoder
from pixel_linguist.model.experts import to_experts
from pixel_linguist.model.store import Model, load_model, save_model
from pixel_linguist.render import Renderer
from pixel_linguist.train.context import make_context
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.run import run_recipe
from tests.train import tiny
from tests.train.tiny import BATCH, DOMAINS, random_batch

RECIPE = Path(__file__).parents[2] / "experiments" / "methods" / "experts.py"
PATCHES = random_batch(0).views["anchor"]
MIXED = np.array([2, 0, 1, 1, 0, 2, 2, 0], np.int32)
TOKENS = {"cls_token": True, "pooling": "cls"}


def encoder(**changes: Any) -> ViTEncoder:
    """Return a tiny encoder with experts, or another by `changes`."""
    settings: dict[str, Any] = {"depth": 2, "head": "none", "dropout": 0.0}
    if changes.get("name") != "vit":
        settings |= {"name": "experts", "domains": DOMAINS}
    return tiny.encoder(**(settings | changes))


def embed(model: ViTEncoder, params: Any, patches: Any = PATCHES, **options: Any) -> np.ndarray:
    return np.asarray(model.encode(params, patches, **options)["embedding"][:, 0])


def dense(params: Any, domain: int) -> Any:
    """Return a dense encoder's parameters: those of one expert."""
    taken = {
        name: jax.tree.map(lambda x: x[:, domain], group) if "mlp_" in name[:4] else group
        for name, group in params["blocks"].items()
    }
    return {**params, "blocks": taken}


def test_one_expert_is_the_dense_encoder_exactly() -> None:
    one, vit = encoder(domains=1), encoder(name="vit")
    params = one.init(0)
    zeros = np.zeros(BATCH, np.int32)
    expected = embed(vit, dense(params, 0))
    np.testing.assert_array_equal(embed(one, params, domain=zeros), expected)
    np.testing.assert_array_equal(embed(one, params), expected)


@pytest.mark.slow
def test_a_batch_of_mixed_domains_is_that_of_each_domains_dense_encoder() -> None:
    model, vit = encoder(), encoder(name="vit")
    params = model.init(0)
    mixed = embed(model, params, domain=MIXED)
    for domain in range(DOMAINS):
        rows = domain == MIXED
        own = jax.tree.map(lambda x, rows=rows: x[rows], PATCHES)
        np.testing.assert_allclose(mixed[rows], embed(vit, dense(params, domain), own), atol=1e-5)
    # A domain that no row has, and another order of rows.
    order = np.random.default_rng(0).permutation(BATCH)
    shuffled = jax.tree.map(lambda x: x[order], PATCHES)
    found = embed(model, params, shuffled, domain=MIXED[order])
    np.testing.assert_allclose(found, mixed[order], atol=1e-5)
    alone = embed(model, params, domain=np.full(BATCH, 1, np.int32))
    np.testing.assert_allclose(alone, embed(vit, dense(params, 1)), atol=1e-5)
    assert np.abs(alone - mixed)[MIXED != 1].max() > 1e-2


@pytest.mark.parametrize("changes", [{}, {"domain_tokens": True, **TOKENS}])
@pytest.mark.slow
def test_experts_start_from_a_dense_encoder(changes: dict[str, Any]) -> None:
    shape = {name: value for name, value in changes.items() if name != "domain_tokens"}
    vit, model = encoder(name="vit", **shape), encoder(**changes)
    params = vit.init(1)
    adapted = to_experts(params, model)
    drawn, found = (traverse_util.flatten_dict(tree, sep="/") for tree in (model.init(0), adapted))
    assert {n: x.shape for n, x in drawn.items()} == {n: x.shape for n, x in found.items()}
    for options in ({}, {"domain": MIXED}):
        np.testing.assert_allclose(embed(model, adapted, **options), embed(vit, params), atol=1e-5)
    with pytest.raises(ValueError, match="experts"):
        to_experts(params, vit)


def test_a_domain_moves_its_own_expert_alone() -> None:
    model = encoder(domain_tokens=True, **TOKENS)
    params = jax.tree.map(jnp.asarray, model.init(0))
    domain = np.where(MIXED == 1, 0, MIXED)

    def loss(params: Any) -> jax.Array:
        return (model.encode(params, PATCHES, domain=domain)["embedding"] ** 3).sum()

    grads = jax.jit(jax.grad(loss))(params)
    for name in ("mlp_in", "mlp_out"):
        for leaf in grads["blocks"][name].values():
            sizes = np.abs(leaf).max(axis=(0, *range(2, leaf.ndim)))
            assert sizes[1] == 0 and sizes[0] > 0 and sizes[2] > 0
    assert (np.abs(grads["cls"]).max(axis=1) > 0).tolist() == [True, False, True]


def test_domain_tokens_do_without_experts() -> None:
    model = encoder(domain_tokens=True, experts=False, **TOKENS)
    params = model.init(0)
    assert params["blocks"]["mlp_in"]["kernel"].ndim == 3
    params["cls"] = params["cls"] + 10 * np.arange(DOMAINS)[:, None] * params["cls"]
    found = embed(model, params, domain=MIXED)
    vit = encoder(name="vit", **TOKENS)
    for domain in range(DOMAINS):
        own = {**params, "cls": params["cls"][domain : domain + 1]}
        rows = domain == MIXED
        np.testing.assert_allclose(found[rows], embed(vit, own)[rows], atol=1e-5)


def test_unknown_domains_and_options_are_refused_on_the_host() -> None:
    model = encoder()
    model.check_options({"domain": MIXED})
    for domain in (-1, DOMAINS):
        with pytest.raises(ValueError, match="domain"):
            model.check_options({"domain": np.array([0, domain])})
    with pytest.raises(ValueError, match="domain"):
        encoder(name="vit").check_options({"domain": MIXED})
    with pytest.raises(ValueError, match="domain"):
        encoder(name="vit").encode({}, PATCHES, domain=MIXED)


@pytest.mark.parametrize("change", [{"domains": 0}, {"domain_tokens": True}])
def test_impossible_settings_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        encoder(**change)


@pytest.mark.slow
def test_the_recipe_starts_from_a_dense_model(tmp_path: Path) -> None:
    config: Any = configs.load(RECIPE).unlock()
    config.model.update({"width": 16, "depth": 1, "heads": 2, "mlp_width": 16, "patch_hidden": 0})
    config.train.compilation_cache = str(tmp_path / "compilation")
    config.evaluate.update(report_tasks=("sts-en",), batch_size=16)
    config.tasks["sts-en"].source.size = 20
    stage = config.stages.experts
    stage.update(steps=2, batch_size=8, evaluate_tasks=(), init_from=(str(tmp_path / "dense"),))
    stage.schedule.warmup = 1
    context = make_context(config, tmp_path / "none")
    shape = {n: v for n, v in vars(context.encoder.config).items()
             if n not in ("domains", "experts", "domain_tokens")}  # fmt: skip
    vit = encoder(**shape, name="vit")
    renderer: Renderer = context.renderer
    model = Model(vit, vit.init(0), renderer.settings(), renderer.font_hashes())
    save_model(tmp_path / "dense", model)
    run_recipe(config.lock(), tmp_path / "run", Preemption())
    trained = load_model(tmp_path / "run" / "model")
    domains = len(stage.data)
    assert trained.params["blocks"]["mlp_in"]["kernel"].shape == (1, domains, 16, 16)
    with config.unlocked():
        stage.data.vel.pairs.facts.domain = domains
        stage.init_from = (str(tmp_path / "dense"),)
    with pytest.raises(ValueError, match="domain"):
        run_recipe(config.lock(), tmp_path / "other", Preemption())
