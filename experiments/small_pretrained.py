"""The recipe of small.py after masked autoencoding, with which the original begins as well.

`images/pretrain.png` in the run's folder shows texts as they are, as the encoder saw them,
and as they were reconstructed.
"""

from ml_collections import ConfigDict

from experiments.small import BATCH, DEV, LENGTH, english
from experiments.small import get_config as small
from pixel_linguist.recipe import masked_autoencoder, stage, words_fact

STEPS = 400


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = small()
    pretrain = stage(
        data=english(),
        objective=masked_autoencoder(),
        # For DupMAE, which docs/reference.md sets from the command line.
        facts=words_fact(2048),
        evaluate_tasks=(DEV,),
        steps=STEPS,
        peak=2e-3,
        warmup=20,
        batch_size=BATCH,
        length=LENGTH,
    )
    config.stages = ConfigDict({"pretrain": pretrain} | dict(config.stages))
    config.stages.visual_start.init_from = ("pretrain",)
    config.order = ("pretrain", *config.order)
    return config
