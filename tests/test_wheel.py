"""The wheel: installed outside the checkout it encodes, without network, fonts included."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.model.store import Model, save_model
from pixel_linguist.pretrained import shipped_models

ROOT = Path(__file__).parents[1]
TEXTS = ["A wheel of letters", "В колесе буквы", "पहिया", "עגלה", "🎡"]
ENCODE = """
import socket, sys
def refuse(*arguments, **keywords):
    raise OSError("no network here")
socket.socket.connect = socket.getaddrinfo = refuse
import numpy
import pixel_linguist
from pixel_linguist.pretrained import shipped_models
assert pixel_linguist.__file__.startswith(sys.prefix), pixel_linguist.__file__
encoder = pixel_linguist.SentenceEncoder.load(sys.argv[1])
numpy.save(sys.argv[2], encoder.encode(sys.argv[3:]))
for name in shipped_models():
    shipped = pixel_linguist.SentenceEncoder.load(name)
    assert shipped.encode(sys.argv[3:]).shape == (len(sys.argv[3:]), shipped.dimension)
print(shipped_models())
"""


def run(*command: str | Path, folder: Path) -> str:
    """Run a command that sees nothing of the checkout."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def copy_sources(folder: Path) -> Path:
    """Copy the files of a distribution, so that nothing is built in the checkout."""
    for name in ("pixel_linguist", "experiments", "fonts"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Python in an environment with the wheel and, beside it, what it requires."""
    folder = tmp_path_factory.mktemp("wheel")
    source = copy_sources(folder / "source")
    pip = (sys.executable, "-m", "pip", "--quiet")
    build = ("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
    run(*pip, *build, source, folder=folder)
    run(sys.executable, "-m", "venv", "--without-pip", folder / "env", folder=folder)
    python = folder / "env" / "bin" / "python"
    wheel = next(folder.glob("*.whl"))
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, folder=folder)
    # The requirements are those of this environment. A path file lends its packages, but not the
    # checkout, which its own path files would name.
    site = next((folder / "env" / "lib").glob("python*/site-packages"))
    (site / "requirements.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.mark.slow
def test_the_wheel_encodes_offline_what_the_checkout_does(
    environment: Path, tmp_path: Path, tiny_model: Callable[..., Model]
) -> None:
    model = tiny_model(patch_height=16, patch_width=16, max_patches=32)
    save_model(tmp_path / "model", model)
    found = run(environment, "-c", ENCODE, tmp_path / "model", tmp_path / "v.npy", *TEXTS,
                folder=tmp_path)  # fmt: skip
    expected = SentenceEncoder(model).encode(TEXTS)
    np.testing.assert_allclose(np.load(tmp_path / "v.npy"), expected, atol=1e-6)
    assert found.strip() == str(shipped_models())
