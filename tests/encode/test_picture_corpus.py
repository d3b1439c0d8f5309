"""Folders of pictures and PDFs to shards and to hits: paths kept, damage told, work resumed."""

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.main import main
from pixel_linguist.encode.corpus import encode_corpus
from pixel_linguist.encode.picture_corpus import Pages
from pixel_linguist.encode.shards import Shards, read_columns, read_shards
from pixel_linguist.model.store import Model, save_model
from pixel_linguist.render.page_pictures import Margins, draw_page
from pixel_linguist.word_embedder import draw_lines, line_renderer
from tests.encode.test_shards import job

Out = pytest.CaptureFixture[str]
# Path, lines, and whether the picture is light on dark.
DRAWN = {
    "b/long.webp": (["one two three four five", "six seven eight nine ten"], False),
    "b/night.bmp": (["a dog sleeps"], True),
    "cat.PNG": (["a cat sat", "on the mat"], False),
    "stocks.tif": (["stocks fell"], False),
}
PATHS = ["b/blank.gif", "b/long.webp", "b/night.bmp", "cat.PNG", "damaged.jpg", "stocks.tif"]
WORDS = [0, 10, 3, 6, None, 2]


def draw(lines: list[str], size: int = 24) -> Image.Image:
    return Image.fromarray(draw_page(lines, "noto", size, 1.4, Margins(20, 20, 20, 20)))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, reading_model: Model) -> str:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, reading_model)
    return str(folder)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "b").mkdir()
    for path, (lines, dark) in DRAWN.items():
        picture = draw(lines)
        picture = picture.point(lambda level: 255 - level) if dark else picture
        picture.save(folder / path, lossless=True)
    Image.new("L", (90, 40), 255).save(folder / "b/blank.gif")
    (folder / "damaged.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "notes.txt").write_text("not a picture")
    (folder / "._cat.png").write_bytes(b"hidden")
    return folder


def search(
    capsys: Out, monkeypatch: pytest.MonkeyPatch, *arguments: object, queries: str = ""
) -> list[str]:
    monkeypatch.setattr("sys.stdin", io.StringIO(queries))
    capsys.readouterr()
    main(["search", *map(str, arguments)])
    return capsys.readouterr().out.splitlines()


def test_shards_hold_paths_words_and_the_vectors_of_encode_images(
    tmp_path: Path, model: str, pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert encode_corpus(job(model, pictures, tmp_path, shard_size=4)) == 6
    columns = read_columns(tmp_path, ["path", "page", "words"])
    assert columns == {"path": PATHS, "page": [None] * 6, "words": WORDS}
    encoder = SentenceEncoder.load(model)
    with pytest.warns(UserWarning, match="words"):
        expected = encoder.encode_images([pictures / path for path in DRAWN])
    vectors = read_shards(tmp_path)
    np.testing.assert_allclose(vectors[[1, 2, 3, 5]], expected, atol=1e-5)
    np.testing.assert_allclose(vectors[[0, 4]], encoder.encode(["", ""]), atol=1e-5)
    for told in ("damaged.jpg cannot", "blank.gif shows", "1 damaged", "1 without", "1 with more"):
        assert told in caplog.text


def test_interrupted_and_resumed_the_bytes_are_the_same(
    tmp_path: Path, model: str, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    encode_corpus(job(model, pictures, whole, shard_size=2))
    write = Shards.write

    def interrupted(self: Shards, number: int, *content: Any) -> None:
        if number == 1:
            raise KeyboardInterrupt
        write(self, number, *content)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Shards, "write", interrupted)
        encode_corpus(job(model, pictures, parts, shard_size=2))
    assert [path.name for path in parts.glob("*.parquet")] == ["00000.parquet"]
    assert encode_corpus(job(model, pictures, parts, shard_size=2)) == 4
    for path in whole.iterdir():
        assert path.read_bytes() == (parts / path.name).read_bytes()


def test_pictures_are_found_by_text_and_by_picture(
    tmp_path: Path,
    model: str,
    pictures: Path,
    reading_model: Model,
    capsys: Out,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, vectors = tmp_path / "in", tmp_path / "vectors"
    shutil.copytree(pictures, source)
    # A text is its picture: drawn by the model's own renderer, its similarity is 1.
    renderer = line_renderer(SentenceEncoder(reading_model).renderer)
    for text in ("a red bus", "no news"):
        line = np.pad(255 - next(draw_lines(renderer, [text])), 20, constant_values=255)
        Image.fromarray(line).save(source / f"{text}.png")
    encode_corpus(job(model, source, vectors, batch_size=64))
    for extra in ([], ["--vectors", vectors]):
        arguments = (source, "--model", model, *extra)
        found = search(capsys, monkeypatch, *arguments, "-k", 9, queries="a red bus\nno news\n")
        # Neither damaged pictures nor those without text are found.
        assert found[0] == "a red bus" and found[7] == "no news" and len(found) == 14
        assert found[1] == f"   1  1.000  {source / 'a red bus.png'}"
        assert found[8] == f"   1  1.000  {source / 'no news.png'}"
        query = pictures / "cat.PNG"
        found = search(capsys, monkeypatch, *arguments, "-k", 1, "--picture", query)
        assert found == [str(query), f"   1  1.000  {source / 'cat.PNG'}"]
    texts = tmp_path / "texts.txt"
    texts.write_text("stocks fell\nno news\n")
    found = search(
        capsys, monkeypatch, texts, "--model", model, "--picture", source / "no news.png"
    )
    assert found[1] == "   1  1.000  no news"
    # Another picture under the same name.
    draw(["other"]).save(source / "no news.png")
    with pytest.raises(SystemExit, match="other pictures"):
        main(["search", str(source), "--model", model, "--vectors", str(vectors)])


def test_bad_requests_are_refused_before_the_work(
    tmp_path: Path, model: str, pictures: Path, tiny_model: Callable[..., Model]
) -> None:
    lines = tmp_path / "lines"
    save_model(lines, tiny_model(max_patches=8, depth=1))
    records = tmp_path / "texts.txt"
    records.write_text("one\n")
    for arguments, word in (
        (["encode", pictures, tmp_path / "out", "--model", lines], "lines cannot read"),
        (["search", pictures, "--model", lines], "lines cannot read"),
        (["search", records, "--picture", pictures / "cat.PNG", "--model", lines], "lines cannot"),
        (["search", records, "--picture", pictures / "damaged.jpg", "--model", model], "damaged"),
        (["search", records, "--picture", pictures / "b/blank.gif", "--model", model], "no text"),
        (["encode", tmp_path, tmp_path / "out", "--model", model], "no pictures"),
        (["encode", tmp_path / "no.pdf", tmp_path / "out", "--model", model], "no file"),
    ):
        with pytest.raises(SystemExit, match=word):
            main([*map(str, arguments)])
    assert not (tmp_path / "out").exists()


def test_pages_of_a_pdf_are_encoded_and_found(
    tmp_path: Path, model: str, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pypdfium2", reason="no pypdfium2: pip install '.[pdf]'")
    source, out = tmp_path / "a.pdf", tmp_path / "out"
    pages = [draw(["a cat sat", "on the mat"], 40), Image.new("L", (400, 300), 255)]
    pages.append(draw(["stocks fell"], 40))
    pages[0].save(source, save_all=True, append_images=pages[1:], resolution=144)
    assert encode_corpus(job(model, source, out, shard_size=2)) == 3
    columns = read_columns(out, ["path", "page", "words"])
    assert columns == {"path": ["a.pdf"] * 3, "page": [1, 2, 3], "words": [6, 0, 2]}
    pdf = Pages(source)
    drawn: Any = pdf.open(pdf.pages[2])
    drawn.save(tmp_path / "query.png")
    found = search(
        capsys,
        monkeypatch,
        *(source, "--model", model, "--vectors", out, "--picture", tmp_path / "query.png"),
    )
    assert len(found) == 3 and found[1] == f"   1  1.000  {source}, page 3"
    source.write_bytes(b"%PDF-1.4 and no more")
    with pytest.raises(ValueError, match="damaged"):
        Pages(source)


def test_a_pdf_needs_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    (tmp_path / "a.pdf").write_bytes(b"")
    with pytest.raises(ModuleNotFoundError, match=r"pixel-linguist\[pdf\]"):
        Pages(tmp_path / "a.pdf")
