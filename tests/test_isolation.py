"""Nobody reaches what is another's: every operation of the schema, tried by everybody."""

import json
import re
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
from django.apps import apps
from django.db.models import ForeignKey, Model
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.accounts.ownership import OwnedQuerySet
from apps.api.rows import new_id
from apps.chat.models import KnownModel
from tests.endpoints import FILTERS, KINDS, OF_OTHERS, REFERENCES, Operation, everything, operations, references
from tests.factories import make_character, make_conversation
from tests.online import Person

OPERATIONS = operations()
SECURED = [operation for operation in OPERATIONS if operation.secured]
LISTS = [operation for operation in SECURED if "cursor" in operation.query and not operation.has_id]

# What anybody may do, by design.
PUBLIC = {
    "GET /api/auth/session/",
    "POST /api/auth/session/",
    "DELETE /api/auth/session/",
    "POST /api/auth/jwt/create/",
    "POST /api/auth/jwt/logout/",
    "POST /api/auth/jwt/refresh/",
    "POST /api/auth/jwt/verify/",
    "POST /api/auth/users/",
    "POST /api/auth/users/reset_password/",
    "POST /api/auth/users/reset_password_confirm/",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
}

# Learned by the server of the models that it asks; no user's.
NOBODYS = {KnownModel}

OURS = [model for model in apps.get_models() if model.__module__.startswith("apps.") and model not in NOBODYS]


def path_to_owner(model: type[Model]) -> str:
    """The lookup that leads from a row to whose it is."""
    keys = [each for each in model._meta.fields if isinstance(each, ForeignKey)]
    for key in keys:
        if key.related_model is User:
            return key.name
    for key in keys:
        if key.related_model is not model:
            return f"{key.name}__{path_to_owner(key.related_model)}"
    raise AssertionError(f"{model.__name__} belongs to nobody")


def rows_of(user: User) -> dict[str, dict[str, Any]]:
    """Everything of theirs, row by row."""
    found = {}
    for model in OURS:
        lookup = "pk" if model is User else path_to_owner(model)
        rows = model._default_manager.filter(**{lookup: user.pk})
        found |= {f"{model.__name__} {row[model._meta.pk.attname]}": row for row in rows.values()}
    return found


def ids_of(user: User) -> set[str]:
    return {key.split()[1] for key in rows_of(user)}


def shown(response: Any) -> str:
    """The text of an answer, unpacked where it is an archive."""
    if response.headers.get("Content-Type") != "application/zip":
        return str(response.text)
    with ZipFile(BytesIO(response.content)) as archive:
        return "\n".join(name + archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


def attempt(person: Person, operation: Operation, address: str, body: Any, accept: str) -> Any:
    options = {"params": operation.asking()} | ({} if body is None else {"json": body})
    if files := operation.upload():
        options["files"] = files
    return person.request(operation.method, address, headers={"Accept": accept}, **options)


TRIED = [
    pytest.param(operation, accept, id=f"{operation}{' as a stream' if 'stream' in accept else ''}")
    for operation in OPERATIONS
    for accept in ["application/json"] + ["text/event-stream"] * operation.streams
]


@pytest.mark.parametrize(("operation", "accept"), [each for each in TRIED if each.values[0].secured])
def test_what_is_alices_is_hers_alone(
    operation: Operation,
    accept: str,
    alices: SimpleNamespace,
    alice_online: Person,
    bob_online: Person,
    bob: User,
) -> None:
    before, hers = rows_of(alices.user), ids_of(alices.user)
    address, body = operation.address(alices), operation.body(alices)

    refused = attempt(Person(alice_online.url), operation, address, body, accept)
    assert refused.status_code == 401, refused.text
    assert refused.headers["WWW-Authenticate"]
    if operation.has_id:
        missing = attempt(bob_online, operation, address, body, accept)
        assert missing.status_code == 404, missing.text
    else:
        own = attempt(bob_online, operation, address, operation.body(everything(bob)), accept)
        assert own.ok, own.text
        assert not [key for key in hers if key in shown(own)]
    assert rows_of(alices.user) == before

    if str(operation) in OF_OTHERS:
        assert attempt(alice_online, operation, address, body, accept).status_code == 400
        address = operation.allowed(alices)
    allowed = attempt(alice_online, operation, address, body, accept)
    assert allowed.ok, allowed.text
    if operation in LISTS:
        assert [key for key in hers if key in allowed.text], "hers are not there to be hidden"


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if not each.secured], ids=str)
def test_what_is_public_is_so_by_design(operation: Operation, anonymous: APIClient, alices: SimpleNamespace) -> None:
    assert str(operation) in PUBLIC
    response = anonymous.generic(
        operation.method, operation.path, json.dumps(operation.body(alices)), content_type="application/json"
    )
    assert response.status_code < 300, response.content


