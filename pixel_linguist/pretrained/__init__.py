"""Models that come with the package, a folder each, and how a model's name becomes a folder."""

from pathlib import Path

SHIPPED = Path(__file__).parent
# Revisions of the weights, from 1; vectors of two revisions do not mix.
REVISIONS = {"tiny": 5, "tiny-multilingual": 4, "tiny-untaught": 4}


def shipped_models() -> list[str]:
    """Return the names of the models that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))


def find_model(name: str | Path) -> Path:
    """Return the folder of a model: a path, else the name of one that comes with the package.

    A name may ask for a revision: "tiny@2".

    Raises:
        FileNotFoundError: if there is neither, with the names there are, or the revision is
            another.
    """
    path = Path(name)
    if path.is_dir():
        return path
    known, at, revision = str(name).partition("@")
    if known in shipped_models():
        present = REVISIONS.get(known, 1)
        if at and revision != str(present):
            raise FileNotFoundError(
                f"this version of the package has revision {present} of {known!r}, not "
                f"{revision!r}: name {known}@{present}, or install the version that has the other"
            )
        return SHIPPED / known
    raise FileNotFoundError(
        f"no model {str(name)!r}: there is no such folder, and the models that come with the "
        f"package are: {', '.join(shipped_models()) or 'none'}"
    )
