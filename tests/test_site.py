"""The documentation is built as a site without a warning, and its links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from pixel_linguist.pretrained import shipped_models

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_site_is_built_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="it is in the extra docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True)
    # The page of a server's errors has links from the server's root.
    pages = {page: page.read_text() for page in tmp_path.rglob("*.html") if page.name != "404.html"}
    assert {f"models/{name}.html" for name in shipped_models()} <= {
        page.relative_to(tmp_path).as_posix() for page in pages
    }
    links, lost = 0, []
    for page, text in pages.items():
        for link in re.findall(r'(?:href|src)="(?!\w+:)([^"]*)"', text):
            path, anchor = urldefrag(unquote(link))
            target = (page.parent / path).resolve() if path else page
            links += 1
            known = f'id="{anchor}"' in pages.get(target, "") if anchor else target.is_file()
            if not known:
                lost.append(f"{page.name}: {link}")
    assert links > 500 and not lost
    assert 'id="pixel_linguist.api.SentenceEncoder.encode"' in pages[tmp_path / "api.html"]