def test_every_public_operation_is_in_the_schema() -> None:
    assert {str(operation) for operation in OPERATIONS if not operation.secured} == PUBLIC


OWNED = [model for model in OURS if issubclass(type(model._default_manager.none()), OwnedQuerySet)]


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_the_cast_owns_a_row_of_every_kind(model: type[Model], alices: SimpleNamespace) -> None:
    assert model._default_manager.owned_by(alices.user).exists()


def test_every_kind_in_a_path_is_known() -> None:
    in_paths = {name for operation in OPERATIONS for name in re.findall(r"(\w+)/\{", operation.path)}
    assert in_paths == set(KINDS)


CHOICES = [
    pytest.param(operation, {name: choice}, id=f"{operation}?{name}={choice}")
    for operation in SECURED
    if operation.method == "GET"
    for name, part in operation.query.items()
    for choice in part.get("enum", [])
]


@pytest.mark.parametrize(("operation", "query"), CHOICES)
def test_no_choice_of_a_list_shows_what_is_alices(
    operation: Operation, query: dict[str, str], alices: SimpleNamespace, as_alice: APIClient, as_bob: APIClient
) -> None:
    query = operation.asking(**query)
    response = as_bob.get(operation.address(alices), query)
    assert response.status_code == (404 if operation.has_id else 200)
    assert not [key for key in ids_of(alices.user) if key in response.content.decode()]
    assert as_alice.get(operation.address(alices), query).status_code == 200


@pytest.mark.parametrize("operation", LISTS, ids=str)
def test_another_users_id_filters_like_an_unknown_one(
    operation: Operation, alices: SimpleNamespace, as_bob: APIClient, bob: User
) -> None:
    everything(bob)
    for name, part in operation.query.items():
        if part.get("format") == "uuid":
            hers = as_bob.get(operation.path, operation.asking(**{name: getattr(alices, FILTERS[name]).pk}))
            unknown = as_bob.get(operation.path, operation.asking(**{name: new_id()}))
            assert hers.status_code == 200
            assert hers.json() == unknown.json()


def test_every_field_that_takes_an_id_is_known() -> None:
    assert {name for _, name in references()} == set(REFERENCES)


