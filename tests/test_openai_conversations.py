"""`/v1/conversations`, by OpenAI's own package: the conversations are those of everywhere else."""

from typing import Any

import openai
import pytest
from openai import OpenAI
from rest_framework.test import APIClient

from apps.accounts import keys
from apps.accounts.models import User
from apps.api.rows import new_id
from apps.characters.models import Character
from apps.conversations import turns
from apps.conversations.models import Conversation, Message, Role
from tests.ai_server import AIServer
from tests.factories import make_character, make_conversation, say
from tests.online import Person, until
from tests.openai_cast import Connect, connect

__all__ = ["connect"]


@pytest.fixture
def ada(alice: User) -> Character:
    return make_character(alice, alternate_greetings=["Good day."])


@pytest.fixture
def client(connect: Connect, ada: Character, alice: User) -> OpenAI:
    return connect(keys.make(alice, "Tests")[1])


@pytest.fixture
def bobs(connect: Connect, bob: User) -> OpenAI:
    return connect(keys.make(bob, "Tests")[1])


def user(text: Any) -> Any:
    return {"type": "message", "role": "user", "content": text}


def texts(items: Any) -> list[str]:
    return ["".join(part.text for part in each.content) for each in items]


def only(**fields: Any) -> Conversation:
    return Conversation.objects.get(**fields)


def test_a_conversation_of_nobody(client: OpenAI) -> None:
    made = client.conversations.create()
    assert (made.object, made.metadata) == ("conversation", {})
    assert made.created_at == int(only().created_at.timestamp())
    assert made.id == str(only().pk)
    assert client.conversations.retrieve(made.id) == made
    assert list(client.conversations.items.list(made.id)) == []


def test_one_with_a_character_begins_with_its_greeting(client: OpenAI, ada: Character, alice_online: Person) -> None:
    for name in ("ada", str(ada.pk)):
        made = client.conversations.create(extra_body={"character": name})
        assert made.character == str(ada.pk)
        [greeting] = client.conversations.items.list(made.id)
        assert (greeting.role, greeting.status, texts([greeting])) == ("assistant", "completed", ["Hello, Alice."])
        shown = alice_online.get(f"/api/conversations/{made.id}/").json()
        assert (shown["character"], shown["message_count"]) == (str(ada.pk), 2)


def test_one_with_items_begins_with_these(client: OpenAI, ada: Character, alice_online: Person, ai: AIServer) -> None:
    items = [user("Good evening."), {"role": "assistant", "content": "Yes?"}, {"role": "developer", "content": "Hm."}]
    made = client.conversations.create(items=items, metadata={"a": "b"}, extra_body={"character": "ada"})
    found = list(client.conversations.items.list(made.id, order="asc"))
    assert texts(found) == ["Good evening.", "Yes?", "Hm."]
    assert [each.role for each in found] == ["user", "assistant", "system"]
    assert [each.content[0].type for each in found] == ["input_text", "output_text", "input_text"]
    ai.says("Half past nine.")
    assert alice_online.chat(made.id, "What time is it?").status_code == 201
    assert texts(client.conversations.items.list(made.id, limit=2)) == [
        *("Half past nine.", "What time is it?", "Hm.", "Yes?", "Good evening.")
    ]


def test_metadata_is_kept_and_replaced(client: OpenAI) -> None:
    made = client.conversations.create(metadata={"about": "clocks"})
    Conversation.objects.update(extra={**only().extra, "other": 1})
    assert client.conversations.retrieve(made.id).metadata == {"about": "clocks"}
    changed = client.conversations.update(made.id, metadata={"state": "open"})
    assert changed.metadata == {"state": "open"}
    assert only().extra == {"metadata": {"state": "open"}, "other": 1}
    assert client.conversations.update(made.id, metadata=None).metadata == {}


@pytest.mark.parametrize("odd", [12, None, [], {"a": 1, "b": "c", "d": {}}, "x"])
def test_what_others_put_where_metadata_are_is_no_500(odd: Any, client: OpenAI) -> None:
    made = client.conversations.create()
    Conversation.objects.update(extra={"metadata": odd})
    expected = {"b": "c"} if isinstance(odd, dict) else {}
    assert client.conversations.retrieve(made.id).metadata == expected
    assert client.conversations.update(made.id, metadata={"a": "b"}).metadata == {"a": "b"}


