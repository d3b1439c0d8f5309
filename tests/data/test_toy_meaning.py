"""What records of the world mean: splits, entailment, contradiction, similarity.

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
from pixel_linguist.data.toy.languages import read_concepts
from pixel_linguist.data.toy.lexicon import concepts

ALL = tuple(LANGUAGES)
TASKS = ("sentences", "documents", "nli", "similarity", "parallel")
SIZES = {"train": 3000, "dev": 600, "test": 600}
OTHER_KINDS = ("adjective", "place", "time", "manner", "quantity")
NUMBERS = [name for name in concepts() if concepts()[name].kind == "quantity"]


def sentences(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a record's (sentence, language) pairs."""
    found = []
    for column, value in record.items():
        if column not in ("language", "language1", "language2", "score", "group"):
            code = record.get("language") or record["language" + column[-1]]
            found += [(text, code) for text in value.rstrip(".").split(". ")]
    return found


def read_english(text: str) -> dict[str, Any]:
    """Read agent, action, patient, negation and the other concepts of an English sentence."""
    names = read_concepts(text, "en")
    kinds = [concepts()[name].kind for name in names]
    pairs = list(zip(names, kinds, strict=True))
    nouns = [name for name, kind in pairs if kind in ("animate", "inanimate")]
    (action,) = [name for name, kind in pairs if kind.startswith("verb")]
    tokens = text.lower().split()
    agent, patient = nouns[::-1] if "by" in tokens else nouns
    return {
        "agent": agent,
        "action": action,
        "patient": patient,
        "negated": "not" in tokens,
        "others": sorted(set(names) - {agent, action, patient}),
    }


def split_of_words(names: frozenset[str]) -> str:
    """Return the split that a sentence's words belong to, from its nouns and verb alone."""
    core = [name for name in names if not concepts()[name].kind.startswith(OTHER_KINDS)]
    assert len(core) == 3
    numbers = [hashlib.blake2b(name.encode(), digest_size=8).hexdigest() for name in core]
    share = sum(int(number, 16) for number in numbers) % 2**64 / 2**64
    return "train" if share < 0.8 else "dev" if share < 0.9 else "test"


@pytest.mark.slow
def test_no_set_of_words_occurs_in_two_splits() -> None:
    seen: dict[str, set[frozenset[str]]] = {}
    records = 0
    for split, size in SIZES.items():
        seen[split] = set()
        for task in TASKS:
            source = ToySource(task, split=split, size=size, languages=ALL, seed=7)
            for i in range(size):
                records += 1
                for text, code in sentences(source[i]):
                    # Concepts join the languages: a translation counts as the same set.
                    words = frozenset(read_concepts(text, code))
                    assert split_of_words(words) == split
                    seen[split].add(words)
    assert records >= 20_000
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["dev"]
    assert not seen["dev"] & seen["test"]


def test_split_shares() -> None:
    rng = np.random.default_rng(0)
    nouns = [name for name, concept in concepts().items() if concept.kind == "animate"]
    verbs = [name for name, concept in concepts().items() if concept.kind == "verb animate"]
    drawn = [
        Proposition(*rng.choice(nouns, 1), *rng.choice(verbs, 1), *rng.choice(nouns, 1))
        for _ in range(4000)
    ]
    counts = collections.Counter(split_of(proposition) for proposition in drawn)
    assert abs(counts["train"] / 4000 - 0.8) < 0.03
    assert abs(counts["test"] / 4000 - 0.1) < 0.02
    for p in drawn[:200]:
        turned = Proposition(p.patient, p.action, p.agent, place="kitchen", negated=True)
        assert split_of(turned) == split_of(p)


@pytest.mark.parametrize("split", SIZES)
def test_every_meaning_belongs_to_its_split(split: str) -> None:
    for task in TASKS:
        source = ToySource(task, split=split, size=200, languages=ALL)
        for i in range(200):
            for meaning in source.meaning(i).values():
                assert {split_of(proposition) for proposition in meaning} == {split}


