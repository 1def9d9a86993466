"""Keys, kept: fetched again when they get old, or when a token names one that is not among them.

Tokens are strangers' words until they are checked, so what they name makes nobody fetch more often than the cool-down
allows. One fetch is under way at a time, on a thread of its own, and requests wait for it a bounded time, few of them
long.
"""

import logging
import math
import threading
import time
from collections.abc import Callable

from jwt import PyJWK

from apps.api.errors import Unavailable
from apps.compat.better_auth.key_set import Keys, KeysBroken

log = logging.getLogger("dramatis.better_auth")

# Seconds. From the beginning of one fetch to that of the next.
COOL_DOWN = 10.0
# A key that is withdrawn there is good for this long here.
FRESH = 300.0
# And for this long while the keys cannot be fetched.
KEPT = 3600.0
# How long a request waits for a fetch; and how long where a crowd waits already.
PATIENCE = 3.5
CROWDED_PATIENCE = 0.25


class SignInUnavailable(Unavailable):
    """Whether this sign-in is good cannot be told just now."""

    default_code = "sign_in_unavailable"
    default_detail = "Sign-ins cannot be checked just now. Please try again."


class KeyRing:
    """`load` gives the keys, or raises KeysBroken; `clock` gives seconds. At most `crowd` requests wait long."""

    def __init__(
        self,
        load: Callable[[], Keys],
        *,
        crowd: int,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load, self._patience, self._clock = load, patience, clock
        self._waiting = threading.BoundedSemaphore(crowd)
        self._lock = threading.Lock()
        self._keys: Keys = {}
        self._fetched_at = -math.inf
        self._rests_until = -math.inf
        self._failed = False
        # Set when the fetch that is under way ends.
        self._fetching: threading.Event | None = None

    def find(self, kid: str) -> PyJWK | None:
        """None where no such key is published; SignInUnavailable where that is not known."""
        with self._lock:
            key = self._keys.get(kid)
            if key is not None and self._age() < FRESH:
                return key
            fetching = self._fetching or self._begin()
        if fetching is not None:
            self._wait_for(fetching)
        with self._lock:
            key = self._keys.get(kid) if self._age() < KEPT else None
            if key is None and (self._fetching is not None or self._failed):
                raise SignInUnavailable()
            return key

    def _wait_for(self, fetching: threading.Event) -> None:
        if not self._waiting.acquire(blocking=False):
            fetching.wait(min(self._patience, CROWDED_PATIENCE))
            return
        try:
            fetching.wait(self._patience)
        finally:
            self._waiting.release()

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _begin(self) -> threading.Event | None:
        """Fetch on the side. None where that was done, or tried, a moment ago."""
        now = self._clock()
        if now < self._rests_until:
            return None
        self._rests_until = now + COOL_DOWN
        self._fetching = threading.Event()
        threading.Thread(target=self._fetch, args=(self._fetching,), name="better-auth-keys", daemon=True).start()
        return self._fetching

    def _fetch(self, done: threading.Event) -> None:
        keys: Keys | None = None
        begun = self._clock()
        try:
            keys = self._load()
        except KeysBroken as broken:
            log.warning("Better Auth's keys could not be fetched", extra={"reason": broken.reason})
        finally:
            with self._lock:
                self._fetching, self._failed = None, keys is None
                if keys is not None:
                    self._keys, self._fetched_at = keys, begun
            done.set()
