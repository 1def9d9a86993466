"""The demo account: what a first look shows, and that a later start leaves alone what its user made of it."""

from io import BytesIO, StringIO
from typing import Any

import pytest
from django.core.management import call_command
from PIL import Image
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters.models import Character
from apps.tools.models import Tool
from tests.ai_server import AIServer
from tests.conftest import signed_in
from tests.online import Person, Server

pytestmark = pytest.mark.django_db


def start() -> User:
    call_command("demo", stdout=StringIO())
    return User.objects.get(email="demo@dramatis.local")


@pytest.fixture
def robin() -> User:
    return start()


@pytest.fixture
def as_robin(robin: User) -> APIClient:
    return signed_in(robin)


def conversation_with(client: APIClient, name: str, **fields: Any) -> str:
    character = Character.objects.get(name=name)
    made = client.post("/api/conversations/", {"character": str(character.pk), **fields}, format="json")
    assert made.status_code == 201, made.content
    return f"/api/conversations/{made.json()['id']}/"


def test_two_characters_are_there_with_all_that_one_may_have(as_robin: APIClient) -> None:
    ada, bram = as_robin.get("/api/characters/").json()["results"]
    assert (ada["name"], bram["name"]) == ("Ada", "Captain Bram")
    assert [len(ada["alternate_greetings"]), len(bram["alternate_greetings"])] == [3, 2]
    [dice] = as_robin.get("/api/tools/").json()["results"]
    assert (dice["builtin"], ada["tools"], bram["tools"]) == ("dice", [], [dice["id"]])
    for character in (ada, bram):
        assert len(character["lorebook"]["entries"]) >= 4
        assert character["tags"]
        assert character["creator_notes"]
        # What they are written as is what the API takes.
        again = as_robin.patch(f"/api/characters/{character['id']}/", character, format="json")
        assert again.status_code == 200, again.content
        picture = as_robin.get(f"/api/characters/{character['id']}/avatar/")
        assert Image.open(BytesIO(picture.content)).size == (640, 640)
        assert as_robin.get(f"/api/characters/{character['id']}/export/?as=png").status_code == 200


@pytest.mark.parametrize("name", ["Ada", "Captain Bram"])
def test_each_greeting_can_be_chosen_and_is_filled(as_robin: APIClient, name: str) -> None:
    count = len(Character.objects.get(name=name).greetings())
    for index in range(count):
        messages = as_robin.get(conversation_with(as_robin, name, greeting=index) + "messages/").json()["results"]
        assert (messages[0]["sibling_index"], messages[0]["sibling_count"]) == (index, count)
        assert "{{" not in messages[0]["content"]


@pytest.mark.parametrize(
    ("name", "said", "fired"),
    [
        ("Ada", "Who rings the fog bell?", "The fog bell"),
        ("Ada", "What is under that cloth?", "The forty-first clock"),
        ("Ada", "I would love a cup of tea.", "Tea"),
        ("Ada", "Tell me about your family.", "Grandfather"),
        ("Captain Bram", "I am hungry.", "The stew"),
        ("Captain Bram", "Is this river dangerous?", "The bend at Widow's Hat"),
        ("Captain Bram", "Whose cat is this?", "Duchess"),
    ],
)
def test_lore_comes_up_by_natural_words(as_robin: APIClient, name: str, said: str, fired: str) -> None:
    prompt = as_robin.get(conversation_with(as_robin, name) + "prompt/", {"content": said}).json()
    assert fired in [entry["name"] for entry in prompt["lore"]]
    assert prompt["tokens"] < 1500  # there is room for a talk in a small model's window


def test_a_key_within_another_word_brings_up_nothing(as_robin: APIClient) -> None:
    prompt = as_robin.get(conversation_with(as_robin, "Ada", greeting=0) + "prompt/", {"content": "Instead, a steam."})
    assert "Tea" not in [entry["name"] for entry in prompt.json()["lore"]]


def test_the_captain_rolls_real_dice(server: Server, ai: AIServer) -> None:
    robin = start()
    client = signed_in(robin)
    person = Person(server.url, client._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer "))
    conversation = conversation_with(client, "Captain Bram").split("/")[3]
    ai.calls_tool("dice", {"dice": "2d6"})
    ai.says("Ha!")
    answer = person.chat(conversation, "Roll against me!").json()["assistant_message"]
    [call] = answer["tool_calls"]
    assert (call["name"], call["error"]) == ("dice", None)
    assert '"dice": "2d6"' in call["result"]


def test_a_later_start_leaves_alone_what_is_there(robin: User) -> None:
    Character.objects.filter(name="Ada").delete()
    Character.objects.update(name="Bramble")
    Tool.objects.all().delete()
    User.objects.update(display_name="Robyn")
    assert start() == robin
    assert [each.name for each in Character.objects.all()] == ["Bramble"]
    assert not Tool.objects.exists()
    assert User.objects.get().display_name == "Robyn"
