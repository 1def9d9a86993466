"""Reading the body of a response within deadlines, and naming what ended it early."""

import asyncio

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from .deadline import Deadline
from .errors import ProviderFailed, ProviderTimeout

# Everything aiohttp raises for a connection or a protocol that broke. RuntimeError is what a read meets where the
# parser has closed the connection over what came after the last one.
LOST = (aiohttp.ClientError, HttpProcessingError, OSError, RuntimeError)


class Body:
    """The body of a response, read within deadlines. Closing it closes the connection, unless it came to its end."""

    def __init__(self, response: aiohttp.ClientResponse, ends: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._response = response
        self._content = response.content
        self._ends = ends
        # An expired deadline closes the connection, which wakes the read: no task is cancelled for it.
        self._deadline = Deadline(self._loop, response.close)

    async def read(self, since: float, patience: float, reason: str) -> bytes:
        """The next bytes, b"" at the end. Raises `ProviderTimeout` (`reason`) and `ProviderFailed`."""
        due = since + patience
        if due >= self._ends:
            due, reason = self._ends, "whole turn"
        if self._loop.time() >= due:
            raise ProviderTimeout(reason)
        self._deadline.wait_until(due)
        try:
            return await self._content.readany()
        except LOST:
            pass
        finally:
            self._deadline.rest()
        # Once the connection is lost, aiohttp gives no more of what came before that; it must be heard all the same.
        if rest := self._content._read_nowait(-1):
            return rest
        raise ProviderTimeout(reason) if self._deadline.expired else ProviderFailed("connection lost")

    def close(self) -> None:
        self._deadline.cancel()
        self._response.close()


def why_lost(lost: Exception) -> str:
    """In our own words: aiohttp's name the address."""
    cause = lost.os_error if isinstance(lost, aiohttp.ClientConnectorError) else lost
    if isinstance(lost, aiohttp.ClientConnectorDNSError):
        return "name not found"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(lost, (aiohttp.ClientResponseError, aiohttp.ClientPayloadError, HttpProcessingError)):
        return "broken answer"
    if isinstance(lost, (aiohttp.ServerDisconnectedError, ConnectionResetError)):
        return "connection lost"
    return "no connection"
