"""Sources: what files become, and which files are refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pixel_linguist.data.sources import make_source, source_files, source_folder

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write_file


def records(root: Path, **spec: Any) -> list[dict[str, Any]]:
    source = make_source(root, spec)
    return [source[i] for i in range(len(source))]


def table(*rows: str) -> str:
    return "".join("\t".join(row.split("~")) + "\n" for row in rows)


def test_rows_are_read_from_any_kind_of_file(tmp_path: Path, write: Write) -> None:
    write("a.tsv", table("score~text", '1~"quoted" and\xa0blank', "2~ two|parts ", "3~"))
    found = records(tmp_path, name="tsv", path="a.tsv")
    assert found[0] == {"score": "1", "text": '"quoted" and\xa0blank'}
    assert [row["text"] for row in found[1:]] == [" two|parts ", ""]
    assert records(tmp_path, name="tsv", path="a.tsv", columns=["score"])[0] == {"score": "1"}
    tenth = records(tmp_path, name="tsv", path="a.tsv", columns=["score"], remainders=(0, 2))
    assert [row["score"] for row in tenth] == ["1", "3"]
    write("a.jsonl", '{"text": "one", "n": 1}\n{"n": 2, "text": null}\n')
    found = records(tmp_path, name="jsonl", path="a.jsonl", columns=["text"])
    assert found == [{"text": "one"}, {"text": None}]


def test_sentences_are_distinct_stripped_and_split_at_bars(tmp_path: Path, write: Write) -> None:
    write("a.tsv", table("first~second~other", "one~two|three~no", " two ~ ~no"))
    write("b.jsonl", '{"first": "four", "second": null}\n{"first": "None", "second": "one"}\n')
    spec = {"paths": ["a.tsv", "b.jsonl"], "columns": ["first", "second"]}
    texts = [record["text"] for record in records(tmp_path, name="sentences", **spec)]
    assert texts == ["one", "two", "three", "four", "None"]


def test_texts_are_the_columns_of_another_sources_records_in_order(write: Write) -> None:
    path = write("a.tsv", table("first~second~third", "a|b~c~d", "e~~a|b"))
    spec = {"name": "texts", "source": {"name": "tsv", "path": path.name}}
    found = records(path.parent, **spec, columns=["third", "first"])
    assert found == [{"text": text} for text in ("d", "a|b", "a|b", "e")]
    with pytest.raises(ValueError, match="fourth"):
        records(path.parent, **spec, columns=["fourth"])


def test_triples_take_contradictions_in_turn(tmp_path: Path, write: Write) -> None:
    rows = [
        "entailment~p~e1",
        "contradiction~p~c1",
        "neutral~p~n1",
        "entailment~q~e2",
        "contradiction~p~c2",
        "entailment~p~e3",
        "entailment~p~e4",
        "contradiction~r~c3",
    ]
    write("nli.tsv", table("label~premise~hypothesis", *rows))
    found = records(tmp_path, name="nli_triples", paths=["nli.tsv"])
    assert [tuple(record.values()) for record in found] == [
        ("p", "e1", "c1"),
        ("p", "e3", "c2"),
        ("p", "e4", "c1"),
        ("q", "e2", ""),
    ]
    assert list(found[0]) == ["premise", "entailment", "contradiction"]


def test_aligned_files_become_pairs_or_joined_texts(tmp_path: Path, write: Write) -> None:
    for language in ("en", "de", "fr"):
        rows = [f"1~a-{language}~b-{language}", f"2~a-{language}~c-{language}"]
        write(f"{language}.tsv", table("score~s1~s2", *rows))
    paths = {language: f"{language}.tsv" for language in ("de", "en", "fr")}
    found = records(tmp_path, name="aligned", paths=paths, columns=["s1", "s2"], pivot="en")
    assert [tuple(record.values()) for record in found] == [
        (f"{letter}-en", f"{letter}-{language}", "en", language)
        for language in ("de", "fr")
        for letter in "abc"
    ]
    assert list(found[0]) == ["sentence1", "sentence2", "language1", "language2"]
    found = records(tmp_path, name="translations", paths=paths, columns=["s1", "s2"])
    assert found == [{"text": f"{letter}-de {letter}-en {letter}-fr"} for letter in "abc"]


def article(title: str, *sections: list[str]) -> str:
    entries = [{"heading": "", "paragraphs": paragraphs} for paragraphs in sections]
    return json.dumps({"title": title, "sections": entries}, ensure_ascii=False) + "\n"


def test_sections_of_an_article_share_its_group(tmp_path: Path, write: Write) -> None:
    first = article("A", ["one two", "three\u2028four"], ["too short"], ["five six seven"])
    write("w.jsonl", first + article("B", ["a b c d"]))
    assert records(tmp_path, name="articles", path="w.jsonl", minimum_words=3) == [
        {"text": "one two three\u2028four", "title": "A", "group": 1},
        {"text": "five six seven", "title": "A", "group": 1},
        {"text": "a b c d", "title": "B", "group": 2},
    ]


def test_the_generated_world_is_a_source(tmp_path: Path) -> None:
    spec = {"task": "nli", "split": "train", "size": 3, "languages": ["en"], "seed": 0}
    found = records(tmp_path, name="toy", **spec)
    assert len(found) == 3
    assert {"premise", "entailment", "contradiction"} <= set(found[0])


ALIGNED = {"name": "aligned", "paths": {"en": "en.tsv", "de": "de.tsv"}, "columns": ["s"]}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "tvs", "path": "good.tsv"}, "tsv"),
        ({"path": "good.tsv"}, "name"),
        ({"name": "tsv", "file": "good.tsv"}, "file"),
        ({"name": "tsv"}, "path"),
        ({"name": "sentences", "paths": ["good.tsv"], "columns": ["txt"]}, "line 2.*'txt'"),
        ({"name": "sentences", "paths": ["good.tsv"], "columns": []}, "empty"),
        ({"name": "sentences", "paths": ["number.jsonl"], "columns": ["a"]}, "record 1: 'a'"),
        ({"name": "nli_triples", "paths": ["nli.tsv"]}, "record 2.*maybe"),
        ({"name": "nli_triples", "paths": ["good.tsv"]}, "label"),
        ({"name": "nli_triples", "paths": ["neutral.tsv"]}, "empty"),
        ({"name": "articles", "path": "none.jsonl", "minimum_words": 1}, "line 1.*title"),
        ({"name": "articles", "path": "good.jsonl", "minimum_words": 99}, "empty"),
        ({**ALIGNED, "pivot": "en"}, "1 in de.tsv"),
        ({**ALIGNED, "pivot": "fr"}, "fr"),
        ({**ALIGNED, "name": "translations"}, "1 in de.tsv"),
    ],
)
def test_bad_input_is_named(
    tmp_path: Path, write: Write, spec: dict[str, Any], message: str
) -> None:
    write("good.tsv", table("a~b", "1~2"))
    write("number.jsonl", '{"a": 1}')
    write("nli.tsv", table("label~premise~hypothesis", "neutral~p~n", "maybe~p~e"))
    write("neutral.tsv", table("label~premise~hypothesis", "neutral~p~n"))
    write("good.jsonl", article("A", ["one two"]))
    write("none.jsonl", '{"name": "A"}')
    write("en.tsv", table("s", "a", "b"))
    write("de.tsv", table("s", "a"))
    with pytest.raises(ValueError, match=message):
        make_source(tmp_path, spec)


@pytest.mark.parametrize("name", ["aligned", "sentences", "parquet"])
def test_missing_files_are_named(tmp_path: Path, name: str) -> None:
    paths: Any = {"en": "nothing.tsv"} if name == "aligned" else ["nothing.tsv"]
    spec = {"name": name, "paths": paths, "columns": ["a"]}
    with pytest.raises(FileNotFoundError, match="nothing"):
        make_source(tmp_path, spec | ({"pivot": "en"} if name == "aligned" else {}))


def test_the_files_and_the_folder_of_a_source_are_known(tmp_path: Path, write: Write) -> None:
    write("a.tsv", "x")
    write("b.tsv", "x")
    assert source_files(tmp_path, {"name": "tsv", "path": "a.tsv"}) == [Path("a.tsv")]
    assert source_files(tmp_path, {"paths": {"en": "b.tsv"}}) == [Path("b.tsv")]
    assert source_files(tmp_path, {"paths": ("b.tsv", "c.tsv")}) == [Path("b.tsv")]
    (tmp_path / "mine").mkdir()
    spec = {"name": "huggingface", "dataset": "mine"}
    assert source_folder(tmp_path, spec) == tmp_path / "mine"
    assert source_folder(tmp_path, spec | {"dataset": "owner/name"}) is None
    other = {"name": "toy", "task": "nli"}
    assert source_folder(tmp_path, other) is None and source_files(tmp_path, other) == []
