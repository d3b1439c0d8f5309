"""run.sh explains itself, and refuses unknown verbs before it installs anything."""

import subprocess
from pathlib import Path

from pixel_linguist.cli.main import VERBS

ROOT = Path(__file__).parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call run.sh from another folder."""
    command = [str(ROOT / "run.sh"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)


def test_help_names_every_command() -> None:
    result = run("--help")
    assert result.returncode == 0 and "./run.sh test --slow" in result.stdout
    for verb in VERBS:
        assert f"pixel-linguist {verb} " in result.stdout


def test_an_unknown_verb_is_refused() -> None:
    result = run("trian")
    assert result.returncode == 2
    assert "'train'" in result.stderr and result.stderr.count("\n") == 1
