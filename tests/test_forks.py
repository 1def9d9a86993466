"""A fork is a copy of the path down to a message, and nothing of the other branches."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.conversations import turns
from apps.conversations.documents import to_document
from apps.conversations.models import Conversation, Message, MessageStatus
from tests.factories import grow, make_conversation, say
from tests.refusals import refused

pytestmark = pytest.mark.django_db


def fork(client: APIClient, conversation: Any, **body: Any) -> Any:
    return client.post(f"/api/conversations/{conversation.pk}/fork/", body, format="json")


def copy_of(response: Any) -> Conversation:
    assert response.status_code == 201, response.content
    return Conversation.objects.get(pk=response.json()["id"])


def said(conversation: Conversation) -> list[dict[str, Any]]:
    return to_document(conversation)["messages"]


def branch_off(conversation: Conversation, parent: Message | None, content: str) -> Message:
    conversation.refresh_from_db()
    message = turns.append(conversation, parent, role="user", content=content)
    turns.save_head(conversation)
    return message


def test_the_path_to_the_leaf_is_copied_as_it_is(alices: SimpleNamespace, as_alice: APIClient) -> None:
    conversation = alices.conversation
    Conversation.objects.update(topic="Time", persona_name="Al", temperature=0.5, stop=["!"], extra={"a": 1})
    say(conversation, "Really?", client_id="mine", extra={"mood": "doubtful"}, rating=-1)
    say(conversation, "", "assistant", status="failed", error={"code": "x", "detail": "X."}, sources=[{"id": "1"}])
    before = to_document(Conversation.objects.get(pk=conversation.pk))
    made = copy_of(fork(as_alice, conversation))
    assert to_document(made) == {**before, "created_at": to_document(made)["created_at"]}
    assert (made.character_id, made.user_id) == (alices.character.pk, alices.user.pk)
    assert (made.message_count, made.last_message_preview) == (5, "Really?")
    assert made.last_message_at == made.active_leaf.created_at
    originals = set(Message.objects.filter(conversation=conversation).values_list("pk", flat=True))
    copies = list(Message.objects.filter(conversation=made).order_by("id"))
    assert not originals & {copy.pk for copy in copies}
    assert [copy.depth for copy in copies] == list(range(5))
    assert {copy.branch for copy in copies} == {copies[0].pk}
    assert to_document(Conversation.objects.get(pk=conversation.pk)) == before


def test_it_ends_at_the_message_named_and_leaves_other_branches(alices: SimpleNamespace, as_alice: APIClient) -> None:
    root = Message.objects.get(conversation=alices.conversation, parent=None)
    other = branch_off(alices.conversation, root, "Another branch.")
    further = branch_off(alices.conversation, other, "And further.")
    made = copy_of(fork(as_alice, alices.conversation, message=str(other.pk)))
    assert [message["content"] for message in said(made)] == ["Hello, Alice.", "Another branch."]
    made = copy_of(fork(as_alice, alices.conversation, message=str(further.pk).upper()))
    assert [message["content"] for message in said(made)] == ["Hello, Alice.", "Another branch.", "And further."]
    made = copy_of(fork(as_alice, alices.conversation, message=str(root.pk)))
    assert [message["content"] for message in said(made)] == ["Hello, Alice."]
    # It goes on like any other.
    reply = as_alice.post(f"/api/conversations/{made.pk}/messages/", {"content": "Well?"}, format="json")
    assert reply.json()["parent"] == str(made.active_leaf_id)


def test_an_empty_one_is_forked_to_an_empty_one(alice: User, as_alice: APIClient) -> None:
    conversation = make_conversation(alice, title="Nothing yet")
    Message.objects.filter(conversation=conversation).update(role="user")
    conversation.active_leaf = None
    conversation.save()
    Message.objects.filter(conversation=conversation).delete()
    response = fork(as_alice, conversation)
    assert said(copy_of(response)) == []
    assert (response.json()["title"], response.json()["active_leaf"]) == ("Nothing yet", None)


def test_what_is_still_written_is_not_copied(alices: SimpleNamespace, as_alice: APIClient) -> None:
    running = say(alices.conversation, "Half", "assistant", status=MessageStatus.GENERATING)
    Conversation.objects.update(generating=running)
    for body in ({}, {"message": str(running.pk)}):
        refused(fork(as_alice, alices.conversation, **body), 409, "generation_in_progress")
    made = copy_of(fork(as_alice, alices.conversation, message=str(alices.message.pk)))
    assert made.generating_id is None
    assert len(said(made)) == 2


def test_a_message_of_another_conversation_is_unknown(alices: SimpleNamespace, as_alice: APIClient) -> None:
    other = make_conversation(alices.user)
    response = fork(as_alice, alices.conversation, message=str(other.active_leaf_id))
    refused(response, 400, "does_not_exist", "message")


def test_it_is_forked_when_the_character_is_gone(alices: SimpleNamespace, as_alice: APIClient) -> None:
    assert as_alice.delete(f"/api/characters/{alices.character.pk}/").status_code == 204
    made = copy_of(fork(as_alice, alices.conversation))
    assert (made.character_id, made.character_name) == (None, "Ada")


def test_a_long_one_costs_no_more_queries(alice: User, as_alice: APIClient) -> None:
    counts = []
    for length in (1, 2_000):
        conversation = make_conversation(alice)
        grow(conversation, length)
        with CaptureQueriesContext(connection) as queries:
            made = copy_of(fork(as_alice, conversation))
        counts.append(len(queries))
        assert made.message_count == length + 1
        leaf = made.active_leaf
        assert leaf is not None
        assert (leaf.content, leaf.depth) == (f"Line {length - 1}.", length)
    assert counts[0] == counts[1]
