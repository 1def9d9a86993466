"""Export → import → export is the same document; what is none is refused by its place, and leaves nothing behind."""

import copy
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.conversations import tree
from apps.conversations.documents import from_document, to_document
from apps.conversations.models import Conversation, Message, MessageStatus
from tests.factories import grow, make_character, make_conversation, say
from tests.online import Person
from tests.refusals import refused
from tests.test_hostile import everything
from tests.written import Document, documents, few, shuffled, some

IMPORT = "/api/conversations/import/"

pytestmark = pytest.mark.django_db


def bring(client: APIClient, document: Any) -> Any:
    return client.generic("POST", IMPORT, json.dumps(document), content_type="application/json")


def brought(client: APIClient, document: Document) -> str:
    response = bring(client, document)
    assert response.status_code == 201, response.content[:500]
    return str(response.json()["id"])


def export(client: APIClient, conversation: Any, form: str = "json") -> Any:
    response = client.get(f"/api/conversations/{conversation}/export/", {"as": form})
    assert response.status_code == 200
    return response


# ── Round trips ──────────────────────────────────────────────────────────────────────────────


@some
@given(document=documents())
def test_what_is_imported_is_exported_as_it_was(document: Document, as_alice: APIClient) -> None:
    first = brought(as_alice, document)
    assert export(as_alice, first).json() == document
    second = brought(as_alice, export(as_alice, first).json())
    assert export(as_alice, second).content == export(as_alice, first).content

    rows = list(Message.objects.filter(conversation=first).order_by("id"))
    assert [row.content for row in rows] == [message["content"] for message in document["messages"]]
    conversation = Conversation.objects.get(pk=first)
    assert conversation.message_count == len(rows)
    assert conversation.last_message_at == (rows[-1].created_at if rows else None)
    path = tree.path_to(conversation.active_leaf_id, conversation, limit=100) if rows else []
    depths = [row.depth for row in path]
    assert depths == list(range(len(path)))[::-1]


@few
@given(document=documents(), numbers=shuffled())
def test_numbers_are_a_documents_own(document: Document, numbers: list[int], as_alice: APIClient) -> None:
    renamed = copy.deepcopy(document)
    for message in renamed["messages"]:
        message["id"] = numbers[message["id"]]
        message["parent"] = None if message["parent"] is None else numbers[message["parent"]]
    if renamed["messages"]:
        renamed["active_leaf"] = numbers[document["active_leaf"]]
    assert export(as_alice, brought(as_alice, renamed)).json() == document


@some
@given(shape=st.lists(st.integers(-1, 30), max_size=30))
def test_branches_are_cut_as_turns_cut_them(shape: list[int], alice: User) -> None:
    """What reads paths by branches finds the same as what reads parents."""
    parents = [None if parent < 0 or parent >= place else parent for place, parent in enumerate(shape)]
    messages = [
        {"id": place, "parent": parent, "role": "user", "content": f"{place}"} for place, parent in enumerate(parents)
    ]
    conversation = from_document(alice, {"messages": messages})
    rows = list(Message.objects.filter(conversation=conversation).order_by("id"))
    for place, row in enumerate(rows):
        below = [number for number in range(len(rows)) if place in upwards(number, parents)]
        assert tree.newest_leaf(row.pk) == rows[max(below)].pk
        path = upwards(place, parents)
        after_root = tree.path_after(rows[path[-1]].pk, row.pk, conversation, limit=100)
        assert [int(each.content) for each in after_root] == path[:-1]


def upwards(number: int | None, parents: list[int | None]) -> list[int]:
    path = []
    while number is not None:
        path.append(number)
        number = parents[number]
    return path


def test_a_conversation_that_was_held_here_comes_back_whole(alices: SimpleNamespace, as_alice: APIClient) -> None:
    conversation = alices.conversation
    say(conversation, "Are you sure?", client_id="mine", extra={"mood": "doubtful"})
    say(conversation, "", "assistant", status="failed", error={"code": "provider_failed", "detail": "It failed."})
    before = export(as_alice, conversation.pk).json()
    assert before["title"] == "Clocks"
    assert before["character_name"] == "Ada"
    assert [message["content"] for message in before["messages"]][-2:] == ["Are you sure?", ""]
    response = bring(as_alice, {**before, "character": str(alices.character.pk)})
    found = response.json()
    assert (found["character"], found["warnings"]) == (str(alices.character.pk), [])
    assert (found["last_message_preview"], found["message_count"]) == ("Are you sure?", 5)
    assert export(as_alice, found["id"]).json() == before
    assert as_alice.get(f"/api/conversations/{found['id']}/messages/").json()["results"]


