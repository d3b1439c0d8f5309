"""Installs fonts: from Python, Debian and npm packages, none of which needs root."""

import hashlib
import importlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pixel_linguist.render.fonts import FOLDER, family, find, manifest


def install(families: list[str]) -> Iterator[str]:
    """Install the fonts of families that are not there yet; yields a line on each.

    What cannot be had here (no client, no network) is said with the scripts it is for, and is no
    error.
    """
    names = dict.fromkeys(font for name in families for font in family(name).fonts)
    for name in names:
        if find(name) is None:
            entry = manifest()["fonts"][name]
            problems = [_try(name, entry["sha256"], place) for place in entry["places"]]
            find.cache_clear()
            if find(name) is None:
                scripts = ", ".join(entry["scripts"])
                reasons = "; ".join(filter(None, problems))
                yield f"{name}: not installed ({reasons}); without it, boxes for: {scripts}"
                continue
        yield f"{name}: {find(name)[0]}"  # type: ignore[index]


def _try(name: str, sha256: str, place: dict[str, str]) -> str:
    """Try one place; returns why it failed, or ""."""
    if find(name) is not None:
        return ""
    try:
        if "pip" in place:
            _run([sys.executable, "-m", "pip", "install", "--quiet", place["pip"]], Path.cwd())
            importlib.invalidate_caches()
        else:
            with tempfile.TemporaryDirectory() as folder:
                _unpack(place, Path(folder))
                _keep(Path(folder) / place["path"], sha256)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        return f"{' '.join(list(place.values())[:1])}: {reason.strip().splitlines()[-1]}"
    find.cache_clear()
    return ""


def _unpack(place: dict[str, str], folder: Path) -> None:
    if "apt" in place:
        _run(["apt-get", "download", place["apt"]], folder)
        archive = next(folder.glob("*.deb"))
        _run(["dpkg-deb", "-x", archive.name, "."], folder)
    else:
        _run(["npm", "pack", "--silent", place["npm"]], folder)
        archive = next(folder.glob("*.tgz"))
        _run(["tar", "-xzf", archive.name], folder)


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
