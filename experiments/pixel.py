"""PIXEL's own pretraining (Rust et al. 2023, arXiv 2207.06991, table 8): a million steps of 256.

    ./run.sh train experiments/pixel.py --workdir runs/pixel

A masked autoencoder of 529 patches, with a decoder of 8 blocks, 512 wide. Its model is the start
of pixel_linguist.py: --config.stages.pixel.init_from=runs/pixel/model. Ours, for want of the
original's data, which was BookCorpus and Wikipedia of 2018: spans of Wikipedia that fill the
patches; the learning rate falls to 0, the original's to 1e-5.
"""

from ml_collections import ConfigDict

from experiments.pixel_linguist import pixel_model, tfds
from pixel_linguist.recipe import get_config as defaults
from pixel_linguist.recipe import masked_autoencoder, optimizer, part, stage

PATCHES = 529


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults()
    config.update(pixel_model(PATCHES))
    # The square grid's sines and cosines, of which sentence encoders read the first rows.
    config.model.update(positions="frozen", head="none")
    config.data_dir = "~/tensorflow_datasets"
    config.train.workers = 16
    config.train.keep_checkpoints_every = 100_000
    spans = {"name": "spans", "text": "text", "shortest": 100, "longest": 250}
    decoder = {"width": 512, "depth": 8, "heads": 16, "mlp_width": 2048}
    config.stages.pretrain = stage(
        data={"articles": part(tfds("wikipedia/20230601.en", "text"), spans)},
        objective=masked_autoencoder(mask_ratio=0.25) | {"decoder": decoder},
        optimizer=optimizer(weight_decay=0.05),
        steps=1_000_000,
        peak=1.5e-4,
        warmup=50_000,
        batch_size=256,
        length=PATCHES,
    )
    config.order = ("pretrain",)
    return config
