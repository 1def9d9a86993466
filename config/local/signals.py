"""Ctrl-C, SIGTERM and a closed terminal all mean the same: stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stops_call(handler: Callable[[int, FrameType | None], object]) -> None:
    """Have every stop signal call `handler` from now on."""
    for stop in STOPS:
        # nohup makes a process deaf to a closed terminal on purpose.
        if not (stop == signal.SIGHUP and signal.getsignal(stop) is signal.SIG_IGN):
            signal.signal(stop, handler)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Once: a second signal, in the middle of the clearing up after the first, would leave something behind."""
    stops_call(ignore)
    raise KeyboardInterrupt


def ignore(number: int, frame: FrameType | None) -> None:
    pass


@contextmanager
def held() -> Iterator[None]:
    """Put stop signals off until the block has ended.

    A process that was started but not yet written down would be left behind, and so would one whose stop is cut short.
    During an import an interrupt may come out as another error, or not at all.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {stop: signal.getsignal(stop) for stop in STOPS}
    for stop, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(stop, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)
        if came:
            signal.raise_signal(came[0])
