"""The way past a pooler, for what changes the schema."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def directly() -> Iterator[None]:
    """Inside, and in this thread, the database is reached by DATABASE_DIRECT_URL, whoever asks for it. As ever where
    that is not set."""
    if settings.DIRECT_DATABASE is None:
        yield
        return
    served = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = wrapper(served, settings.DIRECT_DATABASE)
    try:
        yield
    finally:
        connection.close()
        connections[DEFAULT_DB_ALIAS] = served


def is_the_served_one() -> bool | None:
    """Whether `connection`, inside `directly`, has the database that is served; None where that one does not answer."""
    # Locks are of one database, and of one running server: what is locked by one address is so by the other.
    key = secrets.randbits(62)
    served = {**settings.DATABASES[DEFAULT_DB_ALIAS]}
    # Once, without a pool that would try for long.
    served["OPTIONS"] = {name: value for name, value in served["OPTIONS"].items() if name != "pool"}
    other = wrapper(connections[DEFAULT_DB_ALIAS], served)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
            try:
                with other.cursor() as elsewhere:
                    elsewhere.execute("SELECT pg_try_advisory_xact_lock(%s)", [key])
                    [free] = elsewhere.fetchone()
            except OperationalError:
                return None
            return not free
    finally:
        other.close()


def wrapper(like: BaseDatabaseWrapper, database: dict[str, object]) -> BaseDatabaseWrapper:
    return type(like)({**like.settings_dict, **database}, DEFAULT_DB_ALIAS)
