"""How often something was tried, counted for all processes together where they share Redis."""

import logging
import threading
import time

from django.core.cache import BaseCache, cache, caches
from django.utils.connection import ConnectionProxy
from redis.exceptions import RedisError

log = logging.getLogger("dramatis.accounts")

# How long Redis is left alone after it did not answer: a request in that time does not wait for it.
BACK_OFF_SECONDS = 2.0


class Tries:
    """Counts in `shared`, and in `spare`, this process's own memory, while Redis is away: then each process lets
    through as many as all together should, but nobody is kept from signing in, and guessing is still slow."""

    def __init__(self, shared: BaseCache, spare: BaseCache) -> None:
        self.shared, self.spare = shared, spare
        self._is_away = False
        self._ask_again = 0.0
        self._one_at_a_time = threading.Lock()

    def count(self, key: str, seconds: int) -> tuple[int, float]:
        """Count one more try of `key`: how many there are in its window by now, and in how many seconds that ends."""
        if self._may_ask():
            try:
                counted = count_in(self.shared, key, seconds)
            except RedisError as error:
                self._note(error)
            else:
                self._note(None)
                return counted
        return count_in(self.spare, key, seconds)

    def _may_ask(self) -> bool:
        """While it is away, one request at a time finds out whether it still is."""
        if not self._is_away:
            return True
        with self._one_at_a_time:
            if time.monotonic() < self._ask_again:
                return False
            self._ask_again = time.monotonic() + BACK_OFF_SECONDS
            return True

    def _note(self, error: RedisError | None) -> None:
        if error is None and not self._is_away:
            return
        with self._one_at_a_time:
            was_away, self._is_away = self._is_away, error is not None
            self._ask_again = time.monotonic() + BACK_OFF_SECONDS
        if error is not None and not was_away:
            # Its text may hold the address.
            reason = type(error).__name__
            log.warning("Redis does not answer; each process counts tries for itself", extra={"reason": reason})
        elif error is None and was_away:
            log.warning("Redis answers again; tries are counted together")


def count_in(counts: BaseCache, key: str, seconds: int) -> tuple[int, float]:
    """A window begins with its first try. Each try is one increment, so none is lost however many come at once."""
    now = time.time()
    begun: float = counts.get_or_set(key, now, seconds) or now
    # Named by its window: a count that outlives it, or loses its expiry, is never read again.
    window = f"{key}:{begun}"
    counts.add(window, 0, seconds)
    try:
        count = counts.incr(window)
    except ValueError:  # It expired just now, and its window with it.
        count = 1
    # Another machine's clock may be ahead of ours.
    return count, min(max(begun + seconds - now, 0.0), float(seconds))


TRIES = Tries(cache, ConnectionProxy(caches, "memory"))  # type: ignore[arg-type]  # it is a cache to all who use it
