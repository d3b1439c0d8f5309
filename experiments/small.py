"""The recipe on real text in local files: `--config.data_dir=../shared/data` says where they are.

English first (STS-B, SICK and XNLI sentences, WordNet, Wikipedia), then eight languages through the
translations of STS-B's training sentences, in turns with NLI.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.base import average, part, stage
from experiments.base import get_config as defaults

LANGUAGES = ("de", "es", "fr", "it", "nl", "pt", "ru", "zh")
# Tatoeba's codes of those, and of two that are never trained.
TATOEBA = ("deu", "spa", "fra", "ita", "nld", "por", "rus", "cmn", "swe", "ukr")
ROUNDS = 2
BATCH = 256
LENGTH = 24
WORDS = {"drop_words": {"rate": 0.4}, "shuffle_words": {"rate": 1.0}}
NEARLY_ORDERED = {
    "drop_words": {"rate": 0.4},
    "shuffle_words_within_window": {"rate": 1.0, "window": 3},
}
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


def visual(perturb: dict[str, Any], seed: int) -> ConfigDict:
    """Return one visual-alignment run: a sentence and itself, both perturbed."""
    return stage(
        data=english(),
        perturb=perturb,
        seed=seed,
        steps=300,
        peak=1e-3,
        warmup=50,
        batch_size=BATCH,
        length=LENGTH,
        report=False,
    )


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    config.render.family = "unifont"
    config.render.patch_width = 32
    config.render.max_patches = 32
    config.model.update(
        {"width": 256, "depth": 2, "heads": 4, "mlp_width": 1024, "patch_hidden": 1024}
    )
    config.model.dropout = 0.0
    stages = {
        "visual_characters": visual(CHARACTERS, seed=1),
        "visual_shuffled": visual(WORDS, seed=2),
        "visual_nearly_ordered": visual(NEARLY_ORDERED, seed=3),
        "visual_both": visual(WORDS | CHARACTERS, seed=4),
    }
    stages["visual"] = average(*stages)
    config.stages = ConfigDict(stages)
    config.order = tuple(stages)
    return config
