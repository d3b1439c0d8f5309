"""Opening a model by what a user calls it: a folder, a shipped name, or hf:owner/name."""

from pathlib import Path

from pixel_linguist.convert import is_reference, read_reference
from pixel_linguist.files import check_model_folder, local_path
from pixel_linguist.model.store import Model, load_model
from pixel_linguist.pretrained import find_model

PREFIX = "hf:"
# Beside the config; a pickled checkpoint is fetched only where there is nothing safer.
SAFE, PICKLED = ["*.json", "*.safetensors"], ["pytorch_model.bin"]


def open_model(name: str | Path) -> Model:
    """Read a model of ours, or a checkpoint of PIXEL or Pixel-Linguist.

    Args:
        name: a folder, the name of a model that comes with the package, or "hf:owner/name", a
            repository of the Hugging Face hub, which is downloaded once.

    Raises:
        FileNotFoundError: if there is none, or it is not here and the hub cannot be reached.
        ValueError: for a URL, damaged files, another format, or if huggingface_hub is missing.
    """
    text = str(name)
    hub = text.startswith(PREFIX) and not text.startswith(f"{PREFIX}/")
    folder = download(text.removeprefix(PREFIX)) if hub else find_model(local_path(name))
    check_model_folder(folder)
    return read_reference(folder).model if is_reference(folder) else load_model(folder)


def download(repository: str) -> Path:
    """Return the folder of a repository of the Hugging Face hub, in the hub's own cache.

    Raises:
        FileNotFoundError, ValueError: as `open_model`.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ValueError(
            f"loading {PREFIX}{repository} needs huggingface_hub: pip install 'pixel-linguist[hub]'"
        ) from error
    try:
        folder = Path(snapshot_download(repository, allow_patterns=SAFE))
        if not list(folder.glob("*.safetensors")):
            folder = Path(snapshot_download(repository, allow_patterns=SAFE + PICKLED))
    except OSError as error:
        raise FileNotFoundError(
            f"{PREFIX}{repository} could not be downloaded and is not in the hub's cache: {error}\n"
            "Without a network, load a folder that holds its config.json and model.safetensors, "
            "or pytorch_model.bin: SentenceEncoder.load('path/to/folder')"
        ) from error
    return folder
