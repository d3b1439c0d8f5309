"""Learning to read: the convolutional stem of tiny.py tells words apart in any typeface.

    ./run.sh train experiments/reading.py --config.data_dir=DATA --workdir runs/reading

The paper's visual alignment, of single words and done hard. Two views of a word differ in family,
size, weight, slant, spacing and wear; hard negatives are words one letter off. Families of
`HELD_OUT` and of the same designs are never seen: the task "reading" measures them. Further
families are font files or folders:

    --config.stages.words.styles.family.families='("noto", "fonts/Lato-Regular.ttf")'

On a CPU a step takes about two seconds; 8,000 steps are meant for an accelerator.
"""

from typing import Any

from ml_collections import ConfigDict

from pixel_linguist.evaluate.reading import FAMILIES as HELD_OUT
from pixel_linguist.recipe import get_config as defaults
from pixel_linguist.recipe import info_nce, part, stage
from pixel_linguist.render.styles import installed_families

# Of one of the designs that are held out, or with letters of a fixed cell alone.
NOT_SEEN = (*HELD_OUT, "pt-serif", "unifont", "pixel")
# The stem, without a transformer: an embedding is the mean of the vectors of the words.
STEM = {
    "name": "hybrid",
    "width": 256,
    "depth": 0,
    "heads": 4,
    "mlp_width": 256,
    "head": "none",
    "dropout": 0.0,
    "norm_epsilon": 1e-5,
    "stem_channels": (16, 48, 192, 320),
    "stem_hidden": 1024,
    "stem_width": 256,
    "token_hidden": 0,
}
DEV = "reading"


def word_list(*paths: str, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the source of the distinct words in columns of tables."""
    return {"name": "words", "paths": paths, "columns": columns}


def defaults_of_words() -> ConfigDict:
    """Return the defaults of recipes whose patches are pictures of words."""
    config = defaults()
    config.render.update({"patch_height": 20, "patch_width": 160, "font_size": 16})
    config.model.update(STEM)
    return config


def drawn_in_any_typeface() -> dict[str, Any]:
    """Return the settings of a stage whose texts differ in typeface and wear."""
    mild = {"strength": 0.3}
    families = tuple(name for name in installed_families() if name not in NOT_SEEN)
    return {
        "styles": {
            "family": {"strength": 1.0, "families": families},
            "size": mild,
            "weight": {"strength": 0.8},
            "slant": {"strength": 0.8},
            "spacing": {"strength": 0.5},
        },
        "augment": {
            "blur": {"strength": 0.5},
            "noise": {"strength": 0.5},
            "contrast": {"strength": 0.5},
            "rotate": mild,
            "jitter_baseline": mild,
        },
    }


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_words()
    english = word_list("definitions/wordnet.tsv", columns=("entries", "definition", "examples"))
    others = word_list("bitext/tico19.tsv.gz", columns=("fr", "es-LA", "pt-BR", "id", "sw", "ru"))
    pairs = {"name": "one_letter_off", "word": "word", "capitals": 0.1}
    config.stages.words = stage(
        data={"english": part(english, pairs, 3.0), "others": part(others, pairs)},
        **drawn_in_any_typeface(),
        objective=info_nce(hard_negatives=True) | {"learnable_temperature": True},
        steps=8_000,
        peak=2.5e-3,
        warmup=100,
        batch_size=512,
        length=1,
        evaluate_tasks=(DEV,),
        evaluate_every=1_000,
    )
    config.stages.words.optimizer.update({"b2": 0.98, "weight_decay": 0.02})
    config.order = ("words",)
    config.tasks[DEV] = {"name": "word_reading", "source": english, "families": HELD_OUT}
    config.evaluate.report_tasks = (DEV,)
    return config
