"""The plan of a recipe, before it runs and while it does."""

from pathlib import Path

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from pixel_linguist import config as configs
from pixel_linguist.model import init_params
from pixel_linguist.model.store import save_model
from pixel_linguist.train.cost import encode_flops
from pixel_linguist.train.plan import plan_recipe
from pixel_linguist.train.stages import prepare

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def config() -> ConfigDict:
    """Return three stages of the quickstart, everything smaller."""
    config = configs.load(EXPERIMENTS / "quickstart.py").unlock()
    config.render.update(patch_height=8, patch_width=8, max_patches=16)
    config.model.update(width=16, depth=1, heads=2, mlp_width=32, patch_hidden=0)
    first, second = config.stages.visual_both, config.stages.visual_shuffled
    average = config.stages.visual
    for stage in (first, second):
        stage.update(steps=40, batch_size=64, length=12, init_from=(), evaluate_tasks=())
        stage.raster = "device"
    second.init_from = ("first",)
    average.update(init_from=("first", "second"), average_by="sts-en/spearman")
    config.stages = ConfigDict({"first": first, "second": second, "average": average})
    config.order = ("first", "second", "average")
    config.tasks = ConfigDict({"sts-en": config.tasks["sts-en"]})
    config.evaluate.update(report_tasks=("sts-en",))
    return config.lock()


def test_a_plan_says_what_is_left_and_where_it_starts(tmp_path: Path, config: ConfigDict) -> None:
    shop, _ = prepare(config, tmp_path / "run")
    lines = plan_recipe(shop).splitlines()
    params = init_params(shop.encoder, 0)
    count = sum(np.size(leaf) for leaf in jax.tree.leaves(params))
    assert lines[0].startswith(f"{count:,} parameters in the encoder; 4 x ")
    flops = 3 * 2 * 40 * 64 * encode_flops(shop.encoder, 12)
    first, second, average, total = (line.split() for line in lines[2:6])
    assert first[:4] == ["first", "40", "2,560", f"{flops:.1e}"] and first[-1] == "scratch"
    assert second[-1] == "first"
    assert average[-6:] == ["average", "of", "first,", "second", "by", "sts-en/spearman"]
    assert total[:4] == ["all", "80", "5,120", f"{2 * flops:.1e}"]
    assert not (tmp_path / "run").exists()

    # Half-way: the first stage is finished, the second has a checkpoint.
    save_model(shop.run.model("first"), shop.model(params))
    for step, files in ((30, ("manifest.json",)), (35, ())):
        folder = shop.run.checkpoints("second") / str(step)
        folder.mkdir(parents=True)
        for name in files:
            (folder / name).touch()
    lines = plan_recipe(shop).splitlines()
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
