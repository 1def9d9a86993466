"""HTTP to addresses that users set. See `docs/decisions/0018-outbound.md`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Self
from weakref import WeakKeyDictionary

import aiohttp
from django.conf import settings
from multidict import CIMultiDict, CIMultiDictProxy

from . import addresses, allowed, names, request, urls
from .addresses import Address
from .errors import (
    NOT_PUBLIC,
    AddressRefused,
    Broken,
    OutboundError,
    Redirected,
    TooBig,
    TooLong,
    Unreachable,
)
from .limits import Limits
from .lost import LOST, why_lost
from .pinned import Pinned

Headers = Mapping[str, str] | Iterable[tuple[str, str]]

# How many of a name's addresses are tried; all are checked.
_MOST_ADDRESSES = 6
# How many requests may be under way at once, on one loop. The others wait, within their time.
_AT_ONCE = 100
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

# What aiohttp has undone by the time that the body is read.
_DECODED = {"gzip", "deflate", "br", "zstd"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


class Arriving:
    """An answer whose body is on its way: `async for chunk in arriving`. Raises `OutboundError` where it does not come
    to its end within the limits."""

    def __init__(self, response: aiohttp.ClientResponse, headers: CIMultiDictProxy[str], limits: Limits, ends: float):
        self.status = response.status
        self.headers = headers
        self._content = response.content
        self._limits = limits
        self._ends = ends
        self._left = limits.answer_bytes

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        due = min(self._ends, asyncio.get_running_loop().time() + self._limits.idle)
        try:
            async with asyncio.timeout_at(due):
                # Lets others go on, and the time run out, where what is read is there already.
                await asyncio.sleep(0)
                chunk = await self._content.readany()
        except TimeoutError:
            error: OutboundError = _took_too_long()
        except LOST:
            error = Broken("The answer broke off.")
        else:
            if not chunk:
                raise StopAsyncIteration
            self._left -= len(chunk)
            if self._left >= 0:
                return chunk
            error = TooBig(f"The answer is longer than {self._limits.answer_bytes} bytes.")
        # Not where aiohttp's own exception would go along.
        raise error


class Outbound:
    """`allowed` may be where no public server is (`allowed.read`). Nothing is kept from one request to the next:
    neither connections, nor cookies, nor addresses. May be used on any event loop."""

    def __init__(
        self,
        allowed: allowed.Places = frozenset(),
        *,
        look_up: names.LookUp = names.look_up,
        is_here: Callable[[Address], bool] = names.is_this_machine,
        tls: SSLContext | None = None,
    ) -> None:
        self._allowed = allowed
        self._look_up = look_up
        self._is_here = is_here
        self._tls = tls

    async def fetch(
        self, method: str, url: str, *, headers: Headers = (), body: bytes = b"", limits: Limits | None = None
    ) -> Answer:
        """The whole answer, whatever its status but a redirect's. Raises `OutboundError`."""
        async with self.stream(method, url, headers=headers, body=body, limits=limits) as arriving:
            return Answer(arriving.status, arriving.headers, b"".join([chunk async for chunk in arriving]))

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, *, headers: Headers = (), body: bytes = b"", limits: Limits | None = None
    ) -> AsyncIterator[Arriving]:
        """The answer as it comes; leaving ends the connection. Raises `OutboundError`."""
        limits = limits or Limits()
        ends = asyncio.get_running_loop().time() + limits.whole
        target = urls.read(url)
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        request.check(method, pairs)
        if len(body) > limits.request_bytes:
            raise TooBig(f"The request is longer than {limits.request_bytes} bytes.")
        async with _slot(ends):
            places = await self._places(target, min(ends, asyncio.get_running_loop().time() + limits.connect))
            async with self._session(Pinned(places, target.port), limits) as session:
                response = await _ask(session, method, target, pairs, body, limits, ends)
                try:
                    yield Arriving(response, _told(response), limits, ends)
                finally:
                    response.close()

    async def _places(self, target: urls.Target, due: float) -> Sequence[Address]:
        """Where the target is, by one look-up, and only if all of it may be gone to."""
        may_be_local = (target.host, target.port) in self._allowed
        if not (may_be_local or urls.serves_http(target.port)):
            raise AddressRefused("This port is not one of HTTP.")
        found = [target.literal] if target.literal else await self._find(target.host, may_be_local, due)
        reached = [address for address in found if address and self._may_go(address, may_be_local)]
        # All, since which of them is taken is not ours to say.
        if not reached or len(reached) < len(found):
            raise AddressRefused(NOT_PUBLIC)
        return list(dict.fromkeys(reached))[:_MOST_ADDRESSES]

    async def _find(self, host: str, may_be_local: bool, due: float) -> list[Address | None]:
        try:
            async with asyncio.timeout_at(due):
                # Only the operator's own names are looked for in /etc/hosts and in search domains.
                return [addresses.read(text) for text in await self._look_up(host if may_be_local else f"{host}.")]
        except TimeoutError:
            error: OutboundError = _took_too_long()
        except OSError:
            error = AddressRefused(NOT_PUBLIC)
        raise error

    def _may_go(self, address: Address, may_be_local: bool) -> bool:
        if may_be_local:
            return addresses.is_public(address) or addresses.is_local(address)
        return addresses.is_public(address) and not self._is_here(address)

    def _session(self, pinned: Pinned, limits: Limits) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=pinned,
                socket_factory=pinned.socket,
                use_dns_cache=False,
                force_close=True,
                ssl=self._tls or True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "Dramatis"},
            max_field_size=8_190,
            max_headers=100,
            max_line_size=8_190,
            read_bufsize=2**16,
            timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect),
            trust_env=False,
        )


