"""An older application's tables: in SQLite, in PostgreSQL, and as lists in JSON."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from apps.accounts.models import User
from apps.characters.models import Character
from apps.conversations import turns
from apps.conversations.models import Conversation, Message
from tests.legacy_dumps import EVENING, HELLO, check_heads, counts, dump, run, said_in
from tests.processes import database_url


def test_a_conversation_of_one_with_the_character_of_another(alice: User, bob: User, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(
            """
            CREATE TABLE characters (id integer PRIMARY KEY, name text, mail text);
            CREATE TABLE chat_threads (id integer PRIMARY KEY, character_id integer, mail text);
            CREATE TABLE chat_messages (id integer PRIMARY KEY, thread_id integer, role text, content text);
            INSERT INTO characters VALUES (1, 'Ada', 'alice@example.com');
            INSERT INTO chat_threads VALUES (1, 1, 'bob@example.com'), (2, 1, 'alice@example.com'),
                (3, 1, 'eve@x.example');
            INSERT INTO chat_messages VALUES (1, 1, 'user', 'Bob.'), (2, 2, 'user', 'Alice.'), (3, 3, 'user', 'Eve.');
            """
        )
    database.close()
    owners = ["character.owner=mail", "conversation.owner=mail"]
    _, complained = run(path, column=owners)
    assert "left out: chat_messages, id 3: there is no account eve@x.example" in complained
    assert counts() == (2, 2, 2)
    for conversation in Conversation.objects.all():
        assert conversation.character is not None
        assert conversation.character.user == conversation.user
    assert Message.objects.get(content="Bob.").user == bob
    run(path, column=owners)
    assert counts() == (2, 2, 2)


SCHEMA = """
CREATE TABLE characters (id integer PRIMARY KEY, name text, description text, chat_history text, created_at timestamp);
CREATE TABLE chat_threads (id integer PRIMARY KEY, character_id integer, title text, created_at timestamp);
CREATE TABLE chat_messages (
    id integer PRIMARY KEY, thread_id integer, role text, content text, created_at timestamp
);
INSERT INTO characters VALUES (1, 'Ada', 'Repairs clocks.', '[{"role": "user", "content": "In the JSON."}]',
    '2023-01-01 00:00:00'), (2, 'Bram', '', NULL, NULL), (3, NULL, '', NULL, NULL);
INSERT INTO chat_threads VALUES (10, 1, 'Clocks', '2024-01-01 00:00:00'), (11, 2, 'Rivers', NULL),
    (12, 1, 'Silent', '2024-01-03 00:00:00'), (13, NULL, 'With nobody', NULL);
INSERT INTO chat_messages VALUES
    (4, 11, 'user', 'Ahoy.', '2024-01-02 00:00:04'), (1, 10, 'user', 'Hello.', '2024-01-02 00:00:01'),
    (3, 10, 'assistant', 'Good evening.', '2024-01-02 00:00:03'), (2, 11, 'assistant', 'Welcome.', NULL),
    (5, 99, 'user', 'To nobody.', NULL), (6, NULL, 'user', 'From nowhere.', NULL),
    (7, 13, 'user', 'Anybody?', '2024-01-02 00:00:07'), (8, 10, 'ghost', 'Boo.', NULL);
