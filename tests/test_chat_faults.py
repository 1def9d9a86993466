"""When the provider misbehaves: what the client is told, and what is in the database after."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from apps.accounts.models import User
from apps.chat import asking, generations
from apps.chat.models import Generation
from apps.conversations.models import Conversation, Message
from config.offer import Offer
from tests.ai_server import AIServer
from tests.checkpoint import checkpoint
from tests.factories import make_character, make_conversation
from tests.online import Person, Server, chunks, until

Fault = Callable[[AIServer], Any]


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return make_conversation(alice, title="Named already")


def delta(text: str, *, end: bytes = b"\n\n") -> bytes:
    """One frame as a provider sends it, in UTF-8."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return f"data: {json.dumps({'choices': [choice]}, ensure_ascii=False)}".encode() + end


def halves(sent: bytes, *, at: str) -> list[bytes]:
    """Cut in the middle of a letter."""
    place = sent.index(at.encode()) + 1
    return [sent[:place], sent[place:]]


FAULTS: dict[str, tuple[Fault, int, str, str, int]] = {
    # what the provider does: status, code, text that was kept, calls made
    "refuses the key": (
        lambda ai: ai.fails(401, body='{"error": "sk-secret-of-the-operator"}'),
        502,
        "provider_failed",
        "",
        1,
    ),
    "finds the request bad": (lambda ai: ai.fails(400), 502, "provider_failed", "", 1),
    "is busy to the last": (lambda ai: ai.fails(429, times=3), 503, "provider_busy", "", 3),
    "is broken to the last": (lambda ai: ai.fails(500, times=3), 503, "provider_busy", "", 3),
    "never answers": (lambda ai: ai.hangs(), 504, "provider_timeout", "", 1),
    "falls silent": (lambda ai: ai.hangs(after=2), 504, "provider_timeout", "Once upon ", 1),
    "goes away": (lambda ai: ai.drops_after(2), 502, "provider_failed", "Once upon ", 1),
    "ends without a reason": (lambda ai: ai.ends_without_finish(), 502, "provider_failed", "Once upon", 1),
    "sends no JSON": (lambda ai: ai.sends([b"data: {oops\n\n"]), 502, "provider_failed", "", 1),
    "breaks off in a frame": (
        lambda ai: ai.sends([delta("Once "), b"data: {oops\n\n"]),
        502,
        "provider_failed",
        "Once ",
        1,
    ),
    "cuts a letter in two, and stops": (
        lambda ai: ai.sends([*halves(delta("Zoë 🎈", end=b"\r\n\r\n"), at="ë"), *halves(delta(" é"), at="é")]),
        502,
        "provider_failed",
        "Zoë 🎈 é",
        1,
    ),
    "babbles without end": (
        lambda ai: ai.sends(repeat(delta("word " * 8000))),
        502,
        "provider_failed",
        "word word ",
        1,
    ),
    "never ends a line": (
        lambda ai: ai.sends(chain([delta("Once "), b"data: "], repeat(b"x" * 60_000))),
        502,
        "provider_failed",
        "Once ",
        1,
    ),
    "redirects": (lambda ai: ai.redirects("http://127.0.0.1:1/"), 502, "provider_failed", "", 1),
}

SILENT = {"never answers", "falls silent"}


@contextmanager
def soon_given_up(conversation: Conversation) -> Iterator[None]:
    """Its model is that of a provider which is waited for a second, and is no longer on offer afterwards."""
    provider = replace(settings.AI_OFFER.sources[0], name="hurried")
    Conversation.objects.filter(pk=conversation.pk).update(model=f"hurried/{provider.models[0]}")
    offer = Offer((*settings.AI_OFFER.sources, provider))
    with override_settings(AI_OFFER=offer, AI_FIRST_TOKEN_TIMEOUT=1, AI_TOKEN_TIMEOUT=1):
        yield


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failure_is_told_and_the_turn_is_kept(
    alice_online: Person, conversation: Conversation, ai: AIServer, fault: str
) -> None:
    misbehave, status, code, text, calls = FAULTS[fault]
    misbehave(ai)
    with soon_given_up(conversation) if fault in SILENT else nullcontext():
        response = alice_online.chat(conversation.pk, "Do you hear me?")

    assert response.status_code == status
    body = response.json()
    assert body["type"] == "server_error"
    assert body["errors"][0]["code"] == code
    assert ("Retry-After" in response.headers) == (status == 503)
    assert body["user_message"]["content"] == "Do you hear me?"
    assert body["assistant_message"]["status"] == "failed"
    assert body["assistant_message"]["error"]["code"] == code
    assert body["conversation"]["generating"] is None
    assert "sk-secret" not in response.text
    assert ai.url not in response.text
    user, assistant = Message.objects.filter(parent__isnull=False).order_by("id")
    assert (user.content, user.status, assistant.status) == ("Do you hear me?", "complete", "failed")
    assert assistant.content.startswith(text)
    generation = Generation.objects.get()
    assert (generation.status, generation.error) == ("failed", code)
    assert ai.calls == calls
    # And the conversation goes on.
    assert alice_online.chat(conversation.pk, "Again, then.").status_code == 201


