"""What an older application kept, imported: every form and spelling, what is broken, twice, and killed midway."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.accounts.models import User
from apps.characters.models import Character
from apps.compat.legacy_data.report import Report
from apps.conversations import tree, turns
from apps.conversations.models import Conversation, Message
from tests.factories import make_user, say
from tests.online import until
from tests.processes import ROOT, database_url

HELLO = {"role": "user", "content": "Hello.", "timestamp": "2024-01-02T03:04:05Z"}
EVENING = {"role": "assistant", "content": "Good evening.", "timestamp": "2024-01-02T03:04:09Z"}
ADA = {"id": 7, "name": "Ada", "description": "Repairs clocks.", "chat_history": [HELLO, EVENING]}


def run(origin: Any, **options: Any) -> tuple[str, str]:
    """What it says, and what it complains of."""
    said, complained = StringIO(), StringIO()
    options = {"user": "alice@example.com", **options}
    try:
        call_command("import_legacy", str(origin), stdout=said, stderr=complained, **options)
    except CommandError as error:
        complained.write(f"FAILED {error}")
    return said.getvalue(), complained.getvalue()


def dump(path: Path, *records: Any) -> Path:
    path.write_text(json.dumps(list(records)))
    return path


def said_in(conversation: Conversation) -> list[tuple[str, str]]:
    """The active path."""
    path = tree.path_to(conversation.active_leaf_id, conversation, limit=1000)
    return [(message.role, message.content) for message in reversed(path)]


def counts() -> tuple[int, int, int]:
    return Character.objects.count(), Conversation.objects.count(), Message.objects.count()


def check_heads() -> None:
    """What lists show of a conversation is what is in it."""
    for conversation in Conversation.objects.all():
        messages = list(Message.objects.filter(conversation=conversation).order_by("id"))
        assert conversation.message_count == len(messages)
        if messages:
            assert conversation.active_leaf_id == tree.newest_leaf(messages[0].pk)
            assert conversation.last_message_at == messages[-1].created_at
            assert conversation.last_message_preview == turns.preview(conversation.active_leaf)
            assert [message.depth for message in messages] == list(range(len(messages)))
            assert {message.branch for message in messages} == {messages[0].pk}
            assert {message.user_id for message in messages} == {conversation.user_id}  # type: ignore[attr-defined]


def test_a_character_with_its_history(alice: User, tmp_path: Path) -> None:
    said, complained = run(dump(tmp_path / "old.json", ADA))
    assert complained == ""
    assert "1 characters (0 there already)" in said
    assert "2 messages (0 there already)" in said
    character = Character.objects.get()
    assert (character.user, character.name, character.description) == (alice, "Ada", "Repairs clocks.")
    conversation = Conversation.objects.get()
    assert (conversation.user, conversation.character, conversation.character_name) == (alice, character, "Ada")
    assert said_in(conversation) == [("user", "Hello."), ("assistant", "Good evening.")]
    times = Message.objects.order_by("id").values_list("created_at", flat=True)
    assert list(times) == [datetime(2024, 1, 2, 3, 4, second, tzinfo=UTC) for second in (5, 9)]
    assert conversation.last_message_preview == "Good evening."
    check_heads()


def test_twice_adds_nothing_and_what_is_new_is_appended(alice: User, tmp_path: Path) -> None:
    nameless = {"name": "Ada", "chat_history": [{"from": "user", "message": "Hi."}] * 3}
    path = dump(tmp_path / "old.json", ADA, nameless, nameless)
    run(path)
    assert counts() == (3, 3, 8)
    said, complained = run(path)
    assert counts() == (3, 3, 8)
    assert complained == ""
    assert "0 characters (3 there already)" in said
    assert "0 conversations (3 there already)" in said
    assert "0 messages (8 there already)" in said
    more = {"role": "user", "content": "What time is it?"}
    dump(path, {**ADA, "chat_history": [HELLO, EVENING, more]}, nameless, nameless)
    run(path)
    assert counts() == (3, 3, 9)
    conversation = Conversation.objects.get(message_count=3, character__description="Repairs clocks.")
    assert said_in(conversation)[-1] == ("user", "What time is it?")
    assert conversation.last_message_preview == "What time is it?"
    check_heads()


def test_another_name_of_the_file_is_another_source_unless_it_is_named(alice: User, tmp_path: Path) -> None:
    run(dump(tmp_path / "monday.json", ADA), source="old app")
    run(dump(tmp_path / "tuesday.json", ADA), source="old app")
    assert counts() == (1, 1, 2)
    run(dump(tmp_path / "wednesday.json", ADA))
    assert counts() == (2, 2, 4)


def test_two_people_have_each_their_own(alice: User, bob: User, tmp_path: Path) -> None:
    path = dump(tmp_path / "old.json", ADA)
    run(path)
    run(path, user="BOB@example.com")
    assert counts() == (2, 2, 4)
    assert {row.user for row in Conversation.objects.all()} == {alice, bob}


def test_who_went_on_here_stays_where_they_are(alice: User, tmp_path: Path) -> None:
    path = dump(tmp_path / "old.json", ADA)
    run(path)
    conversation = Conversation.objects.get()
    mine = say(conversation, "I am here now.")
    more = [{"role": "user", "content": "And there."}, {"role": "assistant", "content": "Yes."}]
    run(dump(path, {**ADA, "chat_history": [HELLO, EVENING, *more]}))
    conversation.refresh_from_db()
    assert conversation.active_leaf_id == mine.pk
    assert (conversation.message_count, conversation.last_message_preview) == (5, "I am here now.")
    there = Message.objects.get(content="Yes.")
    turns.switch(conversation, there)
    assert [text for _, text in said_in(conversation)] == ["Hello.", "Good evening.", "And there.", "Yes."]
    run(path)
    assert Message.objects.count() == 5


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"role": "user", "content": "Hi."}, "user"),
        ({"role": "Model", "parts": [{"text": "Hi."}]}, "assistant"),
        ({"role": "system", "content": "Hi."}, "system"),
        ({"role": "function", "content": "Hi."}, "tool"),
        ({"sender": "human", "text": "Hi."}, "user"),
        ({"sender": "bot", "text": "Hi."}, "assistant"),
        ({"sender": "Ada", "text": "Hi."}, "assistant"),
        ({"sender": "Robin", "text": "Hi."}, "user"),
        ({"is_user": True, "mes": "Hi.", "name": "Robin"}, "user"),
        ({"is_user": False, "mes": "Hi.", "name": "Ada"}, "assistant"),
        ({"isUser": 0, "message": "Hi."}, "assistant"),
        ({"is_bot": "true", "text": "Hi."}, "assistant"),
        ({"from": "ada", "message": "Hi."}, "assistant"),
        ({"from": "you", "message": "Hi."}, "user"),
        ({"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["Hi."]}}, "assistant"),
        ({"author": {"username": "robin"}, "body": "Hi."}, "user"),
        ({"speaker": "Narrator", "text": "Hi."}, "system"),
        ({"Role": "USER", "Content": "Hi."}, "user"),
        ({"type": "human", "data": {"content": "Hi."}}, "user"),
        ({"message": {"author": {"role": "user"}, "content": {"parts": ["Hi."]}}}, "user"),
        (
            {"role": "user", "content": [{"type": "text", "text": "Hi."}, {"type": "image_url", "image_url": {}}]},
            "user",
        ),
        (["user", "Hi."], "user"),
        ("Ada: Hi.", "assistant"),
    ],
)
def test_spellings(alice: User, tmp_path: Path, entry: Any, told: str) -> None:
    _, complained = run(dump(tmp_path / "old.json", {"name": "Ada", "chat_history": [entry]}))
    assert complained == ""
    assert said_in(Conversation.objects.get()) == [(told, "Hi.")]


@pytest.mark.parametrize("entry", [{"user": "Hi.", "bot": "Ho."}, {"input": "Hi.", "output": "Ho."}, ["Hi.", "Ho."]])
def test_a_question_and_its_answer_in_one(alice: User, tmp_path: Path, entry: Any) -> None:
    path = dump(tmp_path / "old.json", {"name": "Ada", "chat_history": [entry, entry]})
    run(path)
    run(path)
    assert said_in(Conversation.objects.get()) == [("user", "Hi."), ("assistant", "Ho.")] * 2


@pytest.mark.parametrize(
    "history",
    [
        json.dumps([HELLO, EVENING]),
        json.dumps(json.dumps([HELLO, EVENING])),
        f"{json.dumps(HELLO)}\n{json.dumps(EVENING)}",
        {"messages": [HELLO, EVENING]},
        json.dumps({"history": [HELLO, EVENING]}),
    ],
    ids=["text", "text of a text", "lines", "object", "text of an object"],
)
def test_histories(alice: User, tmp_path: Path, history: Any) -> None:
    _, complained = run(dump(tmp_path / "old.json", {**ADA, "chat_history": history}))
    assert complained == ""
    assert said_in(Conversation.objects.get()) == [("user", "Hello."), ("assistant", "Good evening.")]


def test_a_history_of_conversations(alice: User, tmp_path: Path) -> None:
    sessions = [
        {"id": "s1", "title": "Clocks", "messages": [HELLO, EVENING]},
        {"id": "s2", "name": "Tea", "messages": json.loads(json.dumps([HELLO]))},
    ]
    path = dump(tmp_path / "old.json", {**ADA, "chat_history": sessions})
    run(path)
    run(path)
    assert counts() == (1, 2, 3)
    assert set(Conversation.objects.values_list("title", "message_count")) == {("Clocks", 2), ("Tea", 1)}


@pytest.mark.parametrize(
    "told",
    [
        *("2024-01-02T03:04:05Z", "2024-01-02 03:04:05", "2024-01-02T04:04:05+01:00", "Tue, 02 Jan 2024 03:04:05 GMT"),
        *(1704164645, 1704164645.0, 1704164645000, 1704164645000000, "1704164645", "1704164645.000", "1704164645000"),
        *({"$date": "2024-01-02T03:04:05Z"}, {"seconds": 1704164645, "nanoseconds": 0}, "January 2, 2024 3:04:05am"),
        "2024/01/02 03:04:05",
    ],
    ids=str,
)
def test_times(alice: User, tmp_path: Path, told: Any) -> None:
    _, complained = run(dump(tmp_path / "old.json", {**ADA, "chat_history": [{**HELLO, "timestamp": told}]}))
    assert complained == ""
    assert Message.objects.get().created_at == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_missing_and_absurd_times(alice: User, tmp_path: Path) -> None:
    times = [
        None,
        "2024-01-02T03:04:05Z",
        None,
        "yesterday",
        9e99,
        "9999-12-31T00:00:00Z",
        -1,
        float("nan"),
        [1],
        10**40,
    ]
    history = [{"role": "user", "content": str(time), "time": time} for time in times]
    record = {"name": "Ada", "created_at": "2023-05-05", "chat_history": history}
    said, complained = run(dump(tmp_path / "old.json", record))
    assert "Mended: 7." in said
    assert "record 1, message 4: its time (yesterday) cannot be" in complained
    assert "FAILED" not in complained
    assert list(Message.objects.order_by("id").values_list("created_at", flat=True)) == [
        datetime(2023, 5, 5, tzinfo=UTC),
        *[datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)] * 9,
    ]


def test_without_any_time_the_order_stays(alice: User, tmp_path: Path) -> None:
    history = [{"role": "user", "content": str(number)} for number in range(1200)]
    run(dump(tmp_path / "old.json", {"name": "Ada", "chat_history": history}))
    assert list(Message.objects.order_by("id").values_list("content", flat=True)) == list(map(str, range(1200)))
    check_heads()


BAD = [
    (3, "it is no object"),
    ({"id": 1, "chat_history": [HELLO]}, "The character has no name"),
    ({"name": "Ada", "chat_history": "once upon a time"}, "its history: it is no list of messages"),
    ({"name": "Ada", "chat_history": '[{"role": "us'}, "its history: it ends too early"),
    ({"name": "Ada", "chat_history": 12}, "its history: it is no list of messages"),
    ({"name": "Ada", "chat_history": [HELLO, 5, EVENING]}, "message 2: it is no message"),
    ({"name": "Ada", "chat_history": [HELLO, {"role": "user"}, EVENING]}, "message 2: it has no text"),
    ({"name": "Ada", "chat_history": [HELLO, {"content": "Hi."}]}, "message 2: it does not say who spoke"),
    ({"name": "Ada", "chat_history": [{"role": "banana", "content": "Hi."}]}, "message 1: it does not say who spoke"),
    ({"name": "Ada", "description": "long" * 100_000, "chat_history": [HELLO]}, "at most 200,000 can be kept"),
]


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize(("bad", "why"), BAD, ids=[why for _, why in BAD])
def test_what_is_bad_is_told_and_the_rest_goes_on(alice: User, tmp_path: Path, bad: Any, why: str, form: str) -> None:
    path = tmp_path / f"old.{form}"
    records = [{**ADA, "id": "first"}, bad, {**ADA, "id": "last"}]
    path.write_text(json.dumps(records) if form == "json" else "\n".join(map(json.dumps, records)))
    _, complained = run(path)
    assert f"left out: {'record' if form == 'json' else 'line'} 2" in complained
    assert why in complained
    assert "FAILED Left out: 1;" in complained
    assert Character.objects.filter(description="Repairs clocks.").count() == 2
    assert Message.objects.filter(conversation__character__description="Repairs clocks.").count() == 4
    check_heads()


@pytest.mark.parametrize(
    "broken",
    [
        '{"id": 5, "name": "Ada" oops}',
        '{"id": 5, "name": "Ada", "chat_history": [{"role": "user", "content": tru}]}',
        '{"id": 5, "name": "Ada", "n": ' + "1" * 5000 + "}",
        '{"id": 5, "name": "Ada", "n": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"id": 5, "name": "\\ud8zz", "n": "},]\\"{"}',
        "nonsense",
    ],
    ids=["garbage", "no value", "digits", "depth", "escape", "word"],
)
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_broken_json_is_told_and_the_rest_goes_on(alice: User, tmp_path: Path, broken: str, form: str) -> None:
    path = tmp_path / f"old.{form}"
    first, last = json.dumps(ADA), json.dumps({**ADA, "id": 8})
    path.write_text(f"[{first},\n{broken},\n{last}]" if form == "json" else f"{first}\n{broken}\n{last}\n")
    _, complained = run(path)
    assert f"left out: {'record' if form == 'json' else 'line'} 2" in complained
    assert Message.objects.filter(conversation__character__description="Repairs clocks.").count() == 4


def test_brackets_that_do_not_match(alice: User, tmp_path: Path) -> None:
    first, last = json.dumps(ADA), json.dumps({**ADA, "id": 8})
    broken = '{"id": 5, "name": "Ada", "chat_history": [}]}'
    path = tmp_path / "old.jsonl"
    path.write_text(f"{first}\n{broken}\n{last}\n")
    assert "left out: line 2: " in run(path)[1]
    assert counts() == (2, 2, 4)
    path = tmp_path / "old.json"
    path.write_text(f"[{first},\n{broken},\n{last}]")
    # Where the record ends cannot be told.
    assert "left out: the rest of the file" in run(path)[1]
    assert counts() == (3, 3, 6)


def test_a_file_that_was_cut_off(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps([ADA, {**ADA, "id": 8}])[:-40])
    _, complained = run(path)
    assert "left out: record 2: it ends too early" in complained
    assert counts() == (1, 1, 2)
    path.write_text(json.dumps([ADA, {**ADA, "id": 8}]))
    run(path)
    assert counts() == (2, 2, 4)


@pytest.mark.parametrize("text", ["", " \n", "[]", "3", '"x"', "{", "{}", '{"clocks": [1]}', "\0\0\0\0", "\ufeff[]"])
def test_files_with_nothing_in_them(alice: User, tmp_path: Path, text: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(text)
    run(path)
    assert counts() == (0, 0, 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings(alice: User, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(json.dumps([{**ADA, "name": "Адa 🕰"}], ensure_ascii=False).encode(encoding))
    assert run(path)[1] == ""
    assert Character.objects.get().name == "Адa 🕰"


def test_what_cannot_be_stored_is_mended(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    history = [
        {"role": "user", "content": "nul \0 here", "id": "a\0", "note": float("inf"), "many": 10**400},
        {"role": "assistant", "content": "half \ud83d here"},
        {"role": "user", "content": "x" * 300_000, "deep": json.loads("[" * 200 + "]" * 200)},
    ]
    record = {"id": "\0", "name": "A\0da\ud800", "huge": 10**30, "tags": [1, "a\0"], "chat_history": history}
    path.write_bytes(json.dumps([record]).encode() + b"   ")
    _, complained = run(path)
    assert "FAILED" not in complained
    assert "record 1, message 1: characters that cannot be stored were replaced" in complained
    contents = list(Message.objects.order_by("id").values_list("content", flat=True))
    assert contents[:2] == ["nul \ufffd here", "half \ufffd here"]
    assert len(contents[2]) == 300_000
    assert "Ada" in Character.objects.get().name
    run(path)
    assert counts() == (1, 1, 3)
    path.write_bytes(b'[{"name": "Ada", "chat_history": [{"role": "user", "content": "caf\xe9"}]}]')
    assert "mended: record 1, message 1" in run(path)[1]


def test_what_is_told_of_a_record_can_be_printed(alice: User, tmp_path: Path) -> None:
    history = [{**HELLO, "time": "\ud800\033[2J\nleft out: nothing", "timestamp": None}]
    _, complained = run(dump(tmp_path / "old.json", {**ADA, "created_at": "\ud800", "chat_history": history}))
    assert complained.encode().count(b"\n") == 2
    assert "\033" not in complained


def test_a_character_that_has_lists_like_tables(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({**ADA, "conversations": [1], "threads": [{"id": 1}]}))
    assert run(path)[1] == ""
    assert counts() == (1, 1, 2)


def test_what_has_no_place_here_is_kept(alice: User, tmp_path: Path) -> None:
    record = {**ADA, "mood": "calm", "chat_history": [{**HELLO, "tokens": 12, "id": 3}]}
    run(dump(tmp_path / "old.json", record))
    assert Character.objects.get().extensions["legacy"] == {"source": "old.json", "id": "7", "kept": {"mood": "calm"}}
    message = Message.objects.get()
    assert (message.client_id, message.extra) == ("legacy:3", {"legacy": {"tokens": 12}})


def test_card_fields_and_names_of_ones_own(alice: User, tmp_path: Path) -> None:
    record = {"bot": "Ada", "char_persona": "Clocks.", "greeting": "Hi.", "tags": '["a", "b"]', "log": [HELLO]}
    record["jailbreak"] = "Stay calm."
    run(dump(tmp_path / "old.json", record), column=["character.name=bot", "character.history=log"])
    character = Character.objects.get()
    assert (character.name, character.description, character.first_message) == ("Ada", "Clocks.", "Hi.")
    assert (character.tags, character.post_history_instructions) == (["a", "b"], "Stay calm.")
    assert Message.objects.count() == 1


def test_a_dry_run_writes_nothing_and_counts_the_same(alice: User, tmp_path: Path) -> None:
    history = [{"role": "user", "content": str(number)} for number in range(5000)]
    path = dump(tmp_path / "old.json", ADA, {"name": "Bram", "chat_history": history}, {"id": 9})
    dry, complained = run(path, dry_run=True)
    assert counts() == (0, 0, 0)
    assert "record 3" in complained
    real, _ = run(path)
    assert dry.splitlines()[1:] == real.splitlines()[1:]
    assert "5,002 messages (0 there already)" in real
    assert "0 messages (5,002 there already)" in run(path, dry_run=True)[0]


def test_who_is_not_there(alice: User, tmp_path: Path) -> None:
    assert "There is no account carol@example.com" in run(tmp_path / "x.json", user="carol@example.com")[1]
    assert "The file cannot be read" in run(tmp_path / "x.json")[1]
    assert "cannot be reached" in run("postgresql://me:secret@127.0.0.1:9/x")[1]
    assert "secret" not in run("postgresql://me:secret@127.0.0.1:9/x")[1]
    assert "is not understood" in run(tmp_path / "x.json", column=["message.colour=red"])[1]


def test_records_may_name_whose_they_are(alice: User, bob: User, tmp_path: Path) -> None:
    records = [
        {**ADA, "id": 1, "email": "Bob@example.com"},
        {**ADA, "id": 2, "email": "nobody@example.com"},
        {**ADA, "id": 3},
    ]
    _, complained = run(dump(tmp_path / "old.json", *records), column=["character.owner=email"])
    assert "record 2: there is no account nobody@example.com" in complained
    assert {row.user for row in Character.objects.all()} == {alice, bob}
    assert {row.user for row in Conversation.objects.all()} == {alice, bob}


def test_a_conversation_of_one_with_the_character_of_another(alice: User, bob: User, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as database:
        database.executescript(
            """
            CREATE TABLE characters (id integer PRIMARY KEY, name text, mail text);
            CREATE TABLE chat_threads (id integer PRIMARY KEY, character_id integer, mail text);
            CREATE TABLE chat_messages (id integer PRIMARY KEY, thread_id integer, role text, content text);
            INSERT INTO characters VALUES (1, 'Ada', 'alice@example.com');
            INSERT INTO chat_threads VALUES (1, 1, 'bob@example.com'), (2, 1, 'alice@example.com'), (3, 1, 'eve@x.example');
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


