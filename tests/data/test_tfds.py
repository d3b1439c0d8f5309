"""TFDS data sets: a few rows of ours in the features of the real ones."""

import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import tensorflow_datasets as tfds
import tensorflow_datasets.text

from pixel_linguist.data.sources import make_source, source_folder
from pixel_linguist.files import folder_sha256

Rows = list[dict[str, Any]]
# The annotators disagreed on the label of x.
NLI = [("p", "e", 0), ("p", "n", 1), ("q", "x", -1), ("p", "c", 2), ("p", "é", 0)]
LABELLED = [dict(zip(("premise", "hypothesis", "label"), row, strict=True)) for row in NLI]
TRIPLES = [{"premise": "p", "entailment": text, "contradiction": "c"} for text in "eé"]
LANGUAGES = re.findall(r"\w+", "ar bg de el en es fr hi ru sw th tr ur vi zh")
XNLI = [
    {
        "premise": {code: f"p-{code}" for code in LANGUAGES},
        "hypothesis": {code: f"h{label}-{code}" for code in LANGUAGES},
        "label": label,
    }
    for label in range(3)
]
TED = [
    {"translations": {"en": "one", "de": "eins"}, "talk_name": "a"},
    {"translations": {"en": "two", "fr": "deux"}, "talk_name": "b"},
    {"translations": {"en": "three", "de": "drei", "fr": "trois"}, "talk_name": "c"},
]
STSB = {"sentence1": "a", "sentence2": "b", "label": 2.5}
# Name -> its rows, the source, the records of the source (None: the rows themselves).
REAL: dict[str, tuple[Rows, dict[str, Any], Rows | None]] = {
    "snli": (LABELLED, {"name": "tfds_nli_triples"}, TRIPLES),
    "multi_nli": (LABELLED, {"name": "tfds_nli_triples"}, TRIPLES),
    "xnli": (
        XNLI,
        {"name": "tfds_nli_triples", "language": "de"},
        [{"premise": "p-de", "entailment": "h0-de", "contradiction": "h2-de"}],
    ),
    "glue/stsb": ([STSB | {"idx": 0}], {"name": "tfds", "columns": [*STSB]}, [STSB]),
    "wikipedia/20230601.en": (
        [{"title": "A", "text": "déjà"}],
        {"name": "tfds", "columns": ["title", "text"]},
        None,
    ),
    "para_crawl/ende": ([{"en": "1", "de": "2"}], {"name": "tfds", "columns": ["en", "de"]}, None),
    "opus": ([{"en": "one", "de": "eins"}], {"name": "tfds", "columns": ["en", "de"]}, None),
    "ted_multi_translate": (
        TED,
        {"name": "tfds", "columns": ["translations/en", "translations/de"]},
        [
            {"translations/en": "one", "translations/de": "eins"},
            {"translations/en": "three", "translations/de": "drei"},
        ],
    ),
}


def prepare(name: str, rows: Rows, folder: Path) -> None:
    """Prepare a data set with these rows instead of those to download."""
    builder = tfds.builder(name, data_dir=folder, file_format="array_record")
    builder._split_generators = lambda *_: {"train": ((i, row) for i, row in enumerate(rows))}
    builder.download_and_prepare()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all data sets."""
    folder = tmp_path_factory.mktemp("tfds")
    for name, (rows, _, _) in REAL.items():
        prepare(name, rows, folder)
    return folder


@pytest.mark.parametrize("name", REAL)
def test_data_sets_are_read_by_their_own_features(prepared: Path, name: str) -> None:
    rows, spec, expected = REAL[name]
    source = make_source(prepared, spec | {"dataset": name, "split": "train"})
    copy = pickle.loads(pickle.dumps(source))
    # TFDS shuffles records when it prepares them.
    for found in (source, copy):
        assert sorted(map(str, (found[i] for i in range(len(found))))) == sorted(
            map(str, expected or rows)
        )


@pytest.mark.parametrize("name", ["tfds", "tfds_nli_triples"])
def test_the_folder_of_a_data_set_is_known_and_tells_when_it_changes(
    tmp_path: Path, name: str
) -> None:
    prepare("snli", LABELLED, tmp_path)
    folder = source_folder(tmp_path, {"name": name, "dataset": "snli", "split": "train"})
    assert folder is not None and folder.parent == tmp_path / "snli"
    hashed = folder_sha256(folder)
    (data,) = folder.glob("*.array_record*")
    content = data.read_bytes()
    data.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert folder_sha256(folder) != hashed


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"dataset": "snly"}, ValueError, "snly"),
        ({"split": "test"}, ValueError, "test"),
        ({"columns": ["txt"]}, ValueError, "txt"),
        ({"root": "elsewhere"}, FileNotFoundError, "not prepared in elsewhere"),
        ({"dataset": "xnli", "columns": ["premise/nl"]}, ValueError, "'nl'"),
        ({"dataset": "ted_multi_translate", "columns": ["translations/nl"]}, ValueError, "/nl"),
    ],
)
def test_mistakes_are_named(
    prepared: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    spec = {"name": "tfds", "dataset": "snli", "split": "train", "columns": ["premise"]} | changes
    with pytest.raises(error, match=message):
        make_source(spec.pop("root", prepared), spec)
