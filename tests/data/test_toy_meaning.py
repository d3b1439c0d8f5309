"""What records of the generated world mean: splits, entailment, contradiction, similarity.

Meanings are read back from the texts where it matters, so that writing is checked too.
"""

import collections
import dataclasses
import hashlib
import re
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer

from pixel_linguist.data.toy import LANGUAGES, Proposition, ToySource, similarity, split_of
from pixel_linguist.data.toy.lexicon import concepts, of_kind
from tests.data.toy_text import read_concepts, read_english

ALL = tuple(LANGUAGES)
TASKS = ("sentences", "documents", "nli", "similarity", "parallel")
SIZES = {"train": 3000, "dev": 600, "test": 600}
CORE_KINDS = ("animate", "inanimate", "verb")


def sentences(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a record's (sentence, language) pairs."""
    found = []
    for column, value in record.items():
        if column not in ("language", "language1", "language2", "score", "group"):
            code = record.get("language") or record["language" + column[-1]]
            found += [(text, code) for text in value.rstrip(".").split(". ")]
    return found


def split_of_words(names: frozenset[str]) -> str:
    """Return the split that a sentence's words belong to, from its nouns and verb alone."""
    core = [name for name in names if concepts()[name].kind.startswith(CORE_KINDS)]
    assert len(core) == 3
    numbers = [hashlib.blake2b(name.encode(), digest_size=8).hexdigest() for name in core]
    share = sum(int(number, 16) for number in numbers) % 2**64 / 2**64
    return "train" if share < 0.8 else "dev" if share < 0.9 else "test"


@pytest.mark.slow
def test_no_set_of_words_occurs_in_two_splits() -> None:
    seen: dict[str, set[frozenset[str]]] = collections.defaultdict(set)
    for split, size in SIZES.items():
        for task in TASKS:
            source = ToySource(task, split=split, size=size, languages=ALL, seed=7)
            for i in range(size):
                for text, code in sentences(source[i]):
                    # Concepts join the languages: a translation counts as the same set.
                    words = frozenset(read_concepts(text, code))
                    assert split_of_words(words) == split
                    seen[split].add(words)
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["dev"]
    assert not seen["dev"] & seen["test"]


def test_shares_of_splits() -> None:
    rng = np.random.default_rng(0)
    nouns, verbs = of_kind("animate"), of_kind("verb animate")
    drawn = [
        Proposition(str(rng.choice(nouns)), str(rng.choice(verbs)), str(rng.choice(nouns)))
        for _ in range(4000)
    ]
    counts = collections.Counter(split_of(proposition) for proposition in drawn)
    assert abs(counts["train"] / 4000 - 0.8) < 0.03
    assert abs(counts["test"] / 4000 - 0.1) < 0.02
    for p in drawn[:200]:
        turned = Proposition(p.patient, p.action, p.agent, place="kitchen", negated=True)
        assert split_of(turned) == split_of(p)


def test_english_roles_are_those_of_the_meaning() -> None:
    source = ToySource("sentences", split="train", size=2000)
    for i in range(len(source)):
        (meant,) = source.meaning(i)["text"]
        read = read_english(source[i]["text"])
        for role in ("agent", "action", "patient", "negated"):
            assert read[role] == getattr(meant, role), source[i]


def test_entailments_follow() -> None:
    source = ToySource("nli", split="train", size=2000)
    shorter = 0
    for i in range(len(source)):
        premise, entailment = (read_english(source[i][c]) for c in ("premise", "entailment"))
        for role in ("agent", "action", "patient", "negated"):
            assert premise[role] == entailment[role]
        if premise["negated"]:
            assert premise["others"] == entailment["others"]
        if new := entailment["others"] - premise["others"]:
            assert new == {"several"}
            assert premise["others"] & set(of_kind("quantity")) - {"two", "several"}
        shorter += len(premise["others"]) > len(entailment["others"])
        meaning = source.meaning(i)
        for role, value in dataclasses.asdict(meaning["entailment"][0]).items():
            old = getattr(meaning["premise"][0], role)
            assert value in (old, None) or (value == "several" and old not in (None, "two"))
    assert shorter > 400


def contradicts(premise: Proposition, other: Proposition) -> str:
    """Return why two propositions of the closed world exclude each other, or ""."""
    roles = [
        field.name
        for field in dataclasses.fields(Proposition)
        if getattr(premise, field.name) != getattr(other, field.name)
    ]
    if roles == ["negated"]:
        return "negation"
    if premise.negated or other.negated:
        return ""
    if (premise.agent, premise.patient) == (other.patient, other.agent):
        return "swap"
    if len(roles) != 1:
        return ""
    (role,) = roles
    if role in ("agent", "patient", "place"):
        return role
    old, new = getattr(premise, role), getattr(other, role)
    return role if old and new in concepts()[old].opposites else ""


def test_contradictions_exclude_the_premise_and_look_like_it() -> None:
    source = ToySource("nli", split="train", size=2000)
    reasons: collections.Counter[str] = collections.Counter()
    overlaps = collections.defaultdict(list)
    for i in range(len(source)):
        record, meaning = source[i], source.meaning(i)
        reason = contradicts(meaning["premise"][0], meaning["contradiction"][0])
        assert reason, record
        reasons[reason] += 1
        premise = set(re.findall(r"\w+", record["premise"].lower()))
        for column in ("entailment", "contradiction"):
            words = set(re.findall(r"\w+", record[column].lower()))
            overlaps[column].append(len(words & premise) / len(words | premise))
    assert {"negation", "swap", "agent", "patient", "place", "time"} <= set(reasons)
    assert reasons["agent_attribute"] + reasons["patient_attribute"] > 50
    assert max(reasons.values()) < 1000
    # Hard negatives: on the surface, contradictions are nearer than entailments.
    assert np.mean(overlaps["contradiction"]) > np.mean(overlaps["entailment"])


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [
        (Proposition("cat", "see", "dog"), Proposition("cat", "see", "dog"), 5),
        (Proposition("cat", "see", "dog"), Proposition("cat", "see", "horse"), 5 * 6 / 9),
        (Proposition("cat", "see", "dog"), Proposition("king", "help", "horse"), 0),
        # Negation is a role of weight 2; a swap costs 1.5 if all else agrees.
        (Proposition("cat", "see", "dog"), Proposition("cat", "see", "dog", negated=True), 45 / 11),
        (Proposition("cat", "see", "dog"), Proposition("dog", "see", "cat"), 3.5),
        (
            Proposition("cat", "see", "dog"),
            Proposition("cat", "see", "dog", place="kitchen", patient_quantity="two"),
            5 * 9 / 12,
        ),
        (
            Proposition("cat", "see", "dog", agent_attribute="big"),
            Proposition("dog", "see", "cat", patient_attribute="big"),
            3.5,
        ),
    ],
)
def test_similarity_by_hand(first: Proposition, second: Proposition, score: float) -> None:
    assert similarity(first, second) == similarity(second, first) == pytest.approx(score)


def test_similarity_is_learnable_from_meaning_and_not_from_the_surface() -> None:
    size = 600
    source = ToySource("similarity", split="test", size=size)
    records = [source[i] for i in range(size)]
    scores = np.array([record["score"] for record in records])
    bags = []
    for i, score in enumerate(scores):
        (first,), (second,) = source.meaning(i).values()
        assert score == pytest.approx(similarity(first, second), abs=1e-3)
        one, other = ({*p.concepts(), *(["not"] if p.negated else [])} for p in (first, second))
        bags.append(len(one & other) / np.sqrt(len(one) * len(other)))
    texts = [record[column] for column in ("sentence1", "sentence2") for record in records]
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit_transform(texts)
    surface = np.asarray(vectors[:size].multiply(vectors[size:]).sum(axis=1)).ravel()
    assert spearmanr(bags, scores).statistic >= 0.9
    assert spearmanr(surface, scores).statistic < 0.6
    assert scores.min() >= 0 and scores.max() == 5
    shares = np.histogram(scores, bins=5, range=(0, 5))[0] / size
    assert shares.min() > 0.1 and shares.max() < 0.35
