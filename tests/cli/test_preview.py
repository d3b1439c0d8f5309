"""The page of `preview`: what it serves, to whom, and what a browser makes of it."""

import http.client
import json
import shutil
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pixel_linguist.cli.preview import HOST, Server
from pixel_linguist.report.inspection import Shown

FIRST = {"text": "first <b>text</b>", "other": "another", "texts": "a\nb"}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def shown(word: str) -> Shown:
    return Shown("neighbours", {"rows": [(word, 0.5)]})


# Echoes what it is asked, in place of a model.
ECHO: Any = SimpleNamespace(
    text=lambda text: shown(f"read {text}"),
    pair=lambda first, second: shown(f"{first} with {second}"),
    neighbours=lambda text, texts: shown(f"among {len(texts)}"),
    perturbed=lambda text, strength, seed: shown(f"strength {strength}"),
    worn=lambda text, strength, seed: shown(f"seed {seed}"),
)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(0, "a-model", ECHO, FIRST) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(
    server: Server, method: str, path: str, body: str = "", host: str = HOST
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, server.server_port)
    connection.request(method, path, body.encode(), {"Host": f"{host}:{server.server_port}"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_page_is_one_file_that_shows_the_first_text(server: Server) -> None:
    status, page = ask(server, "GET", "/?text=other")
    assert status == 200 and server.server_address[0] == "127.0.0.1"
    assert "first &lt;b&gt;text&lt;/b&gt;" in page and "read first &lt;b&gt;" in page
    assert "http" not in page.replace("http-equiv", "") and "src=" not in page


def test_parts_are_answered_and_mistakes_told(server: Server) -> None:
    asked = FIRST | {"text": "new", "strength": "0.25", "seed": 3}
    status, body = ask(server, "POST", "/look", json.dumps(asked))
    parts = json.loads(body)
    assert status == 200 and set(parts) == {"view", "pair", "neighbours", "perturbed", "worn"}
    assert "new with another" in parts["pair"] and "among 2" in parts["neighbours"]
    assert "strength 0.25" in parts["perturbed"] and "seed 3" in parts["worn"]
    for bad in ("not JSON", "[]", json.dumps(FIRST | {"strength": 2})):
        status, body = ask(server, "POST", "/look", bad)
        assert status == 400 and json.loads(body)["error"]
    assert ask(server, "GET", "/etc/passwd")[0] == 404
    # Another site whose name leads here (DNS rebinding) gets nothing.
    assert ask(server, "GET", "/", host="elsewhere.org")[0] == 404
    assert ask(server, "POST", "/look", json.dumps(asked), host="elsewhere.org")[0] == 404


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: chromium)")
def test_a_browser_shows_what_it_is_asked(server: Server, tmp_path: Path) -> None:
    query = urllib.parse.urlencode({"text": "typed here", "strength": "0.75"})
    quiet = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync"
    )
    command = [str(CHROMIUM), *quiet.split(), f"--user-data-dir={tmp_path}"]
    address = f"http://{HOST}:{server.server_port}/?{query}"
    # On a busy machine the page may be dumped before its answer has come.
    for budget in (5_000, 20_000, 60_000):
        done = subprocess.run(
            [*command, f"--virtual-time-budget={budget}", "--dump-dom", address],
            capture_output=True,
            text=True,
            timeout=120,
        )
        page = done.stdout
        if "read typed here" in page:
            break
    assert "read typed here" in page and "strength 0.75" in page, done.stderr[-500:]
    assert "read first" not in page
