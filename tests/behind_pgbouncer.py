"""That the tests run behind PgBouncer where `make test-pooled` says so: no part of the suite itself."""

from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from apps.api.direct import directly
from apps.api.statements import Statement
from tests.processes import database_url


@pytest.fixture(autouse=True)
def _several_sessions(transactional_db: None) -> None:
    """PgBouncer opens one when no other is free, and keeps it."""
    with ExitStack() as stack:
        for _ in range(4):
            other = stack.enter_context(psycopg.connect(database_url()))
            other.execute("SELECT 1")


def session() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()


def test_the_address_was_taken_for_a_poolers_by_itself() -> None:
    assert settings.DATABASE_IS_POOLED


def test_a_connection_is_another_session_with_every_transaction() -> None:
    assert len({session() for _ in range(20)}) > 2


def test_no_statement_is_left_prepared_in_somebody_elses_session() -> None:
    statement = Statement("SELECT %(number)s::int")
    for number in range(40):
        assert statement.rows(number=number) == [(number,)]
        connection.close()
    assert connection.connection is None
    connection.ensure_connection()
    assert connection.connection.prepare_threshold is None


def test_past_the_pooler_it_is_the_same_one() -> None:
    with directly():
        assert len({session() for _ in range(20)}) == 1
    assert len({session() for _ in range(20)}) > 2


def test_migrations_go_past_it(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("migrate", "--check")
    assert capsys.readouterr().err == ""


def test_another_database_is_not_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DIRECT_DATABASE, "NAME", "postgres")
    with pytest.raises(CommandError, match="leads to another database than DATABASE_URL"):
        call_command("migrate")
