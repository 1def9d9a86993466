"""Statements that are made once, and the connections that keep them prepared."""

import threading
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.api.lookups import Lookup
from apps.api.rows import new_id
from apps.api.statements import Statement
from apps.conversations.models import Conversation
from tests.factories import make_conversation
from tests.processes import database_url

MINE = Statement(
    "WITH mine AS ({mine}) SELECT title, %(word)s::text FROM mine WHERE title LIKE '%%o%%'",
    mine=lambda user: Conversation.objects.owned_by(User(pk=user)).filter(archived=False, title__contains="o"),
)


def test_what_it_asks_for_is_the_querysets(alice: User, bob: User) -> None:
    make_conversation(alice, title="Clocks")
    make_conversation(alice, title="Old", archived=True)
    make_conversation(bob, title="Stolen")
    for user, titles in ((alice, ["Clocks"]), (bob, ["Stolen"]), (User(pk=new_id()), [])):
        rows = MINE.rows(user=user.pk, word="50 % {mine}")
        assert rows == [(title, "50 % {mine}") for title in titles]


def test_djangos_own_tools_see_it(alice: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        MINE.rows(user=alice.pk, word="%s")
    assert len(queries) == 1
    assert "WHERE title LIKE" in queries[0]["sql"]


def test_a_lookup_gives_what_the_queryset_would(alice: User) -> None:
    found = Lookup(lambda user: User.objects.filter(pk=user, is_active=True))
    same = found.first(user=alice.pk)
    assert same is not None
    assert {**vars(same), "_state": None} == {**vars(User.objects.get(pk=alice.pk)), "_state": None}
    same.display_name = "Ada"
    same.save()
    assert User.objects.get(pk=alice.pk).display_name == "Ada"
    assert found.first(user=new_id()) is None


def test_what_the_database_refuses_is_told_as_everywhere(alice: User) -> None:
    with pytest.raises(DatabaseError):
        Statement("SELECT 1 / %(number)s::int").rows(number=0)


@pytest.fixture
def ended(transactional_db: None) -> Any:
    """Ends the process behind the connection that was last used here, which lies in the pool."""

    def end() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            process: int = cursor.fetchone()[0]
        connection.close()
        with psycopg.connect(database_url(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
        return process

    return end


def test_a_connection_that_was_ended_meanwhile_is_not_given_out(ended: Any) -> None:
    process = ended()
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            assert cursor.fetchone()[0] != process
        connection.close()


def test_statements_are_kept_where_a_session_is_ones_own(transactional_db: None) -> None:
    statement = Statement("SELECT 'kept', %(number)s::int")
    connection.ensure_connection()
    for number in range(3):
        assert statement.rows(number=number) == [("kept", number)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT ''kept''%%'", [])
        assert cursor.fetchone() == (1,)


def test_a_server_that_goes_away_meanwhile_is_told_as_such(ended: Any) -> None:
    """As everywhere it is no fault of the statement, so that who asked is told to come again."""
    process = Statement("SELECT pg_backend_pid()").rows()[0][0]

    def end() -> None:
        with psycopg.connect(database_url(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [process])

    timer = threading.Timer(0.3, end)
    timer.start()
    with pytest.raises(OperationalError):
        Statement("SELECT pg_sleep(20)::text").rows()
    timer.join()
    connection.close()
    assert Statement("SELECT pg_backend_pid() <> %(process)s::int").rows(process=process) == [(True,)]


def test_a_table_that_was_changed_meanwhile_is_read_as_it_is(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE a_table (words varchar(5)); INSERT INTO a_table VALUES ('clock')")
        try:
            statement = Statement("SELECT words FROM a_table")
            assert statement.rows() == [("clock",)]
            cursor.execute("ALTER TABLE a_table ALTER words TYPE varchar(9)")
            assert statement.rows() == [("clock",)]
            cursor.execute("ALTER TABLE a_table ALTER words TYPE varchar(7)")
            with transaction.atomic():  # begun anew, as nothing else was asked in it
                assert statement.rows() == [("clock",)]
                assert statement.rows() == [("clock",)]
        finally:
            cursor.execute("DROP TABLE a_table")