@pytest.mark.parametrize(
    ("operation", "name"), [pytest.param(*each, id=f"{each[0]} {each[1]}") for each in references()]
)
def test_another_users_id_in_a_body_is_unknown(
    operation: Operation, name: str, alices: SimpleNamespace, as_bob: APIClient, bob: User
) -> None:
    bobs = everything(bob)
    hers, unknown = getattr(alices, REFERENCES[name]).pk, new_id()
    before = rows_of(alices.user), rows_of(bob)
    answers = []
    for key in (hers, unknown):
        body = {**(operation.body(bobs) or {}), **operation.naming(name, key)}
        response = as_bob.generic(
            operation.method, operation.address(bobs), json.dumps(body), content_type="application/json"
        )
        assert response.status_code == 400, response.content
        assert [error["attr"] for error in response.json()["errors"]] == [name]
        answers.append(response.content.decode().replace(str(key), "that id"))
    assert answers[0] == answers[1]
    assert (rows_of(alices.user), rows_of(bob)) == before

    body = {**(operation.body(bobs) or {}), **operation.naming(name, getattr(bobs, REFERENCES[name]).pk)}
    if not operation.streams:  # an answer is awaited by the server alone
        response = as_bob.generic(
            operation.method, operation.address(bobs), json.dumps(body), content_type="application/json"
        )
        assert response.status_code < 300, response.content


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        pytest.param(operation, name, id=f"{operation} {name}")
        for operation, name in references()
        if operation.has_id and REFERENCES[name] == "message"
    ],
)
def test_a_message_of_another_conversation_of_ones_own_is_unknown_too(
    operation: Operation, name: str, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    other = make_conversation(alices.user, alices.character)
    before = rows_of(alices.user)
    body = {**(operation.body(alices) or {}), name: str(other.active_leaf_id)}
    response = as_alice.generic(
        operation.method, operation.address(alices), json.dumps(body), content_type="application/json"
    )
    assert response.status_code == 400, response.content
    assert [error["attr"] for error in response.json()["errors"]] == [name]
    assert rows_of(alices.user) == before


PROMPT_FIELDS = {
    "description": "wears a red scarf",
    "personality": "patient scarf",
    "scenario": "a scarf shop",
    "system_prompt": "Mention the scarf.",
    "example_dialogue": "Nice scarf.",
    "post_history_instructions": "Scarf again.",
    "lorebook": {"name": "scarf"},
    "extensions": {"note": "scarf"},
}


@pytest.mark.parametrize("shown", [False, True])
def test_a_public_characters_prompt_is_shown_where_its_owner_says_so(
    shown: bool, alice: User, as_alice: APIClient, as_bob: APIClient
) -> None:
    character = make_character(alice, visibility="public", prompt_visible=shown, **PROMPT_FIELDS)
    address = f"/api/characters/{character.pk}/"
    one = as_bob.get(address).json()
    [listed] = as_bob.get("/api/characters/", {"scope": "public"}).json()["results"]
    for seen in (one, listed):
        assert (seen["name"], seen["mine"], seen["first_message"]) == ("Ada", False, "Hello, {{user}}.")
        assert {name: seen[name] for name in PROMPT_FIELDS if name in seen} == (PROMPT_FIELDS if shown else {})
    assert PROMPT_FIELDS.items() <= as_alice.get(address).json().items()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_public_character_is_its_owners_to_change(
    method: str, alice: User, as_alice: APIClient, as_bob: APIClient
) -> None:
    character = make_character(alice, visibility="public", prompt_visible=True)
    before = rows_of(alice)
    for person, status in ((as_bob, 404), (as_alice, 204 if method == "DELETE" else 200)):
        assert rows_of(alice) == before
        response = person.generic(
            method, f"/api/characters/{character.pk}/", '{"name": "Basil"}', content_type="application/json"
        )
        assert response.status_code == status


@pytest.mark.parametrize("scope", ["public", "all"])
def test_searching_does_not_find_what_is_hidden(scope: str, alice: User, as_bob: APIClient) -> None:
    make_character(alice, visibility="public", **PROMPT_FIELDS)
    assert as_bob.get("/api/characters/", {"scope": scope, "search": "scarf"}).json()["results"] == []
    assert len(as_bob.get("/api/characters/", {"scope": scope, "search": "ada"}).json()["results"]) == 1


def test_only_a_character_that_one_can_see_can_be_talked_to(alice: User, as_bob: APIClient) -> None:
    private, public = make_character(alice), make_character(alice, visibility="public")
    refused = as_bob.post("/api/conversations/", {"character": str(private.pk)}, format="json")
    assert refused.json()["errors"][0]["attr"] == "character"
    made = as_bob.post("/api/conversations/", {"character": str(public.pk)}, format="json")
    assert made.status_code == 201
