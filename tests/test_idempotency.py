"""The same request sent again is answered again, and not done again."""

import threading
from typing import Any

import pytest
import requests

from apps.accounts import tokens
from apps.accounts.models import User
from apps.chat.models import Generation
from apps.conversations.models import Conversation, Message
from tests.ai_server import AIServer
from tests.factories import make_conversation
from tests.online import Person, Server, chunks, until

KEY = {"Idempotency-Key": "5f0c-one"}
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return make_conversation(alice)


def send(person: Person, conversation: Conversation, action: str = "chat", body: Any = None, **headers: str) -> Any:
    body = {"content": "Hello."} if body is None else body
    return person.post(f"/api/conversations/{conversation.pk}/{action}/", body, headers={**KEY, **headers})


def test_twenty_at_once_are_one_turn_and_one_call(
    server: Server, alice: User, conversation: Conversation, ai: AIServer
) -> None:
    ai.says("Good evening.", delay=0.05)
    people = [Person(server.url, tokens.sign_in(alice)["access"]) for _ in range(20)]
    answers: list[requests.Response] = []
    threads = [
        threading.Thread(target=lambda person=person: answers.append(send(person, conversation))) for person in people
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answer.status_code for answer in answers] == [201] * 20
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["assistant_message"]["content"] == "Good evening."
    assert ai.calls == 1
    assert Message.objects.filter(role="user").count() == 1
    assert Generation.objects.filter(purpose="turn").count() == 1


def test_a_retry_long_after_gets_the_same_rows(alice_online: Person, conversation: Conversation, ai: AIServer) -> None:
    first = send(alice_online, conversation).json()
    alice_online.chat(conversation.pk, "And then?")
    again = send(alice_online, conversation)
    assert again.status_code == 201
    for name in ("user_message", "assistant_message"):
        assert again.json()[name] == first[name]
    assert ai.calls == 2


@pytest.mark.parametrize(("failure", "status"), [(400, 502), (503, 503)])
def test_a_failure_is_answered_again_too(
    alice_online: Person, conversation: Conversation, ai: AIServer, failure: int, status: int
) -> None:
    if failure == 503:
        ai.fails(failure, times=2)
    ai.fails(failure, retry_after=7 if failure == 503 else None)
    first = send(alice_online, conversation)
    calls = ai.calls
    again = send(alice_online, conversation)
    assert (first.status_code, again.status_code) == (status, status)
    assert again.json()["errors"] == first.json()["errors"]
    assert again.json()["assistant_message"]["id"] == first.json()["assistant_message"]["id"]
    assert again.headers.get("Retry-After") == first.headers.get("Retry-After")
    assert ai.calls == calls


def test_a_retry_joins_what_still_runs_as_json_or_as_a_stream(
    server: Server, alice: User, alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    gate = ai.waits("Once ")
    body = {"content": "Tell me."}
    first = alice_online.post(
        f"/api/conversations/{conversation.pk}/chat/", body, headers={**KEY, **STREAM}, stream=True
    )
    until(gate.waiting.is_set)
    answers: list[requests.Response] = []
    retry = Person(server.url, tokens.sign_in(alice)["access"])
    waiting = threading.Thread(target=lambda: answers.append(send(retry, conversation, body=body)))
    waiting.start()
    again = Person(server.url, tokens.sign_in(alice)["access"]).post(
        f"/api/conversations/{conversation.pk}/chat/", body, headers={**KEY, **STREAM}, stream=True
    )
    gate.says("upon a time.")
    gate.release()
    assert list(chunks(first)) == list(chunks(again))
    waiting.join(20)
    assert answers[0].json()["assistant_message"]["content"] == "Once upon a time."
    assert ai.calls == 1


def test_a_stream_that_is_asked_for_again_is_told_from_the_rows(
    alice_online: Person, conversation: Conversation, ai: AIServer, server: Server
) -> None:
    ai.says("Good evening.", reasoning="A guest.")
    first = send(alice_online, conversation).json()
    server.forget_lives()
    found = list(chunks(send(alice_online, conversation, **STREAM)))
    assert found[0] == {"type": "start", "messageId": first["assistant_message"]["id"]}
    assert [chunk["delta"] for chunk in found[:-1] if "delta" in chunk] == ["A guest.", "Good evening."]
    assert found[-2] == {"type": "finish", "finishReason": "stop"}
    assert ai.calls == 1


def test_another_request_under_the_same_key_is_refused(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    send(alice_online, conversation)
    for action, body in (("chat", {"content": "Hello!"}), ("regenerate", {"content": "Hello."}), ("continue", {})):
        refused = send(alice_online, conversation, action, body)
        assert refused.status_code == 409
        assert refused.json()["errors"][0]["code"] == "idempotency_key_reused"
    assert ai.calls == 1


@pytest.mark.parametrize("action", ["regenerate", "continue"])
def test_the_other_ways_to_ask_know_keys_too(
    alice_online: Person, conversation: Conversation, ai: AIServer, action: str
) -> None:
    alice_online.chat(conversation.pk, "Tell me.")
    first, again = (send(alice_online, conversation, action, {}).json() for _ in range(2))
    assert first["assistant_message"] == again["assistant_message"]
    assert ai.calls == 2


def test_a_key_counts_in_its_own_conversation(
    alice_online: Person, bob_online: Person, alice: User, bob: User, conversation: Conversation, ai: AIServer
) -> None:
    others = [(alice_online, make_conversation(alice)), (bob_online, make_conversation(bob))]
    send(alice_online, conversation)
    for person, other in others:
        turn = send(person, other, body={"content": "Something else."}).json()
        assert turn["user_message"]["content"] == "Something else."
    assert ai.calls == 3


def test_what_was_refused_uses_up_no_key(
    alice_online: Person, conversation: Conversation, ai: AIServer, server: Server
) -> None:
    assert send(alice_online, conversation, body={"content": " "}).status_code == 400
    gate = ai.waits()
    running = alice_online.stream(conversation.pk)
    until(gate.waiting.is_set)
    assert send(alice_online, conversation).status_code == 409
    gate.release()
    list(chunks(running))
    assert send(alice_online, conversation).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "é"])
def test_a_key_that_is_none_is_refused_by_name(
    alice_online: Person, conversation: Conversation, ai: AIServer, key: str
) -> None:
    response = alice_online.post(
        f"/api/conversations/{conversation.pk}/chat/",
        {"content": "Hello."},
        headers={"Idempotency-Key": key.encode("latin-1")},  # type: ignore[dict-item]
    )
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["attr"] == "Idempotency-Key"
    assert ai.calls == 0


def test_a_turn_that_was_deleted_does_not_come_back(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    turn = send(alice_online, conversation).json()
    alice_online.request("DELETE", f"/api/conversations/{conversation.pk}/messages/{turn['user_message']['id']}/")
    again = send(alice_online, conversation)
    assert again.status_code == 404
    assert ai.calls == 1
    assert Message.objects.filter(conversation=conversation).count() == 1
