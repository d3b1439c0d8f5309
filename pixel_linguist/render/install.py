"""Installs fonts: from Python and Debian packages, neither of which needs root."""

import hashlib
import importlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pixel_linguist.render.fonts import FOLDER, family, find, manifest


def install(families: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Install the fonts of families that are missing.

    A font that cannot be installed here (no client, no network) is no error.

    Yields:
        The name of each font, and the reason if it is not installed, else "".
    """
    names = dict.fromkeys(member.font for name in families for member in family(name).fonts)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            problem = "" if find(name) else _install(name, Path(folder))
            find.cache_clear()
            yield name, "" if find(name) else problem or "not found after its installation"


def _install(name: str, folder: Path) -> str:
    """Try the places of a font in turn; returns why they failed, or ""."""
    entry = manifest()["fonts"][name]
    problems = []
    for place in entry["places"]:
        try:
            if "pip" in place:
                _run([sys.executable, "-m", "pip", "install", "--quiet", place["pip"]], folder)
                importlib.invalidate_caches()
            elif "package" in place:
                raise FileNotFoundError("this file of the package is missing: reinstall it")
            else:
                _keep(_unpack(place["apt"], folder) / place["path"], entry["sha256"])
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            reason = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
            source = place.get("pip") or place.get("apt") or place["package"]
            problems.append(f"{source}: {reason}")
        else:
            return ""
    return "; ".join(problems)


def _unpack(package: str, folder: Path) -> Path:
    """Download a Debian package and unpack it, once."""
    unpacked = folder / package
    if not unpacked.is_dir():
        _run(["apt-get", "download", package], folder)
        archive = next(folder.glob(f"{package}_*.deb"))
        _run(["dpkg-deb", "-x", archive.name, package], folder)
    return unpacked


def _keep(path: Path, sha256: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise ValueError(f"{path.name} has SHA-256 {found}, the manifest says {sha256}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Copied beside and moved, so that a half-copied file is never found.
    beside = FOLDER / f"{path.name}.part"
    shutil.copyfile(path, beside)
    beside.replace(FOLDER / path.name)


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=600)
