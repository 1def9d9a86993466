"""What an older application kept, imported: histories, spellings, times, and run after run."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.characters.models import Character
from apps.conversations import turns
from apps.conversations.models import Conversation, Message
from tests.factories import say
from tests.legacy_dumps import ADA, EVENING, HELLO, check_heads, counts, dump, run, said_in


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
