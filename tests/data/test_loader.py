"""The input pipeline: the same batches whoever makes them, and exact resumption."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grain
import numpy as np
import pytest

from pixel_linguist.data import pairs
from pixel_linguist.data.example import Example, content_id
from pixel_linguist.data.loader import (
    Arrange,
    bucket_lengths,
    identities,
    make_batches,
    make_examples,
    preview,
)
from pixel_linguist.data.views import HostBatch, ViewPipeline
from pixel_linguist.render.patches import one_text_a_row
from tests.data.pipeline import (
    assert_parts_of,
    assert_same,
    settings,
    stop_and_resume,
    take,
    tsv,
)

pytestmark = pytest.mark.usefixtures("parsed_flags")

RECORDS = 40
VIEWS = ("anchor", "positive")
PERTURB = {"delete_characters": {"rate": 0.3}, "shuffle_words": {"rate": 0.5}}


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


RENDER: Any = Bytes()


def grouped(record: Any, rng: np.random.Generator, *, divisors: tuple[int, ...]) -> Example:
    """Make an example of several groups: a number's remainders by each divisor."""
    number = int(record["a"].split()[1])
    views = {"anchor": record["a"], "positive": record["b"]}
    return Example(views, {"group": tuple(number % divisor for divisor in divisors)})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rows = [
        f"anchor {i} of many words\tpositive {i}\t{'wrong' if i % 2 else ''}\t{i}"
        for i in range(RECORDS)
    ]
    (tmp_path / "data.tsv").write_text("\n".join(["a\tb\tc\td", *rows]))
    (tmp_path / "other.tsv").write_text("\n".join(["a\tb\tc\td", *rows[:10]]))
    (tmp_path / "empty.tsv").write_text("a\tb\n")
    # Texts of 1 to 20 letters, of which every fourth has the same positive.
    uneven = [f"{'x' * (1 + 7 * i % 20)}\t{'same' if i % 4 == 0 else i}" for i in range(RECORDS)]
    (tmp_path / "uneven.tsv").write_text("\n".join(["a\tb", *uneven]))
    return tmp_path


@pytest.fixture
def examples(root: Path) -> Any:
    return make_examples(root, settings({"all": tsv("data.tsv")}, perturb=PERTURB), seed=1)


@pytest.fixture
def uneven(root: Path) -> Any:
    return make_examples(root, settings({"all": tsv("uneven.tsv")}), seed=0)


def batches(examples: Any, views: tuple[str, ...] = VIEWS, **changes: Any) -> Any:
    options = {"batch_size": 8, "length": 20, "workers": 0, "seed": 0} | changes
    return make_batches(examples, ViewPipeline(RENDER, views), **options)


def test_a_batch_holds_what_its_examples_say(root: Path) -> None:
    stage = settings({"all": tsv("data.tsv", negative="c")}, perturb=PERTURB)
    examples = make_examples(root, stage, seed=3)
    names = ("anchor", "positive", "negative")
    batch: HostBatch = take(batches(examples, names, length=16), 2)[1]
    read = list(preview(examples, 16))[8:]
    assert any(original.views != view.views for original, view in read)
    cut = 0
    for name in names:
        texts = [str(view.views[name]) for _, view in read]
        rendered = RENDER(texts, length=16, seeds=[])
        assert_same(batch.views[name], one_text_a_row(rendered.patches, rendered.count))
        cut += rendered.stats.cut
        own = [original.views[name] for original, _ in read]
        facts = batch.view_facts[name]
        assert_same(facts["text_id"], np.array([content_id(text) for text in own], np.int32))
        assert facts["present"].tolist() == [text != "" for text in own]
    assert batch.cut == cut > 0
    assert not batch.view_facts["negative"]["present"].all()
    assert_same(batch.facts, {"group": np.full((8, 1), -1, np.int32)})


@pytest.mark.parametrize("perturbed", [(), ("positive",), ("anchor", "positive")])
def test_the_views_that_are_named_are_perturbed_each_on_its_own(
    root: Path, perturbed: tuple[str, ...]
) -> None:
    data = {"all": tsv("data.tsv")}
    data["all"]["pairs"] = {"name": "identity", "text": "a"}
    stage = settings(data, perturb={"delete_characters": {"rate": 0.5}}, perturb_views=perturbed)
    for original, view in preview(make_examples(root, stage, seed=0), RECORDS):
        text = original.views["anchor"]
        assert original.views == {"anchor": text, "positive": text}
        changed = {name for name in VIEWS if view.views[name] != text}
        assert changed == set(perturbed)
        assert len(set(view.views.values())) == min(1 + len(perturbed), 2)


