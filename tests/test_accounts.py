"""Accounts: signing up, one's own account, a new password."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client, override_settings
from rest_framework.test import APIClient

from apps.accounts import tokens
from apps.accounts.models import User
from apps.characters.models import Character
from apps.conversations.models import Conversation, Message
from tests.conftest import signed_in
from tests.factories import PASSWORD, make_conversation
from tests.online import Person, Server, until
from tests.refusals import refused

USERS = "/api/auth/users/"
ME = "/api/auth/users/me/"
NEW_PASSWORD = "a tidy clockwork"
CARLA = {"email": "carla@example.com", "password": PASSWORD, "display_name": "Carla"}

pytestmark = pytest.mark.django_db


def can_sign_in(email: str, password: str) -> bool:
    response = APIClient().post("/api/auth/jwt/create/", {"email": email, "password": password}, format="json")
    assert response.status_code in (200, 401)
    return response.status_code == 200


# ── Signing up ───────────────────────────────────────────────────────────────────────────────


def test_a_new_account_can_be_used_at_once(anonymous: APIClient) -> None:
    response = anonymous.post(USERS, CARLA, format="json")
    assert response.status_code == 201
    carla = User.objects.get()
    assert response.json() == {
        "id": str(carla.pk),
        "email": "carla@example.com",
        "display_name": "Carla",
        "created_at": carla.created_at.isoformat().replace("+00:00", "Z"),
    }
    assert can_sign_in("carla@example.com", PASSWORD)


def test_a_display_name_is_not_needed(anonymous: APIClient) -> None:
    response = anonymous.post(USERS, {"email": "carla@example.com", "password": PASSWORD}, format="json")
    assert (response.status_code, response.json()["display_name"]) == (201, "")


def test_nobody_signs_up_as_staff(anonymous: APIClient) -> None:
    assert anonymous.post(USERS, {**CARLA, "is_staff": True, "is_superuser": True}, format="json").status_code == 201
    carla = User.objects.get()
    assert (carla.is_staff, carla.is_superuser) == (False, False)


@pytest.mark.parametrize("email", ["alice@example.com", "ALICE@Example.COM", " alice@example.com "])
def test_an_address_is_taken_whatever_its_case(alice: User, anonymous: APIClient, email: str) -> None:
    refused(anonymous.post(USERS, {**CARLA, "email": email}, format="json"), 400, "unique", "email")
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["short", "password123", "90817263544", "carla@example.com"])
def test_a_weak_password_is_refused_by_name(anonymous: APIClient, password: str) -> None:
    response = anonymous.post(USERS, {**CARLA, "password": password}, format="json")
    assert response.status_code == 400
    assert {error["attr"] for error in response.json()["errors"]} == {"password"}
    assert not User.objects.exists()


@pytest.mark.parametrize("field", ["email", "password", "display_name"])
@pytest.mark.parametrize("value", [None, 7, ["a"], {"a": 1}, "a\0b@example.com", "\ud800@example.com", "x" * 300])
def test_what_cannot_be_kept_is_refused_by_name(anonymous: APIClient, field: str, value: Any) -> None:
    body = json.dumps({**CARLA, field: value})  # the client's own encoder would stumble over the surrogate
    response = anonymous.post(USERS, body, content_type="application/json")
    assert response.status_code == 400
    assert {error["attr"] for error in response.json()["errors"]} == {field}
    assert not User.objects.exists()


@override_settings(REGISTRATION="closed")
def test_closed_registration_takes_nobody(anonymous: APIClient) -> None:
    refused(anonymous.post(USERS, CARLA, format="json"), 403, "registration_closed")
    assert not User.objects.exists()


def test_of_simultaneous_sign_ups_with_one_address_one_succeeds(server: Server) -> None:
    emails = ["carla@example.com", "CARLA@example.com"] * 2
    with ThreadPoolExecutor(4) as crowd:
        answers = list(crowd.map(lambda email: Person(server.url).post(USERS, {**CARLA, "email": email}), emails))
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    for answer in answers:
        if answer.status_code == 400:
            refused(answer, 400, "unique", "email")
    assert User.objects.count() == 1


# ── One's own account ────────────────────────────────────────────────────────────────────────


def test_me_is_who_asks(as_alice: APIClient, alice: User, bob: User) -> None:
    response = as_alice.get(ME)
    assert response.status_code == 200
    assert (response.json()["id"], response.json()["email"]) == (str(alice.pk), "alice@example.com")


def test_me_is_closed_to_strangers(anonymous: APIClient) -> None:
    refused(anonymous.get(ME), 401, "not_authenticated")


def test_only_the_display_name_can_be_changed(as_alice: APIClient, alice: User) -> None:
    fields = {"display_name": "Al", "email": "root@example.com", "is_staff": True, "password": "x"}
    response = as_alice.patch(ME, fields, format="json")
    assert response.status_code == 200
    assert (response.json()["display_name"], response.json()["email"]) == ("Al", "alice@example.com")
    alice.refresh_from_db()
    assert (alice.display_name, alice.email, alice.is_staff) == ("Al", "alice@example.com", False)
    assert alice.check_password(PASSWORD)


def test_a_deleted_account_takes_everything_of_its_own_along(alices: SimpleNamespace, bob: User) -> None:
    as_alice = signed_in(alices.user)
    kept = make_conversation(bob)
    assert as_alice.delete(ME, {"current_password": PASSWORD}, format="json").status_code == 204
    reported = alices.report.character
    assert set(User.objects.all()) == {bob, reported.user}
    assert set(Character.objects.all()) == {kept.character, reported}
    assert list(Conversation.objects.all()) == [kept]
    assert not Message.objects.exclude(conversation=kept).exists()
    refused(as_alice.get(ME), 401, "token_not_valid")


@pytest.mark.parametrize("body", [{}, {"current_password": "guessed"}])
def test_deleting_needs_the_password(as_alice: APIClient, body: dict[str, str]) -> None:
    code = "invalid_password" if body else "required"
    refused(as_alice.delete(ME, body, format="json"), 400, code, "current_password")
    assert User.objects.count() == 1


def test_an_account_is_deleted_while_turns_are_taken_in_it(server: Server, alice: User) -> None:
    conversations = [make_conversation(alice).pk for _ in range(6)]
    token = tokens.sign_in(alice)["access"]
    with ThreadPoolExecutor(7) as crowd:
        turns = [crowd.submit(Person(server.url, token).chat, pk) for pk in conversations]
        deleted = crowd.submit(Person(server.url, token).request, "DELETE", ME, json={"current_password": PASSWORD})
    assert deleted.result().status_code == 204
    assert {turn.result().status_code for turn in turns} <= {201, 401, 404}
    assert not User.objects.exists()


# ── A new password ───────────────────────────────────────────────────────────────────────────


def test_a_password_is_changed_by_who_knows_it(as_alice: APIClient) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert as_alice.post(f"{USERS}set_password/", body, format="json").status_code == 204
    assert not can_sign_in("alice@example.com", PASSWORD)
    assert can_sign_in("alice@example.com", NEW_PASSWORD)


def test_a_password_is_not_changed_by_a_guess(as_alice: APIClient) -> None:
    body = {"current_password": "guessed", "new_password": NEW_PASSWORD}
    response = as_alice.post(f"{USERS}set_password/", body, format="json")
    refused(response, 400, "invalid_password", "current_password")
    assert can_sign_in("alice@example.com", PASSWORD)


def test_a_weak_new_password_is_refused_by_name(as_alice: APIClient) -> None:
    body = {"current_password": PASSWORD, "new_password": "1234567"}
    response = as_alice.post(f"{USERS}set_password/", body, format="json")
    assert response.status_code == 400
    assert {error["attr"] for error in response.json()["errors"]} == {"new_password"}


def ask_for_reset(email: str) -> Any:
    return APIClient().post(f"{USERS}reset_password/", {"email": email}, format="json")


def reset_link() -> dict[str, str]:
    """What alice's mail says."""
    assert ask_for_reset("Alice@Example.com").status_code == 204
    [message] = until(lambda: mail.outbox)
    assert message.to == ["alice@example.com"]
    return dict(re.findall(r"^(uid|token): (\S+)$", message.body, re.M))


