"""Titles: the user's own is never overwritten; a blank one is filled after the first exchange."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.chat.titles import first_words, tidy
from apps.conversations.models import Conversation
from tests.ai_server import AIServer
from tests.factories import make_conversation
from tests.online import Person, until


def title_of(conversation: Conversation) -> str:
    return Conversation.objects.get(pk=conversation.pk).title


def test_a_blank_title_is_asked_for_after_the_first_answer(alice_online: Person, alice: User, ai: AIServer) -> None:
    ai.title = "Tea in the fog"
    conversation = make_conversation(alice)
    answered = alice_online.chat(conversation.pk, "Is there tea?").json()
    assert until(lambda: title_of(conversation)) == "Tea in the fog"
    assert answered["assistant_message"]["content"] == "You said: Is there tea?"
    assert len(ai.title_calls) == 1
    assert not ai.title_calls[0].get("stream")
    alice_online.chat(conversation.pk, "And cake?")
    assert len(ai.title_calls) == 1


def test_the_users_title_stays(alice_online: Person, alice: User, ai: AIServer) -> None:
    conversation = make_conversation(alice, title="Mine")
    alice_online.chat(conversation.pk)
    assert title_of(conversation) == "Mine"
    assert not ai.title_calls


def test_a_title_given_meanwhile_stays(alice_online: Person, alice: User, ai: AIServer) -> None:
    conversation = make_conversation(alice)
    gate = ai.waits()
    response = alice_online.stream(conversation.pk)
    until(lambda: ai.heard)
    alice_online.request("PATCH", f"/api/conversations/{conversation.pk}/", json={"title": "Mine"})
    gate.release()
    _ = response.content
    until(lambda: ai.title_calls)
    assert title_of(conversation) == "Mine"


def test_the_first_words_serve_where_the_model_gives_none(alice_online: Person, alice: User, ai: AIServer) -> None:
    ai.title = "word " * 60
    conversation = make_conversation(alice)
    alice_online.chat(conversation.pk, "Tell me of the ships that pass here every night, please.")
    assert until(lambda: title_of(conversation)) == "Tell me of the ships that pass here…"


def test_with_titles_off_the_model_is_not_asked(alice_online: Person, alice: User, ai: AIServer, settings: Any) -> None:
    settings.AI_TITLES = False
    conversation = make_conversation(alice)
    alice_online.chat(conversation.pk, "Good evening")
    assert until(lambda: title_of(conversation)) == "Good evening"
    assert not ai.title_calls


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('"Tea in the Fog."', "Tea in the Fog"),
        ("Title: Tea", "Tea"),
        ("**Tea**\n\nIs that good?", "Tea"),
        ("\n  \nTea", "Tea"),
        ("", ""),
        ("x" * 81, ""),
    ],
)
def test_a_models_title_is_tidied(text: str, title: str) -> None:
    assert tidy(text) == title


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Good evening", "Good evening"),
        ("one two three four five six seven eight", "one two three four five six seven eight"),
        ("one two three four five six seven eight nine", "one two three four five six seven eight…"),
        ("y" * 200, "y" * 79 + "…"),
    ],
)
def test_first_words(text: str, title: str) -> None:
    assert first_words(text) == title
