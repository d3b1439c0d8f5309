"""The input pipeline: mixture of sources → examples → views → drawn batches (Grain).

Every element's randomness comes from (seed, epoch, index) through Grain, so that the batches do
not depend on workers or threads and an iterator resumes exactly from its saved state.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grain
import numpy as np

from pixel_linguist.data.example import Example, content_id
from pixel_linguist.data.pairs import PairMaker, make_pair_maker
from pixel_linguist.data.records import Source
from pixel_linguist.data.sources import make_source
from pixel_linguist.data.views import HostBatch, MakeViews, Pair, ViewPipeline
from pixel_linguist.seeds import derive_seed
from pixel_linguist.text.perturb import compose


@dataclasses.dataclass(frozen=True)
class Arrange(grain.transforms.RandomMap):
    """Some batches' pairs of (original, view) examples → as many batches, in random order.

    Examples that share a text or a group come to lie in different batches where there is room, as
    none can be the other's negative. If `by_length`, those of like lengths come together, so that
    little of a batch is padding.
    """

    views: ViewPipeline
    batch_size: int
    by_length: bool

    def random_map(self, pairs: list[Pair], rng: np.random.Generator) -> list[list[Pair]]:
        """Put each example into the first batch that has room and none of its texts and groups."""
        number = len(pairs) // self.batch_size
        if number == 1:
            return [pairs]
        batches: list[list[Pair]] = [[] for _ in range(number)]
        known: list[set[tuple[str, int]]] = [set() for _ in range(number)]
        order = np.arange(len(pairs))
        if self.by_length:
            order = np.argsort(self.views.count_patches(pairs), kind="stable")
        for i in order:
            own = identities(pairs[i][0])
            open_ = [b for b in range(number) if len(batches[b]) < self.batch_size]
            chosen = next((b for b in open_ if known[b].isdisjoint(own)), open_[0])
            batches[chosen].append(pairs[i])
            known[chosen] |= own
        return [batches[b] for b in rng.permutation(number)]


def identities(example: Example) -> set[tuple[str, int]]:
    """Return what two examples share that are no negatives of each other: texts and groups."""
    texts = {("text", content_id(content)) for content in example.views.values()}
    texts.discard(("text", content_id("")))
    return texts | {("group", group) for group in example.facts["group"] if group >= 0}


@dataclasses.dataclass(frozen=True)
class DrawBatches(grain.transforms.Map):
    """Batches of (original, view) examples → batches of arrays, of one host's rows of each.

    `lengths` are the numbers of patches in use, ascending; a batch takes the first that holds its
    longest text, on whichever host that is.
    """

    views: ViewPipeline
    lengths: tuple[int, ...]
    process: int
    processes: int

    def map(self, batches: list[list[Pair]]) -> list[HostBatch]:
        """Draw each batch."""
        return [
            self.views.batch(
                pairs, padded_length(self.views, pairs, self.lengths), self.process, self.processes
            )
            for pairs in batches
        ]


class Unpack(grain.experimental.FlatMapTransform):
    """A list of batches → its batches one after the other."""

    def flat_map(self, batches: list[HostBatch]) -> list[HostBatch]:
        """Return them as they are."""
        return batches


def padded_length(views: ViewPipeline, pairs: Sequence[Pair], lengths: Sequence[int]) -> int:
    """Return the first of some ascending lengths that holds a batch's longest text, or the last."""
    if len(lengths) == 1:
        return lengths[0]
    longest = int(np.max(views.count_patches(pairs)))
    return next((room for room in lengths if room >= longest), lengths[-1])


