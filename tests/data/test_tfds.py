"""TFDS data sets: tiny ones of our own, and the real ones with their own features."""

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds
import tensorflow_datasets.text

from pixel_linguist.data.sources import make_source, source_folder
from pixel_linguist.files import folder_sha256


def records(root: Path, **spec: Any) -> list[dict[str, Any]]:
    source = make_source(root, spec)
    return [source[i] for i in range(len(source))]


class TinyPairs(tfds.core.GeneratorBasedBuilder):
    """A TFDS data set of five records that needs neither TensorFlow nor a download."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> Any:
        features = {"text": tfds.features.Text(), "score": np.float32, "label": np.int64}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager: Any) -> Any:
        del dl_manager
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Any:
        for i in range(5):
            yield i, {"text": f"déjà {i}", "score": i / 2, "label": i}


class TinyNli(TinyPairs):
    """Rows as in snli: labels in the order of NLI's three, -1 where annotators disagreed."""

    ROWS = (("p", "e1", 0), ("p", "n", 1), ("q", "x", -1), ("p", "c", 2), ("p", "e2", 0))

    def _info(self) -> Any:
        features = {"premise": tfds.features.Text(), "hypothesis": tfds.features.Text()}
        features["label"] = tfds.features.ClassLabel(num_classes=3)
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _generate_examples(self) -> Any:
        for i, row in enumerate(self.ROWS):
            yield i, dict(zip(("premise", "hypothesis", "label"), row, strict=True))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tfds")
    tfds.disable_progress_bar()
    for builder in (TinyPairs, TinyNli):
        builder(data_dir=folder, file_format="array_record").download_and_prepare()
    return folder


def test_tfds_gives_the_columns_with_bytes_as_text(prepared: Path) -> None:
    spec = {"name": "tfds", "dataset": "tiny_pairs", "split": "train", "columns": ["text", "score"]}
    source = make_source(prepared, spec)
    found = sorted((source[i] for i in range(len(source))), key=lambda record: record["score"])
    assert found == [{"text": f"déjà {i}", "score": i / 2} for i in range(5)]
    copy = pickle.loads(pickle.dumps(source))
    assert [copy[i] for i in range(5)] == [source[i] for i in range(5)]


def test_triples_of_a_tfds_data_set_leave_out_what_has_no_label(prepared: Path) -> None:
    found = records(prepared, name="tfds_nli_triples", dataset="tiny_nli", split="train")
    triples = {(r["premise"], r["entailment"], r["contradiction"]) for r in found}
    assert triples == {("p", "e1", "c"), ("p", "e2", "c")}


@pytest.mark.parametrize("name", ["tfds", "tfds_nli_triples"])
def test_the_folder_of_a_data_set_is_known_and_tells_when_it_changes(
    tmp_path: Path, name: str
) -> None:
    TinyNli(data_dir=tmp_path, file_format="array_record").download_and_prepare()
    folder = source_folder(tmp_path, {"name": name, "dataset": "tiny_nli", "split": "train"})
    assert folder == tmp_path / "tiny_nli" / "1.0.0"
    hashed = folder_sha256(folder)
    (data,) = folder.glob("*.array_record*")
    content = data.read_bytes()
    data.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert folder_sha256(folder) != hashed


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"dataset": "tiny_pears"}, ValueError, "tiny_pears"),
        ({"split": "test"}, ValueError, "test"),
        ({"columns": ["txt"]}, ValueError, "txt"),
        ({"root": "elsewhere"}, FileNotFoundError, "not prepared in elsewhere"),
    ],
)
def test_tfds_mistakes_are_named(
    prepared: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    spec: dict[str, Any] = {"name": "tfds", "dataset": "tiny_pairs", "split": "train"}
    spec |= {"columns": ["text"], "root": prepared} | changes
    with pytest.raises(error, match=message):
        make_source(spec.pop("root"), spec)


# A few rows of each real data set, in its own features.
LABELLED = [{"premise": "p", "hypothesis": text, "label": i} for i, text in enumerate("enc")]
TRIPLES = [{"premise": "p", "entailment": "e", "contradiction": "c"}]
XNLI_LANGUAGES = re.findall(r"\w+", "ar bg de el en es fr hi ru sw th tr ur vi zh")
XNLI = [
    {
        "premise": {code: f"p-{code}" for code in XNLI_LANGUAGES},
        "hypothesis": {code: f"h{label}-{code}" for code in XNLI_LANGUAGES},
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
Rows = list[dict[str, Any]]
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
        {"name": "tfds", "columns": ["text", "title"]},
        None,
    ),
    "para_crawl/ende": (
        [{"en": "one", "de": "eins"}],
        {"name": "tfds", "columns": ["en", "de"]},
        None,
    ),
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


def prepare(name: str, rows: list[dict[str, Any]], folder: Path) -> None:
    """Prepare a real data set, with rows of ours in place of those to download."""
    builder = tfds.builder(name, data_dir=folder, file_format="array_record")
    builder._split_generators = lambda *_: {"train": ((i, row) for i, row in enumerate(rows))}
    builder.download_and_prepare()


@pytest.mark.parametrize("name", REAL)
def test_real_data_sets_are_read_by_their_own_features(tmp_path: Path, name: str) -> None:
    rows, spec, expected = REAL[name]
    prepare(name, rows, tmp_path)
    found = records(tmp_path, dataset=name, split="train", **spec)
    assert all(record in found for record in expected or rows)
    assert len(found) == len(expected or rows)


def test_languages_that_are_not_there_are_named(tmp_path: Path) -> None:
    prepare("xnli", XNLI, tmp_path)
    prepare("ted_multi_translate", TED, tmp_path)
    with pytest.raises(ValueError, match="'nl'"):
        records(tmp_path, name="tfds", dataset="xnli", split="train", columns=["premise/nl"])
    spec = {"name": "tfds", "dataset": "ted_multi_translate", "split": "train"}
    with pytest.raises(ValueError, match="translations/nl"):
        records(tmp_path, columns=["translations/en", "translations/nl"], **spec)
