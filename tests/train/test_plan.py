"""The plan of a recipe, before it runs and while it does."""

from pathlib import Path

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from pixel_linguist.model.store import save_model
from pixel_linguist.recipe import masked_autoencoder
from pixel_linguist.train.cost import encode_flops
from pixel_linguist.train.plan import plan_recipe
from pixel_linguist.train.run import prepare
from tests.train.tiny import DECODER, change, recipe


@pytest.fixture
def config() -> ConfigDict:
    """Return two stages and their average."""
    config = recipe("first", "second")
    for stage in (config.stages.first, config.stages.second):
        stage.update(steps=40, batch_size=64)
    change(config, "stages.second.init_from", ("first",))
    change(config, "stages.average.average_by", "sts-en/spearman")
    return config


@pytest.mark.slow
def test_a_plan_says_what_is_left_and_where_it_starts(tmp_path: Path, config: ConfigDict) -> None:
    for name in ("first", "second"):
        objective = masked_autoencoder() | {"decoder": DECODER}
        change(config, f"stages.{name}.objective", objective)
    context, _ = prepare(config, tmp_path / "run")
    lines = plan_recipe(context).splitlines()
    params = context.encoder.init(0)
    count = sum(np.size(leaf) for leaf in jax.tree.leaves(params))
    assert lines[0].startswith(f"{count:,} parameters in the encoder; 4 x ")
    flops = 3 * 40 * 64 * encode_flops(context.encoder.config, 12)
    first, second, average, total = (line.split() for line in lines[2:6])
    assert first[:4] == ["first", "40", "2,560", f"{flops:.1e}"] and first[-1] == "scratch"
    assert second[-1] == "first"
    assert average[-6:] == ["average", "of", "first,", "second", "by", "sts-en/spearman"]
    assert total[:4] == ["all", "80", "5,120", f"{2 * flops:.1e}"]
    assert not (tmp_path / "run").exists()
    decoders = [line for line in lines if "parameters of masked_autoencoder" in line]
    assert decoders[0].startswith("first: ") and decoders[0].endswith("new")
    assert decoders[1].startswith("second: ") and decoders[1].endswith("restored from first")

    # Half-way: the first stage is finished, the second has a checkpoint.
    save_model(context.folder.model("first"), context.model(params))
    for step, files in ((30, ("manifest.json",)), (35, ())):
        folder = context.folder.checkpoints("second") / str(step)
        folder.mkdir(parents=True)
        for name in files:
            (folder / name).touch()
    lines = plan_recipe(context).splitlines()
    assert lines[2].split()[:2] == ["first", "0"] and lines[2].endswith("finished")
    assert lines[3].split()[:3] == ["second", "10", "640"]
    assert lines[3].endswith("its checkpoint of step 30")


@pytest.mark.slow
def test_where_lengths_differ_a_plan_counts_what_is_padded(
    tmp_path: Path, config: ConfigDict
) -> None:
    config.render.patch_width = 32
    changed = config.copy_and_resolve_references().unlock()
    for stage in changed.stages.values():
        stage.update(length_buckets=4, window=4)
    whole, short = (
        plan_recipe(prepare(recipe.lock(), tmp_path / "run")[0]).splitlines()[2].split()
        for recipe in (config, changed)
    )
    assert 0.25 <= float(short[3]) / float(whole[3]) < 0.95
    # Memory is that of the longest.
    assert short[4:6] == whole[4:6]
