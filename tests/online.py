"""The application under a real ASGI server, and people who talk to it over HTTP."""

import asyncio
import threading
from typing import Self

import uvicorn
from django.db import connection

from apps.api.threads import POOL
from apps.chat import runtime
from apps.conversations.models import MessageStatus
from tests.people import Person, chunks, read_until, until

__all__ = ["Person", "Server", "chunks", "read_until", "until"]


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
        # What was begun for a task that has ended meanwhile: it still uses the database, which is about to be dropped.
        POOL.shutdown(wait=True)

    def settle(self) -> None:
        """Wait until nothing is written any more, cancelling what still hangs."""
        loop = runtime._loop
        assert loop is not None

        def hang_up() -> None:
            for producer, _ in runtime._running.values():
                producer.cancel(MessageStatus.INTERRUPTED)
            for call in runtime._calls.values():
                call.interrupt()

        loop.call_soon_threadsafe(hang_up)
        until(lambda: not runtime._tasks() | runtime._mirroring)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(5)

    def forget_lives(self) -> None:
        """As if the answers had ended long ago."""
        runtime._lives.clear()


def waiting_for_a_lock() -> bool:
    """Whether any session of the database is held up by another one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(cursor.fetchone()[0])
