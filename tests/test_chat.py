"""The main job: say something, get the answer, keep both."""

import threading
from itertools import groupby

import pytest
from django.db import connection

from apps.accounts import tokens
from apps.accounts.models import User
from apps.chat.models import Generation
from apps.conversations.models import Conversation, Message, MessageStatus
from tests.ai_server import AIServer
from tests.factories import grow, make_character, make_conversation
from tests.online import Person, Server, chunks, until


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return make_conversation(alice)


def test_json_saves_both_turns_and_answers_with_them(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    ai.says("Good evening.", usage={"prompt_tokens": 40, "completion_tokens": 3})
    response = alice_online.chat(conversation.pk, "Hello, Ada.", id="mine-1")

    assert response.status_code == 201
    turn = response.json()
    assert turn["user_message"]["content"] == "Hello, Ada."
    assert turn["user_message"]["client_id"] == "mine-1"
    assert turn["assistant_message"]["content"] == "Good evening."
    assert turn["assistant_message"]["parent"] == turn["user_message"]["id"]
    assert turn["conversation"]["generating"] is None
    assert turn["conversation"]["message_count"] == 3
    assert turn["conversation"]["last_message_preview"] == "Good evening."
    saved = Message.objects.get(pk=turn["assistant_message"]["id"])
    assert (saved.content, saved.status, saved.completion_tokens) == ("Good evening.", MessageStatus.COMPLETE, 3)
    generation = Generation.objects.get(purpose="turn")  # Its title may be asked for already.
    assert (generation.status, generation.prompt_tokens, generation.model) == ("complete", 40, "test-model")
    assert generation.latency_ms is not None


def test_the_model_hears_the_character_and_the_active_path(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    alice_online.chat(conversation.pk, "Hello, Ada.")
    [heard] = ai.heard
    assert heard["messages"][0]["role"] == "system"
    assert "Ada repairs clocks." in heard["messages"][0]["content"]
    assert heard["messages"][1:] == [
        {"role": "assistant", "content": "Hello, Alice."},
        {"role": "user", "content": "Hello, Ada."},
    ]


def test_the_stream_is_the_sdks_from_start_to_done(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    ai.says("Good evening.", pieces=["Good ", "evening."], reasoning="A guest.")
    response = alice_online.stream(conversation.pk)
    found = list(chunks(response))

    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["cache-control"] == "no-cache"
    message = Message.objects.get(role="assistant", parent__isnull=False)
    assert found[0] == {"type": "start", "messageId": str(message.pk)}
    kinds = [kind for kind, _ in groupby(chunk if isinstance(chunk, str) else chunk["type"] for chunk in found)]
    assert kinds == [
        *["start", "start-step", "reasoning-start", "reasoning-delta", "reasoning-end"],
        *["text-start", "text-delta", "text-end", "finish-step", "data-turn", "finish", "[DONE]"],
    ]
    assert "".join(chunk["delta"] for chunk in found[:-1] if chunk["type"] == "text-delta") == message.content
    assert found[-3]["transient"] is True
    assert found[-3]["data"]["assistant_message"]["content"] == "Good evening."
    assert found[-2] == {"type": "finish", "finishReason": "stop"}
    assert message.reasoning == "A guest."


def test_the_users_turn_is_committed_before_the_model_is_asked(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    gate = ai.waits()
    response = alice_online.stream(conversation.pk, "Are you there?")
    until(lambda: ai.heard)
    user, assistant = Message.objects.filter(parent__isnull=False).order_by("id")
    assert (user.content, user.status) == ("Are you there?", MessageStatus.COMPLETE)
    assert assistant.status == MessageStatus.GENERATING
    assert alice_online.get(f"/api/conversations/{conversation.pk}/").json()["generating"] == str(assistant.pk)
    gate.release()
    assert list(chunks(response))[-1] == "[DONE]"
    assistant.refresh_from_db()
    assert assistant.status == MessageStatus.COMPLETE


def test_text_is_saved_while_it_streams(alice_online: Person, conversation: Conversation, ai: AIServer) -> None:
    gate = ai.waits()
    response = alice_online.stream(conversation.pk)
    gate.says("The first half")
    until(lambda: Message.objects.filter(status="generating", content__contains="The first half").exists())
    gate.release()
    response.close()


def test_the_answer_is_written_to_its_end_when_the_client_leaves(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    gate = ai.waits()
    response = alice_online.stream(conversation.pk)
    next(chunks(response))
    response.close()
    gate.says("Nobody is listening.")
    gate.release()
    message = until(lambda: Message.objects.filter(status="complete", content__contains="Nobody is listening.").first())
    assert message.role == "assistant"


def test_no_connection_is_held_while_the_model_thinks(
    alice_online: Person, alice: User, server: object, ai: AIServer
) -> None:
    """More streams, and more waiting JSON calls, than the pool has connections: and the API goes on answering."""
    conversations = [make_conversation(alice) for _ in range(24)]
    gates = [ai.waits() for _ in conversations]
    person_of = [
        Person(alice_online.url, alice_online.session.headers["Authorization"].split()[1]) for _ in conversations
    ]
    results: list[int] = []

    def talk(number: int) -> None:
        answer = person_of[number].stream if number % 2 else person_of[number].chat
        response = answer(conversations[number].pk)
        _ = response.content
        results.append(response.status_code)

    threads = [threading.Thread(target=talk, args=[number]) for number in range(len(conversations))]
    for thread in threads:
        thread.start()
    until(lambda: len(ai.heard) == len(conversations))
    assert alice_online.get("/api/conversations/").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        assert cursor.fetchone()[0] <= 11

        def open_transactions() -> int:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
            count: int = cursor.fetchone()[0]
            return count

        # A heartbeat or a checkpoint may be caught between two statements; one that is held would stay.
        until(lambda: open_transactions() == 0)
    for gate in gates:
        gate.release()
    for thread in threads:
        thread.join(20)
    assert sorted(results) == [200] * 12 + [201] * 12


def test_of_many_sends_at_once_one_wins(server: Server, alice: User, conversation: Conversation, ai: AIServer) -> None:
    gate = ai.waits()
    people = [Person(server.url, tokens.sign_in(alice)["access"]) for _ in range(8)]
    statuses: list[int] = []

    def send(number: int) -> None:
        statuses.append(people[number].chat(conversation.pk, f"From device {number}.").status_code)

    threads = [threading.Thread(target=send, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: len(statuses) == 7)
    gate.release()
    for thread in threads:
        thread.join(20)
    assert sorted(statuses) == [201] + [409] * 7
    assert Message.objects.filter(conversation=conversation, role="user").count() == 1
    assert ai.calls == 1


def test_a_second_send_meanwhile_is_refused_and_leaves_nothing(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    gate = ai.waits()
    first = alice_online.stream(conversation.pk)
    until(lambda: ai.heard)
    for answer in (alice_online.chat, alice_online.stream):
        second = answer(conversation.pk, "Me too!")
        assert second.status_code == 409
        assert second.headers["content-type"] == "application/json"
        assert second.json()["errors"][0]["code"] == "generation_in_progress"
    gate.release()
    list(chunks(first))
    assert not Message.objects.filter(content="Me too!").exists()
    assert ai.calls == 1


def test_an_earlier_parent_makes_a_branch(alice_online: Person, conversation: Conversation, ai: AIServer) -> None:
    first = alice_online.chat(conversation.pk, "First try").json()
    edited = alice_online.chat(conversation.pk, "Second try", parent=first["user_message"]["parent"]).json()
    siblings = [first["user_message"]["id"], edited["user_message"]["id"]]
    assert edited["user_message"]["siblings"] == siblings
    assert edited["conversation"]["active_leaf"] == edited["assistant_message"]["id"]
    said = [message["content"] for message in ai.heard[-1]["messages"]]
    assert "Second try" in said
    assert "First try" not in said


def test_a_null_parent_makes_a_new_root(alice_online: Person, conversation: Conversation) -> None:
    turn = alice_online.chat(conversation.pk, "From the start", parent=None).json()
    assert turn["user_message"]["parent"] is None
    assert turn["user_message"]["depth"] == 0


def test_the_characters_settings_are_sent_and_the_conversations_override_them(
    alice_online: Person, alice: User, ai: AIServer
) -> None:
    character = make_character(alice, temperature=0.3, max_tokens=100, stop=["END"], model="second-model")
    conversation = make_conversation(alice, character, temperature=1.1)
    alice_online.chat(conversation.pk)
    heard = ai.heard[-1]
    assert heard["model"] == "second-model"
    assert (heard["temperature"], heard["max_tokens"], heard["stop"]) == (1.1, 100, ["END"])


def test_a_public_character_can_be_talked_to_until_it_is_hidden(
    bob_online: Person, alice: User, bob: User, ai: AIServer
) -> None:
    character = make_character(alice, visibility="public")
    made = bob_online.post("/api/conversations/", {"character": str(character.pk)}).json()
    assert bob_online.chat(made["id"]).status_code == 201
    character.visibility = "private"
    character.save()
    refused = bob_online.chat(made["id"], "Still there?")
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["code"] == "character_unavailable"
    assert bob_online.get(f"/api/conversations/{made['id']}/messages/").status_code == 200
    assert not Message.objects.filter(content="Still there?").exists()


@pytest.mark.parametrize(
    ("accept", "streams"),
    [
        ("text/event-stream", True),
        ("application/json;q=0.1, text/event-stream", True),
        ("text/event-stream, application/json", True),
        ("text/event-stream; q=0.2, application/json", False),
        ("application/json", False),
        ("application/json; version=1", False),
        ("*/*", False),
        ("text/event-stream;q=0, */*", False),
    ],
)
def test_what_the_client_would_rather_have(
    alice_online: Person, conversation: Conversation, accept: str, streams: bool
) -> None:
    address = f"/api/conversations/{conversation.pk}/chat/"
    response = alice_online.post(address, {"content": "Hello."}, headers={"Accept": accept})
    assert response.status_code == (200 if streams else 201)
    assert response.headers["content-type"].startswith("text/event-stream" if streams else "application/json")


def test_an_answer_that_is_deleted_while_it_is_written_is_gone(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    gate = ai.waits()
    response = alice_online.stream(conversation.pk)
    until(lambda: ai.heard)
    message = Message.objects.get(status="generating")
    path = f"/api/conversations/{conversation.pk}/messages/{message.pk}/"
    assert alice_online.request("DELETE", path).status_code == 204
    gate.says("To whom?")
    assert gate.client_gone.wait(10)
    *_, error, done = chunks(response)
    assert (error["type"], done) == ("error", "[DONE]")
    assert alice_online.chat(conversation.pk, "And now?").status_code == 201


@pytest.mark.parametrize("gone", ["conversation", "account"])
def test_what_is_deleted_meanwhile_is_not_written_to(
    alice_online: Person, alice: User, conversation: Conversation, ai: AIServer, gone: str
) -> None:
    gate = ai.waits()
    response = alice_online.stream(conversation.pk)
    until(lambda: ai.heard)
    if gone == "conversation":
        assert alice_online.request("DELETE", f"/api/conversations/{conversation.pk}/").status_code == 204
    else:
        alice.delete()
    gate.says("To whom?")
    assert gate.client_gone.wait(10), "the call goes on for nobody"
    assert list(chunks(response))[-1] == "[DONE]"
    assert not Message.objects.exists()
    # What it cost stays spent, as long as there is somebody who spent it.
    left = list(Generation.objects.values_list("status", "error", "conversation", "message"))
    assert left == ([("stopped", "deleted", None, None)] if gone == "conversation" else [])


def test_a_turn_costs_the_same_number_of_queries_at_any_length(alice: User, server: object) -> None:
    from django.test.utils import CaptureQueriesContext

    from apps.chat import asking, generations
    from apps.chat.generations import Written

    def cost(conversation: Conversation) -> int:
        with CaptureQueriesContext(connection) as queries:
            job = asking.say(alice, conversation.pk, None, {"content": "How late is it?"})
            assert isinstance(job, asking.Job)
            generations.end(job, Written("Late.", status=MessageStatus.COMPLETE))
        return len(queries)

    short, long = make_conversation(alice), make_conversation(alice)
    grow(short, 10)
    grow(long, 10_000)
    assert cost(short) == cost(long)
