"""The input pipeline: the same batches whoever makes them, and exact resumption."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grain
import jax
import numpy as np
import pytest

from pixel_linguist.data.draw import Draw
from pixel_linguist.data.loader import (
    bucket_lengths,
    make_batches,
    make_examples,
    preview,
    text_id,
)

pytestmark = pytest.mark.usefixtures("parsed_flags")
Stage = Callable[..., dict[str, Any]]

RECORDS = 40
VIEWS = ("anchor", "positive")
PERTURB = {"delete_characters": {"rate": 0.3}, "shuffle_words": {"rate": 0.5}}
COLUMNS = {
    "name": "columns",
    "anchor": "a",
    "positive": "b",
    "negative": None,
    "alternatives": False,
}


@dataclasses.dataclass(frozen=True)
class Bytes:
    """A stand-in for the renderer: a patch is a character's code."""

    def __call__(self, texts: Sequence[str], length: int, *, seeds: Sequence[int]) -> Any:
        patches = np.zeros((len(texts), length, 1, 2), np.uint8)
        for row, text in zip(patches, texts, strict=True):
            codes = np.array([ord(letter) for letter in text[:length]], np.uint16)
            row[: len(codes), 0] = codes[:, None] >> np.array([8, 0])
        counts = np.array([max(min(len(text), length), 1) for text in texts], np.int32)
        cut = sum(len(text) > length for text in texts)
        return SimpleNamespace(patches=patches, count=counts, stats=SimpleNamespace(cut=cut))

    def count_patches(self, texts: Sequence[str], *, seeds: Sequence[int]) -> np.ndarray:
        return np.array([max(len(text), 1) for text in texts])

    @property
    def renderer(self) -> Any:
        raise NotImplementedError

    def glyph_runs(self, *arguments: Any, **keywords: Any) -> Any:
        raise NotImplementedError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rows = [
        f"anchor {i} of many words\tpositive {i}\t{'wrong' if i % 2 else ''}" for i in range(40)
    ]
    (tmp_path / "data.tsv").write_text("\n".join(["a\tb\tc", *rows]))
    (tmp_path / "few.tsv").write_text("a\tb\nx y\tz\nu v\tw\n")
    return tmp_path


def batches(
    examples: Any, *, workers: int = 0, batch_size: int = 8, negative: bool = False, **options: Any
) -> Any:
    views = ("anchor", "positive", "negative") if negative else ("anchor", "positive")
    settings = {"batch_size": batch_size, "length": 20, "workers": workers, "seed": 0} | options
    return make_batches(examples, Draw(Bytes(), views), **settings)


def take(dataset: Any, count: int) -> list[Any]:
    iterator = iter(dataset)
    found = list(itertools.islice(iterator, count))
    iterator.close()
    return found


def assert_same(a: Any, b: Any) -> None:
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_a_batch_holds_what_its_examples_say(root: Path, stage: Stage) -> None:
    pairs = COLUMNS | {"negative": "c"}
    part = {"source": {"name": "tsv", "path": "data.tsv"}, "pairs": pairs, "weight": 1.0}
    examples = make_examples(root, stage(data={"all": part}, perturb=PERTURB), seed=3)
    batch = take(batches(examples, negative=True, length=16), 2)[1]
    shown = list(preview(examples, 16))[8:]
    assert any(clean[:3] != perturbed[:3] for clean, perturbed in shown)
    cut = 0
    for view in ("anchor", "positive", "negative"):
        texts = [getattr(perturbed, view) for _, perturbed in shown]
        rendered = Bytes()(texts, length=16, seeds=[p.style(view) for _, p in shown])
        assert_same(batch[view], {"patches": rendered.patches, "count": rendered.count})
        cut += rendered.stats.cut
        ids = [text_id(getattr(clean, view)) for clean, _ in shown]
        assert batch["text_id"][view].tolist() == ids and batch["text_id"][view].dtype == np.int32
    assert batch["cut"] == cut > 0
    assert batch["has_negative"].tolist() == [clean.negative == "wrong" for clean, _ in shown]
    assert batch["group"].tolist() == [-1] * 8 and batch["group"].dtype == np.int32
    assert "has_negative" not in take(batches(examples), 1)[0]


