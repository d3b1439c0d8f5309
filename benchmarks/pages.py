"""Tables in pages of Markdown: each stands between `<!-- NAME -->` and `<!-- end -->`."""

import re
from collections.abc import Mapping
from pathlib import Path

from pixel_linguist.files import write_whole


def fill_page(page: Path, tables: Mapping[str, str]) -> None:
    """Put tables between the marks of their names; ValueError if the page lacks one."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        marks = rf"<!-- {re.escape(name)} -->\n(.*?)<!-- end -->"
        found = re.search(marks, text, re.DOTALL)
        if not found:
            raise ValueError(f"{page} has no mark <!-- {name} -->")
        text = text[: found.start(1)] + table + text[found.end(1) :]
    write_whole(page, text.encode())
