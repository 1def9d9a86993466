"""Better Auth's session cookie: the token of a session and its signature, and the row that must stand behind it."""

import base64
import hashlib
import hmac
import logging
import threading
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import psycopg
from django.utils.crypto import constant_time_compare
from psycopg_pool import ConnectionPool

from apps.accounts.identities import Newcomer
from apps.compat.better_auth.key_ring import SignInUnavailable
from apps.compat.better_auth.options import BetterAuth
from apps.compat.better_auth.people import newcomer

log = logging.getLogger("dramatis.better_auth")

# Milliseconds that its database may take for a row: no thread of ours waits for a lock of its migrations.
STATEMENT_MS = 2000
CONNECTIONS = 4
MOST_LETTERS = 1024

Row = dict[str, Any]


def token_in(cookie: str, secret: str) -> str | None:
    """The session's token, where the cookie was signed with this secret."""
    token, _, signature = unquote(cookie[:MOST_LETTERS]).rpartition(".")
    digest = hmac.digest(secret.encode(), token.encode(errors="replace"), hashlib.sha256)
    right = constant_time_compare(signature.encode(errors="replace"), base64.b64encode(digest))
    return token if token and "\0" not in token and right else None


def read(cookie: str, options: BetterAuth, now: datetime) -> Newcomer | None:
    """Whose session it is; None where it is nobody's, has expired or was signed out of. SignInUnavailable where its
    database does not answer."""
    token = token_in(cookie, options.secret)
    if token is None:
        return None
    session, user = rows(token, options.database_url)
    if session is None or user is None:
        return None
    try:
        if moment(of(session, "expiresAt")) <= now:
            return None
        return newcomer(
            options.issuer,
            str(of(user, "id")),
            email=of(user, "email"),
            email_verified=of(user, "emailVerified"),
            name=of(user, "name"),
            signed_in_at=moment(of(session, "createdAt")).timestamp(),
        )
    except (KeyError, TypeError, ValueError) as error:
        log.error("Better Auth's tables have another form than was expected", exc_info=error)
        raise SignInUnavailable() from error


def rows(token: str, database_url: str) -> tuple[Row | None, Row | None]:
    """The session and its user, by the names of their columns."""
    try:
        with pool(database_url).connection() as connection:
            connection.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
            session = one(connection, "SELECT to_jsonb(found) FROM session found WHERE token = %s", token)
            if session is None:
                return None, None
            query = 'SELECT to_jsonb(found) FROM "user" found WHERE id = %s'
            # As text, of whatever type the column is.
            return session, one(connection, query, str(of(session, "userId")))
    except (psycopg.Error, KeyError) as error:
        # Its text may hold the address.
        log.error("Better Auth's sessions cannot be read", extra={"reason": type(error).__name__})
        raise SignInUnavailable() from error


def one(connection: psycopg.Connection[Any], query: Any, value: str) -> Row | None:
    found = connection.execute(query, [value]).fetchone()
    return found[0] if found else None


def of(row: Row, name: str) -> Any:
    """A column by Better Auth's name for it, or in snake case, as Drizzle's schemas have it."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return row[name] if name in row else row[snake]


def moment(text: str) -> datetime:
    """Columns without a time zone hold UTC."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


_pools: dict[str, ConnectionPool] = {}
_one_at_a_time = threading.Lock()


def pool(database_url: str) -> ConnectionPool:
    with _one_at_a_time:
        if database_url not in _pools:
            _pools[database_url] = ConnectionPool(
                database_url,
                min_size=0,
                max_size=CONNECTIONS,
                timeout=3,
                max_idle=60,
                reconnect_timeout=3,
                check=ConnectionPool.check_connection,
                configure=read_only,
                # No statement is prepared: it may be a pooler that is spoken to.
                kwargs={"connect_timeout": 3, "prepare_threshold": None, "tcp_user_timeout": 3000},
                name="better-auth",
                open=True,
            )
        return _pools[database_url]


def read_only(connection: psycopg.Connection[Any]) -> None:
    connection.read_only = True


def close() -> None:
    """Hand back its database's connections."""
    with _one_at_a_time:
        while _pools:
            _pools.popitem()[1].close()
