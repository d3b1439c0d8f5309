"""Posts with hashtags: several posts of a tag, joined, and another one of it."""

import collections
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pixel_linguist.data.example import Example, padded
from pixel_linguist.data.records import Record, column, in_split, number_of, read_rows, text_of
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
        remainders: of the post's number.

    Returns:
        A record a tag: {"tag", "posts": texts, "post_tags": the numbers of each post's tags,
        "group": its own number}.
    """
    numbers: dict[str, int] = {}
    posts: dict[str, dict[str, tuple[str, tuple[int, ...]]]] = collections.defaultdict(dict)
    for number, (row, where) in enumerate(read_rows(root, path, (text, tags))):
        post = text_of(row, text, where)
        own = [tag for tag in dict.fromkeys(text_of(row, tags, where).split("|")) if tag]
        own_numbers = tuple(numbers.setdefault(tag, len(numbers)) for tag in own)
        rest = bare(post)
        if rest and in_split(number, remainders):
            for tag in own:
                posts[tag].setdefault(rest, (post, own_numbers))
    return [
        {
            "tag": tag,
            "posts": tuple(post for post, _ in of_tag.values()),
            "post_tags": tuple(own for _, own in of_tag.values()),
            "group": numbers[tag],
        }
        for tag, of_tag in posts.items()
        if len(of_tag) >= least
    ]


def posts_of_tag(
    record: Record, rng: np.random.Generator, *, joined: int = 3, groups: int = 8
) -> Example:
    """Join up to `joined` posts of a tag as "anchor", and take one other post of it.

    The tags of all these posts are groups, up to `groups` of them, so that a post that shares one
    is no negative. Tags are drawn, not posts: frequent ones would be most of the data otherwise.

    Source: HICL (Tan et al. 2025, arXiv 2308.09985): a "hash document" against a post; with one
    post joined it is a contrast of two posts.

    Raises:
        ValueError: for a number below 1, or a tag of one post.
    """
    if joined < 1 or groups < 1:
        raise ValueError(f"joined is {joined} and groups {groups}: at least 1 each")
    posts = column(record, "posts")
    if len(posts) < 2:
        raise ValueError(f"the tag {record.get('tag')!r} has {len(posts)} post; 2 are needed")
    drawn = rng.permutation(len(posts))[: joined + 1].tolist()
    tags = [tag for i in drawn for tag in record["post_tags"][i]]
    # Its own tag is always among those that are kept.
    kept = list(dict.fromkeys([record["group"], *tags]))[:groups]
    views = {"anchor": " ".join(posts[i] for i in drawn[1:]), "positive": posts[drawn[0]]}
    return Example(views, {"group": padded(kept, groups)})


def labelled(
    record: Record, rng: np.random.Generator, *, text: str, label: str, related: str | None = None
) -> Example:
    """Take the view "post", a text and a related one, and the fact "label", its class.

    Args:
        label: column of the class, a whole number from 0 on.
        related: column of the related text; an empty one is left out. None: there is none.
    """
    number = number_of(record, label)
    if number < 0 or number != int(number):
        raise ValueError(f"the label is {number}, not a whole number from 0 on: {record!r:.200}")
    other = text_of(record, related) if related else ""
    post = (text_of(record, text), *([other] if other else []))
    return Example({"post": post}, {"label": int(number)})


def bare(post: str) -> str:
    """Return a post without tags, links, mentions, case and punctuation, to tell repeats."""
    words = re.sub(rf"{TAG.pattern}|@\w*|https?\S*|…", " ", post).lower()
    return " ".join(re.findall(r"\w+", words))
