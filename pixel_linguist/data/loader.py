"""The input pipeline: mixture of sources → examples → perturbed views → rendered batches (Grain).

Every element's randomness comes from (seed, epoch, index) through Grain, so that the batches do
not depend on workers or threads and an iterator resumes exactly from its saved state.
"""

import dataclasses
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import grain
import numpy as np

from pixel_linguist.data.pairs import Example, PairMaker, make_pair_maker
from pixel_linguist.data.sources import Source, make_source
from pixel_linguist.text.perturb import Composition, compose

Batch = dict[str, Any]


class Render(Protocol):
    """What the loader asks of a renderer."""

    def __call__(self, texts: Sequence[str], length: int) -> Any:
        """Return .patches uint8 [B, length, H, W], .count int32 [B], and .stats.cut."""
        ...


@dataclasses.dataclass(frozen=True)
class MakeViews(grain.transforms.RandomMap):
    """Record → (clean example, perturbed example); the views are perturbed independently.

    `part` of `parts` keeps the groups of one source apart from those of another.
    """

    pair_maker: PairMaker
    perturb: Composition
    part: int
    parts: int

    def random_map(self, record: Any, rng: np.random.Generator) -> tuple[Example, Example]:
        """Apply the pair maker, then the perturbation to each text on its own."""
        clean = self.pair_maker(record, rng)
        if clean.group >= 0:
            clean = clean._replace(group=clean.group * self.parts + self.part)
        anchor, positive, negative = (self.perturb(text, rng) for text in clean[:3])
        return clean, Example(anchor, positive, negative, clean.group)


def text_id(text: str) -> int:
    """Return a number for a text: equal texts have equal numbers (CRC-32, 31 bits)."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) & 0x7FFFFFFF


@dataclasses.dataclass(frozen=True)
class RenderBatch(grain.transforms.Map):
    """List of (clean, perturbed) examples → a batch of arrays."""

    render: Render
    views: tuple[str, ...]
    length: int

    def map(self, examples: list[tuple[Example, Example]]) -> Batch:
        """Return view → {"patches", "count"}, "text_id", "group", and "has_negative" if needed.

        "cut" int32 [] counts the texts that were longer than their room.
        """
        batch: Batch = {
            "text_id": {},
            "cut": np.int32(0),
            "group": np.array([clean.group for clean, _ in examples], np.int32),
        }
        for view in self.views:
            texts = [getattr(perturbed, view) for _, perturbed in examples]
            rendered = self.render(texts, length=self.length)
            batch[view] = {"patches": rendered.patches, "count": rendered.count}
            batch["cut"] += rendered.stats.cut
            ids = [text_id(getattr(clean, view)) for clean, _ in examples]
            batch["text_id"][view] = np.array(ids, np.int32)
        if "negative" in self.views:
            batch["has_negative"] = np.array([clean.negative != "" for clean, _ in examples])
        if examples[0][0].target is not None:
            batch["target"] = np.stack([clean.target for clean, _ in examples])
        return batch


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
    root: str | Path, stage: Mapping[str, Any], *, seed: int, process: int = 0, processes: int = 1
) -> grain.MapDataset:
    """Return the endless, shuffled mixture of a stage's (clean, perturbed) examples.

    Args:
        root: the recipe's data folder.
        stage: with "data" (part → {"source", "pairs", "weight"}), "mixture_temperature", "perturb"
            (name → arguments) and "perturb_probability".
        seed: of shuffling, pairing and perturbing.
        process: this host's number; it reads each `processes`-th record from it on.
        processes: number of hosts.
    """
    if not stage["data"]:
        raise ValueError("the stage has no data: name at least one source")
    perturb = compose(stage["perturb"], stage["perturb_probability"])
    parts, weights = [], []
    for number, (name, part) in enumerate(sorted(stage["data"].items())):
        source: Source = make_source(root, part["source"])
        needed = stage["batch_size"]
        if len(source) < needed:
            raise ValueError(
                f"data {name!r} has {len(source)} records, fewer than the batch size {needed}; "
                "take a smaller batch or more data"
            )
        records = grain.MapDataset.source(source).seed(seed + 1000 * number).shuffle()
        maker = make_pair_maker(part["pairs"])
        views = MakeViews(maker, perturb, part=number, parts=len(stage["data"]))
        # Drawn before the hosts' shares are taken, so that their number changes no example.
        parts.append(records.random_map(views)[process::processes].repeat())
        weights.append(part["weight"] * size_weight(len(source), stage["mixture_temperature"]))
    return grain.MapDataset.mix(parts, weights=weights) if len(parts) > 1 else parts[0]


def make_batches(
    examples: grain.MapDataset,
    render: Render,
    *,
    views: tuple[str, ...],
    batch_size: int,
    length: int,
    workers: int,
) -> grain.IterDataset:
    """Batch and render examples, ahead of their use.

    Args:
        examples: from `make_examples`.
        render: the renderer; it travels to the workers.
        views: which texts of an example are rendered.
        batch_size: examples in one batch of this host.
        length: patches to which every text is padded or cut.
        workers: processes; 0 renders in threads of this one.
    """
    batches = examples.batch(batch_size, drop_remainder=True, batch_fn=list)
    batches = batches.map(RenderBatch(render, views, length))
    dataset = batches.to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=4))
    if workers:
        options = grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2)
        dataset = dataset.mp_prefetch(options)
    return dataset


def preview(examples: grain.MapDataset, count: int) -> Iterator[tuple[Example, Example]]:
    """Yield the first (clean, perturbed) examples, to look at."""
    return (examples[i] for i in range(count))
