"""The older routes: sessions, turns in JSON, history."""

import json
import re
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.api.rows import new_id
from apps.characters.models import Character
from apps.chat.models import Generation
from apps.compat.older.assistant import assistant_of
from apps.conversations.models import Conversation, Message, Tombstone
from tests.ai_server import AIServer
from tests.conftest import signed_in
from tests.factories import PASSWORD, grow, make_character, make_conversation
from tests.online import Person, Server, chunks, until
from tests.refusals import refused


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return make_conversation(alice, title="Evening")


def start(client: APIClient, **fields: Any) -> Any:
    return client.post("/api/chat/start", fields, format="json")


# ── Starting ─────────────────────────────────────────────────────────────────────────────────


def test_a_session_is_a_conversation_that_is_kept(as_alice: APIClient, alice: User) -> None:
    character = make_character(alice)
    response = start(as_alice, character=str(character.pk), title="Clocks")
    assert response.status_code == 201
    session = response.json()
    conversation = Conversation.objects.get()
    assert session == {
        "session_id": str(conversation.pk),
        "conversation_id": str(conversation.pk),
        "character": str(character.pk),
        "character_name": "Ada",
        "title": "Clocks",
        "greeting": "Hello, Alice.",
        "created_at": session["created_at"],
    }
    kept = as_alice.get(f"/api/conversations/{session['session_id']}/").json()
    assert (kept["title"], kept["character"], kept["message_count"]) == ("Clocks", str(character.pk), 1)


def test_who_names_no_character_has_an_assistant_made_once(as_alice: APIClient, as_bob: APIClient, alice: User) -> None:
    sessions = [start(as_alice).json(), start(as_alice, character=None).json(), start(as_alice, title="x").json()]
    assistant = Character.objects.get()
    assert (assistant.user, assistant.visibility, assistant.pk.version) == (alice, "private", 7)
    assert {session["character"] for session in sessions} == {str(assistant.pk)}
    assert sessions[0]["greeting"] == ""
    # Another's is another.
    assert start(as_bob).json()["character"] != str(assistant.pk)
    # It is theirs, to change and to delete.
    as_alice.patch(f"/api/characters/{assistant.pk}/", {"name": "Jeeves"}, format="json")
    assert start(as_alice).json()["character_name"] == "Jeeves"
    as_alice.delete(f"/api/characters/{assistant.pk}/")
    assert start(as_alice).json()["character_name"] == "Assistant"
    assert Character.objects.filter(user=alice).count() == 1


def test_many_at_once_make_one_assistant(alice_online: Person, alice: User) -> None:
    statuses: list[int] = []

    def begin() -> None:
        statuses.append(alice_online.request("POST", "/api/chat/start", json={}).status_code)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert statuses == [201] * 8
    assert Character.objects.get() == assistant_of(alice)


@pytest.mark.parametrize(
    ("fields", "attr", "code"),
    [
        ({"character": "nobody"}, "character", "invalid"),
        ({"character": str(new_id())}, "character", "does_not_exist"),
        ({"character": 7}, "character", "does_not_exist"),
        ({"title": "x" * 201}, "title", "max_length"),
        ({"title": None}, "title", "null"),
        ({"title": ["x"]}, "title", "invalid"),
    ],
)
def test_a_session_that_cannot_be_leaves_nothing(
    as_alice: APIClient, fields: dict[str, Any], attr: str, code: str
) -> None:
    refused(start(as_alice, **fields), 400, code, attr)
    assert not Conversation.objects.exists()
    assert not Character.objects.exists()


def test_anothers_character_is_unknown_unless_it_is_public(as_bob: APIClient, alice: User) -> None:
    private, public = make_character(alice), make_character(alice, visibility="public")
    refused(start(as_bob, character=str(private.pk)), 400, "does_not_exist", "character")
    assert start(as_bob, character=str(public.pk)).status_code == 201


