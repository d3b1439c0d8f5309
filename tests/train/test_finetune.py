"""Fine-tuning on one's own pairs: what the held-out pairs say gets better, and bad files stop."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist.model.store import OBJECTIVE, Model, load_model
from pixel_linguist.render import Renderer
from pixel_linguist.train.finetune import (
    Pair,
    Settings,
    fine_tune,
    make_recipe,
    read_pairs,
    split,
    texts_of,
)
from tests.train.tiny import encoder

COLOURS = ["red", "green", "blue", "white", "black", "pink", "grey", "brown"]
THINGS = ["dog", "cup", "hat", "car", "tree", "door", "book", "lamp", "shoe", "bird"]


@pytest.fixture(scope="module")
def model() -> Model:
    """Return an untrained model with a head that is not kept."""
    made = encoder(width=32, mlp_width=64, heads=4, max_patches=16, dropout=0.0)
    renderer = Renderer(patch=8, max_patches=16)
    return Model(made, made.init(0), renderer.settings(), renderer.font_hashes(), "Untrained.")


def scored() -> list[Pair]:
    """Return pairs in which things count and colours do not."""
    rng = np.random.default_rng(0)
    pairs = []
    for number in range(240):
        a, b = rng.choice(THINGS, 2)
        b = a if rng.random() < 0.5 else b
        left, right = rng.choice(COLOURS, 2)
        # Numbers keep texts apart, as held-out ones share none with the others.
        pair = f"{left} {a} {number}", f"{right} {b} {number}"
        pairs.append(Pair(*pair, score=5.0 if a == b else 1.0))
    return pairs


@pytest.mark.slow
def test_scored_pairs_are_learned_and_the_best_is_left(tmp_path: Path, model: Model) -> None:
    settings = Settings(epochs=6, batch_size=32, peak=3e-3)
    tuned = fine_tune(model, scored(), settings, tmp_path)
    assert tuned.metric == "spearman" and len(tuned.scores) <= 1 + 6
    assert max(tuned.scores) > tuned.scores[0] + 0.1
    assert f"{tuned.scores[0]:.3f} before, {max(tuned.scores):.3f} after" in tuned.model.about
    # The head shapes no embedding here, and is not trained.
    assert tuned.model.encoder.config.head == "none" and "head" not in tuned.model.params
    assert model.encoder.config.head == "patches" and "head" in model.params
    assert load_model(tmp_path / "run" / "model").encoder == tuned.model.encoder
    assert not (tmp_path / "run" / "model" / OBJECTIVE).exists()


@pytest.mark.slow
def test_triplets_are_learned(model: Model) -> None:
    rows = [f"{colour} {thing}" for colour in COLOURS for thing in THINGS]
    pairs = [Pair(row, row.upper(), f"no {row}") for row in rows]
    tuned = fine_tune(model, pairs, Settings(epochs=8, batch_size=16, peak=3e-3, held_out=0.2))
    assert tuned.metric == "accuracy"
    assert max(tuned.scores) > tuned.scores[0]
    for kind in (pairs[0], Pair("a", "b")):
        objective = make_recipe(model, kind, 64, Settings()).stages.fine_tuning.objective
        assert objective.name == "info_nce" and objective.hard_negatives == bool(kind.negative)


@pytest.mark.slow
def test_it_stops_early_and_keeps_the_best(model: Model) -> None:
    # Nothing is learned at so low a rate.
    rng = np.random.default_rng(0)
    noise = [
        Pair(f"{i} {a}", f"{i} {b}", score=float(s))
        for i, (a, b, s) in enumerate(rng.integers(0, 99, (80, 3)))
    ]
    tuned = fine_tune(model, noise, Settings(epochs=50, batch_size=40, peak=1e-9, patience=2))
    # The first epoch is the best of its stage, and two more are waited for.
    assert len(tuned.scores) == 1 + 3
    kernel = tuned.model.params["embed"]["kernel"]
    np.testing.assert_array_equal(kernel, model.params["embed"]["kernel"])


def test_the_split_is_by_seed_and_loses_nothing() -> None:
    pairs = [Pair(f"a{i}", f"b{i}") for i in range(100)]
    kept, held = split(pairs, Settings(held_out=0.2))
    assert (len(kept), len(held)) == (80, 20) and {*kept, *held} == {*pairs}
    assert split(pairs, Settings(held_out=0.2, seed=1)) != (kept, held)
    with pytest.raises(ValueError, match="held out"):
        split(pairs[:10], Settings())


@pytest.mark.parametrize("seed", range(5))
def test_held_out_pairs_share_no_sentence_with_training(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Each text is in two or three pairs, as in NLI or STS.
    pairs = [
        Pair(f"{i // 2}", f"x{rng.integers(1000)}", f"n{i // 3}" if seed % 2 else None)
        for i in range(200)
    ]
    kept, held = split(pairs, Settings(held_out=0.1, seed=seed))
    known = {text for pair in kept for text in texts_of(pair)}
    assert known.isdisjoint(text for pair in held for text in texts_of(pair))
    assert len(kept) + len(held) == 200 and 2 <= len(held) <= 40


def test_sentences_that_connect_all_pairs_leave_nothing_to_hold_out() -> None:
    with pytest.raises(ValueError, match="held out"):
        # So many that each is looked at once alone.
        split([Pair("hub", str(i)) for i in range(20_000)], Settings())


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("sentence1\tother\na\tb\n", "sentence2"),
        ("text\nb\n", "sentence1"),
        ("sentence1\tsentence2\tscore\na\tb\tgood\n", "line 2.*good"),
        ("sentence1\tsentence2\tscore\na\tb\t1\na\tb\tnan\n", "line 3.*nan"),
        ("sentence1\tsentence2\tscore\na\tb\t2\na\tb\t2\n", "order"),
        ("sentence1\tsentence2\tscore\tnegative\na\tb\t2\tc\n", "both"),
        ("sentence1\tsentence2\n", "records"),
    ],
)
def test_bad_pairs_are_refused(tmp_path: Path, content: str, match: str) -> None:
    (tmp_path / "my.tsv").write_text(content)
    with pytest.raises(ValueError, match=match):
        read_pairs(tmp_path / "my.tsv")


def test_columns_may_be_named_as_anchors_and_positives(tmp_path: Path) -> None:
    (tmp_path / "my.tsv").write_text("anchor\tpositive\tnegative\na\tb\tc\n")
    assert read_pairs(tmp_path / "my.tsv") == [Pair("a", "b", "c")]
    with pytest.raises(FileNotFoundError, match="none"):
        read_pairs(tmp_path / "none.tsv")


@pytest.mark.parametrize(
    "change",
    [
        {"batch_size": 1}, {"epochs": 0}, {"peak": 0.0}, {"peak": float("nan")},
        {"held_out": float("nan")}, {"held_out": 1.0}, {"patience": -1}, {"seed": -1},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        Settings(**change)
