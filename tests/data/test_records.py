"""The reader of files: kinds, quoting, line breaks, damage, and memory that does not grow."""

import csv
import gzip
import io
import itertools
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from pixel_linguist.data.records import open_records, read_table

BOM = b"\xef\xbb\xbf"
# What a text may hold without ending a line of its file.
ODD = ["a\rb", "a\x85b", "a\u2028b", "a\x0bb", "a\x00b", "\ufeff", " a ", "x" * 200_000]


def write(path: Path, content: str | bytes) -> Path:
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def exported(rows: list[list[str]], **settings: Any) -> str:
    """Write rows as pandas does: by Python's csv module, with line feeds."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n", **settings).writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize("gz", ["", ".gz"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"", BOM])
@pytest.mark.parametrize("last", [b"", b"\n"])
def test_every_kind_of_text_file(
    tmp_path: Path, gz: str, ending: bytes, start: bytes, last: bytes
) -> None:
    texts = [*ODD, "größer 漢字", "3"]
    contents = {
        "txt": (texts, "text"),
        "tsv": ([f"{text}\t1" for text in texts], "text\tn"),
        "csv": ([f"{text},1" for text in texts], "text,n"),
        "jsonl": ([json.dumps({"text": text}, ensure_ascii=False) for text in texts], ""),
    }
    for kind, (lines, header) in contents.items():
        rows = [header, *lines] if kind in ("tsv", "csv") else lines
        content = ending.join(row.encode() for row in rows)
        path = write(tmp_path / f"a.{kind}{gz}", start + content + (last and ending))
        assert [record["text"] for record in read_table(path)] == texts


def test_values_keep_their_types_and_nulls(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"text": "a", "n": 1}, {"text": None, "n": None}]
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert read_table(write(tmp_path / "a.jsonl", lines)) == rows
    assert read_table(tmp_path / "a.parquet") == rows
    # Text files have no null: an empty cell is an empty text, and words are words.
    (row,) = read_table(write(tmp_path / "a.tsv", "text\tn\n\tnull\n"))
    assert row == {"text": "", "n": "null"}


CELLS = ['say "hi"', '"', '"all of it"', "a\tb", "a,b", "two\nlines", '"\n\n\t""', "", "plain"]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize(("kind", "delimiter"), [("tsv", "\t"), ("csv", ",")])
def test_exports_are_read_back(tmp_path: Path, kind: str, delimiter: str, quoting: int) -> None:
    rows = [["id", "text, all", "other"]]
    rows += [[str(i), *pair] for i, pair in enumerate(itertools.product(CELLS, repeat=2))]
    path = write(tmp_path / f"a.{kind}", exported(rows, delimiter=delimiter, quoting=quoting))
    assert [list(row.values()) for row in read_table(path)] == rows[1:]
    assert list(read_table(path)[0]) == rows[0]
    # Each record is at the line on which it begins.
    lines = [int(where.rpartition(" ")[2]) for _, where in open_records(path)]
    heights = [1 + sum(cell.count("\n") for cell in row) for row in rows]
    assert lines == [1 + sum(heights[:i]) for i in range(1, len(rows))]


@pytest.mark.parametrize(
    "cell",
    ['"', '"Well', 'Well"', '"Hello," he said', '"Hello."', '5" disk', '""', '""a""', 'a ""b"" c'],
)
def test_quotation_marks_in_files_without_quoting_are_text(tmp_path: Path, cell: str) -> None:
    text = f"id\ttext\tlast\n1\t{cell}\t\n2\t\t{cell}\n{cell}\tb\t{cell}\n"
    read = "" if cell == '""' else cell  # as pandas writes an empty cell that stands alone
    assert [list(row.values()) for row in read_table(write(tmp_path / "a.tsv", text))] == [
        ["1", read, ""],
        ["2", "", read],
        [read, "b", read],
    ]
    one = write(tmp_path / "b.tsv", f"text\n{cell}\nb\n")
    assert [row["text"] for row in read_table(one)] == [read, "b"]


def test_a_bad_row_after_a_lone_quotation_mark_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'id\ttext\n1\t"Well\n2\n3\tc\n')
    with pytest.raises(ValueError, match="line 3: 1 columns"):
        read_table(path)
    rows = read_table(path, skip_bad_lines=True)
    assert [row["text"] for row in rows] == ['"Well', "c"]


def test_blank_lines_hold_no_record_except_in_plain_text(tmp_path: Path) -> None:
    assert len(read_table(write(tmp_path / "a.tsv", "\na\tb\n\n1\t2\n\n\n3\t4\r\n\r\n"))) == 2
    assert len(read_table(write(tmp_path / "a.jsonl", '\n{"a": 1}\n \n\n{"a": 2}\n\n'))) == 2
    texts = [row["text"] for row in read_table(write(tmp_path / "a.txt", "a\n\nb\n"))]
    assert texts == ["a", "", "b"]


def test_columns_of_one_name_are_numbered(tmp_path: Path) -> None:
    row = {"id": "1", "a": "2", "id.1": "3", "id.2": "4"}
    assert read_table(write(tmp_path / "a.tsv", "id\ta\tid\tid\n1\t2\t3\t4\n")) == [row]
    table = pyarrow.table([[cell] for cell in row.values()], names=["id", "a", "id", "id"])
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet") == [row]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.doc", b"a", [".doc"]),
        ("a", b"a", ["ends in ''"]),
        *((name, b"", [name, "no records"]) for name in ("a.txt", "a.tsv", "a.csv", "a.jsonl")),
        ("a.tsv.gz", b"", ["no records"]),
        ("a.tsv", b"a\tb\n", ["no records"]),
        ("a.jsonl", BOM, ["no records"]),
        ("a.tsv", b"a\tb\n1\t2\n1\t2\t3\n", ["line 3", "3 columns", "2: a, b"]),
        ("a.csv", b'a,b\n1,2\n"1,2"\n', ["line 3", "1 columns"]),
        ("a.tsv", b"a\nd\xe9j\xe0\n", ["line 2", "UTF-8"]),
        ("a.tsv", b"d\xe9j\xe0\nb\n", ["line 1", "UTF-8"]),
        ("a.txt", "a\n".encode("utf-16"), ["line 1", "UTF-8"]),
        ("a.jsonl", b'{"a": 1}\n\n{"a"\n', ["line 3", "JSON"]),
        ("a.jsonl", b'{"a": 1}\n[1]\n', ["line 2", "object"]),
        ("a.jsonl", b'{"a": 1}\n{"a": "\xff"}\n', ["line 2", "UTF-8"]),
        ("a.parquet", b"PAR1 is not enough", ["a.parquet", "Parquet"]),
        ("a.parquet", b"", ["a.parquet", "Parquet"]),
    ],
)
def test_bad_files_are_named_with_their_line(
    tmp_path: Path, name: str, content: bytes, words: list[str]
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(ValueError, match="a") as caught:
        read_table(path)
    assert all(word in str(caught.value) for word in [str(path), *words])


@pytest.mark.parametrize("damage", ["plain", "cut", "flipped"])
@pytest.mark.parametrize("kind", ["txt", "tsv", "jsonl"])
def test_damaged_gzip_files_are_named(tmp_path: Path, damage: str, kind: str) -> None:
    content = b'{"a": "b"}\n' * 5000
    data = gzip.compress(content, mtime=0)
    broken = {"plain": content, "cut": data[:-9], "flipped": data[:-6] + b"\x00\x01" + data[-4:]}
    path = tmp_path / f"n.{kind}.gz"
    path.write_bytes(broken[damage])
    with pytest.raises(ValueError, match=r"n\..*gzip"):
        read_table(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").mkdir()
    for name in ("a.tsv", "b.tsv"):
        with pytest.raises(FileNotFoundError, match=name):
            read_table(tmp_path / name)


def test_bad_lines_are_skipped_only_if_asked_for_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "a.tsv", b"text\tn\none\t1\ntwo\nd\xe9\t3\nfour\t4\n")
    with pytest.raises(ValueError, match="line 3"):
        read_table(path)
    assert [row["text"] for row in read_table(path, skip_bad_lines=True)] == ["one", "four"]
    assert "2 of 4 records" in caplog.text and "line 3" in caplog.text
    lines = write(tmp_path / "a.jsonl", '{"text": "one"}\n{"n": 2}\n{"text": "three", "n": 3}\n')
    with pytest.raises(ValueError, match="line 2 has no column 'text'"):
        read_table(lines, ["text"])
    assert read_table(lines, ["text"], skip_bad_lines=True) == [{"text": "one"}, {"text": "three"}]
    with pytest.raises(ValueError, match="nothing"):
        read_table(lines, ["nothing"], skip_bad_lines=True)


@pytest.mark.parametrize("kind", [".txt", ".tsv", ".jsonl.gz", ".parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, kind: str) -> None:
    path, count = tmp_path / f"a{kind}", 10_000
    if kind == ".parquet":
        table = pyarrow.table({"text": ["a text of some length"] * count})
        parquet.write_table(table, path, row_group_size=1000)
    else:
        line = (
            '{"text": "a text of some length"}' if kind == ".jsonl.gz" else '"a text of some length'
        )
        write(path, "text\n" * (kind == ".tsv") + f"{line}\n" * count)
    next(iter(open_records(path)))  # imports pyarrow
    tracemalloc.start()
    assert sum(1 for _ in open_records(path)) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_records_are_not_parsed_before_they_are_used(tmp_path: Path) -> None:
    records = open_records(write(tmp_path / "a.jsonl", '{"text": "a"}\nbroken\n'))
    assert len([*records.raw()]) == 2
    assert next(iter(records)) == ({"text": "a"}, f"{tmp_path}/a.jsonl, line 1")