def test_views_are_perturbed_independently(root: Path, stage: Stage) -> None:
    part = {"source": {"name": "tsv", "path": "data.tsv"}, "weight": 1.0}
    part["pairs"] = {"name": "identity", "text": "a"}
    perturb = {"delete_characters": {"rate": 0.5}}
    shown = list(preview(make_examples(root, stage(data={"x": part}, perturb=perturb), seed=0), 40))
    assert all(clean.anchor == clean.positive for clean, _ in shown)
    assert all(perturbed.anchor != perturbed.positive for _, perturbed in shown)


def test_batches_are_the_same_for_threads_and_for_any_number_of_processes(
    root: Path, stage: Stage
) -> None:
    settings = stage(perturb=PERTURB)
    expected = take(batches(make_examples(root, settings, seed=1)), 12)
    assert_same(take(batches(make_examples(root, settings, seed=1)), 12), expected)
    assert_same(take(batches(make_examples(root, settings, seed=1), workers=2), 12), expected)
    other = take(batches(make_examples(root, settings, seed=2)), 1)
    assert not np.array_equal(other[0]["anchor"]["patches"], expected[0]["anchor"]["patches"])


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_an_iterator_goes_on_from_its_saved_state(root: Path, workers: int, stage: Stage) -> None:
    examples = make_examples(root, stage(perturb=PERTURB), seed=1)
    expected = take(batches(examples, workers=workers), 9)
    iterator = iter(batches(examples, workers=workers))
    for _ in range(5):
        next(iterator)
    state = iterator.get_state()
    iterator.close()
    resumed = iter(batches(examples, workers=workers))
    resumed.set_state(state)
    found = [next(resumed) for _ in range(4)]
    resumed.close()
    assert_same(found, expected[5:])


def test_grain_agrees_that_checkpoints_are_exact(root: Path, stage: Stage) -> None:
    examples = make_examples(root, stage(perturb=PERTURB), seed=1)[:48]
    grain.experimental.assert_equal_output_after_checkpoint(batches(examples))


def anchors(examples: Any, count: int) -> list[str]:
    return [clean.anchor for clean, _ in preview(examples, count)]


