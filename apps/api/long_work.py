"""Work that keeps a thread, and maybe much memory, busy for seconds: an import, an archive. Most of the pool is left to
everybody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from rest_framework.exceptions import Throttled

AT_ONCE = 2
RETRY_SECONDS = 5


@contextmanager
def one_of_few(places: BoundedSemaphore) -> Iterator[None]:
    """In one of these places; 429 where all are taken."""
    if not places.acquire(blocking=False):
        raise Throttled(RETRY_SECONDS)
    try:
        yield
    finally:
        places.release()
