"""Pixel-Linguist at the scale of its paper (arXiv 2402.08183): ViT-B on TFDS data sets.

Batch sizes, steps and learning rates are the paper's; learning rates of the short NLI and the
language stage, which it does not give, are those of the topical stage. It starts from a masked
autoencoder: name a converted one with --config.stages.visual_characters.init_from and the like.
The languages are those of ParaCrawl, 23 of the paper's 59 pairs.
"""

from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.model import preset
from pixel_linguist.recipe import PIVOT, average, columns, part, stage
from pixel_linguist.recipe import get_config as defaults

LANGUAGES = (
    "bg",
    "cs",
    "da",
    "de",
    "el",
    "es",
    "et",
    "fi",
    "fr",
    "ga",
    "hr",
    "hu",
    "it",
    "lt",
    "lv",
    "mt",
    "nl",
    "pl",
    "pt",
    "ro",
    "sk",
    "sl",
    "sv",
)
ROUNDS = 3
WIKIPEDIA = {
    "name": "tfds",
    "dataset": "wikipedia/20230601.en",
    "split": "train",
    "columns": ("text",),
}
CHARACTERS = {
    "substitute_characters": {"rate": 0.05},
    "insert_characters": {"rate": 0.05},
    "delete_characters": {"rate": 0.05},
    "transpose_characters": {"rate": 0.05},
}
SHUFFLED = {"shuffle_words": {"rate": 1.0}}
NEARLY_ORDERED = {
    "shuffle_words_within_window": {"rate": 1.0, "window": 3, "keep_first": True, "keep_last": True}
}


def spans(shortest: int, longest: int) -> dict[str, Any]:
    """Return the pair maker of two spans of an article."""
    return {"name": "spans", "text": "text", "shortest": shortest, "longest": longest}


def visual(perturb: dict[str, Any], seed: int) -> ConfigDict:
    """Return one visual-alignment run: a sentence and itself, both perturbed."""
    # SNLI's premises are captions of one sentence; duplicates in a batch are masked.
    source = {"name": "tfds", "dataset": "snli", "split": "train", "columns": ("premise",)}
    return stage(
        data={"sentences": part(source, {"name": "identity", "text": "premise"})},
        perturb=perturb,
        seed=seed,
        steps=1300,
        peak=3e-6,
        warmup=130,
        batch_size=768,
        length=64,
        report=False,
    )


def nli(start: str) -> ConfigDict:
    """Return an NLI stage on SNLI and MultiNLI."""
    triples = columns("premise", "entailment", "contradiction", alternatives=True)
    sources = {
        name: {"name": "tfds_nli_triples", "dataset": name, "split": "train"}
        for name in ("snli", "multi_nli")
    }
    return stage(
        init_from=(start,),
        data={name: part(source, triples) for name, source in sources.items()},
        hard_negatives=True,
        steps=2600,
        peak=3e-5,
        warmup=200,
        batch_size=128,
        length=64,
    )


def languages(start: str) -> ConfigDict:
    """Return a language stage: sentences and their translations from English."""
    data = {}
    for code in LANGUAGES:
        source = {
            "name": "tfds",
            "dataset": f"para_crawl/en{code}",
            "split": "train",
            "columns": (PIVOT, code),
        }
        data[code] = part(source, columns(PIVOT, code))
    return stage(
        init_from=(start,),
        data=data,
        steps=202_600,
        peak=3e-5,
        warmup=20_000,
        batch_size=128,
        length=64,
    )


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    config.data_dir = "~/tensorflow_datasets"
    config.model.update({**preset("base"), "dtype": "bfloat16"})
    config.train.workers = 16
    stages = {
        "visual_characters": visual(CHARACTERS, seed=1),
        "visual_shuffled": visual(SHUFFLED, seed=2),
        "visual_nearly_ordered": visual(NEARLY_ORDERED, seed=3),
        "visual_both": visual(SHUFFLED | CHARACTERS, seed=4),
    }
    stages["visual"] = average(*stages)
    stages["topical"] = stage(
        init_from=("visual",),
        data={"articles": part(WIKIPEDIA, spans(16, 48))},
        steps=50_500,
        peak=3e-5,
        warmup=5050,
        batch_size=128,
        length=64,
    )
    stages["nli_0"] = nli("topical")
    for number in range(1, ROUNDS + 1):
        stages[f"languages_{number}"] = languages(f"nli_{number - 1}")
        stages[f"nli_{number}"] = nli(f"languages_{number}")
    config.stages = ConfigDict(stages)
    config.order = tuple(stages)
    source = {
        "name": "tfds",
        "dataset": "glue/stsb",
        "split": "validation",
        "columns": ("sentence1", "sentence2", "label"),
    }
    config.tasks = ConfigDict({"stsb-dev": {"name": "sts", "source": source, "score": "label"}})
    config.evaluate.report_tasks = ("stsb-dev",)
    return config
