"""Accounts of those who come by Better Auth: whose they are, how they begin and how they end."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts import keys
from apps.accounts.models import ExternalIdentity, TokenFamily, User
from tests.better_auth import Issuer, configure
from tests.conftest import signed_in
from tests.factories import PASSWORD
from tests.online import Person, Server, until
from tests.pairs import assert_ended, assert_lives, me, send, sign_in
from tests.refusals import refused
from tests.test_takeout import taken_out

ME = "/api/auth/users/me/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def issuer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    with Issuer() as issuer:
        configure(issuer.options(), settings, monkeypatch)
        yield issuer


def test_an_unverified_address_opens_no_account(issuer: Issuer, alice: User) -> None:
    pair = sign_in()
    for word in (False, None, "true", 1, [], {}):
        refused(me(issuer.token(email="Alice@example.com", emailVerified=word)), 403, "email_not_verified")
    assert not ExternalIdentity.objects.exists()
    assert_lives(pair)


@pytest.mark.parametrize("claim", ["emailVerified", "email_verified"])
def test_a_verified_address_opens_its_account_and_ends_what_was_signed_in(
    issuer: Issuer, alice: User, claim: str
) -> None:
    """Whoever signed up with the address had not shown that it is theirs."""
    pair, browser = sign_in(), APIClient()
    _, key = keys.make(alice, "Theirs")
    assert browser.post("/api/auth/login/", {"username": alice.email, "password": PASSWORD}).status_code == 302
    response = me(issuer.token(email="ALICE@example.com", **{"emailVerified": None, claim: True}))
    assert response.json()["id"] == str(alice.pk)
    assert_ended(pair)
    assert keys.find(key) is None
    refused(browser.get(ME), 401, "not_authenticated")
    refused(send("create", email="alice@example.com", password=PASSWORD), 401, "no_active_account")
    assert me(issuer.token()).json()["id"] == str(alice.pk)


@pytest.mark.parametrize("right", ["is_staff", "is_superuser"])
def test_the_staffs_accounts_are_not_had_by_an_address(issuer: Issuer, alice: User, right: str) -> None:
    User.objects.update(**{right: True})
    refused(me(issuer.token(email="alice@example.com", emailVerified=True)), 403, "email_taken")
    assert_lives(sign_in())


def test_an_account_is_one_persons_there(issuer: Issuer) -> None:
    """Who got the address later is somebody else."""
    me(issuer.token("u1", email="alice@example.com"))
    refused(me(issuer.token("u2", email="alice@example.com", emailVerified=True)), 403, "email_taken")
    assert ExternalIdentity.objects.get().subject == "u1"


def test_the_same_subject_of_another_issuer_is_somebody_else(
    issuer: Issuer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = me(issuer.token("u1")).json()["id"]
    configure(issuer.options(issuer="https://other.example"), settings, monkeypatch)
    assert me(issuer.token("u1", iss="https://other.example", email="b@example.com")).json()["id"] != first


@pytest.mark.parametrize("email", [None, "", "nobody", 7, [], "a\0@example.com", "\ud800@example.com", "a" * 300])
def test_no_account_is_made_without_an_address(issuer: Issuer, email: Any) -> None:
    refused(me(issuer.token(email=email)), 403, "no_email")
    assert not User.objects.exists()


@pytest.mark.parametrize("name", [None, "", 7, [], "a\0b", "\ud800", "x" * 500])
def test_a_name_that_does_not_fit_keeps_nobody_out(issuer: Issuer, name: Any) -> None:
    response = me(issuer.token(name=name))
    assert response.status_code == 200
    assert len(response.json()["display_name"]) <= 100


def test_where_registration_is_closed_only_who_has_an_account_comes_in(
    issuer: Issuer, alice: User, settings: Any
) -> None:
    me(issuer.token("u1"))
    settings.REGISTRATION = "closed"
    assert me(issuer.token("u1")).status_code == 200
    refused(me(issuer.token("u2")), 403, "registration_closed")
    assert me(issuer.token("u3", email="alice@example.com", emailVerified=True)).json()["id"] == str(alice.pk)
    assert User.objects.count() == 2


def test_a_disabled_user_is_refused(issuer: Issuer, alice: User) -> None:
    me(issuer.token("u1"))
    User.objects.update(is_active=False)
    refused(me(issuer.token("u1")), 401, "no_active_account")
    refused(me(issuer.token("u2", email="alice@example.com", emailVerified=True)), 401, "no_active_account")
    User.objects.update(is_active=True)
    assert me(issuer.token("u1")).status_code == 200


def test_nobody_signs_in_by_a_password_that_is_not_there(issuer: Issuer) -> None:
    token = issuer.token(email="alice@example.com")
    me(token)
    for password in ("", "!", User.objects.get().password):
        assert send("create", email="alice@example.com", password=password).status_code in (400, 401)
    body = {"current_password": "!", "new_password": "a tidy clockwork"}
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    refused(
        client.post("/api/auth/users/set_password/", body, format="json"), 400, "invalid_password", "current_password"
    )
    assert not TokenFamily.objects.exists()


def test_a_deleted_account_does_not_come_back_by_what_was_signed_in_then(issuer: Issuer) -> None:
    token = issuer.token()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.delete(ME).status_code == 204
    assert not ExternalIdentity.objects.exists()
    for old in (token, issuer.token(iat=None)):
        refused(me(old), 401, "no_active_account")
    assert not User.objects.exists()
    assert me(issuer.token(iat=int(time.time()) + 2)).status_code == 200


def test_that_is_remembered_while_redis_is_away(issuer: Issuer, settings: Any) -> None:
    away = {**settings.CACHES["default"], "BACKEND": "django.core.cache.backends.redis.RedisCache", "OPTIONS": {}}
    settings.CACHES = {**settings.CACHES, "default": {**away, "LOCATION": "redis://127.0.0.1:9"}}
    token = issuer.token()
    assert APIClient(headers={"Authorization": f"Bearer {token}"}).delete(ME).status_code == 204
    refused(me(token), 401, "no_active_account")


def test_who_has_a_password_deletes_by_it(issuer: Issuer, alice: User) -> None:
    ExternalIdentity.objects.create(user=alice, issuer=issuer.url, subject="u1")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issuer.token('u1')}")
    refused(client.delete(ME), 400, "required", "current_password")
    assert client.delete(ME, {"current_password": PASSWORD}, format="json").status_code == 204


def test_many_first_requests_at_once_make_one_account(server: Server, issuer: Issuer) -> None:
    token = issuer.token()
    assert me(issuer.token("u2")).status_code == 200
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: Person(server.url, token).get(ME), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == User.objects.count() - 1 == 1
    assert issuer.fetches == 1


def test_the_archive_tells_who_somebody_is_elsewhere(issuer: Issuer, alice: User) -> None:
    ExternalIdentity.objects.create(user=alice, issuer=issuer.url, subject="u1")
    [identity] = json.loads(taken_out(signed_in(alice))["account.json"])["identities"]
    assert (identity["issuer"], identity["subject"]) == (issuer.url, "u1")


def test_a_password_is_reset_by_mail_only_where_there_is_one(issuer: Issuer, alice: User) -> None:
    me(issuer.token("u2"))
    ExternalIdentity.objects.create(user=alice, issuer=issuer.url, subject="u1")
    for email in ("u2@example.com", "alice@example.com"):
        reset = APIClient().post("/api/auth/users/reset_password/", {"email": email}, format="json")
        assert reset.status_code == 204
    until(lambda: mail.outbox)
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]


def test_the_admin_shows_who_somebody_is_elsewhere_and_can_end_it(issuer: Issuer, client: Client) -> None:
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    me(issuer.token("u1"))
    pages = "/admin/accounts/externalidentity"
    identity = ExternalIdentity.objects.get()
    assert "u1@example.com" in client.get(f"{pages}/", {"q": "u1"}).text
    assert client.get(f"{pages}/add/").status_code == 403
    assert client.post(f"{pages}/{identity.pk}/change/", {"subject": "u2"}).status_code == 403
    assert client.post(f"{pages}/{identity.pk}/delete/", {"post": "yes"}).status_code == 302
    refused(me(issuer.token("u1")), 403, "email_not_verified")
