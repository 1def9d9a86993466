"""The guarded client under the HTTP library that MCP's SDK speaks through, so that this has no other way out.

    async with httpx_transport.client(guarded(), limits, headers) as http_client:
        async with mcp.Client(streamable_http_client(url, http_client=http_client)) as session: ...

Needs the extra `mcp`; imported where it is used. `limits.answer_bytes` and `limits.whole` are each request's, and the
SDK keeps one open (a GET) for as long as its session lasts.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import httpx2

from . import request as outgoing
from .client import Arriving, Outbound
from .errors import AddressRefused, OutboundError, RequestRefused, TooLong, Unreachable
from .limits import Limits


def client(outbound: Outbound, limits: Limits, headers: Mapping[str, str] | None = None) -> httpx2.AsyncClient:
    """Follows nothing, keeps no cookies, and takes neither proxies nor passwords from the environment."""
    return httpx2.AsyncClient(
        transport=GuardedTransport(outbound, limits),
        headers={"User-Agent": "Dramatis", **(headers or {})},
        follow_redirects=False,
        timeout=None,
        trust_env=False,
    )


def reason(error: BaseException) -> OutboundError | None:
    """Ours, where it is the cause of this one: the SDK's tasks raise groups, of groups, of httpx's errors."""
    if isinstance(error, OutboundError):
        return error
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else [error.__cause__]
    return next(filter(None, (reason(each) for each in inner if each)), None)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Raises httpx's errors, with our text and our error as the cause. A redirect is one: nobody above follows it."""

    def __init__(self, outbound: Outbound, limits: Limits) -> None:
        self._outbound = outbound
        self._limits = limits

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = [(name, value) for name, value in request.headers.multi_items() if not outgoing.is_own(name)]
        body = await request.aread()
        arrival = self._outbound.stream(
            request.method, str(request.url), headers=headers, body=body, limits=self._limits
        )
        async with AsyncExitStack() as stack:
            try:
                arriving = await stack.enter_async_context(arrival)
            except OutboundError as error:
                raise _translated(error, request) from error
            # No cookies: httpx would keep them for its next requests.
            told = [
                (name.encode(), value.encode())
                for name, value in arriving.headers.items()
                if name.lower() != "set-cookie"
            ]
            stream = _Body(arriving, stack.pop_all(), request)
        return httpx2.Response(arriving.status, headers=told, stream=stream)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, arriving: Arriving, stack: AsyncExitStack, request: httpx2.Request) -> None:
        self._arriving = arriving
        self._stack = stack
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._arriving:
                yield chunk
        except OutboundError as error:
            raise _translated(error, self._request) from error

    async def aclose(self) -> None:
        await self._stack.aclose()


def _translated(error: OutboundError, request: httpx2.Request) -> httpx2.TransportError:
    match error:
        case AddressRefused() | Unreachable():
            kind: type[httpx2.TransportError] = httpx2.ConnectError
        case RequestRefused():
            kind = httpx2.LocalProtocolError
        case TooLong():
            kind = httpx2.ReadTimeout
        case _:
            kind = httpx2.RemoteProtocolError
    return kind(str(error), request=request)
