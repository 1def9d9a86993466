"""Uvicorn in this process, or in several, and a watch over what it depends on."""

import errno
import importlib.util
import os
import signal
import socket
import threading
from collections.abc import Callable

from django.conf import settings
from uvicorn import Config, Server

from config.local import listener
from config.local.lock import OwnerLock
from config.local.model import EmbeddedModel
from config.local.postgres import EmbeddedPostgres
from config.local.signals import stops_call
from config.local.terminal import Refused, Terminal, say
from config.local.workers import Workers

GRACE_SECONDS = 4  # Somebody waits at the terminal; what is cut off is kept as far as it came.
GRACE = f"answers under way have {GRACE_SECONDS} seconds, and none after another Ctrl-C"


class PlainServer(Server):
    hint = ""  # said at a stop, where there are answers under way

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.server_state.tasks and self.hint:
            say(self.hint)
        await super().shutdown(sockets)
        if self.force_exit:
            # Uvicorn leaves this out then, and what streams are about to lose would not be saved.
            await self.lifespan.shutdown()


class Watch(threading.Thread):
    """Tells when the server answers, and when the terminal above it or the database or the model beneath it goes."""

    def __init__(
        self, ready: Callable[[], bool], announce: Callable[[], None], terminal: Terminal,
        postgres: EmbeddedPostgres | None, model: EmbeddedModel | None,
    ) -> None:  # fmt: skip
        super().__init__(name="watch", daemon=True)
        self.ready, self.announce, self.terminal = ready, announce, terminal
        self.postgres, self.model = postgres, model
        self.model_restarts = 0
        self.database_died = False
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ready():
            if self.ended.wait(0.05):
                return
        self.announce()
        while not self.ended.wait(0.5):
            if self.terminal.has_closed():
                os.kill(os.getpid(), signal.SIGHUP)
            if self.postgres and self.postgres.has_died:
                say(f"postgres: the server has died (its log: {self.postgres.log}); stopping")
                self.database_died = True
                os.kill(os.getpid(), signal.SIGTERM)
                return
            if self.model and self.model.has_died:
                self.after_death_of(self.model)

    def after_death_of(self, model: EmbeddedModel) -> None:
        if self.model_restarts:
            say(f"model: it has died again (its log: {model.log}); until the next start chats answer 502")
            self.model = None
            return
        self.model_restarts += 1
        try:
            model.restart()
        except Refused as refusal:
            say(f"model: it has died, and {refusal}")
            self.model = None
        else:
            say(f"model: it has died (its log: {model.log}) and was started once more")

    def end(self) -> None:
        """Nothing is restarted once this has returned."""
        self.ended.set()
        self.join()


def make_server() -> PlainServer:
    config = Config(
        "config.asgi:application",
        http="httptools" if importlib.util.find_spec("httptools") else "h11",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        # Whom to believe about a client's address is the settings' to say (TRUSTED_PROXIES).
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return PlainServer(config)


def serve(bound: socket.socket) -> None:
    """Serve on the bound socket until a stop signal comes, then drain."""
    server = make_server()
    server.hint = f"stopping; {GRACE}"
    # In force before Uvicorn's own handlers are and after: a signal is never lost, and never a traceback.
    stops_call(server.handle_exit)
    port = bound.getsockname()[1]
    try:
        server.run(sockets=[bound])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:  # Somebody began to listen after we had looked.
            raise listener.taken(port) from None
        raise


def serve_by_workers(bound: socket.socket, count: int, lock: OwnerLock) -> bool:
    """The same in several processes. Whether all of them served until then."""
    if not lock.take():
        raise Refused(f"{lock.path} is still held by a worker of an earlier run.")
    try:
        lock.sign(os.getpid())
        return Workers(bound, count, lock, drain_seconds=GRACE_SECONDS + settings.DRAIN_SECONDS).serve(GRACE)
    finally:
        lock.release()
