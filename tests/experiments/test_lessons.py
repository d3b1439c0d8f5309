"""What a teacher is asked beside sentences: captions made of others' parts, and names."""

import random
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.shipped.annotations import paired_names, read_names
from experiments.shipped.captions import (
    Caption,
    make_captions,
    participle,
    passive,
    phrase,
    take_apart,
)
from experiments.shipped.cedict import most_common, paired_words
from experiments.shipped.graded import PAIRS, apply, discord, fit, grade_all
from experiments.shipped.join import join_all
from experiments.shipped.student import read
from experiments.shipped.teach import mean_direction, write

TEXTS = [
    "A man is playing a guitar on the stage.",
    "Two dogs are running.",
    "Some women are slicing an onion in a kitchen",
    "The stock fell by a tenth.",
    "A man is playing a guitar on the stage",
]


def test_captions_come_apart() -> None:
    assert take_apart(TEXTS) == [
        Caption("A man", "is", "playing", " a guitar", " on the stage"),
        Caption("Two dogs", "are", "running", "", ""),
        Caption("Some women", "are", "slicing", " an onion", " in a kitchen"),
    ]


def test_a_caption_is_said_and_denied_in_several_ways() -> None:
    guitar, dogs, _ = take_apart(TEXTS)
    said = {phrase(guitar, random.Random(seed)) for seed in range(200)}
    assert said == {
        "A man is playing a guitar on the stage",
        "The man is playing a guitar on the stage",
        "There is a man playing a guitar on the stage",
        "A guitar is being played by a man on the stage",
        "A man is not playing a guitar on the stage",
        "There is no man playing a guitar on the stage",
        "Nobody is playing a guitar on the stage",
        "No man is playing a guitar on the stage",
    }
    # What has no object is not said of it.
    assert passive(dogs) is None
    assert None in {phrase(dogs, random.Random(seed)) for seed in range(200)}


@pytest.mark.parametrize(
    ("doing", "done"),
    [("playing", "played"), ("eating", "eaten"), ("carrying", "carried"), ("slicing", "sliced")],
)
def test_participles(doing: str, done: str) -> None:
    assert participle(doing) == done


def test_captions_are_new_mixtures_and_the_same_each_time() -> None:
    people = ("A man", "A woman", "A boy", "The girl", "A cook", "A child", "An actor", "A dog")
    acts = ("playing a flute", "eating a cake", "cutting some bread", "reading a book")
    places = ("in a park", "on the roof", "at a table", "near the sea")
    texts = [
        f"{who} is {act} {places[number % 4]}"
        for number, who in enumerate(people)
        for act in acts[number % 2 :: 2]
    ]
    made = make_captions(texts, 25, seed=0)
    assert len(set(made)) == 25
    assert make_captions(texts, 25, seed=0) == made != make_captions(texts, 25, seed=1)
    assert sum(text not in texts for text in made) > 15
    words = {word.lower() for text in texts for word in text.split()}
    strange = {word.lower() for text in made for word in text.split()} - words
    assert strange <= {"not", "no", "nobody", "there", "being", "by", "played", "eaten", "cut"} | {
        "read",
        "the",
        "are",
    }
    with pytest.raises(ValueError, match="3 captions are too few to make 10 others of"):
        make_captions(TEXTS, 10, seed=0)


def write_names(folder: Path, language: str, note: str, thoughts: str, country: str) -> None:
    for part, content in (
        (
            "annotations",
            f'<annotations><annotation cp="x">{thoughts}</annotation>'
            f'<annotation cp="x" type="tts">{note}</annotation></annotations>',
        ),
        (
            "main",
            "<localeDisplayNames><territories>"
            f'<territory type="DE">{country}</territory>'
            '<territory type="DE" alt="short">D</territory>'
            "</territories></localeDisplayNames>",
        ),
    ):
        (folder / part).mkdir(exist_ok=True)
        (folder / part / f"{language}.xml").write_text(f"<ldml>{content}</ldml>")


def test_names_are_paired_with_english_ones(tmp_path: Path) -> None:
    write_names(tmp_path, "en", "red apple", "apple | fruit | red", "Germany")
    write_names(tmp_path, "fr", "pomme rouge", "fruit | pomme", "↑↑↑")
    write_names(tmp_path, "de", "roter Apfel", "Apfel | Obst | rot", "Deutschland")
    assert paired_names(tmp_path, "de") == [
        ("apple, fruit, red", "Apfel, Obst, rot"),
        ("red apple", "roter Apfel"),
        ("Germany", "Deutschland"),
    ]
    # French says no more of a name than its parent, or nothing.
    assert ("country", "DE") not in read_names(tmp_path, "fr")
    assert len(paired_names(tmp_path, "fr")) == 2
    with pytest.raises(
        FileNotFoundError, match=r"no .*it.xml; `apt-get install unicode-cldr-core`"
    ):
        paired_names(tmp_path, "it")


