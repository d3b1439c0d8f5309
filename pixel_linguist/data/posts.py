"""Posts with hashtags: several posts of a tag, joined, and another one of it."""

import collections
import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pixel_linguist.data.example import NO_GROUP, Example
from pixel_linguist.data.records import Record, column, number_of, read_table, text_of
from pixel_linguist.text.word_noise import TAG


def tagged_posts(
    root: Path,
    *,
    path: str,
    text: str = "text",
    tags: str = "hashtags",
    least: int = 3,
    remainders: Sequence[int] = (),
) -> list[Record]:
    """Group the posts of a table by hashtag.

    Args:
        text: column of posts; those without a word beside tags are left out, and repeats (see
            `bare`) count once for a tag.
        tags: column of a post's tags, joined by bars; a post without tags is left out.
        least: posts that a tag must have.
        remainders: of the post's number in the table by ten, which are taken: a split; empty: all.

    Returns:
        A record a tag: {"tag", "posts": texts, "post_tags": the numbers of each post's tags,
        "group": its own number}.

    Raises:
        ValueError: for a missing column, or if no tag has enough posts.
    """
    numbers: dict[str, int] = {}
    posts: dict[str, dict[str, tuple[str, tuple[int, ...]]]] = collections.defaultdict(dict)
    for number, row in enumerate(read_table(root / path, (text, tags))):
        where = f"{path}, record {number + 1}"
        post = text_of(row, text, where)
        own = [tag for tag in dict.fromkeys(text_of(row, tags, where).split("|")) if tag]
        own_numbers = tuple(numbers.setdefault(tag, len(numbers)) for tag in own)
        rest = bare(post)
        if rest and (not remainders or number % 10 in remainders):
            for tag in own:
                posts[tag].setdefault(rest, (post, own_numbers))
    records: list[Record] = [
        {
            "tag": tag,
            "posts": tuple(post for post, _ in of_tag.values()),
            "post_tags": tuple(own for _, own in of_tag.values()),
            "group": numbers[tag],
        }
        for tag, of_tag in posts.items()
        if len(of_tag) >= least
    ]
    if not records:
        raise ValueError(f"{path} has no tag with {least} posts")
    return records


@dataclasses.dataclass(frozen=True)
class TaggedPosts:
    """Up to `joined` posts of a tag as one text, and one other post of it.

    The tags of all these posts are groups, up to `groups` of them, so that a post that shares one
    is no negative. Tags are drawn, not posts: frequent ones would be most of the data otherwise.

    Source: HICL (Tan et al. 2025, arXiv 2308.09985): a "hash document" against a post; with one
    post joined it is a contrast of two posts.

    Attributes:
        joined: posts of a document, at most.
        groups: tags that are kept.
    """

    joined: int = 3
    groups: int = 8

    def __post_init__(self) -> None:
        if self.joined < 1 or self.groups < 1:
            raise ValueError(f"joined is {self.joined} and groups {self.groups}: at least 1 each")

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example, "anchor" the document; ValueError for a tag of one post."""
        posts = column(record, "posts", "the record")
        if len(posts) < 2:
            raise ValueError(f"the tag {record.get('tag')!r} has {len(posts)} post; 2 are needed")
        drawn = rng.permutation(len(posts))[: self.joined + 1].tolist()
        tags = [tag for i in drawn for tag in record["post_tags"][i]]
        # Its own tag is always among those that are kept.
        kept = list(dict.fromkeys([record["group"], *tags]))[: self.groups]
        kept += [NO_GROUP] * (self.groups - len(kept))
        document = " ".join(posts[i] for i in drawn[1:])
        return Example({"anchor": document, "positive": posts[drawn[0]]}, {"group": tuple(kept)})


@dataclasses.dataclass(frozen=True)
class Labelled:
    """A text with its class, and a related text if a column names one.

    Attributes:
        label: column of the class, a whole number from 0 on.
        related: column of the related text; an empty one is left out. None: there is none.
    """

    text: str
    label: str
    related: str | None = None

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example: the view "post" of one or two sentences, and the fact "label"."""
        label = number_of(record, self.label, "the record")
        if label < 0 or label != int(label):
            raise ValueError(f"the label is {label}, not a whole number from 0 on: {record!r:.200}")
        post: tuple[str, ...] = (text_of(record, self.text, "the record"),)
        if self.related and (other := text_of(record, self.related, "the record")):
            post = (*post, other)
        return Example({"post": post}, {"label": int(label)})


def bare(post: str) -> str:
    """Return a post without tags, links, mentions, case and punctuation, to tell repeats."""
    words = re.sub(rf"{TAG.pattern}|@\w*|https?\S*|…", " ", post).lower()
    return " ".join(re.findall(r"\w+", words))


def related_posts(
    posts: Sequence[str],
    vectors: np.ndarray,
    database: Sequence[str],
    database_vectors: np.ndarray,
) -> list[str]:
    """Return for each of N posts the nearest of a database by cosine that is no repeat of it.

    Args:
        posts: N texts.
        vectors: theirs, float [N, D].
        database: M texts.
        database_vectors: theirs, float [M, D].

    Returns:
        N texts; "" where all of the database repeat the post.
    """
    unit = database_vectors / np.maximum(
        np.linalg.norm(database_vectors, axis=1, keepdims=True), 1e-12
    )
    known = np.array([bare(post) for post in database])
    found = []
    for post, vector in zip(posts, vectors, strict=True):
        cosines = np.where(known == bare(post), -np.inf, unit @ vector)
        best = int(cosines.argmax())
        found.append(database[best] if np.isfinite(cosines[best]) else "")
    return found
