"""The scores that methods are compared by; METHODS names them TASK/METRIC."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from experiments.methods.debcse_world import PAIRS, SIDES
from experiments.methods.defsent import TEST, TRAIN, definitions
from experiments.methods.segments import SENTENCES
from experiments.methods.sesa import titles
from pixel_linguist.data.records import read_table
from pixel_linguist.data.sources import make_source
from pixel_linguist.data.toy import similarity
from pixel_linguist.data.toy.proposition import HIGHEST_SCORE
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.clustering import nearest_other
from pixel_linguist.evaluate.embedding_geometry import Geometry
from pixel_linguist.evaluate.segmentation import boundary_scores
from pixel_linguist.evaluate.similarity import (
    CachedEmbed,
    Embed,
    cosine_matrix,
    dense,
    paired_cosine,
)
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.objective.coherence import Coherence
from pixel_linguist.objective.explicit import codes
from pixel_linguist.text.character_noise import ocr_confusions

Scores = dict[str, float]


class Scorer:
    """Scores an encoder on the tasks of a method's recipe, and on what no recipe has as a task.

    Attributes:
        objective: trained parameters of the objective, for spaces of its own.
        annotations: returns the tables that were made before the stage, by part and column.
    """

    def __init__(self, tasks: Mapping[str, Any], data: Path):
        self.tasks, self.data = tasks, data
        self.objective: Mapping[str, Any] = {}
        self.annotations: Callable[[], Mapping[str, Any]] = dict

    def __call__(self, wanted: Sequence[str], embed: Embed) -> Scores:
        """Return TASK/METRIC → score."""
        cached = CachedEmbed(embed)
        found: dict[str, Scores] = {}
        for task in dict.fromkeys(name.split("/")[0] for name in wanted):
            own = getattr(self, f"_{task}", None)
            found[task] = own(cached) if own else self._task(task).score(cached)
        return {name: found[name.split("/")[0]][name.split("/")[1]] for name in wanted}

    def _task(self, name: str) -> Any:
        return make_task(self.data, self.tasks[name])

    def _records(self, spec: Mapping[str, Any]) -> list[dict[str, Any]]:
        source = make_source(self.data, spec)
        return [source[number] for number in range(len(source))]

    def _words(self, embed: Embed) -> Scores:
        """Return the mean Spearman correlation over sets of pairs of English words."""
        scores = []
        for path in sorted((self.data / "wordsim" / "en").glob("*.tsv")):
            rows = read_table(path, ("score", "word1", "word2"))
            first, second = (tuple(row[name] for row in rows) for name in ("word1", "word2"))
            gold = tuple(float(row["score"]) for row in rows)
            scores.append(STS(first, second, gold).score(embed)["spearman"])
        return {"spearman": float(np.mean(scores))}

    def _others(self, embed: Embed) -> Scores:
        """Return the mean Spearman correlation over STS-B in all languages but English."""
        found: dict[str, list[float]] = {"dev": [], "spearman": []}
        for name in self.tasks:
            if match := re.fullmatch(r"stsb-(?!en)[a-z]{2}(-dev|)", name):
                kind = match[1].lstrip("-") or "spearman"
                found[kind].append(self._task(name).score(embed)["spearman"])
        return {kind: float(np.mean(scores)) for kind, scores in found.items()}

    def _geometry(self, embed: Embed) -> Scores:
        """Return measures of STS-B's development pairs of a score of 4 or more."""
        table = read_table(self.data / "sts/stsb/en/dev.tsv")
        rows = [row for row in table if float(row["score"]) >= 4]
        sides = {name: tuple(row[name] for row in rows) for name in ("sentence1", "sentence2")}
        return Geometry(sides).score(embed)

    def _length(self, embed: Embed) -> Scores:
        """Return the correlation of cosine and difference of length, given the gold score."""
        rows = read_table(self.data / "sts/stsb/en/dev.tsv")
        first, second = ([row[name] for row in rows] for name in ("sentence1", "sentence2"))
        cosines = paired_cosine(embed(first), embed(second))
        gaps = [abs(len(a.split()) - len(b.split())) for a, b in zip(first, second, strict=True)]
        ranks = [rankdata(x) for x in (cosines, gaps, [float(row["score"]) for row in rows])]
        (_, cg, cs), (_, _, gs), _ = np.corrcoef(ranks)
        return {"partial": float((cg - cs * gs) / np.sqrt((1 - cs**2) * (1 - gs**2)))}

    def _tatoeba(self, embed: Embed) -> Scores:
        return self._bitexts(r"[a-z]{3}-eng", embed)

    def _ntrex(self, embed: Embed) -> Scores:
        return self._bitexts("ntrex-[a-z]{3}", embed)

    def _bitexts(self, pattern: str, embed: Embed) -> Scores:
        """Return the mean accuracy over languages, without and with both kinds of calibration."""
        found: dict[str, list[float]] = {"accuracy": [], "scaled": [], "rotated": []}
        for name in self.tasks:
            if match := re.fullmatch(pattern + "(-scaled|-rotated|)", name):
                kind = match[1].lstrip("-") or "accuracy"
                found[kind].append(self._task(name).score(embed)["accuracy"])
        return {kind: float(np.mean(scores)) for kind, scores in found.items() if scores}

    def _languages(self, embed: Embed) -> Scores:
        """Return how often a verse's nearest other verse is of its own language; 0.2 is chance."""
        rows = read_table(self.data / "bitext" / "bible.tsv.gz")[-200:]
        languages = ("eng", "est", "lav", "swh", "ukr")
        texts = [row[code] for code in languages for row in rows]
        own = np.repeat(np.arange(len(languages)), len(rows))
        return {"nearest": float((own[nearest_other(embed(texts))] == own).mean())}

    def _tagged(self, embed: Embed) -> Scores:
        """Return scores of the tagger's own boundaries, as many as the articles of dev have.

        Of documents cut into windows, as in training; nothing of a tagger of pages.
        """
        kinds = ("dev", "test", "choi")
        if "positions" not in self.objective:
            return {f"{kind}_{x}": float("nan") for kind in kinds for x in ("f1", "p_k")}
        tagger = Coherence(SENTENCES).tagger
        apply = jax.jit(lambda x, there: tagger.apply({"params": self.objective}, x, there)[0])
        tasks = {kind: self._task(kind) for kind in kinds}
        # How much likelier an end of a topic is than none, behind each sentence but the last.
        ends: dict[str, list[np.ndarray]] = {kind: [] for kind in kinds}
        for kind, task in tasks.items():
            for document in task.documents:
                vectors = dense(embed(document))
                windows = range(0, len(vectors) - 1, SENTENCES - 1)
                x = np.zeros((len(windows), SENTENCES, vectors.shape[1]), np.float32)
                there = np.zeros(x.shape[:2], bool)
                for row, start in enumerate(windows):
                    own = vectors[start : start + SENTENCES]
                    x[row, : len(own)], there[row, : len(own)] = own, True
                logits = np.asarray(apply(x, there))[:, :-1]
                ends[kind].append((logits[..., 1] - logits[..., 0]).ravel()[: len(vectors) - 1])
        rate = np.concatenate(tasks["dev"].boundaries).mean()
        level = np.quantile(np.concatenate(ends["dev"]), 1 - rate)
        found: Scores = {}
        for kind, task in tasks.items():
            scores = boundary_scores(task.boundaries, [x > level for x in ends[kind]]).scores
            found |= {f"{kind}_{name}": scores[name] for name in ("f1", "p_k")}
        return found

    def _entries(self, embed: Embed) -> Scores:
        """Return how well held-out definitions find their entries, by the mean of the others.

        An entry stands where its other definitions are; queries are 400 definitions all of whose
        entries have such, and candidates the entries of these.
        """
        known: dict[str, list[str]] = {}
        for record in self._records(definitions(TRAIN, 0)):
            for name in record["names"]:
                known.setdefault(name, []).append(record["text"])
        held = self._records(definitions(TEST, 0))
        asked = [r for r in held if all(name in known for name in r["names"])][::3][:400]
        names = list(dict.fromkeys(name for record in asked for name in record["names"]))
        texts = list(dict.fromkeys(text for name in names for text in known[name]))
        place = {text: i for i, text in enumerate(texts)}
        vectors = np.asarray(embed(texts))
        table = np.stack([vectors[[place[x] for x in known[name]]].mean(axis=0) for name in names])
        scores = cosine_matrix(embed([record["text"] for record in asked]), table)
        best = [
            max(row[names.index(x)] for x in r["names"])
            for row, r in zip(scores, asked, strict=True)
        ]
        ranks = (scores > np.array(best)[:, None]).sum(axis=1) + 1
        found = {f"top{k}": float((ranks <= k).mean()) for k in (1, 3, 10)}
        return {"mrr": float((1 / ranks).mean()), **found}

    def _codes(self, embed: Embed) -> Scores:
        """Return scores in the space of the objective: of the test task, and of named dimensions.

        "names" is the mean average precision of dimensions as detectors of their concepts, over
        every fifth title of the test split; of spaces without names it is not a number.
        """
        own = self.objective
        if "kernel" not in own:
            return {**self._task("test").score(embed), "names": float("nan")}
        if "weight" not in own:
            latent = self._task("test").score(
                lambda texts: np.asarray(embed(texts)) @ own["kernel"]
            )
            return {**latent, "names": float("nan")}
        root = np.log1p(np.exp(own["weight"])) ** 0.5
        scores = self._task("test").score(lambda texts: root * codes(own, embed(texts)))
        names = make_source(self.data, titles("train")).names  # type: ignore[attr-defined]
        records = self._records(titles("test", names))[::5]
        found = codes(own, embed([record["title"] for record in records]))
        has = np.array([np.isin(range(len(names)), record["concepts"]) for record in records])
        there = [k for k in range(len(names)) if has[:, k].any()]
        precision = [average_precision_score(has[:, k], found[:, k]) for k in there]
        return {**scores, "names": float(np.mean(precision)), "chance": float(has[:, there].mean())}

    def _drawn(self, embed: Embed) -> Scores:
        """Return what the pairs that DebCSE draws from the generated world mean."""
        tables = self.annotations()
        return drawn_meanings(tables["sentences"]) if tables else defaultdict(lambda: float("nan"))

    def _ocr(self, embed: Embed) -> Scores:
        """Return the scores of the test stories, misread as old print is."""
        rng = np.random.default_rng(0)
        task = self._task("test")
        return task.attacked(
            lambda texts: tuple(ocr_confusions(text, rng, rate=0.1) for text in texts)
        ).score(embed)


