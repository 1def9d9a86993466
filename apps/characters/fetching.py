"""Files that somebody asked to have fetched from other servers, by the one guarded way out. For the event loop."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import BoundedSemaphore

from rest_framework.exceptions import Throttled

from apps.api.long_work import RETRY_SECONDS, one_of_few
from apps.api.outbound.client import guarded
from apps.api.outbound.errors import (
    NOT_PUBLIC,
    AddressRefused,
    Broken,
    OutboundError,
    Redirected,
    TooBig,
    TooLong,
)
from apps.api.outbound.limits import Limits
from apps.characters.cards.card import MAX_FILE

ONE_SECONDS = 30.0
ALL_SECONDS = 60.0
# Of one action.
LANES = 4

# What comes is held in memory, up to 50 MB an action.
places = BoundedSemaphore(4)
_busy: set[object] = set()


class NotFetched(Exception):
    """`detail` tells people why, and never where a name led; `code` is `bad_url`, `not_public`, `unreachable`,
    `redirected`, `timeout`, `too_big`, `broken`, `bad_status` or `a_page`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Purse:
    """How many bytes may still come, over several files."""

    def __init__(self, left: int) -> None:
        self.left = left


@contextmanager
def place_of(user: object) -> Iterator[None]:
    """One at a time for each user, and few for all; else 429."""
    with one_of_few(places):
        if user in _busy:
            raise Throttled(RETRY_SECONDS)
        _busy.add(user)
        try:
            yield
        finally:
            _busy.discard(user)


async def one(url: str, seconds: float = ONE_SECONDS, purse: Purse | None = None) -> bytes:
    """What is there, 20 MB at most. Raises NotFetched."""
    purse = purse or Purse(MAX_FILE)
    limits = Limits(head=seconds, whole=seconds, answer_bytes=MAX_FILE)
    pieces: list[bytes] = []
    try:
        async with guarded().stream("GET", url, limits=limits) as arriving:
            if arriving.status != 200:
                raise NotFetched("bad_status", f"The server answered {arriving.status}.")
            if arriving.headers.get("Content-Type", "").lower().startswith("text/html"):
                raise NotFetched("a_page", "This is the address of a page, not that of a file.")
            async for piece in arriving:
                if len(piece) > purse.left:
                    # At once: others may have what this one does not need.
                    purse.left += sum(map(len, pieces))
                    pieces.clear()
                    raise NotFetched("too_big", "It is larger than what there is room for.")
                purse.left -= len(piece)
                pieces.append(piece)
        return b"".join(pieces)
    except OutboundError as error:
        failure = NotFetched(_code(error), str(error))
    except NotFetched as error:
        failure = error
    purse.left += sum(map(len, pieces))
    raise failure


async def many(urls: Mapping[str, str], room: int) -> dict[str, bytes | NotFetched]:
    """What is at each of these addresses, by the key that each has, or why not. `room` is in bytes, for all."""
    ends = asyncio.get_running_loop().time() + ALL_SECONDS
    purse, lanes = Purse(room), asyncio.Semaphore(LANES)

    async def fetched(url: str) -> bytes | NotFetched:
        async with lanes:
            left = min(ONE_SECONDS, ends - asyncio.get_running_loop().time())
            if left <= 0:
                return NotFetched("timeout", "The others took all the time that there was.")
            try:
                return await one(url, left, purse)
            except NotFetched as failure:
                return failure

    return dict(zip(urls, await asyncio.gather(*map(fetched, urls.values())), strict=True))


def _code(error: OutboundError) -> str:
    match error:
        case AddressRefused():
            return "not_public" if str(error) == NOT_PUBLIC else "bad_url"
        case Redirected():
            return "redirected"
        case TooLong():
            return "timeout"
        case TooBig():
            return "too_big"
        case Broken():
            return "broken"
    return "unreachable"
