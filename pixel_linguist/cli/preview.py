"""Shows a text as a model reads it, on a page of this machine: type, and look.

pixel-linguist preview "A cook saw the pilot"
    serves the page at an address that is printed, until Ctrl+C; nothing leaves this machine
... --model runs/small/model --texts sentences.txt --port 8000
    another model, and a file of texts among which neighbours are searched
... --out page.html
    writes the page of this text alone, without a server
"""

import argparse
import json
import math
from collections.abc import Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.main import path
from pixel_linguist.files import write_whole
from pixel_linguist.report.inspection import TEMPLATES, Inspector

HOST = "127.0.0.1"
BATCH = 32
# Most bytes of a request, and most characters of a text.
MOST_BYTES, MOST_TEXT = 1 << 20, 300
TEXT = "The quick brown fox jumps over the lazy dog."
TEXTS = (
    "A fox leaps across a sleepy dog.",
    "The dog is asleep in the sun.",
    "A man is playing a guitar on stage.",
    "Someone plays music for a crowd.",
    "She is slicing an onion in the kitchen.",
    "Heavy rain is expected tonight.",
    "A storm is coming from the west.",
    "The train to the coast leaves at noon.",
    "Two children are running in the snow.",
    "Shares fell after the bank raised its rates.",
    "The doctor will call with the results.",
    "He repaired the old car himself.",
    "The team won the match in the last minute.",
    "Choose a password that nobody can guess.",
    "Water boils at a hundred degrees.",
    "The museum is closed on Mondays.",
)


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    add = parser.add_argument
    add("text", nargs="?", default=TEXT, help="the first text")
    add("--model", default="tiny", help="model folder, or name of a shipped model")
    add("--texts", type=path, help="file of texts, a line each, in which neighbours are searched")
    add("--port", type=int, default=0, help="default: a free one")
    add("--out", type=path, help="write the page of this text to a file instead")
    options = parser.parse_args(arguments)
    if not 0 <= options.port < 1 << 16:
        parser.error("--port is from 0 to 65535")
    return options


def run(options: argparse.Namespace) -> None:
    """Write the page, or serve it until it is interrupted."""
    server = make_server(options)
    if options.out:
        write_whole(options.out, server.page().encode())
        print(f"written to {options.out}")
        return
    with server:
        print(f"http://{HOST}:{server.server_port}/ shows {options.model}; Ctrl+C stops it")
        server.serve_forever()


def make_server(options: argparse.Namespace) -> "Server":
    """Load the model and return the server of its page, which does not run yet."""
    texts = list(TEXTS)
    if options.texts:
        texts = options.texts.read_text(encoding="utf-8").splitlines()[:1000]
    first = {"text": options.text, "other": texts[0], "texts": "\n".join(texts)}
    inspector = Inspector(SentenceEncoder.load(options.model).embedder(BATCH, None))
    return Server(options.port, options.model, inspector, first)


class Server(ThreadingHTTPServer):
    """Serves the page and its parts to this machine alone."""

    def __init__(self, port: int, model: str, inspector: Inspector, first: Mapping[str, Any]):
        super().__init__((HOST, port), Handler)
        self.model, self.first = model, dict(first)
        self._inspector, self._lock = inspector, Lock()

    def page(self) -> str:
        """Return the page with what it shows first."""
        template = TEMPLATES.get_template("preview.html.jinja")
        return template.render(model=self.model, first=self.first, parts=self.look(self.first))

    def look(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """Return the HTML of each part of the page.

        Args:
            asked: "text" and "other", "texts" (a line each), "strength" in (0, 1], "seed".

        Raises:
            ValueError: for a value of another kind.
        """
        text, other, texts = (str(asked.get(name, "")) for name in ("text", "other", "texts"))
        text, other = text[:MOST_TEXT], other[:MOST_TEXT]
        strength, seed = float(asked.get("strength", 0.5)), int(asked.get("seed", 0))
        if not (math.isfinite(strength) and 0 < strength <= 1 and seed >= 0):
            raise ValueError(
                f"strength {strength} is not above 0 and at most 1, or seed {seed} < 0"
            )
        look = self._inspector
        # Requests overtake each other while somebody types; one model answers them.
        with self._lock:
            shown = {
                "view": look.text(text),
                "pair": look.pair(text, other),
                "neighbours": look.neighbours(text, texts.splitlines()),
                "perturbed": look.perturbed(text, strength, seed),
                "worn": look.worn(text, strength, seed),
            }
        return {name: part.html() for name, part in shown.items()}


class Handler(BaseHTTPRequestHandler):
    """Answers `GET /` with the page and `POST /look` with its parts as JSON."""

    server: Server

    def do_GET(self) -> None:
        """Send the page."""
        if self._is_local() and self.path.partition("?")[0] == "/":
            self._send(200, "text/html; charset=utf-8", self.server.page())
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """Send the parts of the page, or {"error": ...}."""
        if not self._is_local() or self.path != "/look":
            self.send_error(404)
            return
        send = partial(self._send, kind="application/json")
        try:
            size = int(self.headers.get("Content-Length", 0))
            if size > MOST_BYTES:
                raise ValueError(f"{size} bytes are more than {MOST_BYTES}")
            asked = json.loads(self.rfile.read(size))
            if not isinstance(asked, dict):
                raise ValueError("an object is needed")
            send(200, body=json.dumps(self.server.look(asked)))
        except (ValueError, TypeError) as error:
            send(400, body=json.dumps({"error": str(error)}))

    def _is_local(self) -> bool:
        """Return whether the request names this machine, which keeps other sites out."""
        return self.headers.get("Host", "").partition(":")[0] in (HOST, "localhost")

    def _send(self, status: int, kind: str, body: str) -> None:
        content = body.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *values: Any) -> None:
        """Keep the terminal quiet."""
