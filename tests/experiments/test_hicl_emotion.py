"""The benchmark of HICL's related posts: who is held out, what is found, what is scored."""

import argparse
import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmarks import hicl_emotion


def test_posts_are_held_out_and_no_post_is_related_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "posts" / "emotion"
    folder.mkdir(parents=True)
    rows = "".join(f"{i % 4}\tpost {i}\n" for i in range(21))
    for path, text in (
        (folder / "train.tsv.gz", f"label\ttext\n{rows}"),
        (folder.parent / "hashtags.tsv.gz", "hashtags\ttext\na\t#a Post 0!\nb\tother\nb\tother\n"),
    ):
        path.write_bytes(gzip.compress(text.encode()))
    (folder / "test.tsv").write_text("label\ttext\n1\tnew\n")
    options = argparse.Namespace(cache=tmp_path, data=tmp_path, seed=0)

    def embed(texts: list[str]) -> np.ndarray:
        # "other" is far from all posts, and the repeat of post 0 near.
        return np.array([[0.1, 1.0] if text == "other" else [1.0, 0.1] for text in texts])

    monkeypatch.setattr(hicl_emotion, "finder", lambda arm, options: embed)
    found = hicl_emotion.with_related(options)
    assert [row["text"] for row in found["dev"]] == ["post 0", "post 10", "post 20"]
    assert (len(found["train"]), len(found["test"])) == (18, 1)
    for arm in hicl_emotion.ARMS:
        assert [row[arm] for row in found["dev"]] == ["other", "#a Post 0!", "#a Post 0!"]
    monkeypatch.delattr(hicl_emotion, "finder")
    assert hicl_emotion.with_related(options) == found


def test_a_related_post_is_no_repeat() -> None:
    posts, database = ["See you soon"], ["see YOU soon! #bye @user", "see you", "far"]
    vectors = np.array([[1, 0.0], [0.9, 0.1], [0, 1]])
    assert hicl_emotion.related_posts(posts, vectors[:1], database, vectors) == ["see you"]
    assert hicl_emotion.related_posts(posts, vectors[:1], database[:1], vectors[:1]) == [""]


def test_macro_f1_counts_classes_that_are_never_predicted() -> None:
    posts = [{"label": label} for label in "0001"]
    found = hicl_emotion.scores(posts, np.zeros(4, int))
    assert found == pytest.approx({"f1": 2 * 0.75 / 1.75 / 4, "accuracy": 0.75})
