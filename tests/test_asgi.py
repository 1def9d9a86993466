"""The pooled handler keeps Django's manners."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import requests
from django.core.handlers.asgi import ASGIRequest
from django.core.signals import request_finished, request_started
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils.decorators import async_only_middleware
from django.views.decorators.csrf import csrf_exempt

from tests.online import Person, Server, until

seen: dict[str, Any] = {}


@csrf_exempt
def hello(request: HttpRequest) -> HttpResponse:
    seen["thread"] = threading.current_thread().name
    return HttpResponse(f"hello {request.body.decode()}")


async def hello_async(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0.01)
    return HttpResponse("hello from a coroutine")


def count_slowly(request: HttpRequest) -> StreamingHttpResponse:
    async def numbers() -> AsyncIterator[str]:
        try:
            for number in range(1000):
                yield f"{number}\n"
                await asyncio.sleep(0.01)
        finally:
            seen["closed"] = True

    return StreamingHttpResponse(numbers())


def plain_iterator(request: HttpRequest) -> StreamingHttpResponse:
    def letters() -> Iterator[str]:
        for letter in "abc":
            seen.setdefault("threads", set()).add(threading.current_thread().name)
            yield letter

    return StreamingHttpResponse(letters())


def a_file(request: HttpRequest) -> FileResponse:
    return FileResponse(open(__file__, "rb"))  # the response closes it


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


def cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse()
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return response


urlpatterns = [
    path("hello", hello),
    path("hello-async", hello_async),
    path("count", count_slowly),
    path("plain", plain_iterator),
    path("file", a_file),
    path("broken", broken),
    path("cookies", cookies),
]
handler500 = "apps.api.errors.server_error"
handler404 = "apps.api.errors.not_found"


@async_only_middleware
def stamp(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    async def middleware(request: HttpRequest) -> HttpResponse:
        response = await get_response(request)
        response["X-Stamp"] = "async"
        return response  # type: ignore[no-any-return]

    return middleware


@pytest.fixture
def url(server: Server, settings: Any) -> str:
    settings.ROOT_URLCONF = __name__
    seen.clear()
    return server.url


def test_a_request_runs_on_a_pool_thread(url: str) -> None:
    assert requests.post(f"{url}/hello", data="there", timeout=10).text == "hello there"
    assert seen["thread"].startswith("rows")


def test_an_asynchronous_view_works(url: str) -> None:
    assert requests.get(f"{url}/hello-async", timeout=10).text == "hello from a coroutine"


def test_asynchronous_middleware_works(settings: Any, db: None) -> None:
    from config.asgi import PooledHandler

    settings.MIDDLEWARE = [f"{__name__}.stamp", *settings.MIDDLEWARE]
    settings.ROOT_URLCONF = __name__
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/hello",
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
    }
    asyncio.run(PooledHandler()(scope, receive, send))
    assert sent[0]["status"] == 200
    assert (b"X-Stamp", b"async") in sent[0]["headers"]


def test_a_stream_ends_when_the_client_goes(url: str) -> None:
    response = requests.get(f"{url}/count", stream=True, timeout=10)
    assert next(response.iter_lines()) == b"0"
    response.close()
    assert until(lambda: seen.get("closed"))


def test_a_plain_iterator_is_read_on_pool_threads(url: str) -> None:
    assert requests.get(f"{url}/plain", timeout=10).text == "abc"
    assert all(name.startswith("rows") for name in seen["threads"])


def test_a_file_is_sent_whole(url: str) -> None:
    with open(__file__, "rb") as this:
        assert requests.get(f"{url}/file", timeout=10).content == this.read()


def test_every_request_is_announced_and_finished_once(url: str) -> None:
    events: list[str] = []

    def started(**_: Any) -> None:
        events.append("started")

    def finished(**_: Any) -> None:
        events.append("finished")

    request_started.connect(started)
    request_finished.connect(finished)
    try:
        requests.get(f"{url}/hello", timeout=10)
        requests.get(f"{url}/plain", timeout=10)
        until(lambda: len(events) == 4)
    finally:
        request_started.disconnect(started)
        request_finished.disconnect(finished)
    assert events == ["started", "finished", "started", "finished"]


def test_an_exception_is_a_500_and_the_next_request_is_well(url: str) -> None:
    response = requests.get(f"{url}/broken", timeout=10)
    assert response.status_code == 500
    assert response.json()["type"] == "server_error"
    assert "on purpose" not in response.text
    assert requests.get(f"{url}/hello", timeout=10).status_code == 200


def test_each_cookie_has_its_header(url: str) -> None:
    assert requests.get(f"{url}/cookies", timeout=10).cookies.get_dict() == {"one": "1", "two": "2"}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413_however_it_is_sent(url: str, chunked: bool) -> None:
    piece = b"x" * 65536
    body: Any = (piece for _ in range(40)) if chunked else piece * 40
    response = requests.post(f"{url}/hello", data=body, timeout=10)
    assert response.status_code == 413
    assert response.json()["errors"][0]["code"] == "body_too_large"
    assert response.headers["X-Request-ID"]
    assert requests.post(f"{url}/hello", data=piece, timeout=10).status_code == 200


def test_a_body_in_chunks_is_read_as_any_other(server: Server, alice_online: Person) -> None:
    pieces = (piece for piece in (b'{"name": ', b'"Ada"}'))
    headers = {"Content-Type": "application/json"}
    response = alice_online.request("POST", "/api/characters/", data=pieces, headers=headers)
    assert response.status_code == 201, response.text


def test_a_declared_length_is_not_believed_when_it_is_no_number() -> None:
    from config.asgi import content_length

    assert content_length({"headers": [(b"content-length", b"12")]}) == 12
    assert content_length({"headers": [(b"content-length", b"-1")]}) == 0
    assert content_length({"headers": []}) == 0


def test_the_handler_still_fits_djangos() -> None:
    """What it leans on, by name: a Django that changes these is noticed here."""
    from django.core.handlers.asgi import ASGIHandler

    for name in ("create_request", "send_response", "get_response", "load_middleware"):
        assert callable(getattr(ASGIHandler, name))
    assert ASGIRequest is ASGIHandler.request_class
