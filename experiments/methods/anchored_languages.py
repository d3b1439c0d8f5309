"""New languages for an English model whose English is held by its own frozen vectors.

    ./run.sh train experiments/methods/anchored_languages.py --config.data_dir=DATA \
        --workdir runs/anchored

The idea of `clip_retrieval.py` for languages: a translation is pulled to the vectors that the start
gives of the English sentence, among those of all other sentences, and so is the English sentence
itself. Leapfrogging, the contrast of sentence and translation, moves both instead; it is the plain
contrast of `benchmarks.methods`.
"""

from ml_collections import ConfigDict

from experiments.methods.untaught import START, defaults_of_start, fine_tuned
from pixel_linguist.recipe import columns, part

LANGUAGES = ("en", "es", "fr", "it", "pt")
SENTENCES = ("sentence1", "sentence2")
TATOEBA = ("spa", "fra", "ita", "por")


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.languages = ("en-Latn", "es-Latn", "fr-Latn", "it-Latn", "pt-Latn")
    paths = {code: f"sts/stsb/{code}/train.tsv" for code in LANGUAGES}
    source = {"name": "aligned", "paths": paths, "columns": SENTENCES, "pivot": "en"}
    english, translation = SENTENCES
    frozen = {"name": "embeddings", "text": (english,), "column": "captions", "model": START}
    held = {
        name: part(source, columns(anchor, english) | {"facts": ("captions",)}, 1.0, frozen)
        for name, anchor in (("learned", translation), ("held", english))
    }
    margin = {"name": "arc_margin", "classes": 0, "captions": 1, "margin": 0.1, "scale": 20.0}
    config.stages.anchored = fine_tuned(held, objective=margin)
    config.order = ("anchored",)
    for code in TATOEBA:
        table = {"name": "tsv", "path": f"bitext/tatoeba/{code}-eng.tsv"}
        config.tasks[f"{code}-eng"] = {
            "name": "bitext",
            "source": table,
            "first": code,
            "second": "eng",
        }
    return config
