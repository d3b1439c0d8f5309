"""Null in a file is no text and no label: refused with its place, never the word None."""

import json
from pathlib import Path
from typing import Any

import pytest

from pixel_linguist.data.example import group_of, read_picture
from pixel_linguist.data.sources import make_source
from pixel_linguist.evaluate.build import make_task


def write(path: Path, *records: dict[str, Any]) -> str:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path.name


def test_null_labels_are_refused(tmp_path: Path) -> None:
    whole = [{"text": f"t {i}", "label": i % 2} for i in range(4)]
    train = {"name": "jsonl", "path": write(tmp_path / "a.jsonl", *whole)}
    test = {
        "name": "jsonl",
        "path": write(tmp_path / "b.jsonl", whole[0], {"text": "t", "label": None}),
    }
    for first, second in ((train, test), (test, train)):
        with pytest.raises(ValueError, match=r"record 1.*label"):
            make_task(tmp_path, {"name": "classification", "train": first, "test": second})


def test_null_texts_are_refused_when_a_source_is_made(tmp_path: Path) -> None:
    ours = write(tmp_path / "en.jsonl", {"a": "one"}, {"a": "two"})
    theirs = write(tmp_path / "de.jsonl", {"a": "eins"}, {"a": None})
    spec = {"paths": {"en": ours, "de": theirs}, "columns": ["a"]}
    for source in ({"name": "aligned", "pivot": "en"}, {"name": "translations"}):
        with pytest.raises(ValueError, match=r"de\.jsonl.*'a'"):
            make_source(tmp_path, {**source, **spec})
    section = {"heading": "h", "paragraphs": ["one", None]}
    for sections in (None, [section], [{"heading": "h", "paragraphs": None}]):
        path = write(tmp_path / "articles.jsonl", {"title": "t", "sections": sections})
        with pytest.raises(ValueError, match="record 1"):
            make_source(tmp_path, {"name": "articles", "path": path, "minimum_words": 1})


def test_a_null_group_is_none() -> None:
    assert group_of({"group": None}) == group_of({}) == {"group": (-1,)}
    assert group_of({"group": [1, None]}) == {"group": (1, -1)}
    for group in ("one", [[1]]):
        with pytest.raises(ValueError, match="group"):
            group_of({"group": group})


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, None])
def test_files_that_are_no_pictures_are_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.png"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.png"):
        read_picture(path)
