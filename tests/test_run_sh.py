"""run.sh explains itself, and refuses what it does not know before it installs anything."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call run.sh from another folder."""
    command = [str(ROOT / "run.sh"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)


def test_help_names_the_commands_and_modules_that_exist() -> None:
    result = run("--help")
    assert result.returncode == 0
    for command in ("./run.sh test --all", "./run.sh train experiments/small.py"):
        assert command in result.stdout
    verbs = {line.split()[1] for line in result.stdout.splitlines() if line.startswith("./run.sh ")}
    for verb in verbs - {"the", "test", "VERB"}:
        assert any((ROOT / "pixel_linguist").glob(f"{verb}/__main__.py")), verb


def test_an_unknown_verb_is_refused() -> None:
    result = run("trian")
    assert result.returncode == 2
    assert "no verb 'trian'" in result.stderr and "./run.sh train" in result.stderr