def test_in_a_stream_the_failure_is_a_chunk_after_what_was_said(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    ai.drops_after(2)
    response = alice_online.stream(conversation.pk)
    found = list(chunks(response))
    assert response.status_code == 200
    kinds = [chunk if isinstance(chunk, str) else chunk["type"] for chunk in found]
    assert kinds[-4:] == ["text-end", "data-turn", "error", "[DONE]"]
    assert found[-3]["data"]["assistant_message"]["status"] == "failed"
    said = "".join(chunk["delta"] for chunk in found[:-1] if chunk["type"] == "text-delta")
    assert said == Message.objects.get(status="failed").content


def test_an_unreachable_provider_is_502(alice_online: Person, alice: User) -> None:
    conversation = make_conversation(alice, make_character(alice, model="nowhere/lost"))
    response = alice_online.chat(conversation.pk)
    assert response.status_code == 502
    assert "127.0.0.1" not in response.text
    assert Message.objects.filter(status="failed").count() == 1


def test_busy_then_well_is_one_answer(alice_online: Person, conversation: Conversation, ai: AIServer) -> None:
    ai.fails(429, times=2)
    ai.says("Now then.")
    response = alice_online.chat(conversation.pk)
    assert response.status_code == 201
    assert response.json()["assistant_message"]["content"] == "Now then."
    assert ai.calls == 3
    assert Generation.objects.count() == 1


def test_hostile_text_is_cleaned_once_and_streamed_as_saved(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    ai.says("", pieces=["nul\x00", "half \ud83d", "\ude00 lone \ud800", "!"])
    found = list(chunks(alice_online.stream(conversation.pk)))
    said = "".join(chunk["delta"] for chunk in found[:-1] if chunk["type"] == "text-delta")
    assert said == "nulhalf \U0001f600 lone \ufffd!"
    assert Message.objects.get(role="assistant", parent__isnull=False).content == said


def begun(user: User, conversation: Conversation, turn: dict[str, str]) -> asking.Job:
    job = asking.say(user, conversation.pk, None, turn)
    assert isinstance(job, asking.Job)
    return job


def test_what_a_dead_process_left_is_swept_up_with_its_text(
    alice_online: Person, conversation: Conversation, alice: User, ai: AIServer, server: Server
) -> None:
    """The rows of a process that was killed: a running generation whose heartbeat stands still."""
    job = begun(alice, conversation, {"content": "Where were we?"})
    checkpoint(job, generations.Written("We were at"))
    Generation.objects.filter(pk=job.generation).update(heartbeat="2020-01-01T00:00:00Z")
    message = until(lambda: Message.objects.filter(pk=job.message, status="interrupted").first())
    assert message.content == "We were at"
    assert message.error["code"] == "interrupted"
    assert Generation.objects.get(pk=job.generation).status == "interrupted"
    assert alice_online.get(f"/api/conversations/{conversation.pk}/").json()["generating"] is None
    assert ai.calls == 0
    assert alice_online.chat(conversation.pk, "Go on.").status_code == 201


def test_an_end_overrides_a_sweep_that_came_too_early(alice: User, conversation: Conversation) -> None:
    """A process that lost the database for a while saves its text when it is back."""
    job = begun(alice, conversation, {"content": "Hello?"})
    Generation.objects.filter(pk=job.generation).update(heartbeat="2020-01-01T00:00:00Z")
    assert generations.sweep() == 1
    turn = generations.end(job, generations.Written("Here after all.", status=generations.MessageStatus.COMPLETE)).turn
    assert turn is not None
    assert turn["assistant_message"]["content"] == "Here after all."
    assert Message.objects.get(pk=job.message).status == "complete"


@pytest.fixture
def refuses_messages(server: Server) -> Iterator[Callable[[], None]]:
    """A database that takes requests, but will not have messages changed: until the fixture's value is called."""

    def mend() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER IF EXISTS broken ON conversations_message")

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$"
        )
        cursor.execute("CREATE TRIGGER broken BEFORE UPDATE ON conversations_message EXECUTE FUNCTION break()")
    yield mend
    mend()


def test_an_answer_outlives_a_database_that_refuses_it_for_a_while(
    alice_online: Person, conversation: Conversation, ai: AIServer, refuses_messages: Callable[[], None]
) -> None:
    gate = ai.waits()
    response = alice_online.stream(conversation.pk)
    gate.says("Said while nothing could be saved.")
    gate.release()
    until(lambda: gate.ended.is_set())
    assert not Message.objects.exclude(status="generating").filter(content__contains="Said").exists()
    refuses_messages()
    assert list(chunks(response))[-1] == "[DONE]"
    assert "Said while" in Message.objects.get(status="complete", depth=2).content


@pytest.mark.django_db
def test_the_database_itself_allows_one_running_generation(alice: User, conversation: Conversation) -> None:
    from django.db import IntegrityError, transaction

    job = begun(alice, conversation, {"content": "Hello?"})
    with pytest.raises(IntegrityError), transaction.atomic():
        Generation.objects.create(
            user=alice, conversation=conversation, message_id=job.message, provider="x", model="y"
        )


@pytest.mark.parametrize(("said", "told"), [(7, {"retry_after": 7}), (None, {})])
def test_a_stream_says_when_a_busy_provider_wants_to_be_asked_again(
    alice_online: Person, conversation: Conversation, ai: AIServer, said: int | None, told: dict[str, int]
) -> None:
    with soon_given_up(conversation):  # one that is to be waited for longer than that is not waited for
        ai.fails(429, retry_after=said, times=3)
        read = list(chunks(alice_online.stream(conversation.pk)))
    [turn] = [chunk["data"] for chunk in read if isinstance(chunk, dict) and chunk["type"] == "data-turn"]
    assert turn["assistant_message"]["error"]["code"] == "provider_busy"
    assert {name: turn[name] for name in turn.keys() - {"user_message", "assistant_message", "conversation"}} == told
