"""A server of Google Cloud Storage's JSON interface, of one bucket in memory, for tests."""

import itertools
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Objects = dict[str, tuple[bytes, int]]


class Handler(BaseHTTPRequestHandler):
    """Answers what gcsfs and TensorStore ask of a bucket."""

    protocol_version = "HTTP/1.1"
    objects: Objects
    uploads: dict[str, tuple[str, bytes]]
    generations: Iterator[int]

    def _meta(self, name: str) -> dict[str, Any]:
        content, generation = self.objects[name]
        time = "2026-01-01T00:00:00.000Z"
        about = {"name": name, "bucket": "bucket", "size": str(len(content)), "updated": time}
        about |= {"generation": str(generation), "metageneration": "1", "timeCreated": time}
        return about | {"kind": "storage#object"}

    def _send(self, content: Any, status: int = 200, headers: Mapping[str, str] = {}) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _parse(self) -> tuple[str, dict[str, str], bytes]:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        _, marker, rest = url.path.partition("/b/bucket/o")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        while self.headers.get("Transfer-Encoding") == "chunked":
            size = int(self.rfile.readline(), 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if not size:
                break
        return unquote(rest.removeprefix("/")) if marker else "", query, body

    def _refused(self, name: str, query: dict[str, str]) -> bool:
        """Answer a write or delete whose condition on the generation does not hold."""
        wanted = query.get("ifGenerationMatch")
        known = self.objects[name][1] if name in self.objects else 0
        if wanted is None or int(wanted) == known:
            return False
        self._send({"error": {"code": 412, "message": "conditionNotMet"}}, 412)
        return True

    def _put(self, name: str, content: bytes, query: dict[str, str]) -> None:
        if not self._refused(name, query):
            self.objects[name] = content, next(self.generations)
            self._send(self._meta(name))

    def do_GET(self) -> None:
        """List, describe or read."""
        name, query, _ = self._parse()
        if not name:
            prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
            names = sorted(n for n in list(self.objects) if n.startswith(prefix))
            first, last = query.get("startOffset", ""), query.get("endOffset")
            names = [n for n in names if n >= first and (last is None or n < last)]
            below: dict[str, None] = {}
            if delimiter:
                cut = {n: n[len(prefix) :].find(delimiter) for n in names}
                below = dict.fromkeys(
                    prefix + n[len(prefix) :][: at + 1] for n, at in cut.items() if at >= 0
                )
                names = [n for n in names if cut[n] < 0]
            self._send({"items": [self._meta(n) for n in names], "prefixes": list(below)})
        elif name not in self.objects:
            self._send({"error": {"code": 404, "message": "Not Found"}}, 404)
        elif query.get("alt") != "media":
            self._send(self._meta(name))
        else:
            content, generation = self.objects[name]
            tags = {"X-Goog-Generation": str(generation), "ETag": str(generation)}
            asked = self.headers.get("Range")
            if not asked:
                self._send(content, 200, tags)
                return
            first, last = asked.removeprefix("bytes=").split("-")
            start = int(first)
            stop = min(int(last) + 1 if last else len(content), len(content))
            where = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
            self._send(content[start:stop], 206, tags | where)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Upload in any of three ways, or copy."""
        name, query, body = self._parse()
        if move := re.fullmatch(r"(.+)/(?:rewriteTo/b/bucket|(moveTo))/o/(.+)", name):
            old, moved, new = move.groups()
            if old not in self.objects:
                self._send({"error": {"code": 404, "message": "Not Found"}}, 404)
                return
            self.objects[new] = self.objects[old][0], next(self.generations)
            if moved:
                del self.objects[old]
            self._send(self._meta(new) if moved else {"done": True, "resource": self._meta(new)})
        elif "upload_id" in query:
            self._take_part(query["upload_id"], body)
        elif query.get("uploadType") == "resumable":
            number = str(len(self.uploads))
            self.uploads[number] = query.get("name") or json.loads(body)["name"], b""
            host = self.headers["Host"]
            self._send(
                {},
                200,
                {"Location": f"http://{host}/upload/storage/v1/b/bucket/o?upload_id={number}"},
            )
        elif query.get("uploadType") == "multipart":
            mark = self.headers["Content-Type"].partition("boundary=")[2].strip("'\"").encode()
            _, about, content, _ = body.split(b"--" + mark)
            named = json.loads(about.partition(b"\n\n")[2])["name"]
            self._put(named, content.partition(b"\n\n")[2].removesuffix(b"\n"), query)
        else:
            self._put(query["name"], body, query)

    def _take_part(self, upload: str, body: bytes) -> None:
        name, before = self.uploads[upload]
        self.uploads[upload] = name, before + body
        if self.headers["Content-Range"].endswith("/*"):
            self._send({}, 308, {"Range": f"bytes=0-{len(before + body) - 1}"})
        else:
            self._put(name, before + body, {})

    def do_DELETE(self) -> None:
        """Delete one object."""
        name, query, _ = self._parse()
        if name not in self.objects:
            self._send({"error": {"code": 404, "message": "Not Found"}}, 404)
        elif not self._refused(name, query):
            del self.objects[name]
            self._send(b"", 204)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def fake_bucket() -> Iterator[tuple[str, Objects]]:
    """Serve gs://bucket for the time inside; yields the server's URL and the objects by name."""
    parts = {"objects": {}, "uploads": {}, "generations": itertools.count(1)}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bucket", (Handler,), parts))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", parts["objects"]  # type: ignore[misc]
    finally:
        server.shutdown()
        server.server_close()
