"""The prompt's preview: what it shows is what is sent."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters.models import Visibility
from apps.conversations import turns
from apps.conversations.models import Conversation, Role
from tests.ai_server import AIServer
from tests.factories import grow, make_character, make_conversation, say
from tests.online import Person, until, waiting_for_a_lock
from tests.refusals import refused

BOOK = {
    "scan_depth": 4,
    "entries": [
        {"keys": ["lamp"], "content": "{{char}}'s lamp is {{random:red,green,blue,white,amber}}.", "enabled": True},
        {
            "keys": ["fog"],
            "content": "Ships.",
            "enabled": True,
            "extensions": {"probability": 50, "useProbability": True},
        },
        {"keys": ["never"], "content": "Nothing.", "enabled": True},
    ],
}

FULL = {
    "system_prompt": "{{original}} Be brief.",
    "personality": "{{random:calm,wry,kind}}",
    "scenario": "Evening of {{isodate}}.",
    "example_dialogue": "<START>\n{{user}}: Hm?\n{{char}}: Hm.",
    "post_history_instructions": "Answer {{user}}.",
    "lorebook": BOOK,
}


def path(conversation: Conversation) -> str:
    return f"/api/conversations/{conversation.pk}/prompt/"


@pytest.mark.parametrize("content", ["Is the lamp lit in this fog?", "Hello."])
def test_what_it_shows_is_what_is_sent(alice: User, alice_online: Person, ai: AIServer, content: str) -> None:
    conversation = make_conversation(alice, make_character(alice, **FULL), topic="Lamps", persona_description="Tall.")
    say(conversation, "Good evening, is that a lamp?")
    say(conversation, "It is.", Role.ASSISTANT)
    shown = alice_online.get(path(conversation), params={"content": content}).json()
    answered = alice_online.chat(conversation.pk, content).json()
    assert shown["messages"] == ai.heard[-1]["messages"]
    assert shown["model"] == ai.heard[-1]["model"]
    # Made anew, the turn has the same prompt, though chance had a part in it.
    alice_online.post(f"/api/conversations/{conversation.pk}/regenerate/", {})
    assert ai.heard[-1]["messages"] == shown["messages"]
    # And without words of its own, before an answer: that of the turn that is there.
    mid = answered["assistant_message"]["id"]
    for sibling in (ai.heard and answered["assistant_message"]["id"], None):
        leaf = sibling or alice_online.get(f"/api/conversations/{conversation.pk}/").json()["active_leaf"]
        assert alice_online.request("DELETE", f"/api/conversations/{conversation.pk}/messages/{leaf}/").ok, mid
    assert alice_online.get(path(conversation)).json()["messages"] == shown["messages"]


def test_parts_lore_and_reasons(alice: User, as_alice: APIClient) -> None:
    conversation = make_conversation(alice, make_character(alice, **FULL))
    shown = as_alice.get(path(conversation), {"content": "The LAMP!"}).data
    assert [lore["fired_by"] for lore in shown["lore"]] == ["lamp"]
    assert sum(part["tokens"] for part in shown["parts"]) == shown["tokens"] <= shown["budget"]
    assert {part["name"] for part in shown["parts"]} == {
        *("system_prompt", "lore_after_char", "description", "personality", "scenario", "examples", "history"),
        "post_history_instructions",
    }
    assert shown["dropped"] == []
    grow(conversation, 400)
    shown = as_alice.get(path(conversation)).data
    assert shown["tokens"] <= shown["budget"]
    assert [each["what"] for each in shown["dropped"]] == ["examples", "history"]


def test_it_is_not_shown_where_the_prompt_is_not(alices: SimpleNamespace, bob: User, as_bob: APIClient) -> None:
    character = alices.character
    character.visibility = Visibility.PUBLIC
    character.save()
    conversation = make_conversation(bob, character)
    refused = as_bob.get(path(conversation))
    assert refused.status_code == 403
    assert refused.data["errors"][0]["code"] == "prompt_hidden"
    character.prompt_visible = True
    character.save()
    assert as_bob.get(path(conversation)).status_code == 200
    character.visibility = Visibility.PRIVATE
    character.save()
    refused = as_bob.get(path(conversation))
    assert refused.status_code == 409
    assert refused.data["errors"][0]["code"] == "character_unavailable"


def test_before_anything_is_said(alice: User, as_alice: APIClient) -> None:
    conversation = make_conversation(alice, make_character(alice, first_message=""))
    assert [m["role"] for m in as_alice.get(path(conversation)).data["messages"]] == ["system"]
    assert as_alice.get(path(conversation), {"content": "Hi."}).data["messages"][-1] == {
        "role": "user",
        "content": "Hi.",
    }


def test_a_long_conversation_asks_no_more_of_the_database(alice: User, as_alice: APIClient) -> None:
    def queries(conversation: Conversation, **query: Any) -> int:
        as_alice.get(path(conversation), query)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            shown = as_alice.get(path(conversation), query).data
        assert shown["tokens"] <= shown["budget"]
        assert shown["messages"][0]["content"].startswith("Write Ada's next reply")
        return len(captured)

    short = make_conversation(alice, make_character(alice, lorebook=BOOK))
    long = make_conversation(alice, make_character(alice, lorebook=BOOK))
    say(short, "Good evening.")
    grow(long, 3000)
    assert queries(short) == queries(long)
    assert queries(short, content="And?") == queries(long, content="And?")


def test_a_nickname_takes_the_names_place(alice: User, as_alice: APIClient) -> None:
    character = make_character(
        alice, nickname="Lady of the lamp", first_message="I am {{char}}, {{// or not}}{{user}}."
    )
    conversation = make_conversation(alice, character)
    assert conversation.active_leaf is not None
    assert conversation.active_leaf.content == "I am Lady of the lamp, Alice."
    assert "Lady of the lamp repairs clocks." in as_alice.get(path(conversation)).data["messages"][0]["content"]


def test_lore_remembers_by_branch(alice: User, alice_online: Person, ai: AIServer) -> None:
    sticky = {"keys": ["lamp"], "content": "It burns.", "enabled": True, "extensions": {"sticky": 4}}
    at_greeting = {
        "keys": [],
        "content": "@@is_greeting 1\n@@activate_only_after 2\nLate.",
        "enabled": True,
        "constant": True,
    }
    book = {"scan_depth": 1, "entries": [sticky, at_greeting]}
    character = make_character(alice, lorebook=book, alternate_greetings=["You are late."])
    conversation = make_conversation(alice, character, greeting=1, title="Lamps")

    def lore(**query: Any) -> list[str]:
        return [each["fired_by"] for each in alice_online.get(path(conversation), params=query).json()["lore"]]

    assert lore(content="A lamp!") == ["lamp"]
    alice_online.chat(conversation.pk, "A lamp!")
    assert "It burns." in ai.heard[-1]["messages"][0]["content"]
    assert lore(content="And?") == ["sticky", "constant"]
    alice_online.chat(conversation.pk, "And?")
    assert "It burns." in ai.heard[-1]["messages"][0]["content"]
    assert lore(content="And?") == ["constant"]
    # Elsewhere nobody spoke of it.
    greeting = conversation.active_leaf
    assert greeting is not None
    alice_online.chat(conversation.pk, "Fog.", parent=str(greeting.pk))
    assert lore(content="And?") == ["constant"]


def test_it_says_where_even_the_least_is_too_long(alice: User, as_alice: APIClient, settings: Any) -> None:
    settings.AI_CONTEXT_TOKENS = 1024
    conversation = make_conversation(alice, make_character(alice, description="word " * 3000))
    shown = as_alice.get(path(conversation)).data
    assert shown["fits"] is False
    assert shown["tokens"] > shown["budget"]
    assert as_alice.get(path(make_conversation(alice))).data["fits"] is True


@pytest.mark.parametrize("content", ["", " \n"])
def test_blank_words_are_refused_as_when_they_are_sent(alice: User, as_alice: APIClient, content: str) -> None:
    refused(as_alice.get(path(make_conversation(alice)), {"content": content}), 400, "blank", "content")


def test_what_is_deleted_meanwhile_is_not_shown(alice: User, alice_online: Person) -> None:
    conversation = make_conversation(alice)
    *_, leaf = grow(conversation, 4)
    answers: list[Any] = []
    looking = threading.Thread(target=lambda: answers.append(alice_online.get(path(conversation))))
    with transaction.atomic():
        turns.delete(turns.locked(conversation.pk), leaf)
        looking.start()
        until(waiting_for_a_lock)
    looking.join(20)
    assert answers[0].status_code == 200
    assert answers[0].json()["messages"][-1]["content"] == leaf.parent.content
