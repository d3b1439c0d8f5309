"""The input pipeline: mixture of sources → examples → perturbed views → rendered batches (Grain).

Every element's randomness comes from (seed, epoch, index) through Grain, so that the batches do
not depend on workers or threads and an iterator resumes exactly from its saved state.
"""

import dataclasses
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grain
import numpy as np

from pixel_linguist.data.bags import bags_of_words
from pixel_linguist.data.draw import Batch, Draw, Pair
from pixel_linguist.data.pairs import Example, PairMaker, make_pair_maker
from pixel_linguist.data.sources import Source, make_source
from pixel_linguist.seeds import derive_seed
from pixel_linguist.text.perturb import Composition, compose


@dataclasses.dataclass(frozen=True)
class MakeViews(grain.transforms.RandomMap):
    """Record → (clean example, as it is shown); views are perturbed and styled independently.

    `part` of `parts` keeps the groups of one source apart from those of another.
    """

    pair_maker: PairMaker
    perturb: Composition
    part: int
    parts: int

    def random_map(self, record: Any, rng: np.random.Generator) -> tuple[Example, Example]:
        """Apply the pair maker, then the perturbation to each text on its own; draw its style."""
        clean = self.pair_maker(record, rng)
        if wrong := [text for text in clean[:3] if not isinstance(text, str)]:
            raise ValueError(f"a text is {wrong[0]!r}, no string, in the record {record}")
        if clean.group >= 0:
            clean = clean._replace(group=clean.group * self.parts + self.part)
        anchor, positive, negative = (self.perturb(text, rng) for text in clean[:3])
        # Drawn last, so that texts are the same with styles and without.
        styles = tuple(rng.integers(1 << 31, size=3).tolist())
        return clean, Example(anchor, positive, negative, clean.group, styles=styles)


def text_id(text: str) -> int:
    """Return a number for a text: equal texts have equal numbers (CRC-32, 31 bits)."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) & 0x7FFFFFFF


@dataclasses.dataclass(frozen=True)
class Arrange(grain.transforms.RandomMap):
    """Some batches' pairs of (clean, perturbed) examples → as many batches, in random order.

    Examples that share a text come to lie in different batches where there is room, as none can
    be the other's negative. If `by_length`, those of like lengths come together, so that little
    of a batch is padding.
    """

    draw: Draw
    batch_size: int
    by_length: bool

    def random_map(self, pairs: list[Pair], rng: np.random.Generator) -> list[list[Pair]]:
        """Put each example into the first batch that has room and none of its texts."""
        number = len(pairs) // self.batch_size
        if number == 1:
            return [pairs]
        batches: list[list[Pair]] = [[] for _ in range(number)]
        texts: list[set[int]] = [set() for _ in range(number)]
        order = np.arange(len(pairs))
        if self.by_length:
            order = np.argsort(self.draw.count_patches(pairs), kind="stable")
        for i in order:
            shown = (getattr(pairs[i][0], view) for view in self.draw.views)
            own = {text_id(text) for text in shown if text}
            open_ = [b for b in range(number) if len(batches[b]) < self.batch_size]
            chosen = next((b for b in open_ if texts[b].isdisjoint(own)), open_[0])
            batches[chosen].append(pairs[i])
            texts[chosen] |= own
        return [batches[b] for b in rng.permutation(number)]


@dataclasses.dataclass(frozen=True)
class RenderBatches(grain.transforms.Map):
    """Batches of (clean, perturbed) examples → batches of arrays, of one host's rows of each.

    `lengths` are the numbers of patches in use, ascending; a batch takes the first that holds its
    longest text, on whichever host that is. With `word_buckets` it brings the anchors' words.
    """

    draw: Draw
    lengths: tuple[int, ...]
    word_buckets: int
    process: int
    processes: int

    def map(self, batches: list[list[Pair]]) -> list[Batch]:
        """Put each batch together."""
        return [self.batch(pairs) for pairs in batches]

    def batch(self, pairs: list[Pair]) -> Batch:
        """Return what `Draw` makes, "text_id", "group", and what else examples bring.

        "words" int32 [B, W] are the anchors' as they were before they were perturbed, as
        `bags_of_words` has them.
        """
        length = padded_length(self.draw, pairs, self.lengths)
        batch = self.draw(pairs, length, self.process, self.processes)
        # Consecutive rows, so that the global batch is that of one host alone.
        rows = len(pairs) // self.processes
        pairs = pairs[self.process * rows :][:rows]
        batch["group"] = np.array([clean.group for clean, _ in pairs], np.int32)
        batch["text_id"] = {
            view: np.array([text_id(getattr(clean, view)) for clean, _ in pairs], np.int32)
            for view in self.draw.views
        }
        if "negative" in self.draw.views:
            batch["has_negative"] = np.array([clean.negative != "" for clean, _ in pairs])
        if self.word_buckets:
            texts = [clean.anchor for clean, _ in pairs]
            batch["words"] = bags_of_words(
                texts, self.draw.render.renderer, buckets=self.word_buckets, length=length
            )
        for name in ("target", "score"):
            given = [x for clean, _ in pairs if (x := getattr(clean, name)) is not None]
            if given and len(given) < len(pairs):
                raise ValueError(f"parts of the stage's data bring a {name}, and others none")
            if given:
                batch[name] = np.asarray(given, np.float32)
        return batch


class Unpack(grain.experimental.FlatMapTransform):
    """A list of batches → its batches one after the other."""

    def flat_map(self, batches: list[Batch]) -> list[Batch]:
        """Return them as they are."""
        return batches


def padded_length(draw: Draw, pairs: Sequence[Pair], lengths: Sequence[int]) -> int:
    """Return the first of some ascending lengths that holds a batch's longest text, or the last."""
    if len(lengths) == 1:
        return lengths[0]
    longest = int(np.max(draw.count_patches(pairs)))
    return next((room for room in lengths if room >= longest), lengths[-1])


