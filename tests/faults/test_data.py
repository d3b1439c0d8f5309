"""Data that changes under a run, or has a line that cannot be read, is named."""

from pathlib import Path

import pytest

from tests.faults.program import RECIPE, Program

# The second stage reads a file.
RECIPE_ON_A_FILE = RECIPE.replace(
    "    return config\n",
    """
    from pixel_linguist.recipe import columns, part
    source = {"name": "tsv", "path": "pairs.tsv", "skip_bad_lines": False}
    second.objective.update(hard_negatives=False, symmetric=True)
    second.data = ConfigDict({"file": part(source, columns("a", "b"))})
    return config
""",
)


@pytest.mark.slow
def test_a_changed_file_and_a_bad_line_are_named(tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    rows = "".join(f"a man number {i}\tthe man {i}\n" for i in range(40))
    whole = f"a\tb\n{rows}"
    program = Program(tmp_path / "run", f"--config.data_dir={tmp_path}", recipe=RECIPE_ON_A_FILE)
    file.write_text(whole.replace("\tthe man 20\n", "\n"))
    refused = program.run()
    assert refused.returncode == 1
    assert f"error: stage second: {file}, line 22" in refused.stderr
    assert not program.workdir.exists()

    file.write_text(whole)
    process = program.start_until(lambda: program.last_step("second") >= 12)
    # What is read is in memory: the run itself is not disturbed.
    file.write_text(whole.replace("man 20", "woman 20"))
    process.terminate()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors

    changed = program.run()
    assert changed.returncode == 1
    assert "stages/second was begun with other settings" in changed.stderr
    assert "sha256.pairs.tsv: " in changed.stderr

    file.write_text(whole)
    resumed = program.run()
    assert resumed.returncode == 0, resumed.stderr

    # By option a bad line is left out, and counted.
    file.write_text(whole.replace("\tthe man 20\n", "\n"))
    other = Program(
        tmp_path / "other",
        f"--config.data_dir={tmp_path}",
        "--config.stages.second.data.file.source.skip_bad_lines=true",
        recipe=RECIPE_ON_A_FILE,
    )
    done = other.run()
    assert done.returncode == 0, done.stderr
    assert f"1 of 40 records are left out; the first: {file}, line 22" in done.stderr
