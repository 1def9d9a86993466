"""What a character knows and keeps, in its turns: told to the model, saved, shown to readers, and to nobody else."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters.models import Character
from apps.conversations.models import Conversation
from apps.knowledge.models import Fact
from tests.ai_server import AIServer
from tests.factories import make_character, make_conversation, make_document, make_tool
from tests.online import Person, chunks

LIGHT = "The lighthouse at Skagen was built in 1858. {{char}} wound its clock."
BREAD = "Bread needs flour, water, salt and time."


@pytest.fixture
def keeper(alice: User) -> Character:
    character = make_character(alice, visibility="public")
    make_document(character, "Lighthouses", LIGHT)
    make_document(character, "Baking", BREAD)
    return character


@pytest.fixture
def talk(alice: User, keeper: Character) -> Conversation:
    return make_conversation(alice, keeper, title="x")


def system(ai: AIServer, call: int = -1) -> str:
    return str(ai.heard[call]["messages"][0]["content"])


def test_a_turn_is_told_what_answers_it(talk: Conversation, alice_online: Person, ai: AIServer) -> None:
    shown = alice_online.get(
        f"/api/conversations/{talk.pk}/prompt/", params={"content": "When was the lighthouse built?"}
    ).json()
    assert {part["name"] for part in shown["parts"]} >= {"knowledge"}
    seen = list(chunks(alice_online.stream(talk.pk, "When was the lighthouse built?")))
    assert ai.heard[0]["messages"] == shown["messages"]
    # As it stands: it is data, and no text of the card.
    assert f"[Lighthouses]\n{LIGHT}" in system(ai)
    assert BREAD not in system(ai)
    [source] = Conversation.objects.get(pk=talk.pk).active_leaf.sources  # type: ignore[union-attr]
    assert (source["title"], source["text"]) == ("Lighthouses", LIGHT)
    [told] = [each for each in seen if isinstance(each, dict) and each["type"] == "source-document"]
    assert told == {
        "type": "source-document",
        "sourceId": source["id"],
        "mediaType": "text/plain",
        "title": "Lighthouses",
        "providerMetadata": {"dramatis": {"text": LIGHT}},
    }
    assert shown["sources"] == [source]
    # Another turn has its own.
    turn = alice_online.chat(talk.pk, "What does bread need?").json()
    assert [each["title"] for each in turn["assistant_message"]["sources"]] == ["Baking"]
    assert turn["user_message"]["sources"] == []
    turn = alice_online.chat(talk.pk, "Qwertz?").json()
    assert turn["assistant_message"]["sources"] == []
    assert "knows that may help" not in system(ai)


@pytest.mark.parametrize("said", ["Hello, how are you?", "And then?", "I am fine, thank you.", "*smiles at you*", "…"])
def test_small_talk_brings_nothing_up(talk: Conversation, alice_online: Person, ai: AIServer, said: str) -> None:
    assert talk.character is not None
    make_document(talk.character, "Letters", "How are you? I am well, and you are kind to ask.")
    assert alice_online.chat(talk.pk, said).json()["assistant_message"]["sources"] == []


def test_what_is_made_anew_has_the_same_and_going_on_no_more(
    talk: Conversation, alice_online: Person, ai: AIServer
) -> None:
    first = alice_online.chat(talk.pk, "When was the lighthouse built?").json()["assistant_message"]
    path = f"/api/conversations/{talk.pk}"
    again = alice_online.post(f"{path}/regenerate/", {}).json()["assistant_message"]
    more = alice_online.post(f"{path}/continue/", {}).json()["assistant_message"]
    assert again["sources"] == first["sources"] == more["sources"]
    assert len(first["sources"]) == 1


def test_it_answers_nobody_elses_questions(
    keeper: Character, bob: User, bob_online: Person, ai: AIServer, alice: User
) -> None:
    keeper.tools.add(make_tool(alice, "look_up", "knowledge", usable_by_others=True))
    conversation = make_conversation(bob, keeper, title="x")
    ai.calls_tool("look_up", {"query": "lighthouse"})
    ai.says("I do not know.")
    turn = bob_online.chat(conversation.pk, "When was the lighthouse built?").json()["assistant_message"]
    assert turn["sources"] == []
    assert turn["tool_calls"][0]["result"] == "Nothing was found."
    assert "1858" not in json.dumps(ai.heard)


def test_it_can_be_looked_up(talk: Conversation, alice: User, alice_online: Person, ai: AIServer) -> None:
    talk.character.tools.add(make_tool(alice, "look_up", "knowledge"))  # type: ignore[union-attr]
    ai.calls_tool("look_up", {"query": "bread flour"})
    ai.says("Time, above all.")
    seen = list(chunks(alice_online.stream(talk.pk, "Qwertz?")))
    [source] = Conversation.objects.get(pk=talk.pk).active_leaf.sources  # type: ignore[union-attr]
    assert source["title"] == "Baking"
    assert json.loads(ai.heard[-1]["messages"][-1]["content"]) == [{"title": "Baking", "text": BREAD}]
    types = [each if isinstance(each, str) else each["type"] for each in seen]
    assert types.index("tool-output-available") < types.index("source-document") < types.index("text-start")


def test_long_passages_leave_room(alice: User, alice_online: Person, ai: AIServer, settings: Any) -> None:
    settings.AI_CONTEXT_TOKENS, settings.AI_SUMMARIES = 1024, False
    character = make_character(alice)
    make_document(character, "Towers", "\n\n".join(f"Tower {n}. " + "The tower is tall. " * 40 for n in range(20)))
    conversation = make_conversation(alice, character, title="x")
    alice_online.chat(conversation.pk, "Which tower is tall?")
    assert len(json.dumps(ai.heard[0]["messages"])) / 3.5 < 512


def test_facts_are_kept_and_recalled(
    alice: User, bob: User, alice_online: Person, bob_online: Person, as_alice: APIClient, ai: AIServer
) -> None:
    character = make_character(alice, visibility="public")
    names = ("remember", "recall")
    character.tools.set([make_tool(alice, name, name, usable_by_others=True) for name in names])
    talk = make_conversation(alice, character, title="x")
    for number, fact in enumerate(["Alice likes tea.", "Alice likes tea.", "She has a cat."]):
        ai.calls_tool("remember", {"fact": fact}, call_id=f"c{number}")
    ai.says("I will remember.")
    turn = alice_online.chat(talk.pk).json()["assistant_message"]
    assert [call["result"] for call in turn["tool_calls"]] == [
        "It will be remembered.",
        "This was known already.",
        "It will be remembered.",
    ]
    # In another conversation.
    ai.calls_tool("recall", {})
    ai.calls_tool("recall", {"query": "TEA coffee"}, call_id="call_2")
    ai.says("Tea?")
    turn = alice_online.chat(make_conversation(alice, character, title="y").pk).json()["assistant_message"]
    assert [json.loads(call["result"]) for call in turn["tool_calls"]] == [
        ["She has a cat.", "Alice likes tea."],
        ["Alice likes tea."],
    ]
    # What is kept about bob is bob's.
    ai.calls_tool("recall", {})
    ai.calls_tool("remember", {"fact": "Bob is tall."}, call_id="call_2")
    ai.says("Hm.")
    turn = bob_online.chat(make_conversation(bob, character, title="z").pk).json()["assistant_message"]
    assert turn["tool_calls"][0]["result"] == "Nothing is known yet."
    kept = as_alice.get("/api/facts/", {"character": str(character.pk)}).data["results"]
    assert [fact["text"] for fact in kept] == ["She has a cat.", "Alice likes tea."]
    # Neither with another character of hers.
    other = make_character(alice, name="Basil")
    other.tools.add(*character.tools.all())
    ai.calls_tool("recall", {})
    ai.says("Hm.")
    turn = alice_online.chat(make_conversation(alice, other, title="x").pk).json()["assistant_message"]
    assert turn["tool_calls"][0]["result"] == "Nothing is known yet."


def test_facts_are_the_users_to_change(alices: Any, as_alice: APIClient) -> None:
    fact = alices.fact
    assert (
        as_alice.patch(f"/api/facts/{fact.pk}/", {"text": " She sings. "}, format="json").data["text"] == "She sings."
    )
    assert as_alice.patch(f"/api/facts/{fact.pk}/", {"text": " "}, format="json").status_code == 400
    Fact.objects.bulk_create(Fact(user=alices.user, character=alices.character, text=f"{n}") for n in range(199))
    body = {"character": str(alices.character.pk), "text": "One more."}
    refused = as_alice.post("/api/facts/", body, format="json")
    assert (refused.status_code, refused.data["errors"][0]["code"]) == (400, "too_many")
    assert as_alice.delete(f"/api/facts/{fact.pk}/").status_code == 204
    assert as_alice.post("/api/facts/", body, format="json").status_code == 201
    as_alice.delete(f"/api/characters/{alices.character.pk}/")
    assert not Fact.objects.exists()
