"""A search engine and a page on this machine, for clients whose searches and pages Signalbox serves."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

HIT = {
    "title": "Signal boxes",
    "url": "https://rail.example/boxes",
    "content": "A signal box houses the levers of a station.",
}
PAGE = (
    "<html><head><title>Levers</title></head><body><h1>Levers</h1><p>They move the points.</p></body></html>"
)


@dataclass(slots=True)
class LocalWeb:
    """What was asked of it."""

    url: str
    queries: list[str] = field(default_factory=list[str])
    pages: list[str] = field(default_factory=list[str])


@contextmanager
def local_web() -> Generator[LocalWeb]:
    """Serves SearXNG's JSON under /search, and one page under every other path."""
    made = LocalWeb("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/search":
                made.queries.append(parse_qs(asked.query)["q"][0])
                self._answer("application/json", json.dumps({"results": [HIT]}))
            else:
                made.pages.append(asked.path)
                self._answer("text/html; charset=utf-8", PAGE)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            made.queries.append(parse_qs(self.rfile.read(length).decode())["q"][0])
            self._answer("application/json", json.dumps({"results": [HIT]}))

        def _answer(self, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base names it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