def test_what_is_still_written_is_exported_as_interrupted(alices: SimpleNamespace, as_alice: APIClient) -> None:
    message = say(alices.conversation, "Half past", "assistant", status=MessageStatus.GENERATING)
    Conversation.objects.filter(pk=alices.conversation.pk).update(generating=message)
    said = export(as_alice, alices.conversation.pk).json()["messages"][-1]
    assert (said["content"], said["status"]) == ("Half past", "interrupted")


def test_a_parent_with_a_younger_id_still_stands_first(alices: SimpleNamespace) -> None:
    """As where two machines' clocks differ."""
    answer = Message.objects.get(pk=alices.conversation.active_leaf_id or alices.message.pk)
    other = Message(
        id="01000000-0000-7000-8000-000000000000", conversation=alices.conversation, user=alices.user, role="user"
    )
    other.follow(alices.message, goes_on=False)
    other.save(force_insert=True)
    document = to_document(Conversation.objects.get(pk=alices.conversation.pk))
    parents = [message["parent"] for message in document["messages"]]
    assert parents == [None, 0, 1, 1]
    assert answer.content in [message["content"] for message in document["messages"]]


def test_what_has_no_place_of_its_own_is_kept(alices: SimpleNamespace, as_alice: APIClient) -> None:
    body = {"character": str(alices.character.pk), "extra": {"folder": "Old ones"}}
    made = as_alice.post("/api/conversations/", body, format="json").json()
    assert made["extra"] == {"folder": "Old ones"}
    address = f"/api/conversations/{made['id']}/"
    assert as_alice.patch(address, {"title": "Watches"}, format="json").json()["extra"] == {"folder": "Old ones"}
    assert as_alice.patch(address, {"extra": {"folder": []}}, format="json").json()["extra"] == {"folder": []}
    assert export(as_alice, made["id"]).json()["extra"] == {"folder": []}


@pytest.mark.parametrize("accept", ["text/markdown", "application/jsonl", "application/json", "*/*"])
def test_what_as_says_is_what_comes(accept: str, alices: SimpleNamespace, as_alice: APIClient) -> None:
    address = f"/api/conversations/{alices.conversation.pk}/export/"
    for form, kind in {"json": "application/json", "markdown": "text/markdown"}.items():
        response = as_alice.get(address, {"as": form}, HTTP_ACCEPT=accept)
        assert response.headers["Content-Type"].split(";")[0] == kind
        assert response.headers["Content-Disposition"].startswith("attachment")
    refused(as_alice.get(address, {"as": "pdf"}, HTTP_ACCEPT=accept), 400, "invalid_choice", "as")


def test_numbers_of_any_size_stay_what_they_became(as_alice: APIClient) -> None:
    """PostgreSQL writes a large one without its exponent, which is the same number to whoever reads it as a float."""
    numbers = [1.2345678901234567e17, -1e18, 10**18, 5e-324, 0.1, 1.0, -0.0]
    document = {"format": "dramatis.conversation", "version": 1, "messages": [], "extra": {"numbers": numbers}}
    first = export(as_alice, brought(as_alice, document))
    assert [float(number) for number in first.json()["extra"]["numbers"]] == numbers
    assert export(as_alice, brought(as_alice, first.json())).content == first.content


def test_a_document_may_say_little(as_alice: APIClient) -> None:
    document = {
        "format": "dramatis.conversation",
        "version": 1,
        "messages": [{"id": 7, "parent": None, "role": "user", "content": "Hm."}],
        "made_by": "another program",
    }
    found = export(as_alice, brought(as_alice, document)).json()
    assert found["active_leaf"] == 0
    assert found["messages"][0]["status"] == "complete"
    assert found["title"] == found["model"] == ""


