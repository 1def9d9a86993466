"""Responses that the thread which made them does not wait for; `config.asgi` does, on the event loop."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from django.http import HttpResponse

from apps.api.threads import with_rows

T = TypeVar("T")


class AwaitedResponse(HttpResponse, Generic[T]):
    """An answer that is not there yet.

    `news` is awaited on the event loop, holding neither a thread nor a connection; `answer` then makes the real
    response from it on a pool thread. Headers that middleware puts on this one are kept.
    """

    def __init__(self, news: Callable[[], Awaitable[T]], answer: Callable[[T], HttpResponse]) -> None:
        super().__init__()
        self._news = news
        self._answer = answer
        # What is to be done when it is there, on the thread that makes it: the log's line, for one.
        self.then: list[Callable[[HttpResponse], None]] = []
        self._arrived = False

    async def arrive(self) -> None:
        outcome = await self._news()
        await with_rows(self._become, outcome)

    def _become(self, outcome: T) -> None:
        answer = self._answer(outcome)
        self.status_code = answer.status_code
        self.content = answer.content
        for name, value in answer.items():
            if name == "Vary" or name not in self or name == "Content-Type":
                self[name] = value
        self._tell()

    def close(self) -> None:
        if not self._arrived:
            # nginx's number for a client that did not wait.
            self.status_code = 499
            self._tell()
        super().close()

    def _tell(self) -> None:
        self._arrived = True
        for callback in self.then:
            callback(self)
