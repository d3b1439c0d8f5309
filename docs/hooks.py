"""Hooks of mkdocs: files of the repository become pages of the site, and links to them follow."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
CARDS = {path.parent.name: path for path in ROOT.glob("pixel_linguist/pretrained/*/README.md")}
# Path in the repository → page of the site.
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md"}
PAGES |= {str(path.relative_to(ROOT)): f"models/{name}.md" for name, path in CARDS.items()}
LINK = re.compile(r"(?<=\]\()([^)\s#]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that do not lie in docs/."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Rewrite links between files of the repository to links between pages."""
    own = page.file.src_uri
    sources = {target: source for source, target in PAGES.items()}
    folder = posixpath.dirname(sources.get(own, f"docs/{own}"))

    def target(match: re.Match[str]) -> str:
        if "://" in match[0]:
            return match[0]
        path = posixpath.normpath(posixpath.join(folder, match[0]))
        if path not in PAGES and not path.startswith("docs/"):
            # Code is read in the repository.
            return match[0] if not (ROOT / path).exists() else "index.md#layout"
        return posixpath.relpath(
            PAGES.get(path, path.removeprefix("docs/")), posixpath.dirname(own)
        )

    return LINK.sub(target, markdown)
