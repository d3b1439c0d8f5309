"""What is said of a name that is not known."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which known name is nearest to an unknown one, and which there are."""
    names = list(known)
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
    return f"did you mean {nearest!r}? known: {', '.join(names)}"