def test_an_epoch_shows_every_record_once_in_another_order_with_other_typos(examples: Any) -> None:
    read = list(preview(examples, 3 * RECORDS))
    anchors = [str(original.views["anchor"]) for original, _ in read]
    epochs = [anchors[start : start + RECORDS] for start in range(0, 3 * RECORDS, RECORDS)]
    assert all(len(set(epoch)) == RECORDS for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 3
    seen: dict[str, set[str]] = {anchor: set() for anchor in anchors}
    for original, view in read:
        seen[str(original.views["anchor"])].add(str(view.views["anchor"]))
    assert all(len(views) > 1 for views in seen.values())


ARRANGED = {"window": 3, "length_buckets": 2}


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("options", [{}, ARRANGED])
def test_batches_are_the_same_by_threads_and_processes_and_after_a_stop(
    examples: Any, options: dict[str, Any], workers: int
) -> None:
    expected = take(batches(examples, **options), 9)
    assert_same(stop_and_resume(batches(examples, workers=workers, **options), 5, 4), expected)


def test_grain_agrees_that_checkpoints_are_exact(examples: Any) -> None:
    grain.experimental.assert_equal_output_after_checkpoint(batches(examples[:48]))


@pytest.mark.parametrize("options", [{}, {"window": 2, "length_buckets": 3}])
def test_hosts_batches_together_are_those_of_one(root: Path, options: dict[str, Any]) -> None:
    hosts = 4
    data = {"one": tsv("data.tsv"), "other": tsv("other.tsv", weight=2.0)}
    examples = make_examples(root, settings(data, perturb=PERTURB), seed=5)
    alone = take(batches(examples, **options), 12)
    shares = [
        take(batches(examples, **options, process=host, processes=hosts), 12)
        for host in range(hosts)
    ]
    for whole, *parts in zip(alone, *shares, strict=True):
        assert_parts_of(whole, parts)


def test_batches_by_length_hold_the_same_examples_with_less_padding(uneven: Any) -> None:
    def rows(found: list[HostBatch]) -> list[tuple[bytes, ...]]:
        return sorted(
            tuple(b.views[name].pixels[row].tobytes().strip(b"\0") for name in VIEWS)
            for b in found
            for row in range(8)
        )

    def room(batch: HostBatch) -> int:
        return int(batch.views["anchor"].pixels.shape[1])

    plain = take(batches(uneven), 10)
    bucketed = take(batches(uneven, window=5, length_buckets=4), 10)
    assert rows(plain) == rows(bucketed)
    lengths = [room(batch) for batch in bucketed]
    assert set(lengths) >= {10, 15, 20}
    for batch in bucketed:
        longest = max((batch.views[name].segment >= 0).sum(axis=1).max() for name in VIEWS)
        assert room(batch) - 5 < longest
    assert sum(lengths) <= 0.75 * sum(map(room, plain))
    # The order of batches is drawn: lengths do not rise through each window.
    assert lengths != sorted(lengths[:5]) + sorted(lengths[5:])


def test_equal_texts_of_a_window_lie_in_different_batches(uneven: Any) -> None:
    def repeated(found: list[HostBatch]) -> int:
        ids = [batch.view_facts["positive"]["text_id"] for batch in found]
        return sum(len(x) - len(np.unique(x)) for x in ids)

    assert repeated(take(batches(uneven), 10)) > 0
    # Ten of a window's forty are equal; five batches take two each at best.
    assert repeated(take(batches(uneven, window=5), 10)) == 10


def test_examples_that_share_a_text_or_any_group_are_arranged_apart() -> None:
    # Eight alike of each kind: by a text of either view, by one group, by the one or other group.
    made = [Example({"anchor": "same", "positive": str(i)}, {"group": (-1, -1)}) for i in range(4)]
    made += [Example({"anchor": str(i), "positive": "same"}, {"group": (9, -1)}) for i in range(4)]
    made += [Example({"anchor": f"a{i}", "positive": ""}, {"group": (1, -1)}) for i in range(8)]
    either = [{"group": (2, 10 + i) if i % 2 else (10 + i, 2)} for i in range(8)]
    made += [Example({"anchor": f"b{i}", "positive": ""}, either[i]) for i in range(8)]
    made += [Example({"anchor": f"c{i}", "positive": ""}, {"group": (-1, -1)}) for i in range(8)]
    texts = {("text", content_id("0")), ("text", content_id("same"))}
    assert identities(made[0]) == texts and identities(made[4]) == texts | {("group", 9)}
    given = [(example, example) for example in made]
    arrange = Arrange(ViewPipeline(RENDER, VIEWS), batch_size=4, by_length=False)
    arranged = arrange.random_map(given, np.random.default_rng(0))
    assert [len(batch) for batch in arranged] == [4] * 8
    assert sorted(str(pair) for batch in arranged for pair in batch) == sorted(map(str, given))
    for batch in arranged:
        own = [identities(original) for original, _ in batch]
        assert sum(map(len, own)) == len(set.union(*own))


def test_groups_are_padded_and_kept_apart_between_parts(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pairs.PAIR_MAKERS, "grouped", grouped)
    data = {"plain": tsv("data.tsv"), "some": tsv("data.tsv"), "many": tsv("data.tsv")}
    data["some"]["pairs"] = {"name": "grouped", "divisors": (4,)}
    data["many"]["pairs"] = {"name": "grouped", "divisors": (3, 5)}
    examples = make_examples(root, settings(data), seed=0)
    found: dict[int, set[int]] = {0: set(), 1: set(), 2: set()}
    for original, view in preview(examples, 240):
        group = original.facts["group"]
        assert len(group) == 2 and view.facts["group"] == group
        ids = [number for number in group if number >= 0]
        found[len(ids)].update(ids)
    assert {number: len(ids) for number, ids in found.items()} == {0: 0, 1: 4, 2: 5}
    assert not found[1] & found[2]
    (batch,) = take(batches(examples), 1)
    assert batch.facts["group"].shape == (8, 2) and batch.facts["group"].dtype == np.int32


@pytest.mark.parametrize(
    ("weight", "temperature", "share"),
    [(1.0, 0.0, 1 / 2), (3.0, 0.0, 1 / 4), (1.0, 1.0, 1 / 5), (1.0, 2.0, 1 / 3)],
)
def test_the_share_of_a_part_grows_with_its_weight_and_its_size_by_the_temperature(
    root: Path, weight: float, temperature: float, share: float
) -> None:
    # Sizes are 40 and 10: alone, even; in proportion, 1 in 5; by the square root, 1 in 3.
    data = {"data": tsv("data.tsv", weight=weight), "other": tsv("other.tsv", negative="c")}
    examples = make_examples(root, settings(data, mixture_temperature=temperature), seed=0)
    found = sum("negative" in original.views for original, _ in preview(examples, 300))
    assert found == pytest.approx(300 * share, abs=2)


def test_parts_that_bring_different_facts_are_refused(root: Path) -> None:
    data = {"plain": tsv("data.tsv"), "scored": tsv("data.tsv")}
    scored = {"name": "scored_pair", "anchor": "a", "positive": "b", "score": "d"}
    data["scored"]["pairs"] = scored
    with pytest.raises(ValueError, match="score"):
        make_examples(root, settings(data), seed=0)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"data": {}}, "data"),
        ({"data": {"all": tsv("data.tsv", weight=0.0)}}, "weight"),
        ({"data": {"all": tsv("empty.tsv")}}, "records"),
        ({"mixture_temperature": 0.5}, "mixture_temperature"),
    ],
)
def test_an_impossible_mixture_is_refused(root: Path, changes: dict[str, Any], word: str) -> None:
    stage = settings({"all": tsv("data.tsv")}) | changes
    with pytest.raises(ValueError, match=word):
        make_examples(root, stage, seed=0)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"processes": 3}, "hosts"),
        ({"length_buckets": 0}, "length_buckets"),
        ({"length_buckets": 21}, "length_buckets"),
        ({"window": 0}, "window"),
    ],
)
def test_impossible_batches_are_refused(examples: Any, options: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        batches(examples, **options)


def test_lengths_are_evenly_spaced() -> None:
    assert bucket_lengths(64, 1) == (64,)
    assert bucket_lengths(64, 4) == (16, 32, 48, 64)
    assert bucket_lengths(10, 4) == (3, 5, 8, 10)
