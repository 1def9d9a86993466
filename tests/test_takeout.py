"""The archive of an account: everything that is hers, nothing that is another's."""

import json
import re
from contextlib import ExitStack
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.api.files import MAX_NAME
from apps.api.long_work import AT_ONCE
from apps.characters.serializers import CharacterSerializer
from apps.chat.takeout import entry_name
from apps.chat.takeout_views import making
from apps.conversations.documents import to_document
from tests.endpoints import everything
from tests.factories import grow, make_character, make_conversation, say
from tests.online import Person
from tests.refusals import refused
from tests.test_isolation import ids_of

EXPORT = "/api/auth/users/me/export/"

pytestmark = pytest.mark.django_db


def opened(content: bytes) -> dict[str, str]:
    with ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def taken_out(client: APIClient) -> dict[str, str]:
    response: Any = client.get(EXPORT)
    assert response.status_code == 200
    return opened(response.getvalue())


def test_everything_of_hers_is_there(alices: SimpleNamespace, as_alice: APIClient) -> None:
    lorebook = {"entries": [{"keys": ["clock"], "content": "It ticks."}]}
    basil = make_character(alices.user, name="Basil", system_prompt="Be brief.", lorebook=lorebook)
    found = taken_out(as_alice)

    assert list(found) == [
        "README.txt",
        "account.json",
        f"characters/Ada-{alices.character.pk}.json",
        f"characters/Ada-{alices.character.pk}.charx",
        f"characters/Basil-{basil.pk}.json",
        f"conversations/Clocks-{alices.conversation.pk}.json",
        f"knowledge/Clocks-{alices.document.pk}.txt",
        "knowledge.jsonl",
        "facts.jsonl",
        "tools.jsonl",
        "reports.jsonl",
        "usage.jsonl",
    ]
    assert found["README.txt"].count("\n") == 8
    account = json.loads(found["account.json"])
    assert as_alice.get("/api/auth/users/me/").json().items() <= account.items()
    assert len(account["sign_ins"]["tokens"]) == 1
    for character in (alices.character, basil):
        written = json.loads(found[f"characters/{character.name}-{character.pk}.json"])
        assert written == as_alice.get(f"/api/characters/{character.pk}/").json()
        assert set(written) == set(CharacterSerializer.Meta.fields)
    conversation = found[f"conversations/Clocks-{alices.conversation.pk}.json"]
    assert json.loads(conversation) == to_document(alices.conversation)
    assert "What time is it?" in conversation
    assert found[f"knowledge/Clocks-{alices.document.pk}.txt"] == "The clock in the hall has stopped. " * 40
    [document] = map(json.loads, found["knowledge.jsonl"].splitlines())
    assert (document["character_id"], document["title"]) == (str(alices.character.pk), "Clocks")
    [fact] = map(json.loads, found["facts.jsonl"].splitlines())
    assert (fact["character_id"], fact["text"]) == (str(alices.character.pk), "She winds the clocks.")
    [tool] = map(json.loads, found["tools.jsonl"].splitlines())
    assert (tool["name"], tool["builtin"]) == ("clock", "time")
    [report] = map(json.loads, found["reports.jsonl"].splitlines())
    assert (report["character_id"], report["reason"]) == (str(alices.report.character_id), "spam")
    [call] = map(json.loads, found["usage.jsonl"].splitlines())
    assert (call["provider"], call["model"], call["status"]) == ("default", "test-model", "complete")
    assert set(call) >= {"created_at", "error", "prompt_tokens", "completion_tokens", "latency_ms"}


def test_nothing_of_anothers_is_there(alices: SimpleNamespace, as_alice: APIClient, bob: User) -> None:
    """Of a public character of bob's whom she talks to, only what her conversation keeps."""
    everything(bob)
    public = make_character(
        bob,
        name="Cyril",
        visibility="public",
        prompt_visible=True,
        description="A secret heir.",
        creator_notes="Bob's.",
    )
    talk = make_conversation(alices.user, public)
    say(talk, "Good evening.")
    bobs = make_conversation(bob, alices.character)
    say(bobs, "I am bob.")
    found = taken_out(as_alice)

    assert json.loads(found[f"conversations/Cyril-{talk.pk}.json"])["character_name"] == "Cyril"
    everywhere = "\n".join([*found, *found.values()])
    for others in (*ids_of(bob), "bob@example.com", "A secret heir.", "Bob's.", "I am bob.", "Hm."):
        assert others not in everywhere


def test_an_account_with_nothing_in_it_can_be_taken_out(as_bob: APIClient) -> None:
    found = taken_out(as_bob)
    assert (list(found), found["usage.jsonl"]) == (
        ["README.txt", "account.json", "knowledge.jsonl", "facts.jsonl", "tools.jsonl", "reports.jsonl", "usage.jsonl"],
        "",
    )


@pytest.mark.parametrize("accept", ["application/zip", "application/json", "*/*", "text/html,*/*;q=0.8"])
def test_it_is_sent_as_a_file(alices: SimpleNamespace, alice_online: Person, accept: str) -> None:
    response = alice_online.get(EXPORT, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/zip"
    assert response.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(
        r'attachment; filename="dramatis-\d{4}-\d\d-\d\d\.zip"', response.headers["Content-Disposition"]
    )
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert "account.json" in opened(response.content)


def test_a_stranger_gets_none(anonymous: APIClient) -> None:
    for accept in ("application/zip", "application/json"):
        response = anonymous.get(EXPORT, headers={"Accept": accept})
        assert response["Content-Type"] == "application/json"
        refused(response, 401, "not_authenticated")


def test_no_other_form_is_offered(as_alice: APIClient) -> None:
    refused(as_alice.get(EXPORT, headers={"Accept": "application/x-tar"}), 406, "not_acceptable")


def test_archives_do_not_take_every_thread(as_alice: APIClient) -> None:
    with ExitStack() as others:
        for _ in range(AT_ONCE):
            others.enter_context(making)
        response = as_alice.get(EXPORT)
        refused(response, 429, "throttled")
        assert int(response["Retry-After"]) > 0
    for _ in range(AT_ONCE + 1):
        assert taken_out(as_alice)


def test_what_it_costs_does_not_grow_with_messages(alice: User, as_alice: APIClient) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            taken_out(as_alice)
        return len(queries)

    character = make_character(alice)
    costs = []
    for length in (1, 10, 3000):
        grow(make_conversation(alice, character), length)
        costs.append(cost())
    assert costs[2] - costs[1] == costs[1] - costs[0]


def test_more_than_a_page_of_each_is_there_oldest_first(alice: User, as_alice: APIClient) -> None:
    characters = [make_character(alice, name="Ada") for _ in range(21)]
    conversations = [make_conversation(alice, characters[0], title="Clocks") for _ in range(101)]
    found = list(taken_out(as_alice))
    expected = [f"characters/Ada-{each.pk}.json" for each in characters]
    expected += [f"conversations/Clocks-{each.pk}.json" for each in conversations]
    assert found[2:-5] == expected


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Clocks & watches", "Clocks-watches"),
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\Windows\\nul.txt", "C-Windows-nul-txt"),
        ("Café Zoë", "Cafe-Zoe"),
        ("時計", "untitled"),
        ("\u202egnp.exe\r\n", "gnp-exe"),
        ("", "untitled"),
        ("x" * 200, "x" * MAX_NAME),
    ],
)
def test_a_title_becomes_a_name_that_any_system_takes(title: str, name: str) -> None:
    assert entry_name("conversations", title, "0198") == f"conversations/{name}-0198.json"