# ── Talking ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["", "/", "/message", "/message/"])
def test_a_turn_is_answered_in_json(alice_online: Person, conversation: Conversation, ai: AIServer, path: str) -> None:
    ai.says("Good evening.")
    response = alice_online.post(f"/api/chat/{conversation.pk}{path}", {"message": "Hello, Ada."})
    assert response.status_code == 200, response.text
    answer = Message.objects.get(conversation=conversation, depth=2)
    turn = response.json()
    assert turn == {
        "response": "Good evening.",
        "session_id": str(conversation.pk),
        "conversation_id": str(conversation.pk),
        "message_id": str(answer.pk),
        "status": "complete",
        "timestamp": turn["timestamp"],
    }
    assert answer.parent is not None
    assert (answer.parent.content, answer.content) == ("Hello, Ada.", "Good evening.")


def test_a_session_remembers(alice_online: Person, server: object, ai: AIServer) -> None:
    session = alice_online.post("/api/chat/start", {}).json()["session_id"]
    for text in ("My name is Alice.", "What is it?"):
        alice_online.post(f"/api/chat/{session}", {"message": text})
    assert [each["content"] for each in ai.heard[1]["messages"][1:]] == [
        *("My name is Alice.", "You said: My name is Alice."),
        "What is it?",
    ]
    assert ai.heard[0]["messages"][0]["content"].startswith("You are Assistant. Help Alice")
    history = alice_online.get(f"/api/chat/{session}/history").json()
    assert [(line["role"], line["content"]) for line in history["history"]] == [
        *(("user", "My name is Alice."), ("assistant", "You said: My name is Alice.")),
        *(("user", "What is it?"), ("assistant", "You said: What is it?")),
    ]


@pytest.mark.parametrize(
    "body", [{}, {"message": ""}, {"message": " "}, {"message": None}, {"message": 7}, {"content": "Hi"}]
)
def test_a_turn_that_says_nothing_is_refused(as_alice: APIClient, conversation: Conversation, body: Any) -> None:
    for path in ("", "/message"):
        response = as_alice.post(f"/api/chat/{conversation.pk}{path}", body, format="json")
        assert response.status_code == 400
        assert response.json()["errors"][0]["attr"] == "message"
    assert conversation.messages.count() == 1


def test_a_failure_keeps_what_was_said(alice_online: Person, conversation: Conversation, ai: AIServer) -> None:
    ai.fails(400)
    failed = alice_online.post(f"/api/chat/{conversation.pk}", {"message": "Hello?"})
    assert (failed.status_code, failed.json()["errors"][0]["code"]) == (502, "provider_failed")
    history = alice_online.get(f"/api/chat/{conversation.pk}/history").json()["history"]
    assert [line["content"] for line in history] == ["Hello, Alice.", "Hello?"]


