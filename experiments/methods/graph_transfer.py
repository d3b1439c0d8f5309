"""GraphCLIP from one graph to another: trained on definitions of WordNet, tried on Cora.

    ./run.sh train experiments/methods/graph_transfer.py --config.data_dir=DATA --workdir runs/graph

Definitions are neighbours that share an entry. Tasks are those of graph.py: no paper, citation or
class of Cora is read in training.
"""

from ml_collections import ConfigDict

from experiments.methods.graph import get_config as graph
from pixel_linguist.recipe import part

DEFINITIONS = {"name": "tsv", "path": "definitions/wordnet.tsv"}
COLUMNS = ("entries", "definition")


def get_config() -> ConfigDict:
    """Return the recipe."""
    config = graph()
    source = {"name": "linked", "source": {**DEFINITIONS, "columns": COLUMNS}}
    source |= {"text": "definition", "by": "entries"}
    config.stages.graph.data = {"definitions": part(source, {"name": "neighbourhood", "others": 4})}
    return config
