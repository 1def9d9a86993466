"""Responses that the thread which made them does not wait for; `config.asgi` does, on the event loop."""

from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Generic, TypeVar

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers

from apps.api.threads import with_rows

T = TypeVar("T")


class AwaitedResponse(HttpResponse, Generic[T]):
    """An answer that is not there yet.

    `news` is awaited on the event loop, holding neither a thread nor a connection; `answer` then makes the real
    response from it on a pool thread. Headers that middleware puts on this one are kept.
    """

    def __init__(self, news: Callable[[], Awaitable[T]], answer: Callable[[T], HttpResponse]) -> None:
        super().__init__()
        # The request's own: its id for the log, its language.
        self._context = copy_context()
        self._news = news
        self._answer = answer
        # What is to be done when it is there, on the thread that makes it: the log's line, for one.
        self.then: list[Callable[[HttpResponse], None]] = []

    async def arrive(self) -> None:
        outcome = await self._news()
        await with_rows(self._context.run, self._become, outcome)

    def _become(self, outcome: T) -> None:
        answer = self._answer(outcome)
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