def test_an_epoch_shows_every_record_once_and_each_in_another_order(
    root: Path, stage: Stage
) -> None:
    found = anchors(make_examples(root, stage(perturb=PERTURB), seed=0), 3 * RECORDS)
    epochs = [found[start : start + RECORDS] for start in range(0, 3 * RECORDS, RECORDS)]
    assert all(len(set(epoch)) == RECORDS for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_perturbations_are_drawn_anew_in_each_epoch(root: Path, stage: Stage) -> None:
    examples = make_examples(root, stage(perturb=PERTURB), seed=0)
    seen: dict[str, set[str]] = {}
    for clean, perturbed in preview(examples, 4 * RECORDS):
        seen.setdefault(clean.anchor, set()).add(perturbed.anchor)
    assert all(len(views) > 1 for views in seen.values())


@pytest.mark.parametrize("options", [{}, {"window": 2, "length_buckets": 3}])
@pytest.mark.parametrize("hosts", [2, 4])
def test_hosts_batches_together_are_those_of_one(
    root: Path, hosts: int, options: dict[str, Any], stage: Stage
) -> None:
    part = {"source": {"name": "tsv", "path": "data.tsv"}, "pairs": COLUMNS, "weight": 1.0}
    settings = stage(data={"one": part, "other": part | {"weight": 2.0}}, perturb=PERTURB)
    examples = make_examples(root, settings, seed=5)
    alone = take(batches(examples, **options), 12)
    shares = [
        take(batches(examples, **options, process=host, processes=hosts), 12)
        for host in range(hosts)
    ]
    for whole, *parts in zip(alone, *shares, strict=True):
        assert sum(part.pop("cut") for part in parts) == whole.pop("cut")
        assert_same(jax.tree.map(lambda *rows: np.concatenate(rows), *parts), whole)


def test_hosts_that_cannot_share_a_batch_evenly_are_refused(root: Path, stage: Stage) -> None:
    examples = make_examples(root, stage(), seed=0)
    with pytest.raises(ValueError, match="batch_size 8 is not divisible by 3 hosts"):
        batches(examples, processes=3)


@pytest.fixture
def uneven(root: Path, stage: Stage) -> Any:
    """Return examples of 1 to 20 letters, of which every fourth has the same positive."""
    lines = [f"{'x' * (1 + 7 * i % 20)}\t{'same' if i % 4 == 0 else i}" for i in range(RECORDS)]
    (root / "uneven.tsv").write_text("\n".join(["a\tb", *lines]))
    part = {"source": {"name": "tsv", "path": "uneven.tsv"}, "pairs": COLUMNS, "weight": 1.0}
    return make_examples(root, stage(data={"all": part}), seed=0)


def slots(found: list[Any]) -> int:
    return sum(np.prod(b[view]["patches"].shape[:2]) for b in found for view in VIEWS)


def test_batches_by_length_hold_the_same_examples_with_less_padding(uneven: Any) -> None:
    def rows(found: list[Any]) -> list[tuple[bytes, ...]]:
        return sorted(
            tuple(b[view]["patches"][row, :20].tobytes().strip(b"\0") for view in VIEWS)
            for b in found
            for row in range(8)
        )

    plain = take(batches(uneven), 10)
    bucketed = take(batches(uneven, window=5, length_buckets=4), 10)
    assert rows(plain) == rows(bucketed)
    assert {b["anchor"]["patches"].shape[1] for b in bucketed} >= {10, 15, 20}
    assert all(
        b["anchor"]["patches"].shape[1] - 5 < max(b[view]["count"].max() for view in VIEWS)
        for b in bucketed
    )
    assert slots(bucketed) <= 0.75 * slots(plain)
    # The order of batches is drawn: lengths do not rise through each window.
    lengths = [b["anchor"]["patches"].shape[1] for b in bucketed]
    assert lengths != sorted(lengths[:5]) + sorted(lengths[5:])


def test_equal_texts_of_a_window_lie_in_different_batches(uneven: Any) -> None:
    def repeated(found: list[Any]) -> int:
        ids = [b["text_id"]["positive"] for b in found]
        return sum(len(x) - len(np.unique(x)) for x in ids)

    assert repeated(take(batches(uneven), 10)) > 0
    # Ten of a window's forty are equal; five batches take two each at best.
    assert repeated(take(batches(uneven, window=5), 10)) == 10


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_an_arranged_iterator_goes_on_from_its_saved_state(uneven: Any, workers: int) -> None:
    options: dict[str, Any] = {"window": 3, "length_buckets": 2}
    expected = take(batches(uneven, **options), 11)
    iterator = iter(batches(uneven, workers=workers, **options))
    assert_same([next(iterator) for _ in range(7)], expected[:7])
    state = json.loads(json.dumps(iterator.get_state()))
    iterator.close()
    resumed = iter(batches(uneven, workers=workers, **options))
    resumed.set_state(state)
    found = [next(resumed) for _ in range(4)]
    resumed.close()
    assert_same(found, expected[7:])


@pytest.mark.parametrize("buckets", [0, 21])
def test_an_impossible_number_of_lengths_is_refused(uneven: Any, buckets: int) -> None:
    with pytest.raises(ValueError, match=rf"length_buckets is {buckets}; it must be in 1\.\.20"):
        batches(uneven, length_buckets=buckets)
    with pytest.raises(ValueError, match="window is 0"):
        batches(uneven, window=0)


def test_lengths_are_evenly_spaced() -> None:
    assert bucket_lengths(64, 1) == (64,)
    assert bucket_lengths(64, 4) == (16, 32, 48, 64)
    assert bucket_lengths(10, 4) == (3, 5, 8, 10)


def test_parts_are_mixed_by_weight_and_keep_their_groups_apart(root: Path, stage: Stage) -> None:
    lines = [f'{{"title": "t", "sections": [{{"paragraphs": ["{i} b. c d."]}}]}}' for i in range(9)]
    for name in ("x", "y"):
        (root / f"{name}.jsonl").write_text("\n".join(lines).replace("b.", name))
    spans = {"name": "spans", "text": "text", "shortest": 2, "longest": 2}
    plain = {"source": {"name": "tsv", "path": "data.tsv"}, "pairs": COLUMNS, "weight": 1.0}
    parts = {
        name: {
            "source": {"name": "articles", "path": f"{name}.jsonl", "minimum_words": 1},
            "pairs": spans,
            "weight": weight,
        }
        for name, weight in (("x", 3.0), ("y", 1.0))
    }
    settings = stage(data=parts | {"z": plain}, batch_size=8)
    clean = [example for example, _ in preview(make_examples(root, settings, seed=0), 500)]
    groups: dict[str, set[int]] = {"x": set(), "y": set()}
    counts = {"x": 0, "y": 0, "z": 0}
    for example in clean:
        name = next((n for n in "xy" if n in example.anchor + example.positive), "z")
        name = "z" if example.anchor.startswith("anchor") else name
        counts[name] += 1
        if name != "z":
            groups[name].add(example.group)
        else:
            assert example.group == -1
    assert counts == {"x": 300, "y": 100, "z": 100}
    assert len(groups["x"]) == len(groups["y"]) == 9
    assert not groups["x"] & groups["y"]


def test_equal_texts_have_equal_numbers_and_others_differ() -> None:
    texts = ["", "a", "b", "ab", "ba", "é", "e\u0301", "\ud800"]
    assert len({text_id(text) for text in texts}) == len(texts)
    assert all(0 <= text_id(text) < 2**31 for text in texts)
    assert text_id("a b") == text_id(" ".join("ab"))


def test_a_text_that_is_none_is_shown_with_its_record(root: Path, stage: Stage) -> None:
    lines = [json.dumps({"a": f"text {i}" if i else None, "b": "other"}) for i in range(8)]
    (root / "data.jsonl").write_text("\n".join(lines))
    settings = stage()
    (part,) = settings["data"].values()
    source = {"name": "jsonl", "path": "data.jsonl", "columns": ("a", "b")}
    part["source"] = source | {"skip_bad_lines": False}
    examples = make_examples(root, settings, seed=0)
    with pytest.raises(
        ValueError, match=r"a text is None, no string, in the record .*'b': 'other'"
    ):
        [examples[i] for i in range(8)]


def test_a_batch_larger_than_the_data_is_refused(root: Path, stage: Stage) -> None:
    part = {"source": {"name": "tsv", "path": "few.tsv"}, "pairs": COLUMNS, "weight": 1.0}
    make_examples(root, stage(data={"few": part}, batch_size=2), seed=0)
    with pytest.raises(ValueError, match=r"data 'few' has 2 records, fewer than the batch size 3"):
        make_examples(root, stage(data={"few": part}, batch_size=3), seed=0)


def test_a_part_without_weight_is_refused(root: Path, stage: Stage) -> None:
    settings = stage()
    (part,) = settings["data"].values()
    part["weight"] = 0.0
    with pytest.raises(ValueError, match=r"data '.*' has weight 0.0; it must be above 0"):
        make_examples(root, settings, seed=0)


def test_no_data_is_refused(root: Path, stage: Stage) -> None:
    with pytest.raises(ValueError, match="the stage has no data"):
        make_examples(root, stage(data={}), seed=0)


def test_the_share_of_a_part_grows_with_its_size_by_the_temperature(
    root: Path, stage: Stage
) -> None:
    rows = "".join(f"small {i}\tpositive\n" for i in range(10))
    (root / "small.tsv").write_text("a\tb\n" + rows)
    parts = {
        name: {"source": {"name": "tsv", "path": f"{name}.tsv"}, "pairs": COLUMNS, "weight": 1.0}
        for name in ("data", "small")
    }
    # Sizes are 40 and 10: alone, even; in proportion, 1 in 5; by the square root, 1 in 3.
    for temperature, share in ((0.0, 1 / 2), (1.0, 1 / 5), (2.0, 1 / 3)):
        settings = stage(data=parts, mixture_temperature=temperature)
        found = anchors(make_examples(root, settings, seed=0), 300)
        assert sum(text.startswith("small") for text in found) == pytest.approx(300 * share, abs=2)
    with pytest.raises(
        ValueError, match=r"mixture_temperature is 0\.5; it must be 0 or at least 1"
    ):
        make_examples(root, stage(data=parts, mixture_temperature=0.5), seed=0)
