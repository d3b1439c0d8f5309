"""scikit-learn, which comes with the extra `report`; most tasks do without."""

import importlib
from types import ModuleType


def scikit_learn(module: str) -> ModuleType:
    """Import a module of scikit-learn, such as "metrics".

    Raises:
        ModuleNotFoundError: without scikit-learn, naming the extra.
    """
    try:
        return importlib.import_module(f"sklearn.{module}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "TF-IDF, classification and the map of embeddings need scikit-learn: "
            "pip install 'pixel-linguist[report]'"
        ) from error