def test_an_active_leaf_that_is_none_goes_down_to_the_newest(as_alice: APIClient) -> None:
    messages = [
        {"id": number, "parent": parent, "role": "user", "content": "Hm."}
        for number, parent in enumerate([None, 0, 0, 1, None])
    ]
    document = {"format": "dramatis.conversation", "version": 1, "messages": messages, "active_leaf": 0}
    assert export(as_alice, brought(as_alice, document)).json()["active_leaf"] == 3


def test_without_a_character_it_can_be_read_and_no_answer_written(
    alices: SimpleNamespace, alice_online: Person
) -> None:
    document = alice_online.get(f"/api/conversations/{alices.conversation.pk}/export/").json()
    found = alice_online.post(IMPORT, document).json()
    assert (found["character"], found["character_name"]) == (None, "Ada")
    refused(alice_online.chat(found["id"], "Well?"), 409, "character_unavailable")


def test_it_is_exported_when_the_character_is_gone(alices: SimpleNamespace, as_alice: APIClient) -> None:
    before = export(as_alice, alices.conversation.pk).json()
    assert as_alice.delete(f"/api/characters/{alices.character.pk}/").status_code == 204
    assert export(as_alice, alices.conversation.pk).json() == before


def test_a_public_character_of_anothers_may_be_named(bob: User, as_alice: APIClient) -> None:
    document = {"format": "dramatis.conversation", "version": 1, "messages": []}
    public = make_character(bob, name="Grace", visibility="public")
    found = bring(as_alice, {**document, "character": str(public.pk)}).json()
    assert (found["character"], found["character_name"]) == (str(public.pk), "Grace")
    private = make_character(bob)
    refused(bring(as_alice, {**document, "character": str(private.pk)}), 400, "does_not_exist", "character")


# ── What is refused ──────────────────────────────────────────────────────────────────────────

Change = Callable[[Document], Any]


def message(**fields: Any) -> Change:
    return lambda document: document["messages"][2].update(fields)


def whole(**fields: Any) -> Change:
    return lambda document: document.update(fields)


WRONG = [
    (whole(format="another"), "format", "invalid_choice"),
    (whole(version=2), "version", "max_value"),
    (whole(version="1"), "version", "invalid"),
    (whole(messages=None), "messages", "null"),
    (whole(messages={}), "messages", "not_a_list"),
    (whole(messages="x"), "messages", "not_a_list"),
    (whole(title=None), "title", "null"),
    (whole(title="x" * 201), "title", "max_length"),
    (whole(topic="a\0b"), "topic", "null_characters_not_allowed"),
    (whole(stop=[""]), "stop.0", "blank"),
    (whole(temperature=3), "temperature", "max_value"),
    (whole(pinned=1), "pinned", "invalid"),
    (whole(extra=[]), "extra", "not_an_object"),
    (whole(created_at="yesterday"), "created_at", "invalid"),
    (whole(created_at="0001-01-01T00:00:00+14:00"), "created_at", "overflow"),
    (whole(active_leaf=9), "active_leaf", "does_not_exist"),
    (whole(active_leaf="0"), "active_leaf", "invalid"),
    (message(id=1), "messages.2.id", "unique"),
    (message(id=-1), "messages.2.id", "min_value"),
    (message(id=1.5), "messages.2.id", "invalid"),
    (message(parent=2), "messages.2.parent", "does_not_exist"),
    (message(parent=3), "messages.2.parent", "does_not_exist"),
    (message(parent=99), "messages.2.parent", "does_not_exist"),
    (message(parent="0"), "messages.2.parent", "invalid"),
    (message(parent=True), "messages.2.parent", "invalid"),
    (message(role="narrator"), "messages.2.role", "invalid_choice"),
    (message(role=None), "messages.2.role", "null"),
    (message(status="generating"), "messages.2.status", "invalid_choice"),
    (message(content=None), "messages.2.content", "null"),
    (message(content=["x"]), "messages.2.content", "invalid"),
    (message(content="a\0b"), "messages.2.content", "null_characters_not_allowed"),
    (message(content="a\ud800b"), "messages.2.content", "surrogate_characters_not_allowed"),
    (message(reasoning="\udc00"), "messages.2.reasoning", "surrogate_characters_not_allowed"),
    (message(extra={"a": ["\0"]}), "messages.2.extra", "bad_text"),
    (message(extra={"\ud800": 1}), "messages.2.extra", "bad_text"),
    (message(extra={"a": 10**30}), "messages.2.extra", "bad_number"),
    (message(tool_calls={}), "messages.2.tool_calls", "not_a_list"),
    (message(tool_calls=[1]), "messages.2.tool_calls.0", "not_an_object"),
    (message(sources=[{"a": "\0"}]), "messages.2.sources.0", "bad_text"),
    (message(error={"code": "x"}), "messages.2.error.detail", "required"),
    (message(error="x"), "messages.2.error", "invalid"),
    (message(client_id="first"), "messages.2.client_id", "unique"),
    (message(client_id="x" * 129), "messages.2.client_id", "max_length"),
    (message(prompt_tokens=2**31), "messages.2.prompt_tokens", "max_value"),
    (message(rating=2), "messages.2.rating", "invalid_choice"),
    (message(rating=True), "messages.2.rating", "invalid_choice"),
    (message(edited_at=12), "messages.2.edited_at", "invalid"),
    (lambda document: document["messages"][2].pop("id"), "messages.2.id", "required"),
    (lambda document: document["messages"][2].pop("parent"), "messages.2.parent", "required"),
    (lambda document: document["messages"].__setitem__(2, 12), "messages.2", "invalid"),
    (lambda document: document.pop("messages"), "messages", "required"),
]