def bucket_lengths(length: int, buckets: int) -> tuple[int, ...]:
    """Return so many numbers of patches, evenly spaced up to `length`.

    Raises:
        ValueError: if there are not as many.
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


def make_examples(root: str | Path, stage: Mapping[str, Any], *, seed: int) -> grain.MapDataset:
    """Return the endless, shuffled mixture of a stage's (clean, perturbed) examples, of all hosts.

    Args:
        root: the recipe's data folder.
        stage: with "data" (part → {"source", "pairs", "weight"}), "mixture_temperature", "perturb"
            (name → arguments), "perturb_probability" and "perturb_each".
        seed: of shuffling, pairing and perturbing.
    """
    if not stage["data"]:
        raise ValueError("the stage has no data: name at least one source")
    perturb = compose(stage["perturb"], stage["perturb_probability"], stage["perturb_each"])
    parts, weights = [], []
    for number, (name, part) in enumerate(sorted(stage["data"].items())):
        if part["weight"] <= 0:
            raise ValueError(
                f"data {name!r} has weight {part['weight']}; it must be above 0: leave a part out "
                "that is not wanted"
            )
        source: Source = make_source(root, part["source"])
        needed = stage["batch_size"]
        if len(source) < needed:
            raise ValueError(
                f"data {name!r} has {len(source)} records, fewer than the batch size {needed}; "
                "take a smaller batch or more data"
            )
        records = grain.MapDataset.source(source).seed(derive_seed(seed, name)).shuffle()
        maker = make_pair_maker(part["pairs"])
        views = MakeViews(maker, perturb, part=number, parts=len(stage["data"]))
        parts.append(records.random_map(views).repeat())
        weights.append(part["weight"] * size_weight(len(source), stage["mixture_temperature"]))
    return grain.MapDataset.mix(parts, weights=weights) if len(parts) > 1 else parts[0]


def arranged(
    examples: grain.MapDataset,
    draw: Draw,
    *,
    batch_size: int,
    window: int,
    length_buckets: int,
    seed: int,
) -> grain.MapDataset:
    """Return windows, each a list of `window` global batches of (clean, perturbed) examples.

    Args:
        examples: from `make_examples`.
        draw: what will draw them; it counts patches.
        batch_size: examples in one batch of all hosts.
        window: batches that are arranged together, as `Arrange` says; 1: as they come.
        length_buckets: numbers of patches in use; from 2 on, examples are arranged by length.
        seed: of the stage.
    """
    if window < 1:
        raise ValueError(f"window is {window}; it must be at least 1 batch")
    windows = examples.batch(window * batch_size, drop_remainder=True, batch_fn=list)
    return windows.random_map(
        Arrange(draw, batch_size, length_buckets > 1), seed=derive_seed(seed, "arrange")
    )


def make_batches(
    examples: grain.MapDataset,
    draw: Draw,
    *,
    batch_size: int,
    length: int,
    workers: int,
    seed: int,
    window: int = 1,
    length_buckets: int = 1,
    word_buckets: int = 0,
    process: int = 0,
    processes: int = 1,
) -> grain.IterDataset:
    """Batch and render examples, ahead of their use.

    The batches of all hosts together, row by row, are those of one host alone.

    Args:
        examples: from `make_examples`.
        draw: what draws them; it travels to the workers.
        batch_size: examples in one batch of all hosts.
        length: patches to which every text is padded or cut.
        workers: processes; 0 renders in threads of this one.
        seed: of the stage; it orders what is arranged together.
        window: batches that are arranged together.
        length_buckets: numbers of patches in use; above 1, a batch is padded to the first of
            `bucket_lengths` that holds its longest text.
        word_buckets: into which the words of anchors are hashed; 0: batches have no words.
        process: this host's number; it renders its rows alone.
        processes: number of hosts.

    Raises:
        ValueError: if hosts cannot have equal numbers of rows, or for an impossible window or
            number of buckets.
    """
    if batch_size % processes:
        raise ValueError(f"batch_size {batch_size} is not divisible by {processes} hosts")
    lengths = bucket_lengths(length, length_buckets)
    if window == length_buckets == 1 and not (draw.devices and processes > 1):
        # Nothing of the other hosts' rows has to be known: they are not even read.
        rows = examples.batch(batch_size // processes, drop_remainder=True, batch_fn=list)
        windows = rows[process::processes].map(lambda pairs: [pairs])
        process, processes = 0, 1
    else:
        windows = arranged(
            examples,
            draw,
            batch_size=batch_size,
            window=window,
            length_buckets=length_buckets,
            seed=seed,
        )
    windows = windows.map(RenderBatches(draw, lengths, word_buckets, process, processes))
    ahead = grain.ReadOptions(num_threads=2, prefetch_buffer_size=max(4 // window, 2))
    dataset = windows.to_iter_dataset(ahead)
    if workers:
        options = grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2)
        dataset = dataset.mp_prefetch(options)
    return grain.experimental.FlatMapIterDataset(dataset, Unpack())


def preview(examples: grain.MapDataset, count: int) -> Iterator[tuple[Example, Example]]:
    """Yield the first (clean, perturbed) examples, to look at."""
    return (examples[i] for i in range(count))
