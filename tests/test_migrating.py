"""Migrations take the direct way to the database, after a look whether it is the one that is served."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings as given
from django.core.management import CommandError, call_command
from django.db import connection

from apps.api.direct import directly


def session() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
        return pid


def direct(**changes: Any) -> dict[str, Any]:
    """The tests' database, as DATABASE_DIRECT_URL would name it."""
    named = given.DIRECT_DATABASE or given.DATABASES["default"]
    options = {name: value for name, value in named["OPTIONS"].items() if name != "pool"}
    return {**named, "OPTIONS": options, **changes}


@pytest.fixture
def two_ways(db: None, settings: Any) -> Iterator[Any]:
    settings.DIRECT_DATABASE = direct()
    usual = session()
    yield settings
    assert session() == usual, "the usual way is back"


def test_inside_everybody_takes_the_direct_way(two_ways: Any) -> None:
    usual = session()
    with directly():
        first = session()
        assert first == session() != usual


def test_a_failure_inside_brings_the_usual_way_back(two_ways: Any) -> None:
    with pytest.raises(ZeroDivisionError), directly():
        _ = session() / 0


def test_the_same_database_is_migrated(two_ways: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("migrate")
    said = capsys.readouterr()
    assert "No migrations to apply." in said.out
    assert said.err == ""


def test_another_database_is_left_alone(two_ways: Any) -> None:
    two_ways.DIRECT_DATABASE["NAME"] = "postgres"
    with pytest.raises(CommandError, match="leads to another database than DATABASE_URL"):
        call_command("migrate")
    with directly(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations')")
        assert cursor.fetchone() == (None,)


def test_where_the_served_one_does_not_answer_that_is_told(
    two_ways: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(given.DATABASES["default"], "OPTIONS", {"host": "127.0.0.1", "port": 9, "pool": {}})
    monkeypatch.setitem(given.DATABASES["default"], "HOST", "")
    monkeypatch.setitem(given.DATABASES["default"], "PORT", "")
    call_command("migrate", "--check")
    assert "DATABASE_URL does not answer" in capsys.readouterr().err


def test_through_a_pooler_alone_that_is_told(db: None, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.DIRECT_DATABASE, settings.DATABASE_IS_POOLED = None, True
    call_command("migrate")
    assert "DATABASE_DIRECT_URL is unset" in capsys.readouterr().err
    call_command("migrate", verbosity=0)
    assert capsys.readouterr().err == ""


def test_an_index_that_was_left_unfinished_is_made_anew(transactional_db: None) -> None:
    newest = import_module("apps.conversations.migrations.0007_newest").Migration
    assert not newest.atomic, "they are made while others write, which no transaction can"
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX message_newest")
        cursor.execute("CREATE INDEX message_newest ON conversations_message (id)")
        for operation in newest.operations:
            cursor.execute(operation.sql)
        cursor.execute("SELECT pg_get_indexdef('message_newest'::regclass)")
        assert cursor.fetchone()[0].endswith("(user_id, uuid_send(id))")
