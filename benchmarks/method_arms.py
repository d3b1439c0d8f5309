"""What `benchmarks.methods` measures of each method: arms, texts encoded, tests and tries."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from experiments.methods.mirror_languages import LANGUAGES
from pixel_linguist.recipe import info_nce

IDENTITY = {"name": "identity", "text": "text"}
PLAIN = info_nce(hard_negatives=False)


class Method(NamedTuple):
    """What is measured of a method.

    Attributes:
        patches: that each arm encodes.
        dev: task and metric by which rate and temperature are chosen.
        tests: of the table, TASK/METRIC.
        arms: label → changes of the recipe: "model.KEY", "source.KEY" or "annotate.KEY" of all
            parts (None: without it), or a key of its stage.
        tries: (peak rate, temperature) of the method and its baseline.
        baseline: the arm that the method is compared with.
    """

    patches: int
    dev: str
    tests: tuple[str, ...]
    arms: Mapping[str, Mapping[str, Any]]
    tries: tuple[tuple[float, float], ...] = ((1e-4, 0.05), (3e-4, 0.05))
    baseline: str = "plain contrast"


STS_DEV, STS_TESTS = "stsb-en-dev/spearman", ("stsb-en/spearman", "sickr/spearman")
NO_MASK: dict[str, Any] = {"perturb": {}}
CCP_ARMS: dict[str, dict[str, Any]] = {
    "plain contrast": {"objective": PLAIN},
    "method": {},
    "one bank": {"objective.by_language": False},
    "both sides by the batch": {"objective.one_sided": False},
    "no bank": {"objective.bank_size": 0},
}
DEBCSE_ARMS: dict[str, dict[str, Any]] = {
    "plain contrast": {"objective": PLAIN, "pairs": IDENTITY, "annotate": {}},
    "method": {},
    "same candidates, unweighted": {"annotate.weighted": False},
    "nearer positives": {"annotate.positive_percentile": 99.99},
}
METHODS = {
    "anchored_languages": Method(
        220_000,
        "tatoeba/accuracy",
        ("tatoeba/accuracy", *STS_TESTS),
        {
            "plain contrast": {
                "objective": PLAIN,
                "pairs": {"name": "columns", "anchor": "sentence1", "positive": "sentence2"},
                "annotate": {},
            },
            "method": {},
            "no margin": {"objective.margin": 0.0},
        },
        ((1e-4, 0.05),),
    ),
    "captions": Method(
        220_000,
        STS_DEV,
        (*STS_TESTS, "geometry/anisotropy"),
        {
            "plain contrast": {"objective": PLAIN, "pairs": "itself"},
            "method": {},
            "contrast of two captions": {"objective": PLAIN},
        },
    ),
    "mirror": Method(
        220_000,
        STS_DEV,
        (*STS_TESTS, "words/spearman", "geometry/anisotropy"),
        {
            "plain contrast": {"objective": PLAIN, **NO_MASK},
            "method": {},
            "neither mask nor dropout": {"model.dropout": 0.0, **NO_MASK},
            "dropout alone": NO_MASK,
            "mask alone": {"model.dropout": 0.0},
            "mask, drophead 0.2": {"model.dropout": 0.0, "model.drophead": 0.2},
        },
        ((2e-5, 0.04), (1e-4, 0.04), (3e-4, 0.04)),
    ),
    "mirror_languages": Method(
        220_000,
        "others/dev",
        (
            *("others/spearman", "stsb-en/spearman"),
            *(f"stsb-{code}/spearman" for code in LANGUAGES[1:]),
        ),
        {"plain contrast": {"objective": PLAIN, **NO_MASK}, "method": {}},
        ((1e-4, 0.04),),
    ),
    "whitened": Method(
        220_000,
        STS_DEV,
        (*STS_TESTS, "geometry/alignment", "geometry/uniformity", "geometry/effective_rank"),
        {
            "plain contrast": {"objective": PLAIN},
            "method": {},
            "no whitening": {"objective.groups": 0, "objective.positives": 1},
            "not shuffled, 1 positive": {"objective.shuffled": False, "objective.positives": 1},
            "shuffled, 1 positive": {"objective.positives": 1},
            "shuffled, 2 positives": {"objective.positives": 2},
            "pairs of channels": {"objective.groups": 192},
        },
    ),
    "debcse": Method(
        220_000,
        STS_DEV,
        (*STS_TESTS, "length/partial"),
        DEBCSE_ARMS,
        ((1e-4, 0.05),),
    ),
    "debcse_world": Method(
        150_000,
        "dev/spearman",
        (
            "test/spearman",
            *("drawn/positive", "drawn/positive_close", "drawn/positive_same"),
            *("drawn/positive_without", "drawn/negative", "drawn/negative_close"),
            *("drawn/chance", "drawn/chance_close", "drawn/chance_same"),
        ),
        DEBCSE_ARMS,
        ((1e-4, 0.05),),
    ),
    "ccp": Method(
        300_000,
        "tatoeba/accuracy",
        (
            *("tatoeba/accuracy", "tatoeba/scaled", "tatoeba/rotated"),
            *("ntrex/accuracy", "ntrex/scaled", "ntrex/rotated"),
            "languages/nearest",
            "geometry/effective_rank",
        ),
        CCP_ARMS,
    ),
    "ccp_world": Method(
        300_000,
        "dev/accuracy",
        (
            *("vel-en/accuracy", "ald-en/accuracy", "ash-en/accuracy", "vel-en-scaled/accuracy"),
            *("vel-en-rotated/accuracy", "sts-en/spearman"),
        ),
        CCP_ARMS,
        ((1e-4, 0.05),),
    ),
    "headlines": Method(
        220_000,
        "dev/precision@1",
        ("test/v_measure", "test/precision@1", "ocr/v_measure", "ocr/precision@1"),
        {
            "plain contrast": {"pairs": "itself", "perturb": {}},
            "method": {},
            "without misreadings": {"perturb": {}},
        },
    ),
    "hicl": Method(
        450_000,
        "dev/precision@1",
        ("test/precision@1", "stsb-en/spearman"),
        {
            "plain contrast": {"pairs": "itself"},
            "method": {},
            "one post a document": {"joined": 1},
            "hashtags in view": {"perturb": {}},
        },
    ),
    "defsent": Method(
        40_000,
        STS_DEV,
        (*STS_TESTS, "entries/mrr", "entries/top1", "entries/top10", "geometry/anisotropy"),
        {
            "plain contrast": {"objective": PLAIN, "annotate": {}},
            "method": {},
            "entries not whitened": {"objective.whitened": False},
        },
    ),
    "sesa": Method(
        30_000,
        "dev/mrr@10",
        ("test/mrr@10", "codes/recall@1", "codes/mrr@10", "codes/names"),
        {
            "plain contrast": {"objective": PLAIN},
            "method": {},
            "without names": {"objective.name_weight": 0.0},
            "latent space": {"objective.latent": True},
        },
    ),
    "vacancy": Method(
        40_000,
        "dev/mrr@10",
        (
            *(f"test/{x}" for x in ("recall@1", "recall@5", "recall@10", "mrr@10")),
            *("described/recall@1", "typos/attacked", "jobbert/recall@1", "talentclef-en/map"),
            "talentclef-es/map",
        ),
        {
            "plain contrast": {"pairs": "itself"},
            "method": {},
            "a head for each side": {"objective.view_heads": True},
        },
    ),
    "bprop": Method(
        90_000,
        STS_DEV,
        ("cranfield/ndcg@10", "cranfield/recall@100", "cisi/ndcg@10", "cisi/recall@100"),
        {
            # The contrast of two spans alone.
            "plain contrast": {"objective.weight": 0.0},
            "method": {},
            "sets by counts": {"annotate.bootstrapped": False},
        },
        ((1e-4, 0.05),),
    ),
    "tdmatch": Method(
        80_000,
        "dev/map@20",
        ("test/mrr@10", "test/map@20", "test/hit@1", "test/hit@5", "restaurants/f1"),
        {
            "plain contrast": {"pairs": "itself"},
            "method": {},
            "not expanded": {"source.paths.synonyms": None},
            "not compressed": {"source.compressed": 0},
        },
        ((1e-4, 0.05),),
    ),
    "segments": Method(
        220_000,
        "dev/f1",
        (
            *(f"{kind}/{x}" for kind in ("test", "choi") for x in ("f1", "p_k", "count_p_k")),
            *(f"tagged/{kind}_{x}" for kind in ("test", "choi") for x in ("f1", "p_k")),
        ),
        {
            "method": {},
            "plain tagger": {
                "objective.copy_weight": 0.0,
                "objective.contrast_weight": 0.0,
                "objective.relation_weight": 0.0,
            },
            "no contrast of topics": {"objective.contrast_weight": 0.0},
            "as one page": {"objective.page": True},
        },
        ((3e-4, 0.1),),
        "plain tagger",
    ),
    "graph": Method(
        40_000,
        "dev-graph/accuracy",
        ("test-graph/accuracy", "test-alone/accuracy", "test-few-graph/accuracy"),
        {
            "plain contrast": {"pairs": "itself", "objective": PLAIN},
            "method": {},
            "size 0.001": {"objective.size": 0.001},
            "size 0.0001": {"objective.size": 0.0001},
            "size 0.00001": {"objective.size": 0.00001},
            "not perturbed": {"objective.steps": 1, "objective.size": 0.0},
        },
        ((3e-4, 0.07),),
    ),
}
