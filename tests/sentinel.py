"""A server that nobody is meant to reach, and servers that misbehave."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SECRET = b"what is inside"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


# Containers may do without.
HAS_IPV6 = _has_ipv6()
LOOPBACKS = ["127.0.0.1", "::1"] if HAS_IPV6 else ["127.0.0.1"]


class Sentinel:
    """Listens on every address of this machine, IPv4 and IPv6, on one port; answers HTTP; counts who comes."""

    def __init__(self) -> None:
        self._sockets = _sockets()
        self.port = self._sockets[0].getsockname()[1]
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sentinel", daemon=True)

    def connections(self) -> int:
        """Since the last time that this was asked."""
        # Who came before us has been counted once we are answered.
        for address in LOOPBACKS:
            with socket.create_connection((address, self.port), timeout=10) as fence:
                fence.sendall(b"GET / HTTP/1.1\r\n\r\n")
                while fence.recv(1024):
                    pass
        seen, self._count = self._count - len(LOOPBACKS), 0
        return seen

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        for each in self._sockets:
            each.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        servers = [
            self._loop.run_until_complete(self._loop.create_server(self._protocol, sock=s)) for s in self._sockets
        ]
        self._loop.run_forever()
        for server in servers:
            server.close()
        self._loop.run_until_complete(asyncio.sleep(0))

    def _protocol(self) -> asyncio.Protocol:
        self._count += 1
        return _Answering()


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(SECRET)
        self._transport.write(head + SECRET)  # type: ignore[attr-defined]
        self._transport.close()


def _sockets() -> list[socket.socket]:
    """One for each family, with the same port."""
    for _ in range(100):
        four = socket.create_server(("0.0.0.0", 0), backlog=512)
        if not HAS_IPV6:
            return [four]
        six = socket.socket(socket.AF_INET6)
        six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            six.bind(("::", four.getsockname()[1]))
        except OSError:
            four.close()
            six.close()
            continue
        six.listen(512)
        return [four, six]
    raise RuntimeError("no port is free in both families")


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on 127.0.0.1 that does this with each connection; gives its port. The connection is closed after it."""

    tasks = set[asyncio.Task[None] | None]()

    async def held(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handler(reader, writer)
        finally:
            tasks.discard(asyncio.current_task())
            writer.close()

    server = await asyncio.start_server(held, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        held_up = [task for task in tasks if task]
        for task in held_up:
            task.cancel()
        await asyncio.gather(*held_up, return_exceptions=True)


def replying(*pieces: bytes) -> Handler:
    """Reads a request's head, and answers with these bytes."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return handler
