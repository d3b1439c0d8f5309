"""Pictures that must never change: a hash of each, and a picture of the difference if one does."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.render import Renderer
from pixel_linguist.render.fonts import find, manifest
from pixel_linguist.render.renderer import STRATEGIES

WORDS = Path(__file__).with_name("words.json")
GOLDEN = Path(__file__).with_name("golden.json")
PICTURES = Path(__file__).with_name("golden")
FAMILIES = ("noto", "mono")


def lines() -> list[str]:
    """Three lines of each script."""
    found = []
    for entry in json.loads(WORDS.read_text()).values():
        found += [" ".join(entry["words"][i : i + 5]) for i in (0, 5, 10)]
    return [
        *found,
        "x ≠ y, 100 % — “quoted” (tab\there) …",
        "😀 👨‍👩‍👧 👍🏽 ❤️ 🇩🇪",
        "",
        "שלום abc 12",
    ]


def cases() -> dict[str, tuple[str, str, str]]:
    """Name → family, strategy, line: all lines in all strategies, each in one family."""
    return {
        f"{strategy}-{number}": (FAMILIES[number % 2], strategy, line)
        for strategy in STRATEGIES
        for number, line in enumerate(lines())
    }


def hashes(every: int = 1) -> dict[str, str]:
    """Hash the picture of each case, or of every n-th one."""
    made: dict[tuple[str, str], Renderer] = {}
    found = {}
    for name, (family, strategy, line) in [*cases().items()][::every]:
        if (family, strategy) not in made:
            made[family, strategy] = Renderer(family, strategy, memory=16 << 20)
        patches = made[family, strategy]([line]).patches
        found[name] = hashlib.sha256(patches.tobytes()).hexdigest()[:16]
    return found


needs_all_fonts = pytest.mark.skipif(
    any(find(name) is None for name in manifest()["fonts"]),
    reason="some fonts are not installed: pixel-linguist render --install-fonts",
)


@needs_all_fonts
def test_pictures_have_not_changed() -> None:
    golden = json.loads(GOLDEN.read_text())
    found = hashes()
    assert len(found) > 300 and found.keys() == golden.keys()
    changed = [name for name in found if found[name] != golden[name]]
    for name in changed:
        _save_difference(name)
    assert not changed, f"{len(changed)} pictures changed, see {PICTURES.with_suffix('.new')}"


@pytest.mark.slow
@needs_all_fonts
def test_four_processes_at_once_draw_the_same() -> None:
    code = (
        "import sys, json; sys.path.insert(0, sys.argv[1])\n"
        "import test_golden; print(json.dumps(test_golden.hashes(every=4)))"
    )
    # Neither the locale nor the order of hashes must matter.
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            stdout=subprocess.PIPE,
            text=True,
            env={"LANG": language, "PYTHONHASHSEED": str(number)},
        )
        for number, language in enumerate(("C", "tr_TR.UTF-8", "ar_EG.UTF-8", "zh_TW.UTF-8"))
    ]
    golden = json.loads(GOLDEN.read_text())
    for process in processes:
        printed, _ = process.communicate(timeout=300)
        found = json.loads(printed)
        assert len(found) > 75 and found.items() <= golden.items()


def _save_difference(name: str) -> None:
    """Write old picture, new picture and where they differ, one above the other."""
    family, strategy, line = cases()[name]
    patches = Renderer(family, strategy)([line]).patches[0]
    new = patches.swapaxes(0, 1).reshape(patches.shape[1], -1)
    sheet = Image.open(PICTURES / f"{strategy}.png")
    number = int(name.rsplit("-", 1)[1])
    old = np.asarray(sheet)[number * 16 : number * 16 + 16, : new.shape[1]]
    old = np.pad(old, ((0, 0), (0, new.shape[1] - old.shape[1])))
    difference = np.abs(old.astype(int) - new).astype(np.uint8)
    folder = PICTURES.with_suffix(".new")
    folder.mkdir(exist_ok=True)
    stack = np.concatenate([old, new, difference]).repeat(4, 0).repeat(4, 1)
    Image.fromarray(stack).save(folder / f"{name}.png")


def write_golden() -> None:
    """Make the pictures of this machine the golden ones."""
    PICTURES.mkdir(exist_ok=True)
    for strategy in STRATEGIES:
        rows = []
        for family, own, line in cases().values():
            if own == strategy:
                patches = Renderer(family, strategy)([line]).patches[0]
                rows.append(patches.swapaxes(0, 1).reshape(patches.shape[1], -1))
        width = max(row.shape[1] for row in rows)
        sheet = np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])
        Image.fromarray(sheet).save(PICTURES / f"{strategy}.png", optimize=True)
    GOLDEN.write_text(json.dumps(hashes(), indent=1) + "\n")


if __name__ == "__main__":
    write_golden()
