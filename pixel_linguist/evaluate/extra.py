"""Libraries that only some tasks need."""

import importlib
from types import ModuleType


def scikit_learn(module: str) -> ModuleType:
    """Return a module of scikit-learn, such as "metrics".

    Raises:
        ModuleNotFoundError: without scikit-learn, naming the extra.
    """
    try:
        return importlib.import_module(f"sklearn.{module}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "TF-IDF, pair classification, classification and clustering need scikit-learn: "
            "pip install 'pixel-linguist[report]'"
        ) from error