def test_english_roles_read_from_the_text() -> None:
    source = ToySource("sentences", split="train", size=2000)
    for i in range(len(source)):
        (meant,) = source.meaning(i)["text"]
        read = read_english(str(source[i]["text"]))
        for role in ("agent", "action", "patient", "negated"):
            assert read[role] == getattr(meant, role), source[i]


def test_entailments_follow() -> None:
    source = ToySource("nli", split="train", size=2000)
    shorter = 0
    for i in range(len(source)):
        record = source[i]
        premise, entailment = (read_english(str(record[c])) for c in ("premise", "entailment"))
        for role in ("agent", "action", "patient", "negated"):
            assert premise[role] == entailment[role]
        new = set(entailment["others"]) - set(premise["others"])
        if premise["negated"]:
            assert premise["others"] == entailment["others"]
        assert new <= {"several"}
        if new:
            assert set(premise["others"]) & set(NUMBERS) - {"two", "several"}
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
        premise = set(re.findall(r"\w+", str(record["premise"]).lower()))
        for column in ("entailment", "contradiction"):
            words = set(re.findall(r"\w+", str(record[column]).lower()))
            overlaps[column].append(len(words & premise) / len(words | premise))
    assert {"negation", "swap", "agent", "patient", "place", "time"} <= set(reasons)
    assert reasons["agent_attribute"] + reasons["patient_attribute"] > 50
    assert max(reasons.values()) < 1000
    # Hard negatives: on the surface, contradictions are nearer than entailments.
    assert np.mean(overlaps["contradiction"]) > np.mean(overlaps["entailment"])


def test_similarity_by_hand() -> None:
    plain = Proposition("cat", "see", "dog")
    assert similarity(plain, plain) == 5
    assert similarity(plain, Proposition("cat", "see", "horse")) == pytest.approx(5 * 6 / 9)
    assert similarity(plain, Proposition("king", "help", "horse")) == 0
    # Negation is a role of weight 2; a swap costs 1.5 whatever else agrees.
    assert similarity(plain, Proposition("cat", "see", "dog", negated=True)) == pytest.approx(
        45 / 11
    )
    assert similarity(plain, Proposition("dog", "see", "cat")) == 3.5
    placed = Proposition("cat", "see", "dog", place="kitchen", patient_quantity="two")
    assert similarity(plain, placed) == similarity(placed, plain) == pytest.approx(5 * 9 / 12)
    big_cat = Proposition("cat", "see", "dog", agent_attribute="big")
    swapped = Proposition("dog", "see", "cat", patient_attribute="big")
    assert similarity(big_cat, swapped) == 3.5


@pytest.mark.parametrize("code", LANGUAGES)
def test_similarity_is_learnable_from_meaning_and_not_from_the_surface(code: str) -> None:
    size = 1000
    source = ToySource("similarity", split="test", size=size, languages=(code,))
    records = [source[i] for i in range(size)]
    scores = np.array([record["score"] for record in records])
    bags = []
    for i, record in enumerate(records):
        (first,), (second,) = source.meaning(i).values()
        assert record["score"] == pytest.approx(similarity(first, second), abs=1e-3)
        one, other = ({*p.concepts(), *(["not"] if p.negated else [])} for p in (first, second))
        bags.append(len(one & other) / np.sqrt(len(one) * len(other)))
    texts = [str(record[column]) for column in ("sentence1", "sentence2") for record in records]
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit_transform(texts)
    surface = np.asarray(vectors[:size].multiply(vectors[size:]).sum(axis=1)).ravel()
    assert spearmanr(bags, scores).statistic >= 0.9
    assert spearmanr(surface, scores).statistic < 0.6
    assert scores.min() >= 0 and scores.max() == 5
    shares = np.histogram(scores, bins=5, range=(0, 5))[0] / size
    assert shares.min() > 0.1 and shares.max() < 0.35
