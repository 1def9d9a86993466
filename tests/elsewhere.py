"""Another server, under a name that the operator allows, in a thread: what is at its paths, and who asked."""

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest

from tests.hostile_addresses import Names

HOST = "inner.example"


class Elsewhere:
    """`at` holds bodies by their paths, or statuses with headers; what is not there is a 404."""

    def __init__(self) -> None:
        self.at: dict[str, bytes | tuple[int, dict[str, str]]] = {}
        self.asked: list[str] = []
        self.kinds: dict[str, str] = {}
        # Until this is set, nobody is answered.
        self.goes_on = threading.Event()
        self.goes_on.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def url(self, path: str) -> str:
        return f"http://{HOST}:{self.port}{path}"

    def allow(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Self:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"{HOST}:{self.port}"]
        Names({HOST: [["127.0.0.1"]]}).answer(monkeypatch)
        return self

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.goes_on.set()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        there = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                there.asked.append(self.path)
                there.goes_on.wait(20)
                found = there.at.get(self.path, (404, {}))
                status, headers, body = (200, {}, found) if isinstance(found, bytes) else (*found, b"")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if self.path in there.kinds:
                    self.send_header("Content-Type", there.kinds[self.path])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(ConnectionError):
                    self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
