"""B-PROP: sets of words that represent a document, by the encoder's own attention or by counts.

Sources: PROP (Ma et al. 2021, arXiv 2010.10137), B-PROP (Ma et al. 2021, arXiv 2104.09791).
"""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pixel_linguist.data.example import Example, group_of
from pixel_linguist.data.records import Record, Source, column, text_of
from pixel_linguist.data.walks import STOP_WORDS
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.text.spans import bare_word

# Texts that are encoded at once, the saturation of attention, and the highest divergence.
_BLOCK, _SATURATION, _HIGHEST = 64, 0.01, 100.0
# The perplexity of the draw by attention, as a share of a text's words; it sets T.
_SHARE = 0.5


def bare_words(text: str) -> list[str]:
    """Return the words between spaces, in lower case, without punctuation around; "" may be one."""
    return [bare_word(word) for word in text.split()]


def vocabulary(text: str) -> list[str]:
    """Return the distinct alphabetic words of a text in order, those that may be drawn."""
    return [word for word in dict.fromkeys(bare_words(text)) if word.isalpha()]


def cut(records: Source, *, text: str, size: int, least: int = 10) -> list[Record]:
    """Cut documents into passages.

    Args:
        size: words of a passage.
        least: distinct alphabetic words of a passage; others are left out.

    Returns:
        {"text", "others": the document's other passages, or itself alone, "group": the record's
        own, or its number}.

    Raises:
        ValueError: for a size below 1.
    """
    if size < 1:
        raise ValueError(f"size is {size}; a passage needs at least 1 word")
    found: list[Record] = []
    for number in range(len(records)):
        tokens = text_of(records[number], text, f"record {number}").split()
        spans = [" ".join(tokens[i : i + size]) for i in range(0, len(tokens), size)]
        spans = [span for span in spans if len(vocabulary(span)) >= least]
        group = records[number].get("group", number)
        for i, span in enumerate(spans):
            others = (*spans[:i], *spans[i + 1 :]) or (span,)
            found.append({"text": span, "others": others, "group": group})
    return found


def attention_shares(embed: Any, texts: Sequence[str]) -> list[np.ndarray]:
    """Return the share of each word between spaces in the mean of its text's patches.

    Patch j of n has the share <x_j, e> / (n |e|²) of e, the mean of x, also if the model weights
    its mean; negative ones are 0, and words that are cut off have 0. Each word begins a patch, so
    that the patches of a word are known by their number.

    Args:
        embed: a model's `Embedder`.

    Raises:
        ValueError: for a model that is none of ours, whose embedding is no mean of its patches, or
            whose words do not begin patches.
    """
    import jax

    if getattr(getattr(embed, "renderer", None), "strategy", "") != "words":
        raise ValueError("attention needs a model folder whose words begin patches, on one host")
    config = embed.encoder.config
    if config.pooling not in ("mean", "vector") or config.head != "none":
        raise ValueError("attention needs pooling 'mean' or 'vector' of a model without a head")
    encoder, renderer, longest = embed.encoder, embed.renderer, embed.renderer.max_patches

    @jax.jit
    def encode(params: Any, pixels: Any, count: Any) -> Any:
        patches = one_text_a_row(pixels, count, jax.numpy)
        return encoder.encode(params, patches, outputs=("patch_features",))["patch_features"]

    shares: list[np.ndarray] = []
    for start in range(0, len(texts), _BLOCK):
        block = list(texts[start : start + _BLOCK])
        drawn = renderer(block + [""] * (_BLOCK - len(block)), longest)
        pixels = drawn.patches
        if tokens := getattr(embed, "tokens", None):
            # A word that stands in many texts is read once.
            pixels = tokens.of_rows(pixels)
        found = np.asarray(encode(embed.params, pixels, drawn.count))
        for row, text in enumerate(block):
            x = found[row, : int(drawn.count[row])].astype(np.float64)
            e = x.mean(axis=0)
            of_patch = np.zeros(longest)
            of_patch[: len(x)] = np.maximum(x @ e / max(len(x) * (e @ e), 1e-12), 0)
            words = text.split()
            ends = np.cumsum(renderer.count_patches(words)) if words else np.zeros(0, int)
            sums = np.concatenate([[0], np.cumsum(of_patch)])[np.minimum([0, *ends], longest)]
            shares.append(np.diff(sums))
    return shares


def term_weights(texts: Sequence[str], shares: Sequence[np.ndarray]) -> list[dict[str, float]]:
    """Return theta of each document: word → the sum s of its shares, saturated, of all words'."""
    found = []
    for text, share in zip(texts, shares, strict=True):
        sums: dict[str, float] = collections.defaultdict(float)
        for word, value in zip(bare_words(text), share, strict=True):
            if word:
                sums[word] += float(value)
        saturated = {word: v / (v + _SATURATION) for word, v in sums.items()}
        found.append(_normalised(saturated))
    return found


def divergence(theta: Mapping[str, float], of_all: Mapping[str, float]) -> dict[str, float]:
    """Return g of each word: min(-theta_d log2 theta_0, 100)."""
    logs = {word: float(np.log2(max(of_all[word], 1e-300))) for word in theta}
    return {word: min(-t * logs[word], _HIGHEST) for word, t in theta.items()}


