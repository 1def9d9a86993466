"""Named by the setting `ENGINE` of the database; Django looks for `DatabaseWrapper` in a module of this name."""

import select
from typing import Any

from django.conf import settings
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql.base import DatabaseWrapper as Postgres
from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool

# psycopg's own number; what is sent by cursors of Django's is not prepared for all that. `apps.api.statements` is.
PREPARE_THRESHOLD = 5


class DatabaseWrapper(Postgres):
    # Django's, which its stubs do not know.
    _connection_pools: dict[str, ConnectionPool[Connection[Any]]]

    @property
    def pool(self) -> ConnectionPool[Connection[Any]] | None:
        options = self.settings_dict["OPTIONS"].get("pool")
        if not options or self.alias == NO_DB_ALIAS:
            return None
        if (pool := self._connection_pools.get(self.alias)) is None:
            pool = ConnectionPool(
                kwargs={**self.get_connection_params(), "autocommit": True},
                open=False,
                configure=self._configure,
                check=check if self.settings_dict["CONN_HEALTH_CHECKS"] else None,
                **options,
            )
            # Another thread may have been first.
            pool = self._connection_pools.setdefault(self.alias, pool)
        return pool

    def _configure(self, connection: Connection[Any]) -> None:
        self._configure_connection(connection)  # type: ignore[attr-defined]  # Django's, too
        if not settings.DATABASE_IS_POOLED and connection.prepare_threshold is None and has_a_session(connection):
            connection.prepare_threshold = PREPARE_THRESHOLD


def has_a_session(connection: Connection[Any]) -> bool:
    """Whether a process of PostgreSQL's own is at the other end: a pooler answers a client with a number that it made
    up, and may lead it to another process with every transaction, which knows no statement that was prepared."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is not None and row[0] == connection.info.backend_pid


def check(connection: Connection[Any]) -> None:
    """Raise `OperationalError` where an idle connection has ended. A server that goes away says so, or hangs up: then
    there is something to be read where nothing was asked. To ask it would be a trip to the server each time."""
    if connection.closed:
        raise OperationalError("the connection is closed")
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if socket.poll(0):
        # Its end, or nothing bad, as word of a setting that changed.
        ConnectionPool.check_connection(connection)
