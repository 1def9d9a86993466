"""Characters and conversations: made, read, changed and deleted."""

from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters.models import Character
from apps.conversations.models import Conversation, Message, MessageStatus, Role
from tests.factories import make_character, make_conversation, say

CARD = {
    "name": "Ada",
    "description": "{{char}} repairs clocks.",
    "personality": "Patient.",
    "scenario": "A shop.",
    "system_prompt": "Be Ada.",
    "first_message": "Hello, {{user}}.",
    "alternate_greetings": ["Good evening.", "You again!"],
    "example_dialogue": "<START>\n{{user}}: Hi.",
    "post_history_instructions": "Tick.",
    "creator": "alice",
    "creator_notes": "For evenings.",
    "character_version": "1.2",
    "tags": ["clocks", "shop"],
    "lorebook": {"entries": [{"keys": ["tower"]}]},
    "extensions": {"depth_prompt": {"depth": 4}},
    "model": "second-model",
    "temperature": 0.7,
    "top_p": 0.9,
    "max_tokens": 300,
    "stop": ["END", "\n"],
    "visibility": "public",
    "prompt_visible": True,
}


@pytest.fixture
def ada(alice: User) -> Character:
    return make_character(alice)


def make(client: APIClient, path: str, **body: Any) -> Any:
    response = client.post(path, body, format="json")
    assert response.status_code == 201, response.content
    return response.json()


def change(client: APIClient, path: str, **body: Any) -> Any:
    response = client.patch(path, body, format="json")
    assert response.status_code == 200, response.content
    return response.json()


def refused(response: Any, status: int, word: str) -> None:
    """`word` is the field of a 400, the code of anything else."""
    assert response.status_code == status, response.content
    [error] = response.json()["errors"]
    assert error["attr" if status == 400 else "code"] == word


def greetings(conversation: Any) -> list[str]:
    rows = Message.objects.filter(conversation=conversation["id"], parent=None).order_by("id")
    return [row.content for row in rows]


def greeted_with(conversation: Any) -> str:
    return Message.objects.get(pk=conversation["active_leaf"]).content


# ── Characters ───────────────────────────────────────────────────────────────────────────────


def test_a_character_keeps_every_field(as_alice: APIClient) -> None:
    made = make(as_alice, "/api/characters/", **CARD)
    assert CARD.items() <= made.items()
    assert made["mine"] is True
    assert as_alice.get(f"/api/characters/{made['id']}/").json() == made


def test_a_name_is_all_that_a_character_needs(as_alice: APIClient) -> None:
    made = make(as_alice, "/api/characters/", name="  Ada ")
    assert (made["name"], made["visibility"], made["prompt_visible"]) == ("Ada", "private", False)
    assert (made["tags"], made["lorebook"], made["temperature"], made["model"]) == ([], {}, None, "")


