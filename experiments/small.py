"""The recipe on real text in local files: `--config.data_dir=../shared/data` says where they are.

English first (STS-B, SICK and XNLI sentences, WordNet, Wikipedia), then eight languages through the
translations of STS-B's training sentences, in turns with NLI.
"""

from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.recipe import PIVOT, columns, part, stage, visual_alignment
from pixel_linguist.recipe import get_config as defaults

LANGUAGES = ("de", "es", "fr", "it", "nl", "pt", "ru", "zh")
NEVER_TRAINED = ("swe", "ukr")
# Tatoeba's codes of those.
TATOEBA = ("deu", "spa", "fra", "ita", "nld", "por", "rus", "cmn", *NEVER_TRAINED)
ROUNDS = 2
# The task by which settings and the best NLI models are chosen.
DEV = "stsb-en-dev"
BATCH = 256
LENGTH, SHORT = 24, 16
# Words are dropped because letters alone would otherwise tell which sentence it is.
DROPPED = {"drop_words": {"rate": 0.4}}
SHUFFLED = {"shuffle_words": {"rate": 1.0}}
NEARLY_ORDERED = {"shuffle_words_within_window": {"rate": 1.0, "window": 3}}
CHARACTERS = {
    "transpose_characters": {"rate": 0.03},
    "insert_characters": {"rate": 0.02},
    "delete_characters": {"rate": 0.02},
    "keyboard_neighbours": {"rate": 0.03},
}


def sentences(*paths: str, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the source of the distinct texts in some columns of tables."""
    return {"name": "sentences", "paths": paths, "columns": columns}


def english() -> dict[str, Any]:
    """Return English sentences of every kind, each with itself."""
    identity = {"name": "identity", "text": "text"}
    sts = sentences(
        "sts/stsb/en/train.tsv", "sts/sickr/train.tsv", columns=("sentence1", "sentence2")
    )
    xnli = sentences("nli/xnli/en/dev.tsv", columns=("premise", "hypothesis"))
    wordnet = sentences("definitions/wordnet.tsv", columns=("definition", "examples"))
    return {
        "sts": part(sts, identity, 2.0),
        "xnli": part(xnli, identity, 1.0),
        "wordnet": part(wordnet, identity, 3.0),
    }


def visual(*start: str, perturb: dict[str, Any], steps: int, peak: float, seed: int) -> ConfigDict:
    """Return one visual-alignment run: a sentence and itself, both perturbed."""
    return stage(
        init_from=start,
        data=english(),
        perturb=perturb | DROPPED,
        evaluate_tasks=(DEV,),
        seed=seed,
        steps=steps,
        peak=peak,
        warmup=20,
        batch_size=BATCH,
        length=SHORT,
        report=False,
    )


def topical(start: str) -> ConfigDict:
    """Return the topical stage: two spans of a section, and WordNet entries with their meaning."""
    articles = {"name": "articles", "path": "topical/wikipedia.jsonl", "minimum_words": 24}
    wordnet = {"name": "tsv", "path": "definitions/wordnet.tsv"}
    return stage(
        init_from=(start,),
        data={
            "wikipedia": part(
                articles, {"name": "spans", "text": "text", "shortest": 6, "longest": 14}, 1.0
            ),
            "definitions": part(wordnet, columns("entries", "definition", alternatives=True), 2.0),
            "synonyms": part(wordnet, {"name": "alternatives", "text": "entries"}, 1.0),
            "sentences": part(
                english()["sts"]["source"], {"name": "identity", "text": "text"}, 1.0
            ),
        },
        perturb=SHUFFLED | DROPPED,
        perturb_probability=0.5,
        evaluate_tasks=(DEV,),
        steps=150,
        peak=5e-4,
        warmup=30,
        batch_size=BATCH,
        length=SHORT,
    )


def nli(start: str, steps: int) -> ConfigDict:
    """Return an NLI stage: 2,129 entailed pairs, 978 with a contradiction (of 937 premises)."""
    triples = {"name": "nli_triples", "paths": ("nli/sick/train.tsv", "nli/xnli/en/dev.tsv")}
    return stage(
        init_from=(start,),
        data={
            "nli": part(
                triples, columns("premise", "entailment", "contradiction", alternatives=True)
            )
        },
        perturb=CHARACTERS,
        perturb_probability=0.3,
        evaluate_tasks=(DEV,),
        best_metric=f"{DEV}/spearman",
        hard_negatives=True,
        steps=steps,
        peak=3e-4,
        warmup=20,
        batch_size=BATCH // 2,
        length=LENGTH,
    )


def languages(start: str, steps: int) -> ConfigDict:
    """Return a language stage: a sentence and its translation from English."""
    paths = {code: f"sts/stsb/{code}/train.tsv" for code in (PIVOT, *LANGUAGES)}
    aligned = {
        "name": "aligned",
        "paths": paths,
        "columns": ("sentence1", "sentence2"),
        "pivot": PIVOT,
    }
    return stage(
        init_from=(start,),
        data={"translations": part(aligned, columns("sentence1", "sentence2"))},
        perturb=CHARACTERS | {"drop_words": {"rate": 0.15}},
        perturb_probability=0.5,
        evaluate_tasks=(DEV,),
        steps=steps,
        peak=1e-3,
        warmup=50,
        batch_size=BATCH,
        length=LENGTH,
    )


def tasks() -> dict[str, Any]:
    """Return STS-B's dev split, and the test splits of STS-B in every language, SICK-R, Tatoeba.

    The geometry of STS-B's sentences gives the report its distances and its map of languages.
    """
    dev = {"name": "tsv", "path": "sts/stsb/en/dev.tsv"}
    found: dict[str, Any] = {DEV: {"name": "sts", "source": dev}}
    sources = {
        code: {"name": "tsv", "path": f"sts/stsb/{code}/test.tsv"} for code in (PIVOT, *LANGUAGES)
    }
    for code, source in sources.items():
        found[f"stsb-{code}"] = {"name": "sts", "source": source}
    found["sickr"] = {"name": "sts", "source": {"name": "tsv", "path": "sts/sickr/test.tsv"}}
    for code in TATOEBA:
        source = {"name": "tsv", "path": f"bitext/tatoeba/{code}-eng.tsv"}
        found[f"{code}-eng"] = {"name": "bitext", "source": source, "first": code, "second": "eng"}
    found["geometry"] = {"name": "geometry", "sources": sources, "text": "sentence1"}
    return found


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    config.render.family = "unifont"
    config.render.patch_width = 32
    config.render.max_patches = 32
    config.model.update(
        {"width": 192, "depth": 2, "heads": 3, "mlp_width": 768, "patch_hidden": 512}
    )
    config.model.dropout = 0.0
    stages = visual_alignment(
        visual, CHARACTERS, SHUFFLED, NEARLY_ORDERED, start_steps=120, steps=50
    )
    stages["topical"] = topical("visual")
    stages["nli_0"] = nli("topical", steps=100)
    for number in range(1, ROUNDS + 1):
        stages[f"languages_{number}"] = languages(f"nli_{number - 1}", steps=260)
        stages[f"nli_{number}"] = nli(f"languages_{number}", steps=80)
    config.stages = ConfigDict(stages)
    config.order = tuple(stages)
    config.tasks = ConfigDict(tasks())
    scripts = {"ru": "Cyrl", "zh": "Hani"}
    config.languages = tuple(f"{code}-{scripts.get(code, 'Latn')}" for code in (PIVOT, *LANGUAGES))
    config.never_trained = NEVER_TRAINED
    config.evaluate.report_tasks = tuple(name for name in tasks() if name != DEV)
    return config