def drawn_meanings(table: Mapping[str, np.ndarray]) -> Scores:
    """Return how similar in meaning a text of `debcse_world` and what is drawn for it are.

    Args:
        table: annotations of the texts by `Candidates`.

    Returns:
        Of "positive" and "negative": the expected similarity, 0 to 5; in percent, the texts
        "_without" any, and of the others those "_close", of a similarity of 4 or more, and "_same",
        of 5. Close negatives are false ones. "chance" is a candidate at random.
    """
    world: Any = make_source(".", PAIRS)
    told = [world.meaning(i)[side][0] for i in range(len(world)) for side in SIDES]
    truth = np.array(
        [
            [similarity(own, told[j]) for j in row]
            for own, row in zip(told, table["candidates"], strict=True)
        ]
    )
    kinds = {"": truth, "_close": 100.0 * (truth >= 4), "_same": 100.0 * (truth >= HIGHEST_SCORE)}
    weights = {name: table[f"{name}_weights"] for name in ("positive", "negative")}
    found: Scores = {}
    for name, weight in {**weights, "chance": np.ones_like(truth)}.items():
        some = weight.sum(axis=1) > 0
        share = weight[some] / weight[some].sum(axis=1, keepdims=True)
        for kind, values in kinds.items():
            found[name + kind] = float((share * values[some]).sum(axis=1).mean())
        found[f"{name}_without"] = 100 * float(1 - some.mean())
    return found
