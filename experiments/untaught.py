"""A teacher without a text model: which windows of letters texts have, reduced to 256 numbers.

    ./run.sh train experiments/untaught.py --workdir runs/untaught --config.data_dir=DATA
    python -m experiments.shipped.teach --data_dir DATA --model runs/untaught/model \\
        --out runs/untaught/teacher
    ./run.sh train experiments/tiny_untaught.py --workdir runs/tiny_untaught --config.data_dir=DATA

Latent semantic analysis (Deerwester et al. 1990) of what is seen in the pictures of English
sentences, by closed_form.fit "principal". As a teacher it lends other languages the space of
English.
"""

from ml_collections import ConfigDict

from experiments.base import PIVOT, closed_form, part, stage
from experiments.base import get_config as defaults
from experiments.tiny import SHAPE, letters_stage, shape_encoder, tasks


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    shape_encoder(config, pictures=1280, rows=65_536)
    columns: dict[str, tuple[str, ...]] = {"sts/stsb/en/train.tsv": ("sentence1", "sentence2")}
    columns["definitions/wordnet.tsv"] = ("definition",)
    identity = {"name": "identity", "text": "text"}
    sources = [
        {"name": "sentences", "paths": (path,), "columns": names} for path, names in columns.items()
    ]
    config.stages.letters = letters_stage((PIVOT,))
    config.stages.principal = stage(
        init_from=("letters",),
        objective={"name": "distillation", "temperature": 0.05, "similarity_weight": 0.0},
        data={f"part{i}": part(source, identity) for i, source in enumerate(sources)},
        closed_form=closed_form() | {"fit": "principal"},
        steps=40,
        peak=0.0,
        warmup=0,
        batch_size=1024,
        **SHAPE,
    )
    config.order = ("letters", "principal")
    config.tasks = ConfigDict(tasks((PIVOT,)))
    config.evaluate.report_tasks = tuple(config.tasks)
    return config
