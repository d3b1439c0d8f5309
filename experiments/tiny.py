"""The shipped model `tiny`: a hybrid ViT that reads pictures of English text, with a text teacher.

    ./run.sh train experiments/reading.py --config.data_dir=DATA --workdir runs/reading
    ./run.sh train experiments/tiny.py --config.data_dir=DATA --workdir runs/tiny \\
        --config.stages.words.init_from='("runs/reading/model",)'

The stem of reading.py stays as it is. Above it, a transformer learns what words mean, and then
sentences, from the vectors of all-MiniLM-L6-v2 (of a text model: the extra `peers`); at last it
contrasts pairs: captions of one picture, entailments with contradictions, entries and definitions.
Without a text model, only the last stage is left:

    --config.order='("pairs",)' --config.stages.pairs.init_from='("runs/reading/model",)' \\
    --config.stages.pairs.adapter=stem_only --config.stages.pairs.steps=10000

Data are those whose licences let weights be published.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.reading import defaults_of_words
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

STYLES = {"family": {"strength": 1.0}, "weight": {"strength": 0.5}}
OPTIMIZER = {"b2": 0.98, "weight_decay": 0.02, "frozen": ("stem",)}
WORDNET, CAPTIONS = "definitions/wordnet.tsv", "captions/coco_val2017.tsv.gz"
SNLI = ("nli/snli/dev.tsv.gz", "nli/snli_counterfactual/train.tsv.gz")


def taught(weight: float, *paths: str, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return distinct texts in columns of tables, with the teacher's vectors."""
    return part(
        {"name": "sentences", "paths": paths, "columns": columns},
        {"name": "teacher_target", "text": "text", "target": "vector"},
        weight,
        {"name": "embeddings", "model": TEACHER, "text": "text", "column": "vector"},
    )


def distilled(*start: str, data: dict[str, Any], steps: int, length: int) -> ConfigDict:
    """Return a stage that learns the teacher's vectors of texts, a part of them misspelled."""
    config = stage(
        init_from=start,
        data=data,
        objective={"name": "distillation", "temperature": 0.05, "similarity_weight": 1.0},
        perturb=TYPOS,
        perturb_probability=0.4,
        styles=STYLES,
        steps=steps,
        peak=1.5e-3,
        warmup=60,
        batch_size=512,
        length=length,
        length_buckets=4,
        window=8,
        evaluate_tasks=(DEV,),
    )
    config.optimizer.update(OPTIMIZER)
    return config


def contrasted(start: str, steps: int) -> ConfigDict:
    """Return a stage that contrasts pairs that mean the same, with hard negatives of NLI."""
    snli = {"name": "nli_triples", "paths": SNLI}
    captions, wordnet = ({"name": "tsv", "path": path} for path in (CAPTIONS, WORDNET))
    splits = {"name": "tsv", "path": "paraphrase/wikisplit/train.tsv.gz"}
    config = stage(
        init_from=(start,),
        data={
            "captions": part(captions, columns("caption1", "caption2"), 1.5),
            "more_captions": part(captions, columns("caption3", "caption4"), 1.5),
            "nli": part(
                snli, columns("premise", "entailment", "contradiction", alternatives=True), 2.0
            ),
            "definitions": part(wordnet, columns("entries", "definition", alternatives=True), 2.0),
            "synonyms": part(wordnet, {"name": "alternatives", "text": "entries"}, 1.0),
            "splits": part(splits, columns("sentence", "split1"), 0.5),
        },
        objective=info_nce(hard_negatives=True),
        perturb={"drop_words": {"rate": 0.1}},
        styles=STYLES,
        steps=steps,
        peak=8e-4,
        warmup=60,
        batch_size=512,
        length=32,
        length_buckets=4,
        window=8,
        evaluate_tasks=(DEV,),
    )
    config.optimizer.update(OPTIMIZER)
    return config


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_words()
    config.model.update(
        {"width": 384, "depth": 1, "heads": 6, "mlp_width": 768, "token_hidden": 3840}
    )
    captions = tuple(f"caption{number}" for number in range(1, 6))
    sentences = {
        "definitions": taught(2.0, WORDNET, columns=("definition", "examples")),
        "captions": taught(2.0, CAPTIONS, columns=captions),
        "nli": taught(2.0, *SNLI, columns=("premise", "hypothesis")),
        "sts": taught(1.0, "sts/stsb/en/train.tsv", columns=("sentence1", "sentence2")),
        "entries": taught(1.0, WORDNET, columns=("entries",)),
    }
    config.stages.words = distilled(
        data={"entries": taught(1.0, WORDNET, columns=("entries",))}, steps=1_000, length=4
    )
    config.stages.words.update({"adapter": "stem_only", "start_required": True})
    config.stages.sentences = distilled("words", data=sentences, steps=10_000, length=32)
    config.stages.pairs = contrasted("sentences", steps=1_000)
    config.order = ("words", "sentences", "pairs")
    tables = {DEV: "sts/stsb/en/dev.tsv", "stsb-en": "sts/stsb/en/test.tsv"}
    for name, path in tables.items():
        config.tasks[name] = {"name": "sts", "source": {"name": "tsv", "path": path}}
    config.tasks["pictures-en"] = {"name": "pictures", "task": dict(config.tasks["stsb-en"])}
    config.evaluate.report_tasks = ("stsb-en", "pictures-en")
    return config
