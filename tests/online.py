"""The application under a real ASGI server, and people who talk to it over HTTP."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any, Self

import requests
import uvicorn

from apps.chat import runtime
from apps.conversations.models import MessageStatus


class Server:
    """uvicorn on a free port of 127.0.0.1, in a thread of this process: the mode production runs."""

    def __init__(self) -> None:
        from config.asgi import application

        config = uvicorn.Config(
            application, port=0, lifespan="on", log_config=None, proxy_headers=False, timeout_graceful_shutdown=2
        )
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: self._uvicorn.started)
        port = self._uvicorn.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(15)

    def settle(self) -> None:
        """Wait until nothing is written any more, cancelling what still hangs."""
        loop = runtime._loop
        assert loop is not None

        def hang_up() -> None:
            for producer, _ in runtime._running.values():
                producer.cancel(MessageStatus.INTERRUPTED)

        loop.call_soon_threadsafe(hang_up)
        until(lambda: not runtime._tasks() | runtime._mirroring)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(5)

    def forget_lives(self) -> None:
        """As if the answers had ended long ago."""
        runtime._lives.clear()


class Person:
    """Somebody signed in, over HTTP."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.url + path, **{"timeout": 30, **options})

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.request("POST", path, json=body, **options)

    def chat(self, conversation: Any, content: str = "Hello.", **fields: Any) -> requests.Response:
        return self.post(f"/api/conversations/{conversation}/chat/", {"content": content, **fields})

    def stream(self, conversation: Any, content: str = "Hello.", **fields: Any) -> requests.Response:
        return self.post(
            f"/api/conversations/{conversation}/chat/",
            {"content": content, **fields},
            headers={"Accept": "text/event-stream"},
            stream=True,
        )


def chunks(response: requests.Response) -> Iterator[Any]:
    """The chunks of a stream as they come; `[DONE]` as that text. Comments are passed over."""
    for line in response.iter_lines(chunk_size=1):
        if line.startswith(b"data: "):
            data = line.removeprefix(b"data: ")
            yield "[DONE]" if data == b"[DONE]" else json.loads(data)


def until(true: Any, seconds: float = 20) -> Any:
    """Wait for something to become true, and return it."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.01)
    return value
