"""A teacher without a text model: what sentences have in common with their translations.

    ./run.sh train experiments/untaught.py --workdir runs/untaught --config.data_dir=DATA
    python -m experiments.shipped.teach --data_dir DATA --model runs/untaught/model \\
        --out runs/untaught/teacher

Latent semantic analysis (Deerwester et al. 1990) of what is seen in the pictures of STS-B's
sentences, each with its translations beside it as one text (Landauer & Littman 1990): words that
are translated alike come to mean alike. By closed_form.fit "principal".
"""

from ml_collections import ConfigDict

from experiments.base import PIVOT, closed_form, part, stage
from experiments.base import get_config as defaults
from experiments.small import LANGUAGES
from experiments.tiny import letters_stage, shape_encoder, tasks

# Patches of a sentence in nine languages.
LENGTH = 192


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    codes = (PIVOT, *LANGUAGES)
    shape_encoder(config, pictures=2048, rows=262_144, width=512)
    config.render.max_patches = LENGTH
    config.model.update({"row_codes": 64, "fine_codes": 128})
    source = {
        "name": "translations",
        "paths": {code: f"sts/stsb/{code}/train.tsv" for code in codes},
        "columns": ("sentence1", "sentence2"),
    }
    config.stages.letters = letters_stage(codes)
    config.stages.principal = stage(
        init_from=("letters",),
        objective={"name": "distillation", "temperature": 0.05, "similarity_weight": 0.0},
        data={"translations": part(source, {"name": "identity", "text": "text"})},
        closed_form=closed_form() | {"fit": "principal", "texts": 10_240},
        steps=20,
        peak=0.0,
        warmup=0,
        batch_size=512,
        length=LENGTH,
        length_buckets=8,
        window=8,
    )
    config.order = ("letters", "principal")
    config.tasks = ConfigDict(tasks((PIVOT,)))
    config.evaluate.report_tasks = tuple(config.tasks)
    return config