def tempered(scores: np.ndarray, share: float) -> np.ndarray:
    """Return softmax(scores / T) whose perplexity is a share of the number of scores.

    With T = 1, as the authors have it, the softmax of divergences is nearly uniform.
    """
    low, high = 1e-6, 1e3
    for _ in range(60):
        middle = (low * high) ** 0.5
        powers = np.exp((scores - scores.max()) / middle)
        p = powers / powers.sum()
        entropy = -(p * np.log(np.maximum(p, 1e-300))).sum()
        low, high = (low, middle) if np.exp(entropy) > share * len(p) else (middle, high)
    return np.asarray(p)


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values()) or 1.0
    return {word: weight / total for word, weight in weights.items()}


@dataclasses.dataclass
class Representatives:
    """An annotator: how well each word of a text represents it, and how often it is drawn.

    With `bootstrapped`, the score of word w in document d is g = min(-theta_d[w] log2 theta_0[w],
    100), where theta_d is the saturated attention of the model and theta_0 its mean over documents
    (B-PROP), and w is drawn by softmax(g / T). Without, it is drawn by p(w | d) = (tf + mu df /
    sum df) / (|d| + mu), mu the mean length, stop words left out, and scored by log p (PROP, whose
    candidates from the collection are left out).

    Attributes:
        text: column of texts.
        bootstrapped: whether by attention, or by counts.
    """

    text: str
    bootstrapped: bool = True

    def __post_init__(self) -> None:
        self._known: tuple[Any, ...] = ()

    def __call__(self, records: Source, rows: range, embed: Any) -> Mapping[str, np.ndarray]:
        """Return "scores" and "probabilities" float32 [N, W] of each record's `vocabulary`.

        Behind its last word there are zeros.
        """
        if not self._known or self._known[0] is not records:
            texts = [text_of(records[i], self.text) for i in range(len(records))]
            measure = self._by_attention if self.bootstrapped else self._by_counts
            self._known = records, measure(texts, embed)
        room = max(len(scores) for scores, _ in self._known[1])
        found = np.zeros((2, len(rows), max(room, 1)), np.float32)
        for place, row in enumerate(rows):
            for kind, values in enumerate(self._known[1][row]):
                found[kind, place, : len(values)] = values
        return {"scores": found[0], "probabilities": found[1]}

    def _by_attention(self, texts: Sequence[str], embed: Any) -> list[Any]:
        thetas = term_weights(texts, attention_shares(embed, texts))
        sums: dict[str, float] = collections.defaultdict(float)
        for theta in thetas:
            for word, value in theta.items():
                sums[word] += value
        of_all, found = _normalised(sums), []
        for text, theta in zip(texts, thetas, strict=True):
            g = divergence(theta, of_all)
            scores = np.array([g[word] for word in vocabulary(text)])
            found.append((scores, tempered(scores, _SHARE) if len(scores) else scores))
        return found

    def _by_counts(self, texts: Sequence[str], embed: Any) -> list[Any]:
        counts = [collections.Counter(content_words(text)) for text in texts]
        documents = collections.Counter(word for count in counts for word in count)
        mu = sum(count.total() for count in counts) / max(len(counts), 1)
        total, found = max(documents.total(), 1), []
        for text, count in zip(texts, counts, strict=True):
            tf, df = (
                np.array([c[word] for word in vocabulary(text)], float) for c in (count, documents)
            )
            p = np.where(tf > 0, (tf + mu * df / total) / (count.total() + mu), 0)
            scores = np.log(np.maximum(p, 1e-30))
            found.append((scores, p / p.sum() if p.any() else p))
        return found


def content_words(text: str) -> list[str]:
    """Return the alphabetic words of a text without stop words, each as often as it stands."""
    return [word for word in bare_words(text) if word.isalpha() and word not in STOP_WORDS]


def representative_sets(
    record: Record, rng: np.random.Generator, *, text: str, mean: float = 3.0
) -> Example:
    """Take a passage, another of its document ("span"), and draw two sets of the passage's words.

    Of the sets, the one of the higher sum of scores is "positive", the other "negative". Records
    are those of `cut` that `Representatives` has annotated. The size of both sets is drawn by
    Poisson(`mean`) without 0, words by their probabilities, none twice. A passage of which no two
    sets differ has no "negative".
    """
    if mean <= 0:
        raise ValueError(f"mean is {mean}; it must be above 0")
    passage, others = text_of(record, text), column(record, "others")
    words = np.array([*vocabulary(passage), ""])
    scores, p = (
        np.asarray(column(record, name, "the record without annotations"), float)[: len(words)]
        for name in ("scores", "probabilities")
    )
    views = {"anchor": passage, "span": others[rng.integers(len(others))]}
    drawn = np.flatnonzero(p > 0)
    if not len(drawn):
        return Example({**views, "positive": "", "negative": ""}, group_of(record))
    size = 0
    while not size:
        size = min(int(rng.poisson(mean)), len(drawn))
    weights = p[drawn] / p[drawn].sum()
    sets = [rng.permutation(rng.choice(drawn, size, replace=False, p=weights)) for _ in range(2)]
    better, worse = sorted(sets, key=lambda chosen: -float(scores[chosen].sum()))
    same = {*better.tolist()} == {*worse.tolist()}
    views["positive"] = " ".join(words[better])
    views["negative"] = "" if same else " ".join(words[worse])
    return Example(views, group_of(record))
