"""Columns of a file of pairs: those that are read, and those that may be left unread."""

import re
from collections.abc import Mapping
from typing import Any

# Names of the two texts, as STS data sets and sentence-transformers have them.
FIRST, SECOND = ("sentence1", "anchor"), ("sentence2", "positive")
NEGATIVE, SCORE = "negative", "score"
_READ = frozenset((*FIRST, *SECOND, NEGATIVE, SCORE))
# Names of columns that say where a pair is from, not what it means: ids, numbers of rows (as pandas
# writes them: "", "Unnamed: 0"), splits, languages, sources.
_NEUTRAL = re.compile(
    r"[a-z]+I[Dd]|(?i:|(.*[_\-. ])?(id|ids|idx)|[pqd]id|unnamed: \d+|__index_level_\d__|index|row"
    r"|line|split|lang(uage)?s?[_\- ]?\w?|source|dataset|corpus|genre|domain|topic|file(name)?|url"
    r"|year)"
)


def check_columns(record: Mapping[str, Any], where: str) -> None:
    """Refuse a column that is not read and may change what a pair means, as a label does.

    Raises:
        ValueError: naming the column and what the columns that are read are called.
    """
    twice = [names for names in (FIRST, SECOND) if record.keys() >= set(names)]
    if twice:
        raise ValueError(f"{where} has columns {' and '.join(twice[0])}, which mean the same")
    for name, value in record.items():
        if name not in _READ and value not in (None, "") and not _NEUTRAL.fullmatch(name):
            raise ValueError(
                f"{where}: the column {name!r} is not read, though it may change what the pairs "
                f"mean. Rename it to {SCORE!r} if it says how alike the two texts are (higher is "
                f"more alike), to {NEGATIVE!r} if it is a text that does not belong to the first; "
                "of labelled pairs keep those that belong together; then drop the column"
            )