def guarded() -> Outbound:
    """The way out of this server, with what its operator allows."""
    return Outbound(allowed.read(settings.OUTBOUND_ALLOWED_HOSTS))


@asynccontextmanager
async def _slot(ends: float) -> AsyncIterator[None]:
    slots = _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))
    late = False
    try:
        async with asyncio.timeout_at(ends):
            await slots.acquire()
    except TimeoutError:
        late = True
    if late:
        raise _took_too_long()
    try:
        yield
    finally:
        slots.release()


async def _ask(
    session: aiohttp.ClientSession,
    method: str,
    target: urls.Target,
    headers: list[tuple[str, str]],
    body: bytes,
    limits: Limits,
    ends: float,
) -> aiohttp.ClientResponse:
    """An answer that is none of those that are not taken, its body still to come."""
    due = min(ends, asyncio.get_running_loop().time() + limits.head)
    try:
        async with asyncio.timeout_at(due):
            response = await session.request(
                method,
                target.url,
                data=body or None,
                headers=[*headers, ("Accept-Encoding", "gzip, deflate")],
                allow_redirects=False,
            )
    except aiohttp.ConnectionTimeoutError:
        error: OutboundError = Unreachable("The server cannot be reached.")
    except TimeoutError:
        error = _took_too_long()
    except LOST as lost:
        error = why_lost(lost)
    else:
        refusal = _refusal(response)
        if refusal is None:
            return response
        response.close()
        error = refusal
    # Not where aiohttp's own exception would go along.
    raise error


def _refusal(response: aiohttp.ClientResponse) -> OutboundError | None:
    if 300 <= response.status <= 399 and response.status != 304:
        return Redirected("The server sends its callers to another address, which is not followed: name that one.")
    if not 200 <= response.status <= 599:
        return Broken("The answer's status is none.")
    codings = [coding.strip().lower() for coding in response.headers.getall("Content-Encoding", [])]
    if len(codings) > 1 or not set(codings) <= {*_DECODED, "", "identity"}:
        return Broken("The answer is in an encoding that was not asked for.")
    return None


def _told(response: aiohttp.ClientResponse) -> CIMultiDictProxy[str]:
    """Headers that are text, and true of the body as it is given out."""
    told = CIMultiDict[str]()
    decoded = response.headers.get("Content-Encoding", "").strip().lower() in _DECODED
    for name, value in response.headers.items():
        if not (decoded and name.lower() in ("content-encoding", "content-length")):
            # aiohttp keeps what is not UTF-8 as lone surrogates, which no database takes.
            told.add(name, value.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return CIMultiDictProxy(told)


def _took_too_long() -> TooLong:
    return TooLong("The server took too long.")
