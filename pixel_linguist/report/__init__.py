"""What a run left, as something to look at: plots, pictures of texts, one page of HTML."""

from importlib.util import find_spec

# The libraries of the extra, checked here so that a missing one is explained once.
if _missing := [name for name in ("jinja2", "matplotlib", "sklearn") if find_spec(name) is None]:
    raise ModuleNotFoundError(
        f"reports need {', '.join(_missing)}: pip install 'pixel-linguist[report]'"
    )
