"""A server that the way out leads to, by a name that is allowed, and what it may answer."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apps.api.outbound.client import Answer, Outbound
from apps.api.outbound.limits import Limits
from tests.hostile_addresses import Names
from tests.sentinel import Handler, serving

# Enough on loopback; what leads nowhere ends soon.
SOON = Limits(connect=0.5, head=2, idle=2, whole=3)
# So long that nothing ends by it.
LONG = Limits(connect=5, head=20, idle=20, whole=20)

OK = b"HTTP/1.1 200 OK\r\n"


def led_to(address: str, port: int, *, tls: ssl.SSLContext | None = None, host: str = "inner.example") -> Outbound:
    """Allows `host` at this port, which is at this address."""
    return Outbound(frozenset({(host, port)}), look_up=Names({host: [[address]]}).look_up, tls=tls)


class Server:
    def __init__(self, port: int) -> None:
        self.url = f"http://inner.example:{port}/"
        self.outbound = led_to("127.0.0.1", port)

    async def fetch(self, limits: Limits = LONG, method: str = "GET", body: bytes = b"") -> Answer:
        return await self.outbound.fetch(method, self.url, body=body, limits=limits)


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[Server]:
    async with serving(handler) as port:
        yield Server(port)


def body_of(payload: bytes, *headers: bytes) -> bytes:
    return (
        OK + b"".join(header + b"\r\n" for header in headers) + b"Content-Length: %d\r\n\r\n" % len(payload) + payload
    )


def forever(head: bytes, piece: bytes, pause: float = 0) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return handler
