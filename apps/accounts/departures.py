"""Who deleted their account a moment ago: what they were signed in with elsewhere opens no new one.

A token of another system's goes on when the account here is gone, and a page that is still open goes on sending it.
Kept for a day and by a digest, beside what throttles count, and not in a table: a deleted account leaves nothing there.
"""

import hashlib
import time
from collections.abc import Iterable

from django.core.cache import cache, caches
from redis.exceptions import RedisError

KEPT_SECONDS = 24 * 60 * 60


def note(identities: Iterable[tuple[str, str]]) -> None:
    """These, by issuer and subject, leave now."""
    for issuer, subject in identities:
        try:
            cache.set(_key(issuer, subject), time.time(), KEPT_SECONDS)
        except RedisError:
            caches["memory"].set(_key(issuer, subject), time.time(), KEPT_SECONDS)


def is_past(issuer: str, subject: str, signed_in_at: float | None) -> bool:
    """Whether a sign-in of that time, in seconds since the epoch, is of before they left; one of no known time is."""
    key = _key(issuer, subject)
    try:
        left_at = cache.get(key) or caches["memory"].get(key)
    except RedisError:
        left_at = caches["memory"].get(key)
    return left_at is not None and (signed_in_at is None or signed_in_at <= left_at)


def _key(issuer: str, subject: str) -> str:
    return "departed:" + hashlib.sha256(f"{issuer}\0{subject}".encode()).hexdigest()
