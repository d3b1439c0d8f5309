"""Accelerators by name, and plans for machines that are not here."""

from pathlib import Path

import pytest

from pixel_linguist.train.accelerators import CHIPS, accelerator
from pixel_linguist.train.cost import train_flops
from pixel_linguist.train.plan import UTILISATION, measure, plan_recipe
from pixel_linguist.train.run import prepare
from pixel_linguist.train.stage import make_stage
from tests.train.tiny import change, recipe


@pytest.mark.parametrize(
    ("name", "devices", "hosts"),
    [
        # Of v4 and v5p the number counts cores, two of which are one JAX device.
        ("v4-8", 4, 1),
        ("v4-32", 16, 4),
        ("v5p-16", 8, 2),
        ("v5e-8", 8, 1),
        ("v6e-8", 8, 1),
        ("v5e-16", 16, 4),
        ("H200", 1, 1),
        ("A100-16", 16, 2),
    ],
)
def test_names_say_devices_and_hosts(name: str, devices: int, hosts: int) -> None:
    found = accelerator(name)
    assert (found.devices, found.hosts) == (devices, hosts)
    assert found.flops("bfloat16") == devices * found.chip.peak


@pytest.mark.parametrize("name", ["v4-7", "v4-20", "v5e-x", "v3-8", "H100-0"])
def test_machines_that_there_are_not_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="accelerator"):
        accelerator(name)


@pytest.mark.slow
def test_a_plan_for_another_machine_says_what_makes_it_fit(tmp_path: Path) -> None:
    config = recipe("first")
    change(config, "stages.first.batch_size", 1024)
    target = accelerator("v4-32")
    context, _ = prepare(config, tmp_path, devices=target.devices)
    stage = make_stage(context, "first")
    whole = measure(stage, context.encoder.init(0), target)
    flops = train_flops(context.encoder.config, 2 * 1024, 12)
    assert whole.seconds == pytest.approx(flops / (UTILISATION * 16 * CHIPS["v4"].peak))
    chip = target.chip._replace(gigabytes=0.8 * whole.memory / 1e9)
    lines = plan_recipe(context, target._replace(chip=chip)).splitlines()
    assert "v4-32: 16 devices on 4 hosts" in lines[0]
    assert "does NOT fit" in lines[-1] and "chunk_size" in lines[-1], lines
    assert "draws" in lines[-2]