def bucket_lengths(length: int, buckets: int) -> tuple[int, ...]:
    """Return the padded lengths in use: `buckets` numbers of patches, evenly spaced to `length`.

    Raises:
        ValueError: for fewer than 1 bucket, or more than `length`.
    """
    if not 1 <= buckets <= length:
        raise ValueError(f"length_buckets is {buckets}; it must be in 1..{length}, the length")
    return tuple(-(-length * bucket // buckets) for bucket in range(1, buckets + 1))


def size_weight(records: int, temperature: float) -> float:
    """Return the factor by which the size of a part counts in its share: size ** (1 / T).

    At T = 1 shares are in proportion to sizes; the higher T, the more even they are. T = 0 leaves
    sizes out. Source: Arivazhagan et al. 2019 (arXiv 1907.05019), section 3.

    Raises:
        ValueError: for a temperature that is neither 0 nor at least 1.
    """
    if temperature and temperature < 1:
        raise ValueError(f"mixture_temperature is {temperature}; it must be 0 or at least 1")
    return records ** (1 / temperature) if temperature else 1.0


def make_examples(
    root: str | Path,
    stage: Mapping[str, Any],
    *,
    seed: int,
    wrap: Callable[[str, Source], Source] = lambda part, source: source,
) -> grain.MapDataset:
    """Return the endless, shuffled mixture of a stage's (original, view) examples, of all hosts.

    Args:
        root: the recipe's data folder.
        stage: with "data" (part → {"source", "pairs", "weight"}), "mixture_temperature", "perturb"
            (name → arguments), "perturb_probability", "perturb_each" and "perturb_views".
        seed: of shuffling, pairing and perturbing.
        wrap: part and its source → the source with annotations added to its records.

    Raises:
        ValueError: if there is no data, a part has no weight or no records, or parts have
            different facts.
    """
    if not stage["data"]:
        raise ValueError("the stage has no data: name at least one source")
    perturb = compose(stage["perturb"], stage["perturb_probability"], stage["perturb_each"])
    named = sorted(stage["data"].items())
    sources, makers = {}, {}
    for name, part in named:
        if part["weight"] <= 0:
            raise ValueError(
                f"data {name!r} has weight {part['weight']}; it must be above 0 (leave the part "
                "out to read none of it)"
            )
        sources[name] = wrap(name, make_source(root, part["source"]))
        makers[name] = make_pair_maker(part["pairs"])
    groups, view_facts = declared_facts(sources, makers)
    parts, weights = [], []
    for number, (name, part) in enumerate(named):
        source = sources[name]
        records = grain.MapDataset.source(source).seed(derive_seed(seed, name)).shuffle()
        views = MakeViews(
            makers[name],
            perturb,
            tuple(stage["perturb_views"]),
            part=number,
            parts=len(named),
            groups=groups,
            view_facts=view_facts,
        )
        parts.append(records.random_map(views).repeat())
        weights.append(part["weight"] * size_weight(len(source), stage["mixture_temperature"]))
    return grain.MapDataset.mix(parts, weights=weights) if len(parts) > 1 else parts[0]


def declared_facts(
    sources: Mapping[str, Source], makers: Mapping[str, PairMaker]
) -> tuple[int, dict[str, tuple[str, ...]]]:
    """Return the facts that batches have, by each part's first example.

    Returns:
        The length of the fact "group", and view → names of its facts in any part.

    Raises:
        ValueError: if parts have different facts of examples.
    """
    rng = np.random.default_rng(0)
    first = {name: makers[name](sources[name][0], rng) for name in sources}
    facts = {name: set(example.facts) | {"group"} for name, example in first.items()}
    for name, known in facts.items():
        if missing := set.union(*facts.values()) - known:
            raise ValueError(
                f"data {name!r} has no fact {', '.join(sorted(missing))}, which other parts have; "
                "all parts of a mixture need the same facts"
            )
    groups = max(len(example.facts.get("group", (-1,))) for example in first.values())
    view_facts: dict[str, tuple[str, ...]] = {}
    for example in first.values():
        for view, given in example.view_facts.items():
            view_facts[view] = tuple(sorted({*view_facts.get(view, ()), *given}))
    return groups, view_facts


def arranged(
    examples: grain.MapDataset,
    views: ViewPipeline,
    *,
    batch_size: int,
    window: int,
    length_buckets: int,
    seed: int,
) -> grain.MapDataset:
    """Return windows, each a list of `window` global batches of (original, view) examples.

    Args:
        batch_size: examples in one batch of all hosts.
        window: batches that are arranged together, as `Arrange` says; 1: as they come.
        length_buckets: numbers of patches in use; from 2 on, examples are arranged by length.
    """
    if window < 1:
        raise ValueError(f"window is {window}; it must be at least 1 batch")
    windows = examples.batch(window * batch_size, drop_remainder=True, batch_fn=list)
    arrange = Arrange(views, batch_size, length_buckets > 1)
    return windows.random_map(arrange, seed=derive_seed(seed, "arrange"))


def make_batches(
    examples: grain.MapDataset,
    views: ViewPipeline,
    *,
    batch_size: int,
    length: int,
    workers: int,
    seed: int,
    window: int = 1,
    length_buckets: int = 1,
    process: int = 0,
    processes: int = 1,
) -> grain.IterDataset:
    """Batch and draw examples, ahead of their use.

    The batches of all hosts together, row by row, are those of one host alone.

    Args:
        batch_size: examples in one batch of all hosts.
        length: patches to which every text is padded or cut.
        workers: processes; 0 draws in threads of this one.
        length_buckets: numbers of patches in use; above 1, a batch is padded to the first of
            `bucket_lengths` that holds its longest text.
        process: this host's number; it draws its rows alone.

    Raises:
        ValueError: if hosts cannot have equal numbers of rows, or for an impossible window or
            number of buckets.
    """
    if batch_size % processes:
        raise ValueError(f"batch_size {batch_size} is not divisible by {processes} hosts")
    lengths = bucket_lengths(length, length_buckets)
    if window == length_buckets == 1:
        # A host reads its own rows alone.
        rows = examples.batch(batch_size // processes, drop_remainder=True, batch_fn=list)
        windows = rows[process::processes].map(lambda pairs: [pairs])
        process, processes = 0, 1
    else:
        options = {"batch_size": batch_size, "window": window, "length_buckets": length_buckets}
        windows = arranged(examples, views, **options, seed=seed)
    windows = windows.map(DrawBatches(views, lengths, process, processes))
    ahead = grain.ReadOptions(num_threads=2, prefetch_buffer_size=max(4 // window, 2))
    dataset = windows.to_iter_dataset(ahead)
    if workers:
        options = grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2)
        dataset = dataset.mp_prefetch(options)
    return grain.experimental.FlatMapIterDataset(dataset, Unpack())


def preview(examples: grain.MapDataset, count: int) -> Iterator[Pair]:
    """Yield the first (original, view) examples."""
    return (examples[i] for i in range(count))
