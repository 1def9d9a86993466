"""When to try again, and how long to wait for it."""

from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import ceil

_LONGEST = 86_400


def is_busy(status: int) -> bool:
    """Whether a status says "not now" rather than "no"."""
    return status in (408, 409, 429) or 500 <= status <= 599


def retry_after(header: str | None, now: float) -> int | None:
    """What a `Retry-After` header (seconds or an HTTP date) asks for, in seconds up to a day; `now` is a Unix time."""
    if header is None:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        # Cut first: int() of thousands of digits raises.
        return min(int(header[:9]), _LONGEST)
    try:
        date = parsedate_to_datetime(header)
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        return min(max(ceil(date.timestamp() - now), 0), _LONGEST)
    except (ValueError, OverflowError):
        return None


def backoff(tries: int, base: float, longest: float, jitter: Callable[[], float]) -> float:
    """Seconds to wait after so many tries: exponential, with full jitter (`jitter` gives 0 to 1)."""
    return jitter() * min(longest, base * 2.0 ** (tries - 1))
