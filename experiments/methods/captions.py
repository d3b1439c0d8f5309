"""Captions of one picture as paraphrases: grounded sentences whose picture is known by name alone.

    ./run.sh train experiments/methods/captions.py --config.data_dir=DATA --workdir runs/captions

Five people described each picture of COCO and Flickr30k; two of their captions are to be nearer to
each other than to captions of other pictures, by the margin of `grounded.py` (Merkx and Frank 2019,
arXiv 1903.11393). No picture is read.
"""

from ml_collections import ConfigDict

from experiments.methods.untaught import defaults_of_start, fine_tuned
from pixel_linguist.recipe import columns, part

FILES = {"coco": "captions/coco_val2017.tsv.gz", "flickr": "captions/flickr30k_train.tsv.gz"}


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = defaults_of_start()
    config.stages.captions = fine_tuned(
        {
            name: part({"name": "tsv", "path": path}, columns("caption1", "caption2"))
            for name, path in FILES.items()
        },
        objective={"name": "grounded", "margin": 0.2, "features": 0},
    )
    config.order = ("captions",)
    return config
