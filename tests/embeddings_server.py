"""A real HTTP server that plays the endpoint of embeddings, for tests.

    with EmbeddingsServer() as endpoint:
        endpoint.fails(429)               # how the next request is answered; requests are answered in order
        ...                               # point an Embedder at endpoint.url
        assert endpoint.heard[0]["input"] == ["Hello"]

With nothing prepared it answers with a vector for each text: the direction of the first word of `MEANINGS` in it.
"""

import json
import socket
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from config.offer import Source

KEY = "sk-secret-of-the-operator"
MODEL = "a-model"

# Words that mean the same have the same direction.
MEANINGS = {
    **{word: [1.0, 0.0, 0.0] for word in ("clock", "hour", "time")},
    **{word: [0.0, 1.0, 0.0] for word in ("cat", "meow", "purr")},
    **{word: [0.0, 0.0, 1.0] for word in ("fish", "swim", "sea")},
}
NOTHING_KNOWN = [0.6, 0.6, 0.5]


def meaning(text: str) -> list[float]:
    return next((direction for word, direction in MEANINGS.items() if word in text.lower()), NOTHING_KNOWN)


def answer(texts: list[str]) -> dict[str, Any]:
    data = [{"object": "embedding", "index": place, "embedding": meaning(text)} for place, text in enumerate(texts)]
    return {"object": "list", "data": data, "model": MODEL, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


Behaviour = Callable[[Any, dict[str, Any]], None]


class EmbeddingsServer:
    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        # Texts longer than this are refused with 400, as a model refuses them.
        self.longest = 1_000_000
        self._script: deque[Behaviour] = deque()
        self._always: Behaviour | None = None
        self._over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer._serve(self)

            def do_GET(self) -> None:
                outer._serve(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """Whoever asked is gone."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def source(self) -> Source:
        """For `override_settings(EMBEDDINGS=…)`."""
        return Source("embeddings", self.url, KEY, (MODEL,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    # ── What comes next ──────────────────────────────────────────────────────────────────────

    def fails(self, status: int, *, always: bool = False, **headers: str) -> None:
        self._prepare(lambda handler, _: send(handler, {"error": {"message": "no"}}, status, headers), always)

    def sends(self, body: Any) -> None:
        """This, as JSON or as the bytes that it is."""
        self._prepare(lambda handler, _: send(handler, body))

    def hangs(self, *, always: bool = False) -> None:
        self._prepare(lambda *_: self._over.wait(30) and None, always)

    def drops(self) -> None:
        self._prepare(lambda handler, _: handler.connection.shutdown(socket.SHUT_RDWR))

    def recovers(self) -> None:
        self._script.clear()
        self._always = None

    def _prepare(self, behaviour: Behaviour, always: bool = False) -> None:
        if always:
            self._always = behaviour
        else:
            self._script.append(behaviour)

    def _serve(self, handler: Any) -> None:
        raw = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        body = json.loads(raw) if raw else {}
        self.heard.append(body)
        self.headers.append({"path": handler.path, **{name.lower(): text for name, text in handler.headers.items()}})
        if behaviour := (self._script.popleft() if self._script else self._always):
            behaviour(handler, body)
        elif any(len(text) > self.longest for text in body["input"]):
            send(handler, {"error": {"message": "too long"}}, 400)
        else:
            send(handler, answer(body["input"]))


def send(handler: Any, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for name, text in {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        **(headers or {}),
    }.items():
        handler.send_header(name, text)
    handler.end_headers()
    handler.wfile.write(content)
