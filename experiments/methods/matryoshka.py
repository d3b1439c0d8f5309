"""Matryoshka on the generated world: vectors of NLI that may be cut to 32 or 64 of 128 numbers.

    ./run.sh train experiments/quickstart.py --workdir runs/quickstart
    ./run.sh train experiments/methods/matryoshka.py --workdir runs/matryoshka \\
        --config.stages.matryoshka.init_from=runs/quickstart/model

The contrastive loss is averaged over prefixes of the embeddings (objective/matryoshka.py). The
table of scores has a row for each prefix, "matryoshka@32"; the rows "untrained@32" show what
cutting alone costs. `SentenceEncoder.load(folder, truncate_dim=32)` cuts vectors in use.

Source: Kusupati et al. 2022 (arXiv 2205.13147).
"""

from ml_collections import ConfigDict

from experiments.quickstart import BATCH, DEV, LENGTH, entailment
from experiments.quickstart import get_config as quickstart
from pixel_linguist.recipe import info_nce, matryoshka, stage


def get_config() -> ConfigDict:
    """Return the recipe, whose tasks, renderer and shape are the quickstart's."""
    config = quickstart()
    width = config.model.width
    prefixes = (width // 4, width // 2, width)
    config.stages = ConfigDict()
    config.stages.matryoshka = stage(
        start_required=True,
        data={"nli": entailment()},
        objective=matryoshka(info_nce(hard_negatives=False), prefixes),
        evaluate_tasks=(DEV,),
        steps=200,
        peak=5e-4,
        warmup=20,
        batch_size=BATCH,
        length=LENGTH,
    )
    config.order = ("matryoshka",)
    config.evaluate.truncate_dims = prefixes[:-1]
    return config
