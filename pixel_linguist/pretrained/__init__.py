"""Models that come with the package, a folder each, and how a model's name becomes a folder."""

from pathlib import Path

SHIPPED = Path(__file__).parent


def shipped_models() -> list[str]:
    """Return the names of the models that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))


def find_model(name: str | Path) -> Path:
    """Return the folder of a model: a path, else the name of one that comes with the package.

    Raises:
        FileNotFoundError: if there is neither, with the names there are.
    """
    path = Path(name)
    if path.is_dir():
        return path
    if str(name) in shipped_models():
        return SHIPPED / name
    raise FileNotFoundError(
        f"no model {str(name)!r}: there is no such folder, and the models that come with the "
        f"package are: {', '.join(shipped_models()) or 'none'}"
    )
