"""Fine-tuning on one's own pairs: what the held-out pairs say gets better, and bad files stop."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.main import main
from pixel_linguist.hub import as_transformer
from pixel_linguist.model.store import Model, save_model
from pixel_linguist.train.finetune import Pair, Settings, fine_tune, read_pairs, split

COLOURS = ["red", "green", "blue", "white", "black", "pink", "grey", "brown"]
THINGS = ["dog", "cup", "hat", "car", "tree", "door", "book", "lamp", "shoe", "bird"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_model: Callable[..., Model]) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, tiny_model(max_patches=16, depth=1, dropout=0.0))
    return folder


def graded() -> list[str]:
    """Return rows in which things count and colours do not."""
    rng = np.random.default_rng(0)
    rows = ["score\tsentence1\tsentence2"]
    for _ in range(240):
        a, b = rng.choice(THINGS, 2)
        b = a if rng.random() < 0.5 else b
        left, right = rng.choice(COLOURS, 2)
        rows.append(f"{5.0 if a == b else 1.0}\t{left} {a}\t{right} {b}")
    return rows


def test_the_command_learns_from_graded_pairs(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my.tsv").write_text("\n".join(graded()) + "\n")
    arguments = ["--init", str(model), "--pairs", str(tmp_path / "my.tsv"), "--peak", "3e-3"]
    main(
        [
            "train",
            *arguments,
            "--workdir",
            str(tmp_path / "run"),
            "--batch-size",
            "32",
            "--epochs",
            "6",
        ]
    )
    line = capsys.readouterr().out.splitlines()[-2]
    assert line.startswith("held-out spearman: ")
    scores = [float(word) for word in line.removeprefix("held-out spearman: ").split(", ")]
    assert max(scores) > scores[0] + 0.1
    # The model left is the best one, and is read like any other.
    pairs = read_pairs(tmp_path / "my.tsv")
    tuned = SentenceEncoder.load(tmp_path / "run" / "model")
    assert tuned.encode([pairs[0].first]).shape == (1, 32)
    assert f"held out {scores[0]:.3f} before, {max(scores):.3f} after" in tuned.model.about


@pytest.mark.slow
def test_pairs_and_triplets_are_contrasted(tmp_path: Path, model: Path) -> None:
    rows = [f"{colour} {thing}" for colour in COLOURS for thing in THINGS]
    pairs = [{"anchor": row, "positive": row.upper(), "negative": "no " + row} for row in rows]
    encoder = SentenceEncoder.load(model)
    for name, columns in (("pairs", ("anchor", "positive")), ("triplets", tuple(pairs[0]))):
        path = tmp_path / f"{name}.tsv"
        lines = ["\t".join(columns), *("\t".join(pair[c] for c in columns) for pair in pairs)]
        path.write_text("\n".join(lines) + "\n")
        tuned = encoder.fine_tune(path, epochs=1, batch_size=16, held_out=0.2)
        assert isinstance(tuned, SentenceEncoder)


def test_it_stops_early_and_keeps_the_best(model: Path) -> None:
    # Nothing is learned at so low a rate.
    rng = np.random.default_rng(0)
    noise = [Pair(f"{a}", f"{b}", score=float(s)) for a, b, s in rng.integers(0, 99, (80, 3))]
    encoder = SentenceEncoder.load(model)
    settings = Settings(epochs=50, batch_size=40, peak=1e-9, patience=2)
    tuned = fine_tune(as_transformer(encoder.model), noise, settings)
    assert len(tuned.scores) == 1 + 2
    np.testing.assert_array_equal(
        tuned.model.params["embed"]["kernel"], encoder.model.params["embed"]["kernel"]
    )


def test_the_split_is_by_seed_and_loses_nothing() -> None:
    pairs = [Pair(str(i), str(i)) for i in range(100)]
    kept, held = split(pairs, Settings(held_out=0.2))
    assert (len(kept), len(held)) == (80, 20) and {*kept, *held} == {*pairs}
    assert split(pairs, Settings(held_out=0.2)) == (kept, held)
    assert split(pairs, Settings(held_out=0.2, seed=1)) != (kept, held)
    with pytest.raises(ValueError, match="10 pairs, 1 of them held out, are too few"):
        split(pairs[:10], Settings())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sentence1\tother\na\tb\n", "line 2 has no column 'sentence2'; it has sentence1, other"),
        ("text\nb\n", "line 2 has no column 'sentence1'; it has text"),
        ("sentence1\tsentence2\tscore\na\tb\tgood\n", "line 2: the score 'good' is not a finite"),
        ("sentence1\tsentence2\tscore\na\tb\t1\na\tb\tnan\n", "line 3: the score 'nan'"),
        ("sentence1\tsentence2\tscore\na\tb\t2\na\tb\t2\n", "all scores are 2.0: .* no order"),
        ("sentence1\tsentence2\tscore\tnegative\na\tb\t2\tc\n", "both a score and a negative"),
        ("sentence1\tsentence2\n", "has no records"),
        ("sentence1\tsentence2\na\tb\n", "1 pairs, 0 of them held out, are too few"),
    ],
)
def test_bad_pairs_are_refused(tmp_path: Path, model: Path, content: str, message: str) -> None:
    (tmp_path / "my.tsv").write_text(content)
    with pytest.raises(SystemExit, match=message):
        main(["train", "--init", str(model), "--pairs", str(tmp_path / "my.tsv")])


def test_a_missing_file_or_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"no file .*none\.tsv"):
        main(["train", "--init", "x", "--pairs", str(tmp_path / "none.tsv")])
    (tmp_path / "my.tsv").write_text("sentence1\tsentence2\na\tb\n")
    with pytest.raises(SystemExit, match="no model 'x'"):
        main(["train", "--init", "x", "--pairs", str(tmp_path / "my.tsv")])
