"""Mirror-BERT on STS-B's sentences: a text and itself, of which one view has a span masked.

    ./run.sh train experiments/methods/mirror.py --config.data_dir=DATA --workdir runs/mirror

50 steps of 200 turn a model into a better encoder of sentences, says the paper (Liu et al. 2021,
arXiv 2104.08027). Five letters of the second view are a block of ink; dropout differs by view; the
negatives of a row are all rows of both views, 2 N - 2 of them. `--config.model.drophead=0.2
--config.model.dropout=0` drops whole heads of attention instead. The start reads English;
`mirror_languages.py` trains on nine languages.
"""

from collections.abc import Sequence

from ml_collections import ConfigDict

from experiments.methods.untaught import IDENTITY, defaults_of_start, fine_tuned, sentences
from pixel_linguist.recipe import info_nce, part


def mirrored(languages: Sequence[str]) -> ConfigDict:
    """Return the stage, on the sentences of STS-B's training split in some languages."""
    source = sentences(*(f"sts/stsb/{code}/train.tsv" for code in languages))
    stage = fine_tuned(
        {"sentences": part(source, IDENTITY)},
        objective=info_nce(hard_negatives=False) | {"temperature": 0.04, "within_views": True},
        perturb={"mask_span": {"rate": 1.0, "characters": 5, "shortest": 30}},
        perturb_views=("positive",),
        steps=50,
        warmup=0,
        batch_size=200,
    )
    stage.schedule.decay = "constant"
    return stage


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.mirror = mirrored(("en",))
    config.order = ("mirror",)
    return config