def test_the_mail_sets_a_new_password_once(alice: User, anonymous: APIClient) -> None:
    link = reset_link()
    confirm = f"{USERS}reset_password_confirm/"
    assert anonymous.post(confirm, {**link, "new_password": NEW_PASSWORD}, format="json").status_code == 204
    assert can_sign_in("alice@example.com", NEW_PASSWORD)
    again = anonymous.post(confirm, {**link, "new_password": "another clockwork"}, format="json")
    refused(again, 400, "invalid_token", "token")
    assert can_sign_in("alice@example.com", NEW_PASSWORD)


def test_a_link_used_many_times_at_once_works_once(server: Server, alice: User) -> None:
    link = reset_link()

    def confirm(password: str) -> int:
        body = {**link, "new_password": password}
        return Person(server.url).post(f"{USERS}reset_password_confirm/", body).status_code

    with ThreadPoolExecutor(6) as crowd:
        codes = list(crowd.map(confirm, [f"tidy clockwork {number}" for number in range(6)]))
    assert sorted(codes) == [204, 400, 400, 400, 400, 400]


def test_a_weak_password_does_not_use_up_the_link(alice: User, anonymous: APIClient) -> None:
    link = reset_link()
    confirm = f"{USERS}reset_password_confirm/"
    weak = anonymous.post(confirm, {**link, "new_password": "12345"}, format="json")
    assert {error["attr"] for error in weak.json()["errors"]} == {"new_password"}
    assert anonymous.post(confirm, {**link, "new_password": NEW_PASSWORD}, format="json").status_code == 204


