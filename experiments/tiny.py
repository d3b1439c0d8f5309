"""The shipped model `tiny`: a hybrid ViT that reads pictures of English text, with a text teacher.

    ./run.sh train experiments/reading.py --config.data_dir=DATA --workdir runs/reading
    ./run.sh train experiments/tiny.py --config.data_dir=DATA --workdir runs/tiny \\
        --config.stages.words.init_from='("runs/reading/model",)'

The stem of reading.py stays as it is. Above it, a transformer learns what words mean, and then
sentences, from the vectors of all-MiniLM-L6-v2 (of a text model: the extra `peers`). It contrasts
pairs: captions of one picture, entailments with contradictions, entries and definitions. Then
texts that are alike are given the similarities that the text model gives them, and the stem's last
layers learn too. Then the whole stem learns to read worn text in any typeface as the model reads
the same text when it is clean. At the end all layers learn similarities again, also those of
captions and NLI sentences to copies that differ by a word or two. tiny_untaught.py is without the
text model. Hidden layers are narrower than those of the shipped weights.

Data are those whose licences let weights be published.
"""

from collections.abc import Callable
from typing import Any

from ml_collections import ConfigDict

from experiments.reading import defaults_of_words, drawn_in_any_typeface
from pixel_linguist.recipe import columns, info_nce, part, stage

TEACHER = "st:sentence-transformers/all-MiniLM-L6-v2"
DEV = "stsb-en-dev"
# Misspelled as people do; the teacher has read the text as it is.
TYPOS = {
    "transpose_characters": {"rate": 0.05},
    "insert_characters": {"rate": 0.03},
    "delete_characters": {"rate": 0.03},
    "keyboard_neighbours": {"rate": 0.05},
    "scramble_inner_letters": {"rate": 0.1},
}
MISSPELLED: dict[str, Any] = {"perturb": TYPOS, "perturb_probability": 0.4}
STYLES = {"family": {"strength": 1.0}, "weight": {"strength": 0.5}}
OPTIMIZER = {"b2": 0.98, "weight_decay": 0.02, "frozen": ("stem",)}
# All of the stem but its last layers.
CONVOLUTIONS = tuple(
    f"stem/{layer}"
    for layer in ("conv1", "conv2", "conv3", "norm3", "conv4", "norm4", "norm_pooled")
)
# All but the stem, and the pooling, if it has parameters.
ABOVE = (
    *("norm_token", "token_hidden", "token_out", "token_skip"),
    *("positions", "blocks", "norm"),
)
WORDNET, CAPTIONS = "definitions/wordnet.tsv", "captions/coco_val2017.tsv.gz"
SNLI = ("nli/snli/dev.tsv.gz", "nli/snli_counterfactual/train.tsv.gz")
# Weights, files and columns of the texts.
TEXTS: dict[str, tuple[float, tuple[str, ...], tuple[str, ...]]] = {
    "definitions": (2.0, (WORDNET,), ("definition", "examples")),
    "captions": (2.0, (CAPTIONS,), tuple(f"caption{number}" for number in range(1, 6))),
    "nli": (2.0, SNLI, ("premise", "hypothesis")),
    "sts": (1.0, ("sts/stsb/en/train.tsv",), ("sentence1", "sentence2")),
    "entries": (1.0, (WORDNET,), ("entries",)),
}


def taught(
    weight: float, paths: tuple[str, ...], columns: tuple[str, ...], teacher: str = TEACHER
) -> dict[str, Any]:
    """Return distinct texts in columns of tables, with the teacher's vectors."""
    return part(
        {"name": "sentences", "paths": paths, "columns": columns},
        {"name": "teacher_target", "text": "text", "target": "vector"},
        weight,
        {"name": "embeddings", "model": teacher, "text": "text", "column": "vector"},
    )


def related(
    weight: float, paths: tuple[str, ...], columns: tuple[str, ...], edits: int = 0
) -> dict[str, Any]:
    """Return distinct texts, each with three of the twelve nearest to it by the teacher.

    With `edits`, so many copies of each text differ from it by a word or two.
    """
    source: dict[str, Any] = {"name": "sentences", "paths": paths, "columns": columns}
    if edits:
        source = {"name": "edited_texts", "source": source, "text": "text", "number": edits}
    return part(
        source,
        {"name": "with_nearest", "text": "text", "number": 3, "again": 0.5},
        weight,
        {"name": "nearest_texts", "model": TEACHER, "text": "text", "count": 12},
    )


