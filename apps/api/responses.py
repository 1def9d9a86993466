"""Responses that the thread which made them does not wait for; `config.asgi` does, on the event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any, Generic, TypeVar, cast

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.threads import with_rows

T = TypeVar("T")


class AwaitedResponse(HttpResponse, Generic[T]):
    """An answer that is not there yet.

    `news` is awaited on the event loop, holding neither a thread nor a connection; `answer` then makes the real
    response on a pool thread, from a function that returns what came, or raises it. Headers that middleware puts on
    this one are kept. `at_end` is called when it was sent, or when nobody waits for it any more.
    """

    def __init__(
        self,
        news: Callable[[], Awaitable[T]],
        answer: Callable[[Callable[[], T]], HttpResponseBase],
        at_end: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        # The request's own: its id for the log, its language.
        self._context = copy_context()
        self._news = news
        self._answer = answer
        self._at_end = at_end
        # What is sent in its place, where what came is a stream.
        self.stream: StreamingHttpResponse | None = None
        # What is to be done when it is there, on the thread that makes it: the log's line, for one.
        self.then: list[Callable[[AwaitedResponse[T]], None]] = []

    async def arrive(self) -> None:
        came: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            came.set_result(await self._news())
        except Exception as error:  # whatever it is, there is an answer for it
            came.set_exception(error)
        await with_rows(self._context.run, self._become, came.result)

    def _become(self, came: Callable[[], T]) -> None:
        answer = self._answer(came)
        self.status_code = answer.status_code
        if isinstance(answer, StreamingHttpResponse):
            self.stream = answer
        else:
            self.content = cast(HttpResponse, answer).content
        for name, value in answer.items():
            if name == "Vary":
                patch_vary_headers(self, value.split(", "))
            elif name not in self or name == "Content-Type":
                self[name] = value
        self._tell()
        if self.stream is not None:
            self.stream.status_code, self.stream.headers = self.status_code, self.headers
            self.stream.cookies = self.cookies

    def close(self) -> None:
        if self._at_end is not None:
            self._at_end()
        if self.then:
            # nginx's number for a client that did not wait.
            self.status_code = 499
            self._tell()
        super().close()

    def _tell(self) -> None:
        while self.then:
            self.then.pop()(self)


def awaited(
    view: APIView,
    request: Request,
    news: Callable[[], Awaitable[T]],
    respond: Callable[[T], Any],
    at_end: Callable[[], None] | None = None,
) -> HttpResponseBase:
    """What `respond` makes of `news` once they are there, a `Response` or a stream; what it raises is answered as
    everywhere."""

    def answer(came: Callable[[], T]) -> Any:
        try:
            response = respond(came())
        except Exception as error:  # as DRF's own dispatch does, which has returned long ago
            response = view.handle_exception(error)
        response = view.finalize_response(request, response)
        return response.render() if isinstance(response, Response) else response

    return AwaitedResponse(news, answer, at_end)
