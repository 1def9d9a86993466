"""A deadline that moves with every token: moving it is an assignment, not a timer."""

import asyncio
from collections.abc import Callable

_NEVER = float("inf")


class Deadline:
    """Calls `expire` once if a wait lasts past its time (of the loop's clock). Only waiting counts, not resting."""

    __slots__ = ("_due", "_expire", "_fires", "_loop", "_timer", "expired")

    def __init__(self, loop: asyncio.AbstractEventLoop, expire: Callable[[], None]) -> None:
        self._loop = loop
        self._expire = expire
        self._due = _NEVER
        self._fires = _NEVER
        self._timer: asyncio.TimerHandle | None = None
        self.expired = False

    def wait_until(self, due: float) -> None:
        """A wait begins that may last until then."""
        self._due = due
        # A timer that fires too early sets itself anew; only one that would fire too late is replaced.
        if due < self._fires:
            self._set_timer()

    def rest(self) -> None:
        """The wait is over."""
        self._due = _NEVER

    def cancel(self) -> None:
        """No more waits."""
        self._due = self._fires = _NEVER
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._fires = self._due
        self._timer = self._loop.call_at(self._due, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._fires = _NEVER
        if self._due <= self._loop.time():
            self.expired = True
            self._expire()
        elif self._due != _NEVER:
            self._set_timer()