def trained(
    start: tuple[str, ...], data: dict[str, Any], objective: dict[str, Any], **settings: Any
) -> ConfigDict:
    """Return a stage whose texts are drawn in several typefaces, above a stem that stays."""
    usual: dict[str, Any] = {
        **{"styles": STYLES, "warmup": 60, "batch_size": 512, "length": 32},
        **{"length_buckets": 4, "window": 8, "evaluate_tasks": (DEV,)},
    }
    config = stage(init_from=start, data=data, objective=objective, **(usual | settings))
    config.optimizer.update(OPTIMIZER)
    return config


def distilled(start: tuple[str, ...], data: dict[str, Any], **settings: Any) -> ConfigDict:
    """Return a stage that learns the teacher's vectors of texts, a part of them misspelled."""
    objective = {"name": "distillation", "temperature": 0.05, "similarity_weight": 1.0}
    return trained(start, data, objective, **MISSPELLED, peak=1.5e-3, **settings)


def contrasted(start: tuple[str, ...], steps: int) -> ConfigDict:
    """Return a stage that contrasts pairs that mean the same, with hard negatives of NLI."""
    snli = {"name": "nli_triples", "paths": SNLI}
    captions, wordnet = ({"name": "tsv", "path": path} for path in (CAPTIONS, WORDNET))
    splits = {"name": "tsv", "path": "paraphrase/wikisplit/train.tsv.gz"}
    return trained(
        start,
        {
            "captions": part(captions, columns("caption1", "caption2"), 1.5),
            "more_captions": part(captions, columns("caption3", "caption4"), 1.5),
            "nli": part(
                snli, columns("premise", "entailment", "contradiction", alternatives=True), 2.0
            ),
            "definitions": part(wordnet, columns("entries", "definition", alternatives=True), 2.0),
            "synonyms": part(wordnet, {"name": "alternatives", "text": "entries"}, 1.0),
            "splits": part(splits, columns("sentence", "split1"), 0.5),
        },
        info_nce(hard_negatives=True),
        perturb={"drop_words": {"rate": 0.1}},
        steps=steps,
        peak=8e-4,
    )


def likened(start: str, data: dict[str, Any], **settings: Any) -> ConfigDict:
    """Return a stage that learns how alike the teacher finds texts that are alike."""
    objective = {"name": "relations", "number": 3, "cosine_weight": 0.3}
    settings = {"peak": 2e-4, "warmup": 20, "batch_size": 128} | settings
    return trained((start,), data, objective, **MISSPELLED, **settings)


def reread(start: str, steps: int) -> ConfigDict:
    """Return a stage whose stem learns the vectors that the start has of the same texts, clean."""
    objective = {"name": "distillation", "temperature": 0.05, "similarity_weight": 0.0}
    settings: dict[str, Any] = {**drawn_in_any_typeface(), "peak": 1e-3, "steps": steps}
    clean = {name: taught(*arguments, start) for name, arguments in TEXTS.items()}
    config = trained((start,), clean, objective, **MISSPELLED, **settings)
    config.optimizer.frozen = ABOVE
    return config


def of_texts(make: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return a part of each of the texts."""
    return {name: make(*arguments) for name, arguments in TEXTS.items()}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_words()
    config.model.update(
        {"width": 384, "depth": 1, "heads": 6, "mlp_width": 768, "token_hidden": 3840}
    )
    config.model.pooling = "vector"
    entries = {"entries": taught(*TEXTS["entries"])}
    config.stages.words = distilled((), entries, steps=1_000, length=4)
    config.stages.words.update({"adapter": "stem_only", "start_required": True})
    config.stages.sentences = distilled(("words",), of_texts(taught), steps=10_000)
    config.stages.pairs = contrasted(("sentences",), steps=1_000)
    config.stages.relations = likened("pairs", of_texts(related), steps=2_000)
    config.stages.relations.optimizer.frozen = CONVOLUTIONS
    config.stages.typefaces = reread("relations", steps=4_000)
    config.stages.typefaces.optimizer.frozen = (*ABOVE, "pool")
    edited = {name: related(*TEXTS[name], 4) for name in ("captions", "nli")}
    config.stages.edits = likened(
        "typefaces", of_texts(related) | edited, steps=1_000, **drawn_in_any_typeface()
    )
    config.stages.edits.optimizer.frozen = ()
    config.order = ("words", "sentences", "pairs", "relations", "typefaces", "edits")
    tables = {DEV: "sts/stsb/en/dev.tsv", "stsb-en": "sts/stsb/en/test.tsv"}
    for name, path in tables.items():
        config.tasks[name] = {"name": "sts", "source": {"name": "tsv", "path": path}}
    config.tasks["pictures-en"] = {"name": "pictures", "task": dict(config.tasks["stsb-en"])}
    config.evaluate.report_tasks = ("stsb-en", "pictures-en")
    return config
