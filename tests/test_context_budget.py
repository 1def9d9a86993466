"""Prompts that fit the model's window, whatever its tokenizer, and what happens where they do not."""

from typing import Any

import pytest
from django.db.models import F, Value
from django.db.models.functions import Concat, Repeat

from apps.accounts.models import User
from apps.chat.models import KnownModel
from apps.conversations.models import Conversation, Message, Summary
from tests.ai_server import AIServer
from tests.factories import grow, make_character, make_conversation
from tests.online import Person, until

HELLO = "Where were we?"


@pytest.fixture
def long(alice: User, settings: Any) -> Conversation:
    """5,000 messages, their lengths as people's are."""
    settings.AI_CONTEXT_TOKENS = None
    KnownModel.objects.create(source="default", model="test-model", window=4096, window_from="provider")
    conversation = make_conversation(
        alice, make_character(alice, description="{{char}} repairs clocks. " * 30), title="x"
    )
    grow(conversation, 5000)
    more = Repeat(Value(" The clock on the stairs had stopped again."), F("depth") * 7 % 11)
    Message.objects.filter(conversation=conversation, depth__gt=0).update(content=Concat("content", more))
    return conversation


@pytest.mark.parametrize("bytes_per_token", [3.0, 4.5])
def test_every_turn_of_a_long_conversation_fits(
    long: Conversation, alice_online: Person, ai: AIServer, settings: Any, bytes_per_token: float
) -> None:
    settings.AI_SUMMARIES = False
    ai.has_window(4096, bytes_per_token=bytes_per_token)
    sizes = []
    for number in range(6):
        answered = alice_online.chat(long.pk, f"{HELLO} {number}")
        assert answered.status_code == 201
        sent = ai.heard[-1]["messages"]
        assert sent[0]["role"] == "system"
        assert "Ada repairs clocks." in sent[0]["content"]
        assert sent[-1]["content"] == f"{HELLO} {number}"
        assert sent[-3]["content"] == (f"{HELLO} {number - 1}" if number else Message.objects.get(depth=4999).content)
        # Learned after the answer, and not in its way.
        until(lambda: KnownModel.objects.filter(mean__isnull=False).exists())
        sizes.append(answered.json()["assistant_message"]["prompt_tokens"])
    assert max(sizes) <= 4096
    assert max(sizes[1:]) <= 4096 - 512
    # What the provider counts teaches how much fits.
    assert sizes[-1] > 0.75 * (4096 - 512)


@pytest.mark.parametrize("refuses_as", ["openai", "llama.cpp"])
def test_a_refused_prompt_is_sent_once_more_with_less(
    long: Conversation, alice_online: Person, ai: AIServer, settings: Any, refuses_as: str
) -> None:
    settings.AI_SUMMARIES = False
    ai.has_window(1500, bytes_per_token=3.0, refuses_as=refuses_as)
    answered = alice_online.chat(long.pk, HELLO)
    assert answered.status_code == 201, answered.text
    assert answered.json()["assistant_message"]["status"] == "complete"
    assert ai.calls == 2
    assert [heard["messages"][-1]["content"] for heard in ai.heard] == [HELLO, HELLO]
    # Its limit is known from now on.
    assert alice_online.chat(long.pk, HELLO).status_code == 201
    assert ai.calls == 3


def test_what_cannot_be_made_shorter_fails_and_says_so(alice: User, alice_online: Person, ai: AIServer) -> None:
    conversation = make_conversation(alice, make_character(alice, description="word " * 3000))
    ai.has_window(1024)
    failed = alice_online.chat(conversation.pk, HELLO)
    assert failed.status_code == 502
    assert failed.json()["errors"][0]["code"] == "context_too_long"
    assert failed.json()["user_message"]["content"] == HELLO
    assert failed.json()["assistant_message"]["error"]["code"] == "context_too_long"
    assert ai.calls == 1


def test_a_refusal_without_a_number_is_remembered(
    long: Conversation, alice_online: Person, ai: AIServer, settings: Any
) -> None:
    settings.AI_SUMMARIES = False
    ai.has_window(1000, refuses_as="groq")
    answers = [alice_online.chat(long.pk, HELLO) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [502, 201, 201]
    calls = ai.calls
    for _ in range(3):
        assert alice_online.chat(long.pk, HELLO).status_code == 201
    assert ai.calls == calls + 3
    # It is a matter of this conversation alone, and of a day.
    assert KnownModel.objects.get().window == 4096
    Conversation.objects.filter(pk=long.pk).update(refused_at="2026-01-01T00:00:00Z")
    alice_online.chat(long.pk, HELLO)
    assert ai.calls == calls + 5


def test_what_only_the_shorter_prompt_leaves_out_is_summed_up(
    alice: User, alice_online: Person, ai: AIServer, settings: Any
) -> None:
    settings.AI_CONTEXT_TOKENS = 4096
    conversation = make_conversation(alice, title="x")
    grow(conversation, 100)
    Message.objects.filter(conversation=conversation, depth__gt=0).update(
        content=Concat("content", Value(" tick" * 15))
    )
    ai.has_window(2000)
    assert alice_online.chat(conversation.pk, HELLO).status_code == 201
    first, second = (heard["messages"][1]["content"] for heard in ai.heard)
    assert first.startswith("Hello")
    summary = until(lambda: Summary.objects.filter(conversation=conversation).order_by("-depth").first())
    assert summary.depth >= Message.objects.get(content=second).depth


def test_a_second_refusal_is_the_last(long: Conversation, alice_online: Person, ai: AIServer) -> None:
    ai.fails(400, body='{"error": {"code": "context_length_exceeded", "message": "no"}}', times=2)
    assert alice_online.chat(long.pk, HELLO).status_code == 502
    assert ai.calls == 2


def test_no_second_try_once_an_answer_has_begun(long: Conversation, alice_online: Person, ai: AIServer) -> None:
    ai.sends(
        [
            b'data: {"choices": [{"delta": {"content": "Once"}}]}\n\n',
            b'data: {"error": {"code": "context_length_exceeded", "message": "no"}}\n\n',
        ]
    )
    failed = alice_online.chat(long.pk, HELLO)
    assert failed.status_code == 502
    assert failed.json()["assistant_message"]["content"] == "Once"
    assert ai.calls == 1
