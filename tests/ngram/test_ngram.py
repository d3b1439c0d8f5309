"""The shipped n-gram models: outputs as recorded, the parts of reading, and what they refuse."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.stats import spearmanr

from pixel_linguist import SentenceEncoder
from pixel_linguist.cli.main import main
from pixel_linguist.data.records import read_table
from pixel_linguist.model.store import load_model
from pixel_linguist.ngram import NgramConfig, NgramEmbedder, NgramEncoder, read_ngram
from pixel_linguist.ngram.hashing import hash_bags, hash_ngrams, mix
from pixel_linguist.ngram.ngram_table import PatchCache
from pixel_linguist.pretrained import SHIPPED, find_model
from pixel_linguist.render.patches import one_text_a_row, packed

MODELS = ("tiny", "tiny-multilingual")
# Recorded texts that they read whole.
SAME = {"tiny": 31, "tiny-multilingual": 27}
TEXTS = ["A man is playing a guitar.", "A dog runs through the snow.", "The stock market crashed."]


@pytest.fixture(scope="module")
def tiny() -> SentenceEncoder:
    return SentenceEncoder.load("tiny")


@pytest.mark.filterwarnings("ignore:.*texts were cut")
@pytest.mark.parametrize("name", MODELS)
def test_embeddings_are_those_recorded_with_the_transformer_around_the_table(name: str) -> None:
    stored = np.load(Path(__file__).parent / "embeddings.npz")
    found = SentenceEncoder.load(name).encode(stored["texts"].tolist())
    # Where the table has no row, 0 was recorded; where letters are unknown, the text's own share
    # was not there.
    known = stored[name].any(axis=1)
    cosines = np.sum(found * stored[name], axis=1)
    assert cosines[known].min() > 0.9999
    same = np.abs(found - stored[name]).max(axis=1) < 1e-5
    assert same[known].sum() >= SAME[name]
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_what_reading_leaves_out_of_the_weights_adds_nothing(name: str) -> None:
    folder = SHIPPED / name
    assert (folder / "weights.safetensors").stat().st_size < 12.5e6
    stored, read = load_file(folder / "weights.safetensors"), read_ngram(folder).params
    left = stored.keys() - read.keys()
    assert {key.partition("/")[0] for key in left} == {"blocks", "positions"}
    # The last products of a block's two residual branches, and what is added before the blocks.
    for key in left:
        if key.startswith(("blocks/attention/out/", "blocks/mlp_out/", "positions")):
            assert not stored[key].any(), key
    assert len(left) == 13


def test_ngrams_are_those_of_a_slow_loop() -> None:
    rng = np.random.default_rng(0)
    names = rng.integers(0, 4, (5, 7)).astype(np.uint32)
    ink, read = names > 0, rng.random((5, 7)) < 0.8
    found = hash_ngrams(names, ink, read, 3)
    for row in range(5):
        padded = [0, *map(int, names[row]), 0]
        is_read = [True, *read[row], True]
        for length, (hashes, exists) in enumerate(found, start=1):
            for start in range(len(padded) - length + 1):
                cells = padded[start : start + length]
                expected = all(is_read[start : start + length]) and any(cells)
                expected &= all(cells[1:-1])
                assert exists[row, start] == expected
                value = mix(np.array([cells[0] + 1], np.uint32))
                for cell in cells[1:]:
                    value = mix(value * np.uint32(0x9E3779B1) + np.uint32(cell))
                assert hashes[row, start] == value[0]


def test_a_bag_of_letters_ignores_the_order_of_inner_letters() -> None:
    words = np.array([[1, 2, 3, 4], [1, 3, 2, 4], [2, 1, 3, 4], [1, 2, 3, 0]], np.uint32)
    hashes, exists = hash_bags(words, words > 0, np.ones_like(words, np.bool_))
    assert hashes[0] == hashes[1] != hashes[2]
    assert exists[:, 0].tolist() == [True, True, True, False]


def test_a_full_cache_of_patches_gives_the_same(tiny: SentenceEncoder) -> None:
    texts = [f"{a} {b}" for a in TEXTS for b in TEXTS]
    model = tiny.model
    assert isinstance(model.config, NgramConfig)
    small = NgramEmbedder(model.config, model.params, tiny.renderer, 2, memory=5 * 4 * 256)
    plenty = tiny.embedder(64, None)
    assert isinstance(plenty, NgramEmbedder)
    np.testing.assert_allclose(small(texts), plenty(texts), atol=1e-6)
    asked, computed = plenty.encoder.cache.asked, plenty.encoder.cache.computed
    plenty(texts)
    assert plenty.encoder.cache.asked > asked and plenty.encoder.cache.computed == computed
    assert small.encoder.cache.computed > computed


def test_each_patch_is_computed_once() -> None:
    seen: list[int] = []

    def compute(patches: np.ndarray) -> np.ndarray:
        seen.extend(patches[:, 0, 0].tolist())
        return patches[:, 0, :1].astype(np.float32)

    cache = PatchCache(compute, 1, 1 << 10)
    patches = np.arange(6, dtype=np.uint8).reshape(6, 1, 1)
    for order in ([0, 1, 0, 2], [2, 1, 5], [5, 0]):
        np.testing.assert_array_equal(cache(patches[order])[:, 0], order)
    assert seen == [0, 1, 2, 5]


def test_misspelled_text_is_found(tiny: SentenceEncoder) -> None:
    queries = ["a mna plays teh guittar", "ѕtосk mаrkеt сrаѕh", "DOG RUNNING IN SN0W"]
    queries += [
        "4 m4n 15 pl4y1n6 7h3 6u17ar",
        "ａ ｍａｎ ｐｌａｙｉｎｇ ｇｕｉｔａｒ",
        "ȧ m̃án ĩš pláỹîñǵ gũíťâř",
    ]
    found = tiny.semantic_search(queries, TEXTS, k=1)
    assert found.rows[:, 0].tolist() == [0, 2, 1, 0, 0, 0]


@pytest.mark.parametrize("name", MODELS)
def test_a_text_of_unknown_letters_finds_itself(name: str) -> None:
    # Georgian, Tamil in two orders, Cherokee, Armenian among English, private use.
    unread = ["", "ქართული", "ქართულიი", "தமிழ் மொழி", "மொழி தமிழ்", "ᏣᎳᎩ", "a dog է", "a dog ը",
              "\ue000", "\ue001"]  # fmt: skip
    encoder = SentenceEncoder.load(name)
    corpus = ["a dog", *unread]
    vectors = encoder.encode(corpus)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(unread[::-1])[::-1], vectors[1:], atol=1e-6)
    cosines = vectors @ vectors.T - np.eye(len(corpus))
    assert cosines.max() < 0.99999


def test_translations_are_similar() -> None:
    encoder = SentenceEncoder.load("tiny-multilingual")
    german = ["Ein Mann spielt Gitarre.", "Ein Hund rennt durch den Schnee."]
    assert encoder.semantic_search(german, TEXTS, k=1).rows[:, 0].tolist() == [0, 1]


def test_it_agrees_with_people(tiny: SentenceEncoder, shared: Path) -> None:
    rows = read_table(shared / "data/sts/stsb/en/dev.tsv")[:400]
    first, second = (tiny.encode([r[f"sentence{i}"] for r in rows]) for i in (1, 2))
    scores = [float(row["score"]) for row in rows]
    assert spearmanr(np.sum(first * second, axis=1), scores).statistic > 0.75


def test_pictures_are_refused(tiny: SentenceEncoder) -> None:
    with pytest.raises(ValueError, match="n-gram"):
        tiny.encode_images([np.full((16, 128), 255, np.uint8)])


def test_training_and_export_are_refused(tiny: SentenceEncoder, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("sentence1\tsentence2\na\tb\n")
    with pytest.raises(ValueError, match="n-gram"):
        tiny.fine_tune(pairs)
    with pytest.raises(SystemExit, match="n-gram"):
        main(["train", "--init", "tiny", "--pairs", str(pairs), "--workdir", str(tmp_path / "run")])
    with pytest.raises(SystemExit, match="n-gram"):
        main(["export", "tiny", str(tmp_path / "exported")])
    with pytest.raises(ValueError, match="solved"):
        NgramEncoder(read_ngram(find_model("tiny")).config).init(0)
    with pytest.raises(ValueError, match="transformer"):
        load_model(find_model("tiny"))


def test_a_model_is_saved_as_it_is(tiny: SentenceEncoder, tmp_path: Path) -> None:
    tiny.save(tmp_path / "copy")
    copy = SentenceEncoder.load(tmp_path / "copy")
    np.testing.assert_array_equal(copy.encode(TEXTS), tiny.encode(TEXTS))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"longest": 0}, "longest"),
        ({"letters": 1.5}, "letters"),
        ({"cell_pixels": 48}, "cell_pixels"),
        ({"rows": 12}, "rows"),
        ({"codes": 7}, "codes"),
        ({"fine_codes": 7}, "fine_codes"),
    ],
)
def test_impossible_sizes_are_named(changes: dict[str, Any], word: str) -> None:
    config = read_ngram(find_model("tiny")).config
    with pytest.raises(ValueError, match=word):
        dataclasses.replace(config, **changes)


@pytest.mark.parametrize(
    ("change", "word"),
    [({"rows": 160}, "weights"), ({"rows": 12}, "rows"), ({"depth": 1}, "depth")],
)
def test_a_folder_with_a_wrong_config_is_refused(
    tmp_path: Path, change: dict[str, int], word: str
) -> None:
    folder = shutil.copytree(find_model("tiny"), tmp_path / "model")
    stored = json.loads((folder / "config.json").read_text())
    stored["model"] |= change
    (folder / "config.json").write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=word):
        SentenceEncoder.load(folder)


def test_packed_texts_are_encoded_apart(tiny: SentenceEncoder) -> None:
    model = tiny.model
    assert isinstance(model.config, NgramConfig)
    drawn = tiny.renderer(TEXTS[:2], length=48)
    encoder = NgramEncoder(model.config)
    alone = encoder.encode(model.params, one_text_a_row(drawn.patches, drawn.count))["embedding"]
    first, second = (p[:n] for p, n in zip(drawn.patches, drawn.count, strict=True))
    pixels, count = np.concatenate([first, second])[None], drawn.count[None]
    rows = packed(pixels, count, np.zeros((1, 2), np.int32))
    outputs = ("embedding", "patch_features")
    together = encoder.encode(model.params, rows, outputs=outputs)
    np.testing.assert_allclose(together["embedding"][0], alone[:, 0], atol=1e-6)
    mean = together["patch_features"][0, : count[0, 0]].mean(axis=0)
    np.testing.assert_allclose(mean, alone[0, 0], atol=1e-5)
    with pytest.raises(ValueError, match="logits"):
        encoder.encode(model.params, rows, outputs=("logits",))
