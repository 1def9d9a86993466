"""Characters that others made public: to be found, talked to, copied where that is allowed, and reported."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters import pictures, shelf
from apps.characters.models import Character, CharacterFile, FileKind, Report
from tests.ai_server import AIServer
from tests.factories import PASSWORD, make_character, make_file, make_picture, make_user
from tests.online import Person
from tests.refusals import refused

pytestmark = pytest.mark.django_db


def names(client: APIClient, **query: Any) -> list[str]:
    response = client.get("/api/characters/", {"scope": "public", **query})
    assert response.status_code == 200, response.content
    return [each["name"] for each in response.json()["results"]]


# ── Looking around ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shown(alice: User) -> list[Character]:
    return [
        make_character(alice, visibility="public", **fields)
        for fields in (
            {"name": "Ada", "tags": ["Lighthouse", "calm"], "creator": "Robin Gale"},
            {"name": "Élodie", "nickname": "Lo", "tags": ["lighthouse"], "creator_notes": "Speaks of the moonlight."},
            {"name": "時計職人", "tags": ["calm", "時計"], "creator_notes": "100% hers_alone"},
        )
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["時計職人", "Élodie", "Ada"]),
        ({"tag": "lighthouse"}, ["Élodie", "Ada"]),
        ({"tag": "LIGHTHOUSE"}, ["Élodie", "Ada"]),
        ({"tag": "light"}, []),
        ({"tag": ["calm", "lighthouse"]}, ["Ada"]),
        ({"tag": ["calm", ""]}, ["時計職人", "Ada"]),
        ({"tag": "時計"}, ["時計職人"]),
        ({"search": "ada"}, ["Ada"]),
        ({"search": "élo"}, ["Élodie"]),
        ({"search": "ÉLODIE"}, ["Élodie"]),
        ({"search": "robin GALE"}, ["Ada"]),
        ({"search": "light"}, ["Élodie", "Ada"]),
        ({"search": "moonlight lighthouse"}, ["Élodie"]),
        ({"search": "時計"}, ["時計職人"]),
        ({"search": "100%"}, ["時計職人"]),
        ({"search": "hers_alone"}, ["時計職人"]),
        ({"search": "hersxalone"}, []),
        ({"search": "lo", "tag": "lighthouse"}, ["Élodie"]),
        ({"search": "nobody"}, []),
    ],
)
def test_they_are_found_by_tags_and_words(
    query: dict[str, Any], found: list[str], shown: list[Character], as_bob: APIClient
) -> None:
    assert names(as_bob, **query) == found


def test_private_ones_are_not_found(shown: list[Character], alice: User, as_bob: APIClient) -> None:
    Character.objects.filter(name="Ada").update(visibility="private")
    assert names(as_bob, search="ada") == names(as_bob, tag=["calm", "lighthouse"]) == []


def test_a_search_reads_an_index(shown: list[Character]) -> None:
    """Whatever the planner would choose for three rows, the index fits what is asked."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        assert "character_search" in Character.objects.matching("lighthouse").explain()
        assert "character_tags_folded" in Character.objects.tagged(["calm"]).explain()


def test_a_nickname_and_a_picture_are_everybodys_to_see(alice: User, as_bob: APIClient) -> None:
    character = make_character(alice, visibility="public", nickname="The Keeper")
    shelf.hang(character, pictures.clean(make_picture()))
    seen = as_bob.get(f"/api/characters/{character.pk}/").json()
    assert seen["nickname"] == "The Keeper"
    assert as_bob.get(seen["avatar"]).status_code == 200
    assert "description" not in seen


# ── Talking ──────────────────────────────────────────────────────────────────────────────────


def test_one_talks_to_them_without_seeing_their_prompt(
    alice: User, alice_online: Person, bob_online: Person, ai: AIServer
) -> None:
    character = make_character(alice, visibility="public", description="A secret heir.")
    made = bob_online.post("/api/conversations/", {"character": str(character.pk)})
    assert made.status_code == 201
    ai.says("Good evening.")
    answer = bob_online.chat(made.json()["id"], "Good evening?")
    assert answer.status_code == 201, answer.text
    [heard] = [each for each in ai.heard if "A secret heir." in str(each)][:1]
    assert "Good evening?" in str(heard)
    conversation = f"/api/conversations/{made.json()['id']}"
    for seen in (answer, *(bob_online.get(f"{conversation}/{page}") for page in ("", "messages/", "export/"))):
        assert "secret heir" not in seen.text


# ── Copies ───────────────────────────────────────────────────────────────────────────────────


def with_files(character: Character) -> Character:
    shelf.hang(character, pictures.clean(make_picture()))
    make_file(character, FileKind.ORIGINAL, "card.json", b'{"name": "Ada"}', "application/json")
    make_file(character, FileKind.ASSET, "assets/a.png", b"\0\xff picture", "image/png")
    return character


def contents(character: Any) -> set[tuple[Any, ...]]:
    rows = CharacterFile.objects.filter(character=character).values_list(
        "kind", "path", "media_type", "size", "sha256", "content"
    )
    return {(*row[:-1], bytes(row[-1])) for row in rows}


