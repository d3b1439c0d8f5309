"""DenseCLIP on pages of text: which patch of a page shows a word, in nine scripts.

    ./run.sh train experiments/methods/word_spotting.py --workdir runs/words --config.data_dir=DATA

A page has four lines of the Universal Declaration of Human Rights in one language of each script,
where words begin at any column. Beside the contrast of page and word, each patch of a word is to be
nearest to that word, rendered as a text. Test pages are of paragraphs that training never shows,
and of English Wikipedia.
"""

from typing import Any

from ml_collections import ConfigDict

from experiments.methods.denseclip import get_config as denseclip
from experiments.methods.denseclip import trained
from pixel_linguist.recipe import part

LANGUAGES = {
    "latin": "eng",
    "cyrillic": "rus",
    "greek": "ell_monotonic",
    "armenian": "hye",
    "georgian": "kat",
    "hebrew": "heb",
    "arabic": "arb",
    "devanagari": "hin",
    "hangul": "kor",
}
RIGHTS = {"name": "tsv", "path": "bitext/udhr.tsv.gz", "columns": ("language", "text")}
WIKIPEDIA = {"name": "articles", "path": "topical/wikipedia.jsonl", "minimum_words": 32}


def pages(split: str, size: int, *languages: str) -> dict[str, Any]:
    """Return pages of paragraphs of a split."""
    made = {"name": "word_pages", "source": RIGHTS, "keep": {"language": languages}}
    return {**made, "split": split, "size": size}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = denseclip()
    words = part(pages("train", 20_000, *LANGUAGES.values()), {"name": "on_page", "most": 32})
    config.stages = {
        "dense": trained({"pages": words}, weight=1.0, prompting=False),
        "contrast": trained({"pages": words}, weight=0.0, prompting=False),
    }
    for spotting in config.stages.values():
        spotting.steps, spotting.schedule.warmup = 400, 40
        # A word that fits a line has fewer patches.
        spotting.length = 8
    sources = {script: pages("test", 60, code) for script, code in LANGUAGES.items()}
    sources["wikipedia"] = {**pages("test", 60), "source": WIKIPEDIA, "keep": None}
    config.tasks = {
        name: {"name": "score_maps", "source": source | {"seed": 1}}
        for name, source in sources.items()
    }
    config.evaluate.report_tasks = tuple(config.tasks)
    return config