def test_a_turn_while_another_is_answered_is_refused(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    gate = ai.waits()
    first = alice_online.stream(conversation.pk)
    until(lambda: ai.heard)
    second = alice_online.post(f"/api/chat/{conversation.pk}", {"message": "And?"})
    refused(second, 409, "generation_in_progress")
    gate.release()
    first.close()


def test_a_turn_that_is_stopped_is_what_was_written(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    ai.waits("Once ")
    found: list[Any] = []
    asking = threading.Thread(
        target=lambda: found.append(alice_online.post(f"/api/chat/{conversation.pk}", {"message": "Tell me."}))
    )
    asking.start()
    until(lambda: Message.objects.filter(conversation=conversation, content__contains="Once").exists())
    alice_online.post(f"/api/conversations/{conversation.pk}/stop/")
    asking.join(20)
    assert found[0].status_code == 200
    assert (found[0].json()["response"].strip(), found[0].json()["status"]) == ("Once", "stopped")


def test_a_turn_with_a_key_is_taken_once(alice_online: Person, conversation: Conversation, ai: AIServer) -> None:
    headers = {"Idempotency-Key": "once"}
    answers = [
        alice_online.post(f"/api/chat/{conversation.pk}", {"message": "Hello."}, headers=headers) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert ai.calls == 1


# ── History ──────────────────────────────────────────────────────────────────────────────────


def test_history_is_all_of_the_active_path_oldest_first(as_alice: APIClient, conversation: Conversation) -> None:
    greeting = str(conversation.active_leaf_id)
    grow(conversation, 250)
    aside = {"content": "Not on the path.", "parent": greeting}
    as_alice.post(f"/api/conversations/{conversation.pk}/messages/", aside, format="json")
    leaf = {"active_leaf": str(conversation.active_leaf_id)}
    as_alice.patch(f"/api/conversations/{conversation.pk}/", leaf, format="json")
    said = as_alice.get(f"/api/chat/{conversation.pk}/history").json()
    assert said["session_id"] == said["conversation_id"] == str(conversation.pk)
    assert [line["content"] for line in said["history"]] == [
        "Hello, Alice.",
        *(f"Line {number}." for number in range(250)),
    ]
    assert all(set(line) == {"role", "content", "timestamp"} for line in said["history"])
    times = [line["timestamp"] for line in said["history"]]
    assert times == sorted(times)


def test_clearing_removes_everything_that_was_said(as_alice: APIClient, alices: SimpleNamespace) -> None:
    address = f"/api/chat/{alices.conversation.pk}/history"
    said = set(alices.conversation.messages.values_list("pk", flat=True))
    for _ in range(2):
        response = as_alice.delete(address)
        assert (response.status_code, response.content) == (204, b"")
        assert as_alice.get(address).json()["history"] == []
    kept = as_alice.get(f"/api/conversations/{alices.conversation.pk}/").json()
    assert (kept["title"], kept["message_count"], kept["active_leaf"]) == ("Clocks", 0, None)
    assert (kept["last_message_at"], kept["last_message_preview"]) == (None, "")
    assert not Message.objects.filter(pk__in=said).exists()
    # Other devices learn of it, and what it cost stays spent.
    assert said <= set(Tombstone.objects.filter(conversation=alices.conversation).values_list("pk", flat=True))
    assert Generation.objects.filter(pk=alices.generation.pk, message=None).exists()


def test_clearing_cancels_what_is_written(alice_online: Person, conversation: Conversation, ai: AIServer) -> None:
    call = ai.waits("Once ")
    response = alice_online.stream(conversation.pk)
    next(chunks(response))
    assert alice_online.request("DELETE", f"/api/chat/{conversation.pk}/history").status_code == 204
    until(call.client_gone.is_set)
    assert alice_online.get(f"/api/chat/{conversation.pk}/history").json()["history"] == []
    response.close()
    # And the session goes on.
    assert alice_online.post(f"/api/chat/{conversation.pk}", {"message": "Again."}).status_code == 200
    assert conversation.messages.count() == 2


# ── Whose they are ───────────────────────────────────────────────────────────────────────────


def test_what_is_not_ones_own_is_not_there(alices: SimpleNamespace, bob: User, anonymous: APIClient) -> None:
    as_bob = signed_in(bob)
    names = [str(alices.conversation.pk), str(new_id()), "nowhere", "0", "x" * 2000, "%00", "start/more"]
    for name in names:
        address = f"/api/chat/{name}"
        answers = [
            *(as_bob.post(f"{address}{path}", {"message": "Hi."}, format="json") for path in ("", "/message")),
            *(as_bob.get(f"{address}/history"), as_bob.delete(f"{address}/history")),
        ]
        for answer in answers:
            refused(answer, 404, "not_found")
    for answer in (anonymous.post("/api/chat/start"), anonymous.get(f"/api/chat/{alices.conversation.pk}/history")):
        assert answer.status_code == 401
    assert alices.conversation.messages.count() == 3


def test_the_page_on_them_says_how(server: Server, alice: User, ai: AIServer) -> None:
    page = (Path(__file__).parent.parent / "docs/older-routes.md").read_text()
    [script] = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    for shown, ours in (
        ("http://127.0.0.1:8000", server.url),
        ("demo@dramatis.local", alice.email),
        ("dramatis-demo", PASSWORD),
    ):
        assert shown in script
        script = script.replace(shown, ours)
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    turn, history, cleared = done.stdout.split("\n")[:3]
    assert json.loads(turn)["response"] == "You said: Good evening."
    assert len(json.loads(history)["history"]) == 2
    assert cleared == ""
