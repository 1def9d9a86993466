"""Rows that are read and saved by statements made once: as Django's own ways would, field by field."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.api.lookups import Lookup
from apps.api.rows import new_id
from apps.api.saving import insert, update
from apps.chat.models import Generation
from apps.conversations import turns
from apps.conversations.models import Conversation, Message, MessageStatus, Role
from tests.factories import make_character, make_conversation, say

WITH_ALL = Lookup(
    lambda generation: Generation.objects.select_related("message__parent", "message__conversation__character").filter(
        pk=generation
    )
)
BY_ROLE = Lookup(
    lambda conversation, role: Message.objects.filter(conversation=conversation, role=role).order_by("-content")
)
LOCKED = Lookup(
    lambda conversation: (
        Conversation.objects.select_related("character").select_for_update(of=("self",)).filter(pk=conversation)
    )
)


def columns(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.fixture
def generation(alice: User) -> Generation:
    conversation = make_conversation(alice, make_character(alice))
    say(conversation, "Who rings the bell?")
    answer = say(conversation, "Nobody.", Role.ASSISTANT)
    answer.tool_calls, answer.extra = [{"id": "one", "result": {"deep": [1, None]}}], {"hidden": True}
    answer.save()
    return Generation.objects.create(
        user=alice, conversation=conversation, message=answer, provider="p", model="m", status="complete"
    )


def test_what_a_row_refers_to_comes_along(generation: Generation) -> None:
    found = WITH_ALL.first(generation=generation.pk)
    same = Generation.objects.get(pk=generation.pk)
    assert found is not None
    with CaptureQueriesContext(connection) as queries:
        assert found.message is not None
        assert found.message.parent is not None
        pairs = [
            (found, same),
            (found.message, same.message),
            (found.message.parent, same.message.parent),  # type: ignore[union-attr]
            (found.message.conversation, same.conversation),
            (found.message.conversation.character, same.conversation.character),  # type: ignore[union-attr]
        ]
    # All five of `same`, none of `found`.
    assert len(queries) == 4
    assert all(columns(one) == columns(other) for one, other in pairs)  # type: ignore[arg-type]


def test_what_it_does_not_refer_to_is_none(alice: User) -> None:
    alone = turns.begin(alice, None)
    with transaction.atomic():
        found = LOCKED.first(conversation=alone.pk)
    assert found is not None
    assert found.character is None
    with transaction.atomic():
        assert LOCKED.first(conversation=new_id()) is None


def test_texts_are_compared_as_texts_and_order_is_kept(generation: Generation) -> None:
    conversation = generation.conversation
    assert conversation is not None
    say(conversation, "Really?")
    found = BY_ROLE.all(conversation=conversation.pk, role=Role.USER)
    assert [message.content for message in found] == ["Who rings the bell?", "Really?"]
    assert BY_ROLE.all(conversation=conversation.pk, role="user' OR true") == []


def test_new_rows_are_as_django_would_have_saved_them(generation: Generation) -> None:
    conversation = generation.conversation
    assert conversation is not None

    def new(content: str) -> Message:
        message = Message(
            conversation=conversation, user=generation.user, role=Role.USER, content=content, rating=1,
            status=MessageStatus.COMPLETE, extra={"n": 2**70, "t": "'; --"}, tool_calls=[{"a": None}],
        )  # fmt: skip
        message.follow(None, goes_on=False)
        return message

    first, second, third = new("one $1 %s {x}"), new("two"), new("three")
    insert(first, second)
    third.save(force_insert=True)
    saved = {row.content: columns(row) for row in Message.objects.filter(pk__in=[first.pk, second.pk, third.pk])}
    assert [saved[row.content] for row in (first, second, third)] == [columns(row) for row in (first, second, third)]
    assert not first._state.adding
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(first)


def test_what_the_database_makes_is_left_to_it(generation: Generation) -> None:
    other = Generation(user=generation.user, provider="p", model="m", status="complete", prompt_tokens=2**31 - 1)
    insert(other)
    found = Generation.objects.get(pk=other.pk)
    assert found.heartbeat is not None
    assert found.prompt_tokens == 2**31 - 1


def test_a_change_saves_what_it_names_and_nothing_else(generation: Generation) -> None:
    before = generation.updated_at
    generation.error, generation.latency_ms, generation.model = "busy", 3, "not saved"
    update(generation, "error", "latency_ms", "updated_at", ended_at="statement_timestamp()")
    found = Generation.objects.get(pk=generation.pk)
    assert (found.error, found.latency_ms, found.model) == ("busy", 3, "m")
    assert found.updated_at > before
    assert found.ended_at is not None
    # Of other sizes, by the same statement.
    generation.latency_ms = 2**31 - 1
    update(generation, "error", "latency_ms", "updated_at", ended_at="statement_timestamp()")
    generation.latency_ms = None
    update(generation, "error", "latency_ms", "updated_at", ended_at="statement_timestamp()")
    assert Generation.objects.get(pk=generation.pk).latency_ms is None