"""


def check_tables(complained: str) -> None:
    for place in (
        "characters, id 3: The",
        "chat_messages, id 5: there is no conversation 99",
        "chat_messages, id 6: it",
    ):
        assert f"left out: {place}" in complained
    assert "left out: chat_messages, id 8: it does not say who spoke" in complained
    assert "FAILED Left out: 4;" in complained
    assert set(Character.objects.values_list("name", flat=True)) == {"Ada", "Bram", "Assistant"}
    rows = {row.title: row for row in Conversation.objects.all()}
    assert set(rows) == {"", "Clocks", "Rivers", "Silent", "With nobody"}
    assert said_in(rows["Clocks"]) == [("user", "Hello."), ("assistant", "Good evening.")]
    assert said_in(rows["Rivers"]) == [("assistant", "Welcome."), ("user", "Ahoy.")]
    assert said_in(rows["Silent"]) == []
    assert said_in(rows[""]) == [("user", "In the JSON.")]
    assert (rows["Rivers"].character_name, rows["With nobody"].character_name) == ("Bram", "Assistant")
    assert rows["Clocks"].created_at == datetime(2024, 1, 1, tzinfo=UTC)
    times = Message.objects.filter(conversation=rows["Clocks"]).order_by("id").values_list("created_at", flat=True)
    assert list(times) == [datetime(2024, 1, 2, second=second, tzinfo=UTC) for second in (1, 3)]
    check_heads()


def test_sqlite(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(SCHEMA)
    check_tables(run(path)[1])
    before = counts()
    assert "0 messages (6 there already)" in run(path)[0]
    assert counts() == before
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO chat_messages VALUES (20, 10, 'user', 'More.', '2024-02-02 00:00:00')")
    assert "1 messages (6 there already)" in run(path)[0]
    database.close()


def test_postgresql(alice: User) -> None:
    url = database_url()
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("DROP SCHEMA IF EXISTS older CASCADE; CREATE SCHEMA older; SET search_path TO older;" + SCHEMA)
        database.execute("INSERT INTO chat_messages VALUES (30, 10, 'user', 'Endless.', 'infinity')")
    try:
        _, complained = run(f"{url}?options=-csearch_path%3Dolder")
        assert "mended: chat_messages, id 30: its time (infinity) cannot be" in complained
        before = counts()
        assert "0 messages (7 there already)" in run(f"{url}?options=-csearch_path%3Dolder")[0]
        assert counts() == before
        conversation = Conversation.objects.get(title="Clocks")
        turns.delete(conversation, Message.objects.get(content="Endless."))
        check_tables(complained)
        # By their full names.
        named = ["characters=older.characters", "messages=older.chat_messages", "conversations=older.chat_threads"]
        assert "7 messages (0 there already)" in run(url, table=named, source="again")[0]
    finally:
        with psycopg.connect(url, autocommit=True) as database:
            database.execute("DROP SCHEMA older CASCADE")


@pytest.mark.parametrize("kind", ["json", "jsonb", "text"])
def test_postgresql_with_a_json_column(alice: User, kind: str) -> None:
    url = database_url()
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(f"CREATE SCHEMA older; CREATE TABLE older.bots (uuid uuid, char_name text, history {kind})")
        database.execute("INSERT INTO older.bots VALUES (gen_random_uuid(), 'Ada', %s)", [json.dumps([HELLO, EVENING])])
    try:
        assert run(f"{url}?options=-csearch_path%3Dolder")[1] == ""
        assert said_in(Conversation.objects.get()) == [("user", "Hello."), ("assistant", "Good evening.")]
    finally:
        with psycopg.connect(url, autocommit=True) as database:
            database.execute("DROP SCHEMA older CASCADE")


def test_tables_with_other_names_and_keys_that_are_text(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(
            """
            CREATE TABLE "my talks" (id text, "for" text);
            CREATE TABLE said ("in.talk" text, n text, who text, what blob, at integer);
            INSERT INTO "my talks" VALUES ('b', 'Ada'), ('a', 'Ada');
            INSERT INTO said VALUES ('b', 'y', 'Ada', 'Second.', 1704164646), ('b', 'z', 'you', x'466972737421',
                1704164645), ('a', 'x', 'you', cast(x'ff61' AS text), 0);
            """
        )
    database.close()
    _, complained = run(
        path,
        table=["conversations=my talks", "messages=said"],
        column=[
            *("conversation.character_name=for", "message.conversation=in.talk", "message.id=n"),
            *("message.sender=who", "message.content=what", "message.created_at=at"),
        ],
    )
    assert "FAILED" not in complained
    assert Character.objects.get().name == "Ada"
    talk = Conversation.objects.get(message_count=2)
    assert said_in(talk) == [("user", "First!"), ("assistant", "Second.")]
    assert Message.objects.exclude(conversation=talk).get().content == "\ufffda"
    assert "There is no table other" in run(path, table=["messages=other"])[1]
    assert "No table is known" in run(path)[1]


def test_conversations_with_a_column_of_messages(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE conversations (id integer PRIMARY KEY, bot_name text, messages text)")
        rows = [(1, "Ada", json.dumps([HELLO, EVENING])), (2, "Ada", "{"), (3, None, None)]
        database.executemany("INSERT INTO conversations VALUES (?, ?, ?)", rows)
    database.close()
    _, complained = run(path)
    assert "left out: conversations, id 2, its history" in complained
    assert counts() == (2, 3, 2)


def test_tables_as_lists_in_json(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    tables = {
        "exported_at": "2024-05-05",
        "messages": [
            {"id": 2, "conversation_id": 1, "sender": "bot", "text": "Good evening.", "sent_at": 1704164649},
            {"id": 1, "conversation_id": 1, "sender": "user", "text": "Hello.", "sent_at": 1704164645},
            {"id": 3, "conversation_id": 5, "sender": "user", "text": "Lost."},
            {"id": 4, "conversation_id": 1, "sender": "user"},
        ],
        "conversations": [{"id": 1, "character_id": 7, "title": "Clocks"}, {"id": 2, "title": "Silent"}],
        "characters": [{"id": 7, "name": "Ada"}, {"id": 8, "name": "Bram", "chat_history": [HELLO]}],
    }
    path.write_text(json.dumps(tables, indent=2))
    _, complained = run(path)
    assert "left out: messages, 3: there is no conversation 5" in complained
    assert "left out: messages, 4: it has no text" in complained
    clocks = Conversation.objects.get(title="Clocks")
    assert clocks.character_name == "Ada"
    assert said_in(clocks) == [("user", "Hello."), ("assistant", "Good evening.")]
    assert counts() == (3, 3, 3)
    run(path)
    assert counts() == (3, 3, 3)


def test_what_dumpdata_of_django_wrote(alice: User, tmp_path: Path) -> None:
    records = [
        {"model": "auth.user", "pk": 1, "fields": {"username": "robin", "password": "x"}},
        {"model": "chat.character", "pk": 7, "fields": {"name": "Ada", "chat_history": [HELLO]}},
        {"model": "chat.chatmessage", "pk": 1, "fields": {"thread": 3, "role": "user", "content": "Hi."}},
        {"model": "chat.chatthread", "pk": 3, "fields": {"character": 7, "title": "Clocks"}},
    ]
    _, complained = run(dump(tmp_path / "old.json", *records))
    assert complained.strip() == "passed over: 1 records of other kinds"
    assert counts() == (1, 2, 2)
    assert Conversation.objects.get(title="Clocks").character == Character.objects.get()


def test_messages_alone_in_lines(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    lines = [{"id": n, "thread_id": n % 2, "is_user": n < 4, "text": str(n), "bot_name": "Ada"} for n in range(8)]
    path.write_text("\n\n".join(map(json.dumps, lines)))
    assert run(path)[1] == ""
    assert counts() == (1, 2, 8)
    assert sorted(said_in(Conversation.objects.all()[0])) in (
        [("assistant", "4"), ("assistant", "6"), ("user", "0"), ("user", "2")],
        [("assistant", "5"), ("assistant", "7"), ("user", "1"), ("user", "3")],
    )
