"""The shipped model `tiny-multilingual`: `tiny` reads seven more languages.

    ./run.sh train experiments/tiny_multilingual.py --config.data_dir=DATA \\
        --workdir runs/multilingual

Multilingual distillation (Reimers and Gurevych 2020, arXiv 2004.09813), where the teacher is the
start itself: pictures of a word, and then of a sentence, learn the vector that `tiny` has of the
English text; English is held by its own vectors. No text model takes part. Hidden layers are as
wide as those of the shipped `tiny`; those of a narrower start, as tiny.py trains it, are widened
and begin as the same function.

Dictionaries are tables dictionaries/CODE.tsv with the columns "english" and "translation", a word
or phrase each; the shipped weights had Wiktionary's. Swedish and Ukrainian are never trained.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.tiny import MISSPELLED, TEXTS, trained
from experiments.tiny import get_config as tiny
from pixel_linguist.pretrained import find_model
from pixel_linguist.recipe import PIVOT, part

START = str(find_model("tiny"))
LANGUAGES = ("de", "es", "fr", "it", "nl", "pt", "ru")
NEVER_TRAINED = ("swe", "ukr")
# Tatoeba's codes of all those.
TATOEBA = ("deu", "spa", "fra", "ita", "nld", "por", "rus", *NEVER_TRAINED)
TICO = ("es-LA", "fr", "pt-BR", "ru")
SENTENCES = ("sentence1", "sentence2")


def translated(source: dict[str, Any], english: str, other: str, weight: float) -> dict[str, Any]:
    """Return texts of one column with the vectors that the start has of another, in English."""
    pairs = {"name": "teacher_target", "text": other, "target": "vector"}
    annotation = {"name": "embeddings", "model": START, "text": english, "column": "vector"}
    return part(source, pairs, weight, annotation)


def dictionaries() -> dict[str, Any]:
    """Return a part of each language's dictionary."""
    tables = {code: {"name": "tsv", "path": f"dictionaries/{code}.tsv"} for code in LANGUAGES}
    return {
        code: translated(table, "english", "translation", 1.0) for code, table in tables.items()
    }


def sentences() -> dict[str, Any]:
    """Return STS-B's train sentences and TICO-19's in all languages."""
    paths = {code: f"sts/stsb/{code}/train.tsv" for code in (PIVOT, *LANGUAGES)}
    sts = {"name": "aligned", "paths": paths, "columns": SENTENCES, "pivot": PIVOT}
    tico = {"name": "tsv", "path": "bitext/tico19.tsv.gz"}
    return {
        "sts": translated(sts, *SENTENCES, 4.0),
        **{code: translated(tico, "en", code, 0.5) for code in TICO},
    }


def held() -> dict[str, Any]:
    """Return English texts with the start's own vectors."""
    return {
        f"english_{name}": translated(
            {"name": "sentences", "paths": paths, "columns": columns}, "text", "text", weight
        )
        for name, (weight, paths, columns) in TEXTS.items()
    }


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = tiny()
    config.model.update({"stem_hidden": 1536, "token_hidden": 8192})
    scripts = {"ru": "Cyrl"}
    config.languages = tuple(f"{code}-{scripts.get(code, 'Latn')}" for code in (PIVOT, *LANGUAGES))
    config.never_trained = NEVER_TRAINED
    objective = {"name": "distillation", "temperature": 0.05, "similarity_weight": 1.0}
    settings: dict[str, Any] = {**MISSPELLED, "peak": 1e-3}
    words = trained((START,), dictionaries() | held(), objective, **settings, steps=5_000, length=4)
    texts = trained(
        ("words",), dictionaries() | sentences() | held(), objective, **settings, steps=5_000
    )
    for stage in (words, texts):
        stage.optimizer.frozen = ()
    words.adapter = "to_wider"
    config.stages, config.order = ConfigDict({"words": words, "texts": texts}), ("words", "texts")
    for code in LANGUAGES:
        table = {"name": "tsv", "path": f"sts/stsb/{code}/test.tsv"}
        config.tasks[f"stsb-{code}"] = {"name": "sts", "source": table}
    for code in TATOEBA:
        table = {"name": "tsv", "path": f"bitext/tatoeba/{code}-eng.tsv"}
        task = {"name": "bitext", "source": table, "first": code, "second": "eng"}
        config.tasks[f"tatoeba-{code}"] = task
    config.evaluate.report_tasks = tuple(name for name in config.tasks if name != "stsb-en-dev")
    return config
