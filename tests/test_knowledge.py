"""Documents that a character knows: kept, listed, renamed, deleted; their owner's alone."""

import json
import threading
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext, override_settings
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.api.rows import new_id
from apps.characters.models import Character
from apps.knowledge import library
from apps.knowledge.checks import NO_VECTORS, vectors_can_be_compared
from apps.knowledge.models import Document, Passage
from apps.knowledge.reading import MAX_TEXT
from apps.knowledge.search import has_vectors
from config.offer import Source
from tests.factories import make_character, make_document
from tests.online import Person, until
from tests.refusals import refused
from tests.test_character_races import waiting_for_a_lock

PROSE = "The keeper winds forty clocks each night. She never sleeps before the last of them has struck twelve. "


@pytest.fixture
def ada(alice: User) -> Character:
    return make_character(alice)


def address(character: Character, document: Any = "", rest: str = "") -> str:
    where = f"/api/characters/{character.pk}/knowledge/"
    return f"{where}{getattr(document, 'pk', document)}/{rest}" if document else where


def give(client: APIClient, character: Character, **body: Any) -> Any:
    body = {"title": "Clocks", "text": "The clock ticks.", **body}
    return client.generic("POST", address(character), json.dumps(body), "application/json")


def test_a_text_is_kept_and_shown(ada: Character, as_alice: APIClient) -> None:
    made = give(as_alice, ada, text="Der Uhrmacher schläft.\r\nNie.")
    assert made.status_code == 201
    shown = made.json()
    document = Document.objects.get()
    assert shown == {
        "id": str(document.pk),
        "title": "Clocks",
        "kind": "text",
        "size": 29,
        "characters": 27,
        "passages": 1,
        "warnings": [],
        "created_at": document.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": document.updated_at.isoformat().replace("+00:00", "Z"),
    }
    del shown["warnings"]
    assert as_alice.get(address(ada, document)).json() == shown
    assert as_alice.get(address(ada)).json() == {"next": None, "previous": None, "results": [shown]}
    [passage] = as_alice.get(address(ada, document, "passages/")).json()["results"]
    assert passage == {
        "id": str(Passage.objects.get().pk),
        "place": 0,
        "heading": "",
        "text": "Der Uhrmacher schläft.\nNie.",
    }


def test_a_long_text_is_its_passages_put_together(ada: Character, as_alice: APIClient) -> None:
    text = f"# Cape Sorrow\n\n{PROSE * 60}\n\n## The clocks\n\n{PROSE * 60}"
    found = give(as_alice, ada, text=text, kind="markdown").json()
    passages: list[Any] = []
    page = f"{address(ada, found['id'], 'passages/')}?page_size=4"
    while page:
        answer = as_alice.get(page).json()
        passages += answer["results"]
        page = answer["next"]
    assert "".join(passage["text"] for passage in passages) == text
    assert [passage["place"] for passage in passages] == list(range(found["passages"]))
    assert {passage["heading"] for passage in passages} == {"Cape Sorrow", "Cape Sorrow › The clocks"}
    assert library.text_of(Document.objects.get()) == text


def test_headings_are_those_of_markdown_where_it_is_said(ada: Character, as_alice: APIClient) -> None:
    for kind, heading in (("text", ""), ("markdown", "One")):
        found = give(as_alice, ada, text="# One\n\nTick.", kind=kind).json()
        assert found["kind"] == kind
        [passage] = as_alice.get(address(ada, found["id"], "passages/")).json()["results"]
        assert passage["heading"] == heading
    refused(give(as_alice, ada, kind="pdf"), 400, "invalid_choice", "kind")


def test_documents_are_listed_newest_first_in_pages(ada: Character, as_alice: APIClient) -> None:
    made = [str(make_document(ada, f"{number}", "Tick.").pk) for number in range(5)]
    make_document(make_character(ada.user), "Another's", "Tick.")
    first = as_alice.get(address(ada), {"page_size": 3}).json()
    second = as_alice.get(first["next"]).json()
    assert [row["id"] for row in first["results"] + second["results"]] == made[::-1]
    assert second["next"] is None
    assert as_alice.get(second["previous"]).json()["results"] == first["results"]


