"""Responses that the thread which made them does not wait for; `config.asgi` does, on the event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from django.http import HttpResponse, HttpResponseBase
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
    this one are kept.
    """

    def __init__(self, news: Callable[[], Awaitable[T]], answer: Callable[[Callable[[], T]], HttpResponse]) -> None:
        super().__init__()
        # The request's own: its id for the log, its language.
        self._context = copy_context()
        self._news = news
        self._answer = answer
        # What is to be done when it is there, on the thread that makes it: the log's line, for one.
        self.then: list[Callable[[HttpResponse], None]] = []

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
        self.content = answer.content
        for name, value in answer.items():
            if name == "Vary":
                patch_vary_headers(self, value.split(", "))
            elif name not in self or name == "Content-Type":
                self[name] = value
        self._tell()

    def close(self) -> None:
        if self.then:
            # nginx's number for a client that did not wait.
            self.status_code = 499
            self._tell()
        super().close()

    def _tell(self) -> None:
        while self.then:
            self.then.pop()(self)


def awaited(
    view: APIView, request: Request, news: Callable[[], Awaitable[T]], respond: Callable[[T], Response]
) -> HttpResponseBase:
    """JSON, once `news` is there; what `respond` raises is answered as everywhere."""

    def as_json(came: Callable[[], T]) -> Any:
        try:
            response = respond(came())
        except Exception as error:  # as DRF's own dispatch does, which has returned long ago
            response = view.handle_exception(error)
        return view.finalize_response(request, response).render()

    return AwaitedResponse(news, as_json)