@pytest.mark.parametrize("whose", ["one's own", "another's"])
def test_a_copy_is_private_and_has_everything(whose: str, alice: User, as_alice: APIClient, as_bob: APIClient) -> None:
    fields = {"description": "A keeper.", "tags": ["calm"], "lorebook": {"entries": []}, "nickname": "A"}
    character = with_files(make_character(alice, visibility="public", prompt_visible=True, **fields))
    client = as_alice if whose == "one's own" else as_bob
    made = client.post(f"/api/characters/{character.pk}/duplicate/")
    assert made.status_code == 201, made.content
    copy = made.json()
    assert copy["id"] != str(character.pk)
    assert (copy["mine"], copy["visibility"], copy["prompt_visible"], copy["name"]) == (True, "private", False, "Ada")
    assert fields.items() <= copy.items()
    assert len(contents(copy["id"])) == 3
    assert contents(copy["id"]) == contents(character.pk)
    shown, original = (client.get(f"/api/characters/{pk}/avatar/").content for pk in (copy["id"], character.pk))
    assert shown == original

    # Each goes its own way.
    character.delete()
    assert client.get(f"/api/characters/{copy['id']}/avatar/").content == original
    assert CharacterFile.objects.count() == 3


def test_bytes_of_a_copy_do_not_leave_the_database(alice: User, as_alice: APIClient) -> None:
    character = make_character(alice)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert as_alice.post(f"/api/characters/{character.pk}/duplicate/").status_code == 201
        selected = [each["sql"] for each in queries if each["sql"].startswith("SELECT")]
        assert not [each for each in selected if '"content"' in each]
        return len(queries)

    costs = [cost()]
    for number in range(5):
        make_file(character, FileKind.ASSET, f"{number}.png", b"x", "image/png")
    assert [cost()] == costs


def test_a_hidden_prompt_is_neither_copied_nor_exported(alice: User, as_alice: APIClient, as_bob: APIClient) -> None:
    character = make_character(alice, visibility="public")
    copied = as_bob.post(f"/api/characters/{character.pk}/duplicate/")
    refused(copied, 403, "prompt_hidden")
    for form in shelf.FORMS:
        refused(as_bob.get(f"/api/characters/{character.pk}/export/", {"as": form}), 403, "prompt_hidden")
    assert Character.objects.count() == 1
    assert as_alice.post(f"/api/characters/{character.pk}/duplicate/").status_code == 201


def test_what_is_private_cannot_be_copied_whatever_its_prompt(alice: User, as_bob: APIClient) -> None:
    character = make_character(alice, prompt_visible=True)
    for action in ("duplicate", "report"):
        response = as_bob.post(f"/api/characters/{character.pk}/{action}/", {"reason": "spam"}, format="json")
        refused(response, 404, "not_found")


# ── Reports ──────────────────────────────────────────────────────────────────────────────────


def report(client: APIClient, character: Character, **fields: Any) -> Any:
    return client.post(f"/api/characters/{character.pk}/report/", {"reason": "spam", **fields}, format="json")


def test_the_staff_is_told_once_a_person(gretas: Character, bob: User, as_bob: APIClient, as_alice: APIClient) -> None:
    told = report(as_bob, gretas, details="Sells watches.")
    assert (told.status_code, told.json()["reason"], told.json()["details"]) == (201, "spam", "Sells watches.")
    Report.objects.update(closed_at="2026-01-01T00:00:00Z")
    again = report(as_bob, gretas, reason="hate")
    assert (again.status_code, again.json()["reason"], again.json()["details"]) == (200, "hate", "")
    [row] = Report.objects.all()
    assert (row.user, row.character, row.closed_at) == (bob, gretas, None)
    assert report(as_alice, gretas).status_code == 201
    assert Report.objects.count() == 2


def test_a_report_says_why_and_is_not_of_ones_own(gretas: Character, alice: User, as_alice: APIClient) -> None:
    refused(report(as_alice, gretas, reason="boredom"), 400, "invalid_choice", "reason")
    refused(report(as_alice, gretas, details="x" * 2001), 400, "max_length", "details")
    response = report(as_alice, make_character(alice, visibility="public"))
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "own_character")
    assert not Report.objects.exists()


def test_reports_go_with_their_character_and_their_account(
    gretas: Character, alice: User, bob: User, as_alice: APIClient, as_bob: APIClient
) -> None:
    other = make_character(alice, visibility="public")
    for character in (gretas, other):
        assert report(as_bob, character).status_code == 201
    assert report(as_alice, gretas).status_code == 201
    other.delete()
    assert Report.objects.count() == 2
    bob.delete()
    assert [each.user for each in Report.objects.all()] == [alice]


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    return client


REPORTS = "/admin/characters/report/"


def test_the_staff_reads_closes_and_takes_out_of_sight(
    gretas: Character, alice: User, bob: User, staff: Client
) -> None:
    for user in (alice, bob, make_user("dora@example.com")):
        Report.objects.create(user=user, character=gretas, reason="hate", details="Unkind.")
    first = Report.objects.first()
    assert first is not None
    page = staff.get(REPORTS, {"state": "open", "reason": "hate", "q": "greta"})
    assert page.status_code == 200
    assert page.content.decode().count("Unkind.") == 3
    assert staff.get(f"{REPORTS}{first.pk}/change/").status_code == 200

    staff.post(REPORTS, {"action": "close", "_selected_action": [first.pk]})
    gretas.refresh_from_db()
    assert (Report.objects.filter(closed_at=None).count(), gretas.visibility) == (2, "public")
    last = Report.objects.last()
    assert last is not None
    staff.post(REPORTS, {"action": "make_private", "_selected_action": [last.pk]})
    gretas.refresh_from_db()
    assert (Report.objects.filter(closed_at=None).count(), gretas.visibility) == (0, "private")


def test_the_list_of_reports_costs_the_same_for_many(gretas: Character, alices: SimpleNamespace, staff: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(REPORTS).status_code == 200
        return len(queries)

    cost()
    costs = [cost()]
    for number in range(5):
        Report.objects.create(user=make_user(f"u{number}@example.com"), character=gretas, reason="hate")
    assert [cost()] == costs
