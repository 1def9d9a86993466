"""Lists whose rows PostgreSQL makes JSON of: they say what the serializers say of each row alone."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.api.rows import new_id
from apps.conversations.models import Conversation, Message, MessageStatus, Role
from tests.factories import make_character, make_conversation, say

# What JSON escapes, what it need not, what looks like an escape, and what Python and PostgreSQL write in ways of their
# own.
TEXTS = [
    'She said "no", and \\ went /away/.',
    "two\nlines\r\n\tand a tab",
    "".join(chr(code) for code in range(1, 32)) + "\x7f\x80\x9f",
    "\\u0000 \\n {json} %s %(size)s %% $1",
    "Ünïcödé 漢字 🕰️ \u2028\u2029 \u202e\ufeff\ufffd \U0010ffff",
    "</script><!-- &amp; 'quoted'",
]
NUMBERS = [0, -1, 10**18, -(10**18), 0.1, 1e-7, 1e17, 2.5, 123456789.123456789, True, None]
TIMES = [
    datetime(2026, 11, 26, 9, 30, 0, 123456, tzinfo=UTC),
    datetime(2026, 11, 26, 9, 30, 0, 120000, tzinfo=UTC),
    datetime(2026, 11, 26, 9, 30, 0, 1, tzinfo=UTC),
    datetime(2026, 11, 26, 9, 30, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]


def get(client: APIClient, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, response.content
    return response.json()


def listed_as_shown(client: APIClient, path: str, one: str) -> list[Any]:
    """What the list at `path` shows, which is what each row shows at `one` by itself, in the same order of fields."""
    rows: list[Any] = get(client, path)["results"]
    shown = [get(client, one.format(row["id"])) for row in rows]
    assert rows == shown
    assert [list(row) for row in rows] == [list(row) for row in shown]
    return rows


def test_messages(alice: User, as_alice: APIClient) -> None:
    talk = make_conversation(alice)
    leaf = None
    odd = {"text": TEXTS, "numbers": NUMBERS, "": {"deep": [[[{}]]]}, TEXTS[0]: []}
    for number, text in enumerate(TEXTS):
        moment = TIMES[number]
        message = Message(
            conversation=talk,
            user=alice,
            role=list(Role)[number % 4],
            status=list(MessageStatus)[number % 4 if number % 4 != 1 else 2],
            content=text,
            reasoning=text,
            client_id=text[:100] if number % 2 else None,
            model=text[:200],
            extra=odd if number % 2 else {},
            tool_calls=[{"id": text, "output": odd}] if number % 2 else [],
            sources=[{"id": "1", "title": text, "text": text}] if number % 2 else [],
            error={"code": "provider_failed", "detail": text} if number % 2 else None,
            prompt_tokens=number or None,
            rating=[-1, None, 1][number % 3],
            edited_at=moment if number % 2 else None,
            created_at=moment,
        )
        message.follow(leaf, goes_on=leaf is not None)
        message.save(force_insert=True)
        Message.objects.filter(pk=message.pk).update(updated_at=moment)
        leaf = message
    Conversation.objects.filter(pk=talk.pk).update(active_leaf=leaf)
    address = f"/api/conversations/{talk.pk}/messages/"
    rows = listed_as_shown(as_alice, address, address + "{}/")
    assert [row["content"] for row in rows] == TEXTS[::-1]
    assert rows[0]["extra"] == odd


@pytest.mark.parametrize("under_a_parent", [True, False])
def test_messages_with_many_siblings(alice: User, as_alice: APIClient, under_a_parent: bool) -> None:
    """At the beginning, in the middle and at the end of them."""
    talk = make_conversation(alice)
    Message.objects.filter(conversation=talk).delete()  # a greeting would be one of them
    parent = None
    if under_a_parent:
        parent = Message(conversation=talk, user=alice, role=Role.USER, content="What is it?")
        parent.follow(None, goes_on=False)
        parent.save()
    siblings = []
    for number in range(230):
        message = Message(conversation=talk, user=alice, role=Role.ASSISTANT, content=f"{number}")
        message.follow(parent, goes_on=number == 0 and parent is not None)
        siblings.append(message)
    Message.objects.bulk_create(siblings)
    address = f"/api/conversations/{talk.pk}/messages/"
    for number in (0, 1, 49, 50, 51, 115, 178, 179, 180, 181, 228, 229):
        Conversation.objects.filter(pk=talk.pk).update(active_leaf=siblings[number])
        row = listed_as_shown(as_alice, address, address + "{}/")[0]
        assert (row["content"], row["sibling_index"], row["sibling_count"]) == (f"{number}", number, 230)
        assert len(row["siblings"]) == 100
        assert row["id"] in row["siblings"]


def test_conversations(alice: User, as_alice: APIClient) -> None:
    character = make_character(alice, name=TEXTS[4][:200])
    for number, text in enumerate(TEXTS):
        line = text.replace("\n", " ")
        talk = Conversation.objects.create(
            user=alice,
            character=character if number % 2 else None,
            character_name=line,
            title=line,
            topic=text,
            persona_name=line[:100],
            persona_description=text,
            temperature=[None, 0.0, 0.7, 1.0, 2.0, 1e-7][number],
            top_p=[None, 1.0, 0.1, 0.30000000000000004, 0.5, 1.0][number],
            max_tokens=number or None,
            stop=[None, [], TEXTS, [""], ["a"], ["b"]][number],
            pinned=bool(number % 2),
            archived=bool(number % 3),
            extra={"text": TEXTS, "numbers": NUMBERS} if number else {},
            last_message_at=TIMES[number] if number else None,
            last_message_preview=line[:200],
            created_at=TIMES[number],
        )
        if number % 2:
            say(talk, text)
    rows = listed_as_shown(as_alice, "/api/conversations/", "/api/conversations/{}/")
    assert len(rows) == len(TEXTS)


def test_a_list_for_people_shows_them_too(alice: User, as_alice: APIClient) -> None:
    talk = make_conversation(alice, title="Clocks & bells")
    say(talk, TEXTS[0])
    for path in ("/api/conversations/", f"/api/conversations/{talk.pk}/messages/"):
        page = as_alice.get(path, HTTP_ACCEPT="text/html")
        assert page.status_code == 200
        assert str(talk.pk) in page.content.decode()
        indented = as_alice.get(path, HTTP_ACCEPT="application/json; indent=4").content.decode()
        assert indented.startswith('{\n    "next": null')
        assert json.loads(indented)["results"] == get(as_alice, path)["results"]


def test_the_columns_that_are_shown_are_all_that_is_read(alice: User, as_alice: APIClient) -> None:
    """One statement, whatever is on the page."""
    talk = make_conversation(alice)
    for number in range(60):
        say(talk, f"{number}")
    path = f"/api/conversations/{talk.pk}/messages/"
    get(as_alice, path)
    with CaptureQueriesContext(connection) as queries:
        get(as_alice, path)
    assert len(queries) == 1


def test_nobody_elses_conversation_is_there(as_bob: APIClient, alice: User) -> None:
    talk = make_conversation(alice)
    say(talk, "a secret")
    for pk in (talk.pk, new_id()):
        assert as_bob.get(f"/api/conversations/{pk}/messages/").status_code == 404