@pytest.mark.parametrize("name", sorted(CARD))
def test_a_patch_changes_one_field_alone(name: str, as_alice: APIClient) -> None:
    before = make(as_alice, "/api/characters/", name="Basil")
    after = change(as_alice, f"/api/characters/{before['id']}/", **{name: CARD[name]})
    assert after == {**before, name: CARD[name], "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]


def test_a_put_names_what_it_must_and_changes_what_it_names(as_alice: APIClient) -> None:
    before = make(as_alice, "/api/characters/", **CARD)
    address = f"/api/characters/{before['id']}/"
    refused(as_alice.put(address, {"description": "?"}, format="json"), 400, "name")
    after = as_alice.put(address, {"name": "Basil", "tags": []}, format="json").json()
    assert after == {**before, "name": "Basil", "tags": [], "updated_at": after["updated_at"]}


def test_a_model_that_is_not_on_offer_is_refused(as_alice: APIClient, ada: Character) -> None:
    for path in ("/api/characters/", f"/api/conversations/{make_conversation(ada.user, ada).pk}/"):
        send = as_alice.post if path == "/api/characters/" else as_alice.patch
        refused(send(path, {"name": "Ada", "model": "gpt-9"}, format="json"), 400, "model")


def test_a_deleted_characters_conversations_stay_readable(as_alice: APIClient, alices: SimpleNamespace) -> None:
    assert as_alice.delete(f"/api/characters/{alices.character.pk}/").status_code == 204
    assert as_alice.get(f"/api/characters/{alices.character.pk}/").status_code == 404
    address = f"/api/conversations/{alices.conversation.pk}/"
    left = as_alice.get(address).json()
    assert (left["character"], left["character_name"], left["title"]) == (None, "Ada", "Clocks")
    assert len(as_alice.get(f"{address}messages/").json()["results"]) == 3
    assert change(as_alice, address, title="Old clocks")["title"] == "Old clocks"
    assert as_alice.delete(address).status_code == 204


# ── Conversations ────────────────────────────────────────────────────────────────────────────


def test_a_conversation_begins_with_the_greetings_as_siblings(as_alice: APIClient, alice: User) -> None:
    character = make_character(
        alice,
        first_message="{{char}} looks up. Hello, {{user}}!",
        alternate_greetings=["<USER>? It is <BOT>.", "{{CHAR}} and {{User}}"],
    )
    made = make(as_alice, "/api/conversations/", character=str(character.pk))
    assert greetings(made) == ["Ada looks up. Hello, Alice!", "Alice? It is Ada.", "Ada and Alice"]
    assert greeted_with(made) == made["last_message_preview"] == "Ada looks up. Hello, Alice!"
    assert (made["message_count"], made["character"], made["character_name"]) == (3, str(character.pk), "Ada")
    [message] = as_alice.get(f"/api/conversations/{made['id']}/messages/").json()["results"]
    assert (message["role"], message["status"], message["depth"], message["parent"]) == (
        "assistant",
        "complete",
        0,
        None,
    )
    assert len(message["siblings"]) == 3
    assert message["siblings"][0] == message["id"] == made["active_leaf"]
    assert message["created_at"] == made["last_message_at"]


def test_greetings_tell_what_macros_name_and_stay_within_bounds(as_alice: APIClient, alice: User) -> None:
    bomb = "{{description}}" * 100
    character = make_character(
        alice,
        description="{{char}} repairs clocks.",
        first_message="{{description}} {{persona}}",
        alternate_greetings=["{{user}}" * 20_000, *[bomb.replace("description", "scenario")] * 20],
        scenario="clock" * 10_000,
    )
    made = make(
        as_alice, "/api/conversations/", character=str(character.pk), persona_name="x" * 100, persona_description="Tall"
    )
    assert greeted_with(made) == "Ada repairs clocks. Tall"
    sizes = [len(message.content) for message in Message.objects.filter(conversation=made["id"])]
    assert max(sizes) == 200_000
    assert sum(sizes) < 1_500_000


def test_a_persona_shows_nothing_of_a_hidden_prompt(as_bob: APIClient, alice: User) -> None:
    character = make_character(
        alice, visibility="public", description="The secret.", first_message="You, {{persona}}? {{scenario}}"
    )
    body = {"character": str(character.pk), "persona_description": "{{description}}"}
    assert "secret" not in greeted_with(make(as_bob, "/api/conversations/", **body))


@pytest.mark.parametrize(
    ("persona", "display_name", "expected"),
    [
        ("Countess", "Alice", "Hello, Countess."),
        ("", "Alice", "Hello, Alice."),
        ("", "", "Hello, User."),
        (r"\1 \g<0>", "Alice", r"Hello, \1 \g<0>."),
        ("{{char}}", "Alice", "Hello, {{char}}."),
    ],
)
def test_a_greeting_calls_the_user_by_persona_else_by_name(
    persona: str, display_name: str, expected: str, as_alice: APIClient, alice: User, ada: Character
) -> None:
    alice.display_name = display_name
    alice.save()
    made = make(as_alice, "/api/conversations/", character=str(ada.pk), persona_name=persona)
    assert greeted_with(made) == expected


@pytest.mark.parametrize("greeting", [0, 1, 2])
def test_a_greeting_is_chosen_by_its_index(greeting: int, as_alice: APIClient, alice: User) -> None:
    character = make_character(alice, first_message="0", alternate_greetings=["1", "2"])
    made = make(as_alice, "/api/conversations/", character=str(character.pk), greeting=greeting)
    assert greeted_with(made) == made["last_message_preview"] == str(greeting)
    assert made["message_count"] == 3


@pytest.mark.parametrize(
    ("first", "others", "greeting"),
    [("0", ["1"], 2), ("0", [], 1), ("", [], 1), ("0", ["1", " "], 2), ("0", ["1"], -1)],
)
def test_a_greeting_that_there_is_not_is_refused(
    first: str, others: list[str], greeting: int, as_alice: APIClient, alice: User
) -> None:
    character = make_character(alice, first_message=first, alternate_greetings=others)
    body = {"character": str(character.pk), "greeting": greeting}
    refused(as_alice.post("/api/conversations/", body, format="json"), 400, "greeting")
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("greeting", [0, 1, 2])
def test_a_blank_greeting_falls_to_the_next(greeting: int, as_alice: APIClient, alice: User) -> None:
    character = make_character(alice, first_message=" \n", alternate_greetings=["", "Good evening.", "Hm?"])
    made = make(as_alice, "/api/conversations/", character=str(character.pk), greeting=greeting)
    assert greetings(made) == ["Good evening.", "Hm?"]
    assert greeted_with(made) == "Good evening."


def test_a_character_without_greetings_begins_with_silence(as_alice: APIClient, alice: User) -> None:
    made = make(as_alice, "/api/conversations/", character=str(make_character(alice, first_message="").pk))
    assert (made["active_leaf"], made["message_count"], made["last_message_at"]) == (None, 0, None)
    assert made["last_message_preview"] == ""


SETTABLE = {
    "title": "Clocks",
    "topic": "Repairs.\nOld ones.",
    "persona_name": "Countess",
    "persona_description": "Tall.",
    "model": "second-model",
    "temperature": 0.0,
    "top_p": 1.0,
    "max_tokens": 1,
    "stop": [],
}


def test_a_conversation_keeps_what_it_was_begun_with(as_alice: APIClient, ada: Character) -> None:
    made = make(as_alice, "/api/conversations/", character=str(ada.pk), **SETTABLE, archived=True, message_count=9)
    assert SETTABLE.items() <= made.items()
    assert (made["archived"], made["message_count"]) == (False, 1)
    assert as_alice.get(f"/api/conversations/{made['id']}/").json() == made


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize(("name", "value"), [*SETTABLE.items(), ("pinned", True), ("archived", True)])
def test_a_change_changes_one_field_alone(
    method: str, name: str, value: Any, as_alice: APIClient, ada: Character
) -> None:
    before = make(as_alice, "/api/conversations/", character=str(ada.pk))
    address = f"/api/conversations/{before['id']}/"
    after = getattr(as_alice, method)(address, {name: value}, format="json").json()
    assert after == {**before, name: value, "updated_at": after["updated_at"]}
    assert as_alice.get(address).json() == after


@pytest.mark.parametrize(
    "name", ["character", "character_name", "generating", "message_count", "last_message_at", "id"]
)
def test_what_is_kept_for_the_reader_is_not_written_by_him(
    name: str, as_alice: APIClient, alices: SimpleNamespace
) -> None:
    address = f"/api/conversations/{alices.conversation.pk}/"
    before = as_alice.get(address).json()
    other = make_conversation(alices.user)
    after = change(as_alice, address, **{name: str(other.character_id)})
    assert after == {**before, "updated_at": after["updated_at"]}


def test_settings_go_back_to_the_characters(as_alice: APIClient, ada: Character) -> None:
    made = make(as_alice, "/api/conversations/", character=str(ada.pk), **SETTABLE)
    nothing: dict[str, Any] = {"model": "", "temperature": None, "top_p": None, "max_tokens": None, "stop": None}
    assert nothing.items() <= change(as_alice, f"/api/conversations/{made['id']}/", **nothing).items()


def test_a_refused_change_changes_nothing(as_alice: APIClient, alices: SimpleNamespace) -> None:
    address = f"/api/conversations/{alices.conversation.pk}/"
    before = as_alice.get(address).json()
    refused(as_alice.patch(address, {"title": "New", "temperature": 9}, format="json"), 400, "temperature")
    assert as_alice.get(address).json() == before


def test_a_deleted_conversation_takes_its_messages_along(as_alice: APIClient, alices: SimpleNamespace) -> None:
    other = make_conversation(alices.user, alices.character)
    assert as_alice.delete(f"/api/conversations/{alices.conversation.pk}/").status_code == 204
    assert as_alice.get(f"/api/conversations/{alices.conversation.pk}/").status_code == 404
    assert set(Message.objects.values_list("conversation", flat=True)) == {other.pk}
    assert Character.objects.filter(pk=alices.character.pk).exists()


# ── While an answer is being written ─────────────────────────────────────────────────────────


@pytest.fixture
def busy(alices: SimpleNamespace) -> SimpleNamespace:
    """An answer is being written under alice's message."""
    answer = say(alices.conversation, "", Role.ASSISTANT, status=MessageStatus.GENERATING)
    Conversation.objects.filter(pk=alices.conversation.pk).update(generating=answer)
    return SimpleNamespace(address=f"/api/conversations/{alices.conversation.pk}/", answer=answer, said=alices.message)


def test_the_branch_is_not_switched_meanwhile(as_alice: APIClient, busy: SimpleNamespace) -> None:
    before = as_alice.get(busy.address).json()
    body = {"active_leaf": str(busy.said.pk), "title": "Not this either"}
    refused(as_alice.patch(busy.address, body, format="json"), 409, "generation_in_progress")
    assert as_alice.get(busy.address).json() == before


def test_no_message_is_added_meanwhile(as_alice: APIClient, busy: SimpleNamespace) -> None:
    refused(as_alice.post(f"{busy.address}messages/", {"content": "?"}, format="json"), 409, "generation_in_progress")


def test_no_text_is_changed_meanwhile(as_alice: APIClient, busy: SimpleNamespace) -> None:
    address = f"{busy.address}messages/{busy.said.pk}/"
    before = as_alice.get(address).json()
    refused(as_alice.patch(address, {"content": "New", "rating": 1}, format="json"), 409, "generation_in_progress")
    assert as_alice.get(address).json() == before


def test_other_things_are_changed_meanwhile(as_alice: APIClient, busy: SimpleNamespace) -> None:
    assert change(as_alice, busy.address, title="Clocks, again")["generating"] == str(busy.answer.pk)
    assert change(as_alice, f"{busy.address}messages/{busy.said.pk}/", rating=1)["rating"] == 1


def test_deleting_the_answer_ends_the_waiting(as_alice: APIClient, busy: SimpleNamespace) -> None:
    assert as_alice.delete(f"{busy.address}messages/{busy.answer.pk}/").status_code == 204
    left = as_alice.get(busy.address).json()
    assert left["generating"] is None
    assert left["active_leaf"] == str(busy.answer.parent_id)


def test_an_id_in_capitals_is_the_same_id(as_alice: APIClient, ada: Character) -> None:
    response = as_alice.get(f"/api/characters/{str(ada.pk).upper()}/")
    assert response.status_code == 200
    assert response.json()["id"] == str(ada.pk)


def test_a_model_that_is_offered_no_longer_may_stay(as_alice: APIClient, alice: User) -> None:
    character = make_character(alice, model="withdrawn")
    path = f"/api/characters/{character.pk}/"
    assert as_alice.patch(path, {"name": "Mira", "model": "withdrawn"}, format="json").status_code == 200
    refused(as_alice.patch(path, {"model": "another"}, format="json"), 400, "model")


def test_what_was_read_of_a_silent_conversation_can_be_sent_back(as_alice: APIClient, alice: User) -> None:
    made = make(as_alice, "/api/conversations/", character=str(make_character(alice, first_message="").pk))
    path = f"/api/conversations/{made['id']}/"
    assert as_alice.put(path, made, format="json").status_code == 200


def test_search_does_not_mind_letters_case(as_alice: APIClient, alice: User) -> None:
    make_character(alice, name="Mira", tags=["Sea"], creator_notes="Salt")
    for word in ("mira", "SEA", "salt"):
        assert len(as_alice.get("/api/characters/", {"search": word}).json()["results"]) == 1, word