def test_a_deleted_one_is_gone(client: OpenAI) -> None:
    made = client.conversations.create(items=[user("Hm.")])
    gone = client.conversations.delete(made.id)
    assert (gone.id, gone.deleted, gone.object) == (made.id, True, "conversation.deleted")
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
    with pytest.raises(openai.NotFoundError):
        client.conversations.delete(made.id)


# ── Items ────────────────────────────────────────────────────────────────────────────────────


def test_items_are_added_after_the_last_one(client: OpenAI, ada: Character) -> None:
    made = client.conversations.create(extra_body={"character": "ada"})
    added = client.conversations.items.create(
        made.id, items=[user("One"), user([{"type": "input_text", "text": "two"}, {"type": "text", "text": "three"}])]
    )
    assert (added.object, added.has_more) == ("list", False)
    assert (added.first_id, added.last_id) == (added.data[0].id, added.data[1].id)
    assert texts(added.data) == ["One", "two\nthree"]
    found = list(client.conversations.items.list(made.id))
    assert texts(found) == ["two\nthree", "One", "Hello, Alice."]
    conversation = only()
    assert (conversation.message_count, conversation.last_message_preview) == (4, "two three")
    assert client.conversations.items.retrieve(added.first_id, conversation_id=made.id) == added.data[0]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_have_every_item_once(order: Any, limit: int, client: OpenAI, alice: User, ada: Character) -> None:
    conversation = make_conversation(alice, ada)
    for number in range(6):
        say(conversation, f"{number}", (Role.USER, Role.ASSISTANT)[number % 2])
    expected = ["Hello, Alice.", *"012345"]
    found = texts(client.conversations.items.list(str(conversation.pk), order=order, limit=limit))
    assert found == (expected if order == "asc" else expected[::-1])
    page = client.conversations.items.list(str(conversation.pk), order=order, limit=limit)
    assert page.has_more == (limit < 7)


def test_items_are_those_of_the_active_branch(client: OpenAI, alice: User, ada: Character) -> None:
    conversation = make_conversation(alice, ada)
    first = say(conversation, "First")
    say(conversation, "An answer", Role.ASSISTANT)
    conversation.refresh_from_db()
    turns.append(conversation, first, role=Role.ASSISTANT, content="Another")
    turns.save_head(conversation)
    for order in ("asc", "desc"):
        found = texts(client.conversations.items.list(str(conversation.pk), order=order, limit=2))  # type: ignore[arg-type]
        assert sorted(found) == ["Another", "First", "Hello, Alice."]


def test_an_item_tells_how_it_stands(client: OpenAI, alice: User, ada: Character) -> None:
    conversation = make_conversation(alice, ada)
    told = {"complete": "completed", "generating": "in_progress"}
    for status in ("complete", "generating", "stopped", "interrupted", "failed"):
        message = say(conversation, "", Role.ASSISTANT, status=status)
        item: Any = client.conversations.items.retrieve(str(message.pk), conversation_id=str(conversation.pk))
        assert item.status == told.get(status, "incomplete")


def test_the_last_item_can_be_deleted_and_no_other(client: OpenAI, ada: Character) -> None:
    made = client.conversations.create(items=[user("One"), user("Two")])
    two, one = client.conversations.items.list(made.id)
    with pytest.raises(openai.ConflictError) as raised:
        client.conversations.items.delete(one.id, conversation_id=made.id)
    assert raised.value.code == "not_the_last"
    for item in (two, one):
        assert client.conversations.items.delete(item.id, conversation_id=made.id).id == made.id
        with pytest.raises(openai.NotFoundError):
            client.conversations.items.retrieve(item.id, conversation_id=made.id)
    assert list(client.conversations.items.list(made.id)) == []
    assert only().message_count == 0


def test_nothing_is_added_while_an_answer_is_written(
    client: OpenAI, ada: Character, alice_online: Person, ai: AIServer
) -> None:
    made = client.conversations.create(extra_body={"character": "ada"})
    gate = ai.waits("Half ")
    response = alice_online.stream(made.id, "What time is it?")
    until(lambda: ai.heard)
    with pytest.raises(openai.ConflictError) as raised:
        client.conversations.items.create(made.id, items=[user("Well?")])
    assert raised.value.code == "generation_in_progress"
    [item, *_] = client.conversations.items.list(made.id)
    assert item.status == "in_progress"
    gate.release()
    assert response.content


# ── Walls, and nonsense ──────────────────────────────────────────────────────────────────────


