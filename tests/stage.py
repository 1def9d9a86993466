"""A pytest plugin: before Django reads its settings, a PostgreSQL server of our own and the server that plays the
model are there, and the environment names them. With DATABASE_URL set, that server is used instead; with PGBOUNCER=1,
ours is reached through PgBouncer, and its tables are made past it."""

import atexit
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local.postgres import EmbeddedPostgres
from tests import pgbouncer
from tests.ai_server import AIServer

AI = AIServer()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    # Settings that cannot be read end pytest before it is configured, and so before it is unconfigured.
    atexit.register(pytest_unconfigure)
    AI.start()
    os.environ |= {
        "SECRET_KEY": "a key for tests alone, long enough to be taken for one",
        "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
        "HTTPS": "off",
        "DEBUG": "off",
        "LOG_LEVEL": "WARNING",
        "AI_BASE_URL": AI.url,
        "AI_API_KEY": "sk-secret-of-the-operator",
        "AI_MODEL": "test-model,second-model",
        # A second provider, which nobody can reach.
        "AI_PROVIDERS": '[{"name": "nowhere", "base_url": "http://127.0.0.1:9/v1", "models": ["lost"]}]',
        "AI_CONTEXT_TOKENS": "2048",
        "AI_CONNECT_TIMEOUT": "1",
        # Three tries and the waits between them fit in, on a slow machine too.
        "AI_FIRST_TOKEN_TIMEOUT": "5",
        "AI_TOKEN_TIMEOUT": "3",
        "AI_TURN_TIMEOUT": "10",
        "DRAIN_SECONDS": "1",
    }
    if "DATABASE_URL" not in os.environ:
        home = Path(tempfile.mkdtemp(prefix="dramatis-tests-"))
        # As root, the server runs as another user, who must be able to enter.
        home.chmod(0o711)
        postgres = EmbeddedPostgres(home, durable=False)
        os.environ["DATABASE_URL"] = postgres.start()
        _stop.append(postgres.remove)
        if os.environ.get("PGBOUNCER") == "1":
            stand_before(postgres)
    return (yield)


def stand_before(postgres: EmbeddedPostgres) -> None:
    program = pgbouncer.find()
    if program is None:
        raise pytest.UsageError("PGBOUNCER=1 needs PgBouncer, from the package pgbouncer.")
    bouncer = pgbouncer.PgBouncer(program, postgres, connections=20)
    _stop.append(bouncer.remove)
    os.environ["DATABASE_DIRECT_URL"] = os.environ["DATABASE_URL"]
    os.environ["DATABASE_URL"] = bouncer.start().url


def pytest_unconfigure() -> None:
    while _stop:
        _stop.pop()()


_stop = [AI.stop]