@pytest.mark.parametrize(("change", "attr", "code"), WRONG, ids=[f"{attr} {code}" for _, attr, code in WRONG])
def test_what_is_no_document_is_refused_by_its_place(
    change: Change, attr: str, code: str, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    said = [{"id": number, "parent": number - 1 if number else None} for number in range(4)]
    document = {
        "format": "dramatis.conversation",
        "version": 1,
        "messages": [{**each, "role": "user", "content": "Hm."} for each in said],
    }
    document["messages"][0]["client_id"] = "first"
    before = everything()
    change(document)
    response = bring(as_alice, document)
    if attr in ("messages.2", "messages.2.error"):
        attr += ".non_field_errors"
    refused(response, 400, code, attr)
    assert everything() == before


# ── Size ─────────────────────────────────────────────────────────────────────────────────────


def test_queries_do_not_grow_with_messages(alice: User, as_alice: APIClient) -> None:
    counts = []
    for length in (1, 50):
        conversation = make_conversation(alice)
        grow(conversation, length)
        with CaptureQueriesContext(
            connection,
        ) as exporting:
            document = export(as_alice, conversation.pk).json()
        with CaptureQueriesContext(connection) as importing:
            brought(as_alice, document)
        counts.append((len(exporting), len(importing)))
    assert counts[0] == counts[1]


# ── Markdown ─────────────────────────────────────────────────────────────────────────────────


def test_markdown_is_the_active_path_for_people(alices: SimpleNamespace, as_alice: APIClient) -> None:
    messages = Message.objects.filter(conversation=alices.conversation)
    messages.update(created_at="2026-01-02T03:04:05Z")
    Conversation.objects.update(created_at="2026-01-02T03:04:00Z", title="Clocks *and*\nwatches", persona_name="Al")
    other = Message(conversation=alices.conversation, user=alices.user, role="user", content="Another branch.")
    other.follow(alices.message.parent, goes_on=False)
    other.save(force_insert=True)
    response = export(as_alice, alices.conversation.pk, "markdown")
    assert response.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="Clocks-and-watches.md"'
    assert response.content.decode() == (
        "# Clocks \\*and\\* watches\n\n"
        "With Ada, as Al. Begun 2026-01-02 03:04 UTC.\n"
        "\n---\n\n**Ada**, 2026-01-02 03:04 UTC\n\nHello, Alice.\n"
        "\n---\n\n**Al**, 2026-01-02 03:04 UTC\n\nWhat time is it?\n"
        "\n---\n\n**Ada**, 2026-01-02 03:04 UTC\n\nHalf past nine.\n"
    )


@pytest.mark.parametrize("title", ["", '../"; x=\r\n.exe', "時計"])
def test_a_files_name_is_safe(title: str, alices: SimpleNamespace, as_alice: APIClient) -> None:
    Conversation.objects.update(title=title)
    response = export(as_alice, alices.conversation.pk)
    name = {"": "Ada", "時計": "conversation"}.get(title, "x-exe")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}.json"'
    assert response.headers["Content-Type"] == "application/json"