@pytest.mark.parametrize("rest", ["", "passages/"])
def test_one_row_costs_as_many_queries_as_fifty(rest: str, ada: Character, as_alice: APIClient) -> None:
    def cost(document: Document, rows: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            answer = as_alice.get(address(ada, document, rest) if rest else address(ada), {"page_size": 50}).json()
        assert len(answer["results"]) >= rows
        return len(queries)

    few = cost(make_document(ada, "Clocks", "Tick."), 1)
    for _ in range(49):
        make_document(ada, "Clocks", "Tick.")
    assert cost(make_document(ada, "Clocks", PROSE * 600), 50) == few


# ── What a body may be ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        ({"text": "x" * (MAX_TEXT + 1)}, "max_length", "text"),
        ({"text": ""}, "blank", "text"),
        ({"text": " \n "}, "empty", "text"),
        ({"text": "\x01\x02"}, "empty", "text"),
        ({"text": None}, "null", "text"),
        ({"text": ["x"]}, "invalid", "text"),
        ({"text": "a\0b"}, "null_characters_not_allowed", "text"),
        ({"text": "a\ud800b"}, "surrogate_characters_not_allowed", "text"),
        ({"title": " "}, "blank", "title"),
        ({"title": "x" * 201}, "max_length", "title"),
        ({"kind": None}, "null", "kind"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(
    body: dict[str, Any], code: str, attr: str, ada: Character, as_alice: APIClient
) -> None:
    refused(give(as_alice, ada, **body), 400, code, attr)
    assert not Document.objects.exists()


@pytest.mark.slow
def test_a_text_of_two_million_characters_is_taken(ada: Character, alice_online: Person) -> None:
    """Eight megabytes of JSON, where other bodies have two."""
    body = {"title": "Long", "text": "😀" * MAX_TEXT}
    made = alice_online.post(address(ada), body)
    assert made.status_code == 201, made.text[:300]
    assert (made.json()["characters"], made.json()["size"]) == (MAX_TEXT, 4 * MAX_TEXT)
    refused(alice_online.request("PATCH", address(ada, made.json()["id"]), json=body), 413, "body_too_large")


def test_other_bodies_are_not_read(ada: Character, as_alice: APIClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        refused(as_alice.generic("POST", address(ada), "text=Tick", kind), 415, "unsupported_media_type")


# ── How much there may be ────────────────────────────────────────────────────────────────────


def test_a_character_knows_five_hundred_documents(ada: Character, as_alice: APIClient) -> None:
    columns = {"user": ada.user, "character": ada, "title": "x", "kind": "text", "size": 1, "characters": 1}
    rows = [Document(**columns, passage_count=1) for _ in range(library.MAX_DOCUMENTS)]
    Document.objects.bulk_create(rows)
    refused(give(as_alice, ada), 400, "too_many", "text")
    assert give(as_alice, make_character(ada.user)).status_code == 201
    assert as_alice.delete(address(ada, rows[0])).status_code == 204
    assert give(as_alice, ada).status_code == 201


def test_a_characters_documents_have_an_end_together(ada: Character, as_alice: APIClient) -> None:
    first = make_document(ada, "Clocks", "Tick.")
    Document.objects.filter(pk=first.pk).update(characters=library.MAX_CHARACTERS - 16)
    refused(give(as_alice, ada, text="The clock ticks.."), 400, "too_much", "text")
    assert give(as_alice, ada, text="The clock ticks.").status_code == 201


# ── Changes ──────────────────────────────────────────────────────────────────────────────────


def test_a_title_can_be_changed_and_nothing_else(ada: Character, as_alice: APIClient) -> None:
    document = make_document(ada, "Clocks", "Tick.")
    body = {"title": " Watches ", "kind": "pdf", "size": 7, "characters": 7, "passages": 7, "text": "Tock."}
    changed = as_alice.patch(address(ada, document), body, format="json").json()
    assert (changed["title"], changed["kind"], changed["size"], changed["characters"]) == ("Watches", "text", 5, 5)
    assert changed["updated_at"] > changed["created_at"]
    assert library.text_of(document) == "Tick."
    refused(as_alice.patch(address(ada, document), {"title": ""}, format="json"), 400, "blank", "title")
    refused(as_alice.put(address(ada, document), body, format="json"), 405, "method_not_allowed")


def test_a_document_is_deleted_with_its_passages(ada: Character, as_alice: APIClient) -> None:
    kept, gone = make_document(ada, "Clocks", "Tick."), make_document(ada, "Watches", PROSE * 60)
    assert as_alice.delete(address(ada, gone)).status_code == 204
    assert [passage.document for passage in Passage.objects.all()] == [kept]
    for method in ("get", "delete", "patch"):
        refused(getattr(as_alice, method)(address(ada, gone)), 404, "not_found")
    refused(as_alice.get(address(ada, gone, "passages/")), 404, "not_found")


def test_what_a_character_knows_goes_with_it(ada: Character, as_alice: APIClient) -> None:
    make_document(ada, "Clocks", PROSE * 60)
    other = make_document(make_character(ada.user), "Watches", "Tick.")
    assert as_alice.delete(f"/api/characters/{ada.pk}/").status_code == 204
    assert [passage.document for passage in Passage.objects.all()] == [other]
    assert list(Document.objects.all()) == [other]
    refused(as_alice.get(address(ada)), 404, "not_found")
    refused(give(as_alice, ada), 404, "not_found")


def test_a_duplicate_knows_nothing(ada: Character, as_alice: APIClient) -> None:
    make_document(ada, "Clocks", "Tick.")
    copy = as_alice.post(f"/api/characters/{ada.pk}/duplicate/").json()
    assert as_alice.get(f"/api/characters/{copy['id']}/knowledge/").json()["results"] == []


# ── Whose ────────────────────────────────────────────────────────────────────────────────────


def test_what_a_public_character_knows_is_its_owners_alone(
    ada: Character, as_alice: APIClient, as_bob: APIClient
) -> None:
    Character.objects.filter(pk=ada.pk).update(visibility="public", prompt_visible=True)
    document = make_document(ada, "Clocks", "The clock ticks.")
    assert as_bob.get(f"/api/characters/{ada.pk}/").status_code == 200
    assert "clock ticks" not in as_bob.get(f"/api/characters/{ada.pk}/export/?as=json-v3").content.decode()
    refused(as_bob.get(address(ada)), 404, "not_found")
    refused(give(as_bob, ada), 404, "not_found")
    refused(as_bob.get(address(ada, "search"), {"q": "clock"}), 404, "not_found")
    for method in ("get", "delete", "patch"):
        refused(getattr(as_bob, method)(address(ada, document)), 404, "not_found")
    refused(as_bob.get(address(ada, document, "passages/")), 404, "not_found")
    copy = as_bob.post(f"/api/characters/{ada.pk}/duplicate/").json()
    assert as_bob.get(f"/api/characters/{copy['id']}/knowledge/").json()["results"] == []
    assert library.text_of(document) == "The clock ticks."
    assert as_alice.get(address(ada, document)).json()["title"] == "Clocks"


def test_a_document_is_under_its_own_character_only(alices: SimpleNamespace, as_alice: APIClient, bob: User) -> None:
    other, bobs = make_character(alices.user), make_character(bob)
    for character in (other, bobs):
        for rest in ("", "passages/"):
            refused(as_alice.get(address(character, alices.document, rest)), 404, "not_found")
        refused(as_alice.delete(address(character, alices.document)), 404, "not_found")
    refused(as_alice.get(address(other, new_id())), 404, "not_found")
    assert Document.objects.filter(pk=alices.document.pk).exists()


def test_the_admin_shows_how_much_and_not_what(ada: Character, client: Any) -> None:
    document = make_document(ada, "Diary", "Nobody knows that I wind the clocks at night.")
    client.force_login(User.objects.create_superuser("root@example.com", "x"))
    for page in ("", f"{document.pk}/change/", f"{document.pk}/delete/"):
        shown = client.get(f"/admin/knowledge/document/{page}")
        assert shown.status_code == 200
        assert "wind the clocks" not in shown.content.decode()
    assert client.post(f"/admin/knowledge/document/{document.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Passage.objects.exists()


@pytest.mark.parametrize("rest", ["", "{}/", "{}/passages/", "search/?q=clock"])
def test_it_can_be_looked_at_in_a_browser(rest: str, ada: Character, as_alice: APIClient) -> None:
    document = make_document(ada, "Clocks", "The clock ticks.")
    where = address(ada) + rest.format(document.pk)
    page = as_alice.get(where, headers={"Accept": "text/html"})
    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert as_alice.options(where).status_code == 200
    assert as_alice.head(where).status_code == 200


# ── Operators ────────────────────────────────────────────────────────────────────────────────

SOMEWHERE = Source("embeddings", "http://127.0.0.1:9/v1", "", ("a-model",))


def test_operators_are_told_where_vectors_cannot_be_compared(db: None) -> None:
    with override_settings(EMBEDDINGS=SOMEWHERE):
        assert vectors_can_be_compared(databases=["default"]) == []
        with connection.cursor() as cursor:
            cursor.execute("DROP EXTENSION vector")
        assert vectors_can_be_compared(databases=["default"]) == [NO_VECTORS]
        assert vectors_can_be_compared(databases=None) == []
    assert vectors_can_be_compared(databases=["default"]) == []


def test_a_database_that_gives_no_pgvector_is_migrated_all_the_same(db: None) -> None:
    migration = import_module("apps.knowledge.migrations.0001_initial")
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION vector")
        cursor.execute("CREATE ROLE nobody_of_note")
        cursor.execute("SET LOCAL ROLE nobody_of_note")
        migration.compare_vectors(None, connection.schema_editor())
        cursor.execute("RESET ROLE")
        assert not has_vectors(cursor)
        migration.compare_vectors(None, connection.schema_editor())
        assert has_vectors(cursor)


# ── At the same time ─────────────────────────────────────────────────────────────────────────


def while_held(hold: Any, request: Any) -> Any:
    """The answer to a request that came while a transaction was open in which this was done."""
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(request()))
    with transaction.atomic():
        hold()
        asking.start()
        until(waiting_for_a_lock)
    asking.join(20)
    return answers[0]


def test_nothing_is_given_to_a_character_that_is_being_deleted(ada: Character, alice_online: Person) -> None:
    where, body = address(ada), {"title": "Clocks", "text": "Tick."}
    answer = while_held(ada.delete, lambda: alice_online.post(where, body))
    refused(answer, 404, "not_found")
    assert not Document.objects.exists()


def test_nothing_is_given_to_an_account_that_is_being_deleted(ada: Character, alice_online: Person) -> None:
    where, body = address(ada), {"title": "Clocks", "text": "Tick."}
    answer = while_held(ada.user.delete, lambda: alice_online.post(where, body))
    refused(answer, 404, "not_found")
    assert not Document.objects.exists()


def test_no_document_comes_back_that_was_renamed_meanwhile(ada: Character, alice_online: Person) -> None:
    document = make_document(ada, "Clocks", "Tick.")
    where = address(ada, document)
    answer = while_held(document.delete, lambda: alice_online.request("PATCH", where, json={"title": "Watches"}))
    refused(answer, 404, "not_found")
    assert not Document.objects.exists()
