"""People who talk to the application over HTTP, wherever it runs."""

import json
import time
from collections.abc import Iterator
from typing import Any

import requests


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


def read_until(found: Iterator[Any], text: str) -> None:
    """Read chunks until so much was said: it has come to the application then, and not only left the model."""
    said = ""
    while said != text:
        chunk = next(found)
        said += chunk["delta"] if chunk["type"] == "text-delta" else ""


def until(true: Any, seconds: float = 20) -> Any:
    """Wait for something to become true, and return it."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.01)
    return value
