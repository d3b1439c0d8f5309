"""Columns of pairs that would be ignored are refused where they may change the meaning."""

import json
from pathlib import Path
from typing import Any

import pytest

from pixel_linguist.train.finetune import Pair, read_pairs


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ("sentence1 sentence2 is_duplicate", "is_duplicate"),
        ("sentence1 sentence2 gold_label", "gold_label"),
        ("sentence1 sentence2 similarity_score", "similarity_score"),
        ("anchor positive NEGATIVE", "NEGATIVE"),
        ("anchor positive negative negative_2", "negative_2"),
        ("sentence1 sentence2 sentence3", "sentence3"),
        ("anchor positive sentence1", "sentence1 and anchor"),
    ],
)
def test_columns_that_change_the_meaning_are_refused(
    tmp_path: Path, columns: str, name: str
) -> None:
    names = columns.split()
    (tmp_path / "a.tsv").write_text(
        "\t".join(names) + "\n" + "\t".join("abcd"[: len(names)]) + "\n"
    )
    with pytest.raises(ValueError, match=name):
        read_pairs(tmp_path / "a.tsv")


def test_a_label_of_a_later_line_is_refused_with_it(tmp_path: Path) -> None:
    pairs: list[dict[str, Any]] = [{"anchor": "a", "positive": "b", "label": None}]
    pairs += [{"anchor": "c", "positive": "d", "label": False}]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{json.dumps(pair)}\n" for pair in pairs))
    with pytest.raises(ValueError, match=r"line 2.*label"):
        read_pairs(path)


@pytest.mark.parametrize(
    "name", ["id", "pairID", "caption_id", "Unnamed: 0", "", "split", "lang1", "genre", "year"]
)
def test_columns_that_say_where_a_pair_is_from_are_left_out(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.tsv").write_text(f"{name}\tsentence1\tsentence2\n7\ta\tb\n")
    assert read_pairs(tmp_path / "a.tsv") == [Pair("a", "b")]
