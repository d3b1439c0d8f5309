"""Languages that no source of a recipe may bring, so that scores on them are of transfer alone."""

import re
from collections.abc import Iterator, Mapping

from ml_collections import ConfigDict

from pixel_linguist.evaluate.transfer import iso_639_3


def check_never_trained(config: ConfigDict) -> None:
    """Refuse sources that name a language of `never_trained`.

    Columns, files, folders and other names in the settings of sources, annotations and pair makers
    are looked at, part by part: "sv" and "swe" in "sts/sv/train.tsv" or "swe-Latn". What a table
    holds in rows, such as a column of languages, is not.

    Raises:
        ValueError: naming the stage, the part, the name and the language.
    """
    never = {}
    for code in config.never_trained:
        if not re.fullmatch("[a-z]{2,3}", code):
            raise ValueError(
                f"never_trained has {code!r}; it lists languages by ISO 639, such as 'sv' or 'swe'"
            )
        never[iso_639_3(code)] = code
    for name in config.languages:
        if code := _found(name, never):
            raise ValueError(f"languages has {name!r}, and never_trained has {code!r}")
    for stage in config.order:
        for part, settings in config.stages[stage].data.items():
            for name in _names(settings.to_dict()):
                if code := _found(name, never):
                    raise ValueError(
                        f"stage {stage}, data {part}: {name!r} names a language of never_trained, "
                        f"{code!r}; take it out of one of them"
                    )


def _found(name: str, never: Mapping[str, str]) -> str | None:
    words = re.split(r"[^a-z]+", name.casefold())
    return next((never[iso_639_3(word)] for word in words if iso_639_3(word) in never), None)


def _names(value: object) -> Iterator[str]:
    """Yield the strings of settings, keys among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (str(key), *_names(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _names(inner)
