"""The one bridge between rows, which are handled synchronously, and streams, which are not.

All synchronous work of a process runs in one bounded pool of threads: requests (see `config.asgi`) and what
streams save alike. As many database connections are open as there are threads, however many streams run.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import connections

log = logging.getLogger("dramatis.server")

P = ParamSpec("P")
T = TypeVar("T")

POOL = ThreadPoolExecutor(max_workers=settings.WEB_THREADS, thread_name_prefix="rows")

# For those who ask whether this process lives: they are not to wait behind what they ask about.
PROBE_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="probes")

_tasks: set[asyncio.Task[Any]] = set()

# On a pool thread: the loop that waits for what is done there.
_loop: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("loop", default=None)


async def in_pool(function: Callable[..., T], *args: Any, pool: ThreadPoolExecutor = POOL) -> T:
    """Run `function` on a pool thread, in a copy of the caller's context. Connections are not released."""
    context, loop = copy_context(), asyncio.get_running_loop()
    context.run(_loop.set, loop)
    done: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            result = context.run(function, *args)
        except BaseException as error:  # it is the caller's
            loop.call_soon_threadsafe(_settle, done, None, error)
        else:
            loop.call_soon_threadsafe(_settle, done, result, None)

    # By hand: asyncio's own way ties two futures together, at the cost of what else is done for a small request.
    submitted = pool.submit(work)
    try:
        return await done
    finally:
        # What has not begun is not begun for somebody who was cancelled.
        submitted.cancel()


def _settle(done: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if done.cancelled():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)


async def with_rows(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function`, which uses the database, on a pool thread, and hand its connection back."""

    def releasing() -> T:
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    return await in_pool(releasing)


def spawn(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Start a task that belongs to the server, on the running loop, and hold on to it until it ends."""
    task = asyncio.get_running_loop().create_task(work)
    _tasks.add(task)
    task.add_done_callback(_over)
    return task


def spawn_from_thread(work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """The same from a pool thread. Where no server runs, as in a command, nothing is started."""
    if (loop := _loop.get()) is not None:
        loop.call_soon_threadsafe(lambda: spawn(work()))


def _over(task: asyncio.Task[Any]) -> None:
    _tasks.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a task of the server failed", exc_info=error)