def test_chinese_words_are_paired_with_their_meanings() -> None:
    lines = [
        "# CC-CEDICT",
        "貓 猫 [mao1] /cat/CL:隻|只[zhi1]/",
        "殺 杀 [sha1] /to kill; to murder/to attack (an enemy)/to smart (dialect)/",
        "殺 杀 [sha4] /to kill/",
        "五河 五河 [Wu3 he2] /Wuhe county/",
        "殸 殸 [qing4] /variant of 磬[qing4]/",
        "什麼 什么 [shen2 me5] /what?/",
    ]
    pairs = paired_words(lines)
    assert pairs == [("cat", "猫"), ("to kill, to murder, to attack", "杀"), ("what?", "什么")]
    # "To kill" is as rare as "kill".
    counts = {"to": 90, "kill": 2, "cat": 3, "murder": 1, "what": 5}
    assert most_common(pairs, counts, 2) == [pairs[2], pairs[0]]
    assert most_common(pairs, counts, 9) == [pairs[2], pairs[0], pairs[1]]


def test_translations_point_one_way() -> None:
    vectors = {"one": [3.0, 0.0], "eins": [0.0, 0.5], "two": [0.0, 2.0], "zwei": [0.0, 1.0]}
    found = mean_direction(
        lambda texts: np.array([vectors[text] for text in texts]),
        [["one", "two"], ["eins", "zwei"]],
    )
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.0, 1.0]])


def test_two_teachers_are_joined(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texts = [f"text {number}" for number in range(50)]
    first, second = rng.normal(size=(50, 8)), rng.normal(size=(50, 3))
    for folder, vectors in (("first", first), ("second", second)):
        (tmp_path / folder).mkdir()
        for name in ("stsb", "words"):
            write(tmp_path / folder / f"{name}.parquet", texts, vectors)
    join_all(tmp_path / "first", tmp_path / "second", tmp_path / "both")
    found, vectors = read(tmp_path / "both" / "words.parquet")
    assert found == texts
    assert vectors.shape == (50, 8)
    # Of eleven numbers three are lost, those that vary least: cosines are nearly what they were.
    parts = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (first, second)]
    wanted = parts[0] @ parts[0].T + parts[1] @ parts[1].T / 4
    products = vectors @ vectors.T
    assert np.square(products - wanted).sum() < 0.1 * np.square(wanted).sum()
    write(tmp_path / "second" / "words.parquet", texts[::-1], second)
    with pytest.raises(ValueError, match=r"words.parquet have other texts"):
        join_all(tmp_path / "first", tmp_path / "second", tmp_path / "both")


UNCHANGED = {"origin": jnp.zeros(8), "change": jnp.zeros((8, 8))}


def graded_pairs(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs [N, 2, 8] and scores [N] that follow the first half of their numbers."""
    pairs = np.random.default_rng(seed).normal(size=(number, 2, 8)).astype(np.float32)
    first, second = pairs[:, 0, :4], pairs[:, 1, :4]
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return pairs, np.sum(first * second, axis=1) / lengths


def test_discord_is_one_less_the_correlation_of_cosines_and_scores() -> None:
    pairs, scores = graded_pairs(50, seed=0)
    given = jnp.asarray(pairs), jnp.asarray(scores)
    lengths = np.linalg.norm(pairs, axis=2)
    cosines = np.sum(pairs[:, 0] * pairs[:, 1], axis=1) / lengths[:, 0] / lengths[:, 1]
    np.testing.assert_allclose(
        discord(UNCHANGED, *given), 1 - np.corrcoef(cosines, scores)[0, 1], atol=1e-5
    )
    half = UNCHANGED | {"change": jnp.diag(jnp.array([0.0] * 4 + [-1.0] * 4))}
    np.testing.assert_allclose(discord(half, *given), 0, atol=1e-5)
    np.testing.assert_array_equal(apply(half, given[0])[..., 4:], 0)


def test_a_map_learns_what_scores_follow() -> None:
    weights = fit(*graded_pairs(20_000, seed=0), seed=0)
    pairs, scores = graded_pairs(2_000, seed=1)
    fresh = jnp.asarray(pairs), jnp.asarray(scores)
    assert discord(weights, *fresh) < 0.6 * discord(UNCHANGED, *fresh)


def test_every_file_of_a_teacher_is_graded(tmp_path: Path) -> None:
    pairs, scores = graded_pairs(600, seed=0)
    texts = [f"text {number}" for number in range(1200)]
    rows = [f"{s}\t{a}\t{b}" for s, a, b in zip(scores, texts[::2], texts[1::2], strict=True)]
    (tmp_path / PAIRS).parent.mkdir(parents=True)
    (tmp_path / PAIRS).write_text("\n".join(["score\tsentence1\tsentence2", *rows]) + "\n")
    (tmp_path / "teacher").mkdir()
    write(tmp_path / "teacher/stsb.parquet", texts, pairs.reshape(-1, 8))
    write(tmp_path / "teacher/words.parquet", texts[:3], pairs.reshape(-1, 8)[:3])
    grade_all(tmp_path / "teacher", tmp_path, tmp_path / "graded")
    every, vectors = read(tmp_path / "graded/stsb.parquet")
    few, words = read(tmp_path / "graded/words.parquet")
    assert (every, few) == (texts, texts[:3])
    np.testing.assert_array_equal(words, vectors[:3])
    write(tmp_path / "teacher/stsb.parquet", texts[::-1], pairs.reshape(-1, 8))
    with pytest.raises(ValueError, match=r"stsb.parquet has other sentences than .*train.tsv"):
        grade_all(tmp_path / "teacher", tmp_path, tmp_path / "again")
    assert not (tmp_path / "again").exists()