# ── Tables ───────────────────────────────────────────────────────────────────────────────────

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
    with sqlite3.connect(path) as database:
        database.executescript(SCHEMA)
    check_tables(run(path)[1])
    before = counts()
    assert "0 messages (6 there already)" in run(path)[0]
    assert counts() == before
    with sqlite3.connect(path) as database:
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
    with sqlite3.connect(path) as database:
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
    with sqlite3.connect(path) as database:
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


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_for_who_looks_at_it() -> None:
    terminal, file = Terminal(), StringIO()
    for bar in (terminal, file):
        report = Report(print, bar=bar)
        report.how_far = lambda: 0.5
        report.counts["messages read"] = 1234
        until(lambda report=report, bar=bar: report.progress() or bar.getvalue() or bar is file)
        report.end()
    assert "[###############               ]  50%  1,234 messages" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\033[K")
    assert file.getvalue() == ""


# ── As a process ─────────────────────────────────────────────────────────────────────────────


def begin(origin: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "manage.py", "import_legacy", str(origin), "--user", "alice@example.com"]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def many(path: Path, characters: int, each: int, text: str = "words " * 40) -> Path:
    with path.open("w") as file:
        for number in range(characters):
            history = [{"role": "user", "content": f"{number} {turn} {text}"} for turn in range(each)]
            file.write(json.dumps({"id": number, "name": "Ada", "chat_history": history}) + "\n")
    return path


def has_added_to(before: int, process: "subprocess.Popen[str]") -> bool:
    return Message.objects.count() > before or process.poll() is not None


@pytest.mark.django_db(transaction=True)
def test_killed_midway_and_run_again_it_is_whole(tmp_path: Path) -> None:
    make_user("alice@example.com")
    path = many(tmp_path / "old.jsonl", 3, 7_000)
    for _ in range(2):
        before = Message.objects.count()
        process = begin(path)
        until(partial(has_added_to, before, process), 60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        check_heads()
    assert 0 < Message.objects.count() < 21_000
    process = begin(path)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert counts() == (3, 3, 21_000)
    check_heads()
    texts = Message.objects.filter(conversation=Conversation.objects.first()).order_by("id")
    assert [int(text.split()[1]) for text in texts.values_list("content", flat=True)] == list(range(7_000))


@pytest.mark.django_db(transaction=True)
def test_its_status_tells_that_something_was_left_out(tmp_path: Path) -> None:
    make_user("alice@example.com")
    process = begin(dump(tmp_path / "old.json", ADA, {"id": 9}))
    said, _ = process.communicate()
    assert process.returncode == 1
    assert "left out: record 2: The character has no name." in said
    assert "Traceback" not in said
    assert "\r" not in said
    assert Message.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", ["lines", "one history"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, form: str) -> None:
    make_user("alice@example.com")

    def peak(messages: int) -> int:
        path = tmp_path / f"{messages}.jsonl"
        many(path, *((messages // 100, 100) if form == "lines" else (1, messages)), text="x" * 8_000)
        command = [sys.executable, "-m", "tests.peak", "import_legacy", str(path), "--user", "alice@example.com"]
        environ = os.environ | {"DATABASE_URL": database_url()}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
        return int(done.stdout.split("peak")[1])

    few, more = peak(1_000), peak(12_000)
    assert Message.objects.count() == 13_000
    # The larger file has 88 megabytes more.
    assert more - few < 45_000


def test_the_database_is_free_between_the_transactions(alice: User, tmp_path: Path) -> None:
    """Nothing of it is left in the session of whoever ran it."""
    run(dump(tmp_path / "old.json", ADA))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors")
        assert cursor.fetchone()[0] == 0
