"""Sources: what files become, and which files are refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pixel_linguist.data.sources import make_source, read_table, source_files, source_folder

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


def test_a_table_is_read_as_it_is(tmp_path: Path, write: Write) -> None:
    write("a.tsv", table("score~text", '1~"quoted" and\xa0blank', "2~ two|parts ", "3~"))
    assert records(tmp_path, name="tsv", path="a.tsv") == [
        {"score": "1", "text": '"quoted" and\xa0blank'},
        {"score": "2", "text": " two|parts "},
        {"score": "3", "text": ""},
    ]


@pytest.mark.parametrize("odd", ["a\rb", "a\x85b", "a\u2028b", "a\x0bb", "a\x00b", "x" * 200_000])
def test_only_line_feeds_end_a_row(write: Write, odd: str) -> None:
    assert read_table(write("a.tsv", f"text\n{odd}\nnext\n")) == [{"text": odd}, {"text": "next"}]


def test_line_ends_of_windows_and_a_missing_last_one(write: Write) -> None:
    assert read_table(write("a.tsv", "a\tb\r\n1\t2\r\n3\t4")) == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": "4"},
    ]


def test_sentences_are_distinct_stripped_and_split_at_bars(tmp_path: Path, write: Write) -> None:
    write("a.tsv", table("first~second~other", "one~two|three~no", " two ~ ~no"))
    write("b.tsv", table("first~second", "four~one"))
    spec = {"paths": ["a.tsv", "b.tsv"], "columns": ["first", "second"]}
    texts = [record["text"] for record in records(tmp_path, name="sentences", **spec)]
    assert texts == ["one", "two", "three", "four"]


def test_triples_are_all_entailments_with_contradictions_by_turns(
    tmp_path: Path, write: Write
) -> None:
    rows = [
        "label~premise~hypothesis",
        "entailment~p~e1",
        "contradiction~p~c1",
        "neutral~p~n1",
        "entailment~q~e2",
        "contradiction~p~c2",
        "entailment~p~e3",
        "entailment~p~e4",
        "contradiction~r~c3",
    ]
    write("nli.tsv", table(*rows))
    found = records(tmp_path, name="nli_triples", paths=["nli.tsv"])
    triples = [(r["premise"], r["entailment"], r["contradiction"]) for r in found]
    assert triples == [
        ("p", "e1", "c1"),
        ("p", "e3", "c2"),
        ("p", "e4", "c1"),
        ("q", "e2", ""),
    ]


def test_aligned_rows_become_pairs_with_the_pivot(tmp_path: Path, write: Write) -> None:
    for language in ("en", "de", "fr"):
        rows = [f"1~a-{language}~b-{language}", f"2~a-{language}~c-{language}"]
        write(f"{language}.tsv", table("score~s1~s2", *rows))
    paths = {language: f"{language}.tsv" for language in ("de", "en", "fr")}
    found = records(tmp_path, name="aligned", paths=paths, columns=["s1", "s2"], pivot="en")
    pairs = [tuple(record.values()) for record in found]
    assert pairs == [
        (f"{letter}-en", f"{letter}-{language}", "en", language)
        for language in ("de", "fr")
        for letter in "abc"
    ]
    assert list(found[0]) == ["sentence1", "sentence2", "language1", "language2"]


def test_translations_are_one_text(tmp_path: Path, write: Write) -> None:
    for language in ("en", "de"):
        rows = [f"1~a-{language}~b-{language}", f"2~a-{language}~c-{language}"]
        write(f"{language}.tsv", table("score~s1~s2", *rows))
    paths = {"en": "en.tsv", "de": "de.tsv"}
    found = records(tmp_path, name="translations", paths=paths, columns=["s1", "s2"])
    assert found == [{"text": text} for text in ("a-en a-de", "b-en b-de", "c-en c-de")]


def article(title: str, *sections: list[str]) -> str:
    entries = [{"heading": "", "paragraphs": paragraphs} for paragraphs in sections]
    return json.dumps({"title": title, "sections": entries}, ensure_ascii=False)


def test_sections_of_an_article_share_its_group(tmp_path: Path, write: Write) -> None:
    lines = [
        article("A", ["one two", "three\u2028four"], ["too short"], ["five six seven"]),
        article("B", ["a b c d"]),
    ]
    write("w.jsonl", "\n".join(lines) + "\n")
    assert records(tmp_path, name="articles", path="w.jsonl", minimum_words=3) == [
        {"text": "one two three\u2028four", "title": "A", "group": 1},
        {"text": "five six seven", "title": "A", "group": 1},
        {"text": "a b c d", "title": "B", "group": 2},
    ]


def test_the_world_is_a_source(tmp_path: Path) -> None:
    spec = {"task": "nli", "split": "train", "size": 3, "languages": ["en"], "seed": 0}
    found = records(tmp_path, name="world", **spec)
    assert len(found) == 3
    assert {"premise", "entailment", "contradiction"} <= set(found[0])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "csv"}, r"no source 'csv'; there are tsv, jsonl, sent"),
        ({}, r"no source None; there are tsv"),
        ({"name": "tsv", "file": "a.tsv"}, r"source 'tsv': .*'file'"),
        ({"name": "tsv"}, r"source 'tsv': .*'path'"),
        ({"name": "sentences", "paths": ["good.tsv"], "columns": ["txt"]}, "no column 'txt'; it"),
        ({"name": "sentences", "paths": ["good.tsv"], "columns": []}, r"'sentences' .* is empty"),
        ({"name": "tsv", "path": "header.tsv"}, r"header.tsv has no rows"),
        ({"name": "tsv", "path": "empty.tsv"}, r"empty.tsv has no rows"),
        (
            {"name": "tsv", "path": "bad.tsv"},
            r"bad.tsv, line 3: 3 columns, but the header has 2: a",
        ),
        ({"name": "tsv", "path": "latin1.tsv"}, r"latin1.tsv, line 2: not UTF-8: .*0xe9"),
        ({"name": "nli_triples", "paths": ["nli.tsv"]}, r"nli.tsv, row 2: label 'maybe' is not"),
        (
            {"name": "nli_triples", "paths": ["good.tsv"]},
            r"good.tsv has no column 'label'; it has a",
        ),
        ({"name": "nli_triples", "paths": ["neutral.tsv"]}, r"'nli_triples' .* is empty"),
        ({"name": "articles", "path": "bad.jsonl", "minimum_words": 1}, r"jsonl, line 2: not JSON"),
        (
            {"name": "articles", "path": "none.jsonl", "minimum_words": 1},
            r"line 1 has no column 't",
        ),
        (
            {"name": "articles", "path": "good.jsonl", "minimum_words": 99},
            r"'articles' .* is empty",
        ),
        ({"name": "articles", "path": "empty.tsv", "minimum_words": 1}, r"'articles' .* is empty"),
    ],
)
def test_bad_input_is_named(
    tmp_path: Path, write: Write, spec: dict[str, Any], message: str
) -> None:
    write("good.tsv", table("a~b", "1~2"))
    write("header.tsv", table("a~b"))
    write("empty.tsv", "")
    write("bad.tsv", table("a~b", "1~2", "1~2~3"))
    (tmp_path / "latin1.tsv").write_bytes(b"a\nd\xe9j\xe0\n")
    write("nli.tsv", table("label~premise~hypothesis", "neutral~p~n", "maybe~p~e"))
    write("neutral.tsv", table("label~premise~hypothesis", "neutral~p~n"))
    write("good.jsonl", article("A", ["one two"]))
    write("bad.jsonl", article("A", ["one"]) + "\n{")
    write("none.jsonl", '{"name": "A"}')
    with pytest.raises(ValueError, match=message):
        make_source(tmp_path, spec)


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "tsv", "path": "nothing.tsv"},
        {"name": "sentences", "paths": ["nothing.tsv"], "columns": ["a"]},
        {"name": "nli_triples", "paths": ["nothing.tsv"]},
        {"name": "aligned", "paths": {"en": "nothing.tsv"}, "columns": ["a"], "pivot": "en"},
        {"name": "translations", "paths": {"en": "nothing.tsv"}, "columns": ["a"]},
        {"name": "articles", "path": "nothing.tsv", "minimum_words": 1},
    ],
)
def test_missing_files_are_named(tmp_path: Path, spec: dict[str, Any]) -> None:
    message = f"no data file {tmp_path}/nothing.tsv; check the recipe's data_dir"
    with pytest.raises(FileNotFoundError, match=message):
        make_source(tmp_path, spec)


def test_files_that_are_not_aligned_are_named(tmp_path: Path, write: Write) -> None:
    write("en.tsv", table("s", "a", "b"))
    write("de.tsv", table("s", "a"))
    paths = {"en": "en.tsv", "de": "de.tsv"}
    spec = {"name": "aligned", "paths": paths, "columns": ["s"], "pivot": "en"}
    with pytest.raises(ValueError, match=r"de.tsv has 1 rows, but en.tsv has 2: aligned files"):
        make_source(tmp_path, spec)
    with pytest.raises(ValueError, match=r"de.tsv has 1 rows, but en.tsv has 2: aligned files"):
        make_source(tmp_path, {"name": "translations", "paths": paths, "columns": ["s"]})
    with pytest.raises(ValueError, match=r"the pivot 'fr' is not among the languages en, de"):
        make_source(tmp_path, spec | {"pivot": "fr"})


def test_the_real_files_are_read(shared: Path) -> None:
    data = shared / "data"
    paths = {code: f"sts/stsb/{code}/train.tsv" for code in ("en", "ru", "zh")}
    columns = ["sentence1", "sentence2"]
    parallel = records(data, name="aligned", paths=paths, columns=columns, pivot="en")
    assert {record["language2"] for record in parallel} == {"ru", "zh"}
    assert len(read_table(data / "definitions" / "wordnet.tsv")) == 117_659
    sections = records(data, name="articles", path="topical/wikipedia.jsonl", minimum_words=12)
    assert len({record["group"] for record in sections}) == 89


def test_columns_of_objects_are_read(tmp_path: Path, write: Write) -> None:
    write("a.jsonl", '{"text": "one", "n": 1}\n{"n": 2, "text": "two\u2028"}\n')
    found = records(tmp_path, name="jsonl", path="a.jsonl", columns=["text"])
    assert found == [{"text": "one"}, {"text": "two\u2028"}]
    write("b.jsonl", '{"text": "one"}\n[1]\n')
    with pytest.raises(ValueError, match=r"b.jsonl, line 2: not a JSON object: \[1\]"):
        records(tmp_path, name="jsonl", path="b.jsonl", columns=["text"])
    with pytest.raises(ValueError, match=r"a.jsonl, line 1, has no column 'txt'; it has text, n"):
        records(tmp_path, name="jsonl", path="a.jsonl", columns=["txt"])


def test_bad_lines_are_skipped_only_if_asked_for_and_counted(tmp_path: Path, write: Write) -> None:
    (tmp_path / "a.tsv").write_bytes(b"text\tn\none\t1\ntwo\nd\xe9\t3\nfour\t4\n")
    with pytest.raises(
        ValueError, match=r"a.tsv, line 3: 1 columns, but the header has 2: text, n"
    ):
        records(tmp_path, name="tsv", path="a.tsv")
    counted = r"2 of 5 lines are left out; the first: .*a.tsv, line 3: 1 columns, but"
    with pytest.warns(UserWarning, match=counted):
        found = records(tmp_path, name="tsv", path="a.tsv", skip_bad_lines=True)
    assert [row["text"] for row in found] == ["one", "four"]
    write("a.jsonl", '{"text": "one"}\n{"text"\n{"text": "three"}\n')
    spec = {"name": "jsonl", "path": "a.jsonl", "columns": ["text"]}
    with pytest.raises(ValueError, match=r"a.jsonl, line 2: not JSON"):
        records(tmp_path, **spec)
    with pytest.warns(UserWarning, match=r"1 of 3 lines are left out; .*line 2: not JSON"):
        found = records(tmp_path, **spec, skip_bad_lines=True)
    assert found == [{"text": "one"}, {"text": "three"}]


def test_the_files_of_a_source_are_known(tmp_path: Path, write: Write) -> None:
    write("a.tsv", "x")
    write("b.tsv", "x")
    assert source_files(tmp_path, {"name": "tsv", "path": "a.tsv"}) == [Path("a.tsv")]
    assert source_files(tmp_path, {"paths": {"en": "b.tsv"}}) == [Path("b.tsv")]
    assert source_files(tmp_path, {"paths": ("b.tsv", "c.tsv")}) == [Path("b.tsv")]
    assert source_files(tmp_path, {"name": "world", "task": "nli"}) == []


def test_the_folder_of_a_local_hugging_face_data_set_is_known(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    spec = {"name": "huggingface", "dataset": "mine"}
    assert source_folder(tmp_path, spec) == tmp_path / "mine"
    assert source_folder(tmp_path, spec | {"dataset": "owner/name"}) is None
    assert source_folder(tmp_path, {"name": "world", "task": "nli"}) is None
