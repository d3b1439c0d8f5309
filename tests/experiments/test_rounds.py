"""What a run's rounds changed, in the tables of `benchmarks.rounds`."""

from pathlib import Path

import pytest

from benchmarks.pages import fill_page
from benchmarks.rounds import table_of_changes, table_of_languages


def test_means_changes_and_intervals_stand_with_their_groups() -> None:
    moved = {"deu": (0.1, 0.3, 0.4), "swe": (0.1, 0.2, 0.2), "dan": (0.2, 0.1, 0.4)}
    stages = ["nli_0", "languages_1", "nli_1"]
    rows = {
        name: {
            language: {"accuracy": found[place], "accuracy_low": 0.0, "accuracy_high": 1.0}
            for language, found in moved.items()
        }
        for place, name in [(0, "tfidf"), *enumerate(stages)]
    }
    groups = {"trained": ["deu"], "related": ["swe", "dan"]}
    lines = table_of_changes(rows, stages, groups).splitlines()
    assert lines[0] == "| | trained (1) | related (2) |"
    assert "| nli_1 | 0.400 | 0.300 |" in lines
    # Swedish +0.1, Danish −0.1: the languages do not agree.
    assert "| nli_0 to languages_1 | +0.200 | +0.000 (-0.100 to +0.100) |" in lines
    # A whole round: Swedish +0.1, Danish +0.2.
    assert "| nli_0 to nli_1 | +0.300 | +0.150 (+0.100 to +0.200) |" in lines

    marked = {"swe": "related, kept out", "deu": "trained", "dan": "related"}
    lines = table_of_languages(rows, stages, marked).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| deu", "| dan", "| swe"]
    assert lines[2] == "| deu | trained | 0.100 | 0.100 | 0.300 | 0.400 | 0.000 to 1.000 |"


def test_a_page_keeps_all_but_what_stands_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("A\n<!-- one -->\nold\n<!-- end -->\nB\n<!-- two -->\n<!-- end -->\nC\n")
    fill_page(page, {"one": "| \\1 |\n", "two": "new\n"})
    filled = "A\n<!-- one -->\n| \\1 |\n<!-- end -->\nB\n<!-- two -->\nnew\n<!-- end -->\nC\n"
    assert page.read_text() == filled
    with pytest.raises(ValueError, match="three"):
        fill_page(page, {"one": "", "three": ""})
    assert page.read_text() == filled
