"""Tokens: pairs that follow from a sign-in, and everything that ends them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import tokens
from apps.accounts.models import RotatedToken, TokenFamily, User
from tests.conftest import signed_in
from tests.factories import PASSWORD, make_user
from tests.online import Person, Server
from tests.pairs import Pair, assert_ended, assert_lives, claims_of, refreshed, send, sign_in
from tests.refusals import refused

NEW_PASSWORD = "a tidy clockwork"

pytestmark = pytest.mark.django_db


def rotated_ago(seconds: float, refresh: str) -> None:
    """Move the moment at which this token was exchanged back."""
    jti = claims_of(refresh)["jti"]
    moment = timezone.now() - timedelta(seconds=seconds)
    assert RotatedToken.objects.filter(jti=jti).update(rotated_at=moment) == 1


# ── Signing in and out ───────────────────────────────────────────────────────────────────────


def test_a_sign_in_gives_a_pair_that_lives(alice: User) -> None:
    assert_lives(sign_in("Alice@Example.com"))
    alice.refresh_from_db()
    assert alice.last_login is not None


@pytest.mark.parametrize(("email", "password"), [("alice@example.com", "guessed"), ("nobody@example.com", PASSWORD)])
def test_a_wrong_password_and_an_unknown_address_are_one(alice: User, email: str, password: str) -> None:
    refused(send("create", email=email, password=password), 401, "no_active_account")


def test_a_stale_token_does_not_keep_one_from_signing_in(alice: User) -> None:
    client = APIClient(headers={"Authorization": "Bearer stale"})
    body = {"email": "alice@example.com", "password": PASSWORD}
    assert client.post("/api/auth/jwt/create/", body, format="json").status_code == 200


def test_logging_out_ends_this_sign_in_and_no_other(alice: User) -> None:
    here, there = sign_in(), sign_in()
    assert send("logout", refresh=here["refresh"]).status_code == 204
    assert_ended(here)
    assert_lives(there)
    refused(send("logout", refresh=here["refresh"]), 401, "token_not_valid")


def test_families_that_have_expired_are_forgotten(alice: User) -> None:
    sign_in()
    TokenFamily.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    sign_in()
    assert TokenFamily.objects.count() == 1


# ── Rotation ─────────────────────────────────────────────────────────────────────────────────


def test_refreshing_gives_the_next_pair(alice: User) -> None:
    first = sign_in()
    second = refreshed(first)
    assert not set(first.values()) & set(second.values())
    refused(send("verify", token=first["refresh"]), 401, "token_not_valid")
    assert_lives(second)
    assert_lives(refreshed(second))


def test_of_eight_simultaneous_refreshes_one_succeeds(server: Server, alice: User) -> None:
    refresh = sign_in()["refresh"]
    with ThreadPoolExecutor(8) as crowd:
        people = [Person(server.url) for _ in range(8)]
        answers = list(crowd.map(lambda one: one.post("/api/auth/jwt/refresh/", {"refresh": refresh}), people))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    for answer in answers:
        if answer.status_code == 401:
            refused(answer, 401, "token_not_valid")
    [winner] = [answer.json() for answer in answers if answer.status_code == 200]
    assert_lives(winner)
    assert_lives(refreshed(winner))


def test_a_rotated_token_used_again_within_moments_is_refused_and_no_more(alice: User) -> None:
    first = sign_in()
    second = refreshed(first)
    rotated_ago(9, first["refresh"])
    refused(send("refresh", refresh=first["refresh"]), 401, "token_not_valid")
    assert_lives(second)
    assert_lives(refreshed(second))


def test_a_rotated_token_used_again_later_ends_the_family(alice: User) -> None:
    elsewhere, first = sign_in(), sign_in()
    second = refreshed(first)
    rotated_ago(10.5, first["refresh"])
    refused(send("refresh", refresh=first["refresh"]), 401, "token_not_valid")
    assert_ended(second)
    assert_lives(elsewhere)


@pytest.mark.parametrize("rotated", [1, 2])
def test_one_rotated_long_ago_ends_the_family_though_the_last_rotation_was_just_now(alice: User, rotated: int) -> None:
    pairs = [sign_in()]
    for _ in range(rotated + 1):
        pairs.append(refreshed(pairs[-1]))
        rotated_ago(11 if len(pairs) == 2 else 1, pairs[-2]["refresh"])
    refused(send("refresh", refresh=pairs[0]["refresh"]), 401, "token_not_valid")
    assert_ended(pairs[-1])


# ── What ends every token ────────────────────────────────────────────────────────────────────


def by_set_password(alice: User, pair: Pair) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert signed_in(alice).post("/api/auth/users/set_password/", body, format="json").status_code == 204


def by_the_admin(alice: User, pair: Pair) -> None:
    alice.set_password(NEW_PASSWORD)
    alice.save()


def by_changepassword(alice: User, pair: Pair) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("getpass.getpass", lambda prompt: NEW_PASSWORD)
        call_command("changepassword", "alice@example.com", stdout=StringIO())


def by_disabling(alice: User, pair: Pair) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)


def by_deletion(alice: User, pair: Pair) -> None:
    alice.delete()


@pytest.mark.parametrize("ending", [by_set_password, by_the_admin, by_changepassword, by_disabling, by_deletion])
def test_every_token_ends(alice: User, bob: User, ending: Callable[[User, Pair], None]) -> None:
    first, other, bobs = tokens.sign_in(alice), tokens.sign_in(alice), tokens.sign_in(bob)
    second = refreshed(first)
    ending(alice, second)
    for pair in (first, second, other):
        assert_ended(pair)
    assert_lives(bobs)


def test_a_disabled_account_cannot_sign_in(alice: User) -> None:
    by_disabling(alice, {})
    refused(send("create", email="alice@example.com", password=PASSWORD), 401, "no_active_account")


@pytest.mark.parametrize("ending", ["set_password", "me", "logout"])
def test_exchanges_under_way_when_all_ends_are_answered(server: Server, ending: str) -> None:
    for number in range(3):
        carol = make_user(f"carol{number}@example.com")
        families = [tokens.sign_in(carol) for _ in range(8)]

        def exchange(pair: Pair) -> int:
            return Person(server.url).post("/api/auth/jwt/refresh/", {"refresh": pair["refresh"]}).status_code

        def end(pair: Pair) -> int:
            body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD, "refresh": pair["refresh"]}
            method, path = {
                "set_password": ("POST", "/api/auth/users/set_password/"),
                "me": ("DELETE", "/api/auth/users/me/"),
                "logout": ("POST", "/api/auth/jwt/logout/"),
            }[ending]
            return Person(server.url, pair["access"]).request(method, path, json=body).status_code

        with ThreadPoolExecutor(8) as crowd:
            found = [crowd.submit(end if place == 3 else exchange, pair) for place, pair in enumerate(families)]
        codes = [each.result() for each in found]
        assert codes.pop(3) == 204
        assert set(codes) <= {200, 401}