@pytest.mark.parametrize("uid", ["Zm9v", "", "ü", "A", "_w", "MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw", "a\0"])
def test_a_made_up_link_is_refused(anonymous: APIClient, uid: str) -> None:
    body = {"uid": uid, "token": "c1-abc", "new_password": NEW_PASSWORD}
    response = anonymous.post(f"{USERS}reset_password_confirm/", body, format="json")
    assert response.status_code == 400
    assert response.json()["type"] == "validation_error"


def test_nobody_learns_who_has_an_account(alice: User, bob: User) -> None:
    bob.is_active = False
    bob.save()
    answers = [ask_for_reset(email) for email in ("alice@example.com", "bob@example.com", "nobody@example.com")]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 3
    until(lambda: mail.outbox)
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]


@override_settings(PASSWORD_RESET_URL="https://chat.example.com/reset/{uid}/{token}")
def test_the_mail_holds_the_address_of_the_operators_page(alice: User) -> None:
    ask_for_reset("alice@example.com")
    [message] = until(lambda: mail.outbox)
    assert re.search(r"^https://chat\.example\.com/reset/\w+/\w+-\w+$", message.body, re.M)


# ── Addresses in lower case, however an account is made ──────────────────────────────────────


def test_createsuperuser_keeps_the_address_in_lower_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--no-input", "--email", "Root@Example.COM", stdout=StringIO())
    root = User.objects.get()
    assert (root.email, root.is_staff, root.is_superuser) == ("root@example.com", True, True)
    assert can_sign_in("ROOT@example.com", PASSWORD)


def test_the_admin_knows_an_address_in_any_case_too(alice: User, client: Client) -> None:
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    fields = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    page = client.post("/admin/accounts/user/add/", {"email": "Alice@Example.com", **fields})
    assert page.status_code == 200
    assert "already exists" in page.content.decode()
    page = client.post("/admin/accounts/user/add/", {"email": "Carla@Example.com", **fields})
    assert page.status_code == 302
    assert User.objects.filter(email="carla@example.com").exists()
