"""The connections to Redis that a process's synchronous work shares."""

import threading
from typing import Any, ClassVar, Self

from redis import ConnectionPool


class ProcessPool(ConnectionPool):
    """One pool a process and address. Requests run in copies of a context (`apps.api.threads`), so Django makes each of
    them a cache of its own; with a pool of its own as well, each would connect anew."""

    _pools: ClassVar[dict[str, ConnectionPool]] = {}
    _one_at_a_time = threading.Lock()

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        with cls._one_at_a_time:
            if url not in cls._pools:
                cls._pools[url] = super().from_url(url, **options)
            return cls._pools[url]  # type: ignore[return-value]