def test_anothers_do_not_exist(client: OpenAI, bobs: OpenAI, ada: Character, bob: User) -> None:
    made = client.conversations.create(items=[user("Hm.")])
    [item] = client.conversations.items.list(made.id)
    own = bobs.conversations.create(items=[user("His.")])
    attempts = [
        lambda: bobs.conversations.retrieve(made.id),
        lambda: bobs.conversations.update(made.id, metadata={}),
        lambda: bobs.conversations.delete(made.id),
        lambda: bobs.conversations.items.list(made.id),
        lambda: bobs.conversations.items.create(made.id, items=[user("x")]),
        lambda: bobs.conversations.items.retrieve(str(item.id), conversation_id=made.id),
        lambda: bobs.conversations.items.delete(str(item.id), conversation_id=made.id),
        lambda: bobs.conversations.items.retrieve(str(item.id), conversation_id=own.id),
        lambda: bobs.conversations.items.delete(str(item.id), conversation_id=own.id),
        lambda: bobs.conversations.retrieve(str(new_id())),
        lambda: bobs.conversations.retrieve("conv_123"),
    ]
    for attempt in attempts:
        with pytest.raises(openai.NotFoundError):
            attempt()
    with pytest.raises(openai.BadRequestError) as raised:
        bobs.conversations.items.list(own.id, after=str(item.id))
    assert raised.value.param == "after"
    for name in ("ada", str(ada.pk)):
        with pytest.raises(openai.BadRequestError) as raised:
            bobs.conversations.create(extra_body={"character": name})
        assert (raised.value.param, raised.value.code) == ("character", "does_not_exist")
    assert texts(client.conversations.items.list(made.id)) == ["Hm."]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"metadata": []}, "metadata"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {"a": None}}, "metadata"),
        ({"metadata": {"": "x"}}, "metadata"),
        ({"metadata": {"a" * 65: "x"}}, "metadata"),
        ({"metadata": {"a": "x" * 513}}, "metadata"),
        ({"metadata": {str(number): "x" for number in range(17)}}, "metadata"),
        ({"metadata": {"a": "\0"}}, "metadata"),
        ({"metadata": {"\0": "a"}}, "metadata"),
        ({"items": {}}, "items"),
        ({"items": [1]}, "items[0]"),
        ({"items": [user("x")] * 21}, "items"),
        ({"items": [user("x"), {"role": "tool", "content": "x"}]}, "items[1].role"),
        ({"items": [{"type": "function_call", "role": "user", "content": "x"}]}, "items[0].type"),
        ({"items": [{"role": "user"}]}, "items[0].content"),
        ({"items": [user(None)]}, "items[0].content"),
        ({"items": [user(" ")]}, "items[0].content"),
        ({"items": [user([])]}, "items[0].content"),
        ({"items": [user([{"type": "input_image", "image_url": "x"}])]}, "items[0].content[0].type"),
        ({"items": [user("a\0b")]}, "items[0].content"),
        ({"character": 12}, "character"),
        ({"character": "nobody"}, "character"),
        ({"character": "\0"}, "character"),
        ({"character": ""}, "character"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(body: Any, param: str, client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.post("/conversations", body=body, cast_to=object)
    assert raised.value.param == param
    assert not Conversation.objects.exists()


def test_a_change_names_the_metadata(client: OpenAI) -> None:
    made = client.conversations.create(metadata={"a": "b"})
    with pytest.raises(openai.BadRequestError) as raised:
        client.post(f"/conversations/{made.id}", body={}, cast_to=object)
    assert raised.value.param == "metadata"
    for body in ({}, {"items": []}, {"items": None}):
        with pytest.raises(openai.BadRequestError) as raised:
            client.post(f"/conversations/{made.id}/items", body=body, cast_to=object)
        assert raised.value.param == "items"


def test_reading_needs_few_queries(
    alice: User, as_alice: APIClient, ada: Character, django_assert_max_num_queries: Any
) -> None:
    conversation = make_conversation(alice, ada)
    for number in range(30):
        say(conversation, f"{number}")
    for order in ("asc", "desc"):
        with django_assert_max_num_queries(7):
            response = as_alice.get(f"/v1/conversations/{conversation.pk}/items", {"order": order, "limit": 30})
        assert len(response.json()["data"]) == 30


def test_parts_together_are_no_longer_than_a_message(client: OpenAI, alice: User) -> None:
    parts: Any = [{"type": "input_text", "text": "x" * 150_000}] * 2
    with pytest.raises(openai.BadRequestError):
        client.conversations.create(items=[{"type": "message", "role": "user", "content": parts}])
    assert not Message.objects.filter(content__startswith="xx").exists()
