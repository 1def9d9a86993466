"""Who guesses is slowed down: by the address that they come from, and by the account that they try."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from rest_framework.test import APIClient

from apps.accounts.models import User
from tests.factories import PASSWORD
from tests.refusals import refused

ALICE, BOB = "alice@example.com", "bob@example.com"
GUESS = "guessed"
NEW_PASSWORD = "a tidy clockwork"
PAGES = ["/api/auth/login/", "/admin/login/"]

pytestmark = pytest.mark.django_db


RATES = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]


@pytest.fixture(autouse=True)
def few_tries_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for scope in ("sign-in", "sign-up", "reset"):
        monkeypatch.setitem(RATES, f"{scope}-account", "5/min")
        monkeypatch.setitem(RATES, f"{scope}-address", "12/min")


def rate(scope: str) -> int:
    return int(RATES[scope].partition("/")[0])


def post(path: str, body: dict[str, str], **extra: Any) -> Any:
    return APIClient().post(f"/api/auth/{path}/", body, format="json", **extra)


def sign_in(email: str, password: str = PASSWORD, **extra: Any) -> Any:
    return post("jwt/create", {"email": email, "password": password}, **extra)


def sign_up(email: str, **extra: Any) -> Any:
    return post("users", {"email": email, "password": PASSWORD}, **extra)


def ask_for_reset(email: str, **extra: Any) -> Any:
    return post("users/reset_password", {"email": email}, **extra)


def at_page(page: str, username: str, password: str = PASSWORD, **fields: str) -> bool:
    """Whether the sign-in page lets them in."""
    client = Client()
    client.post(page, {"username": username, "password": password, **fields})
    return "_auth_user_id" in client.session


def guess_until_throttled(email: str = ALICE) -> None:
    for _ in range(rate("sign-in-account")):
        refused(sign_in(email, GUESS), 401, "no_active_account")
    refused(sign_in(email, GUESS), 429, "throttled")


def test_below_the_rate_everybody_is_let_in(alice: User) -> None:
    codes = [sign_in(ALICE).status_code for _ in range(rate("sign-in-account"))]
    assert set(codes) == {200}


def test_guesses_at_an_account_are_slowed_down(alice: User, bob: User) -> None:
    guess_until_throttled()
    response = sign_in(ALICE)
    refused(response, 429, "throttled")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert sign_in(BOB).status_code == 200


@pytest.mark.parametrize("email", ["ALICE@Example.com", "  alice@example.com ", "Alice@example.com\t"])
def test_an_account_is_the_same_in_any_case(alice: User, email: str) -> None:
    guess_until_throttled()
    refused(sign_in(email), 429, "throttled")


def test_guesses_from_many_addresses_count_together(alice: User) -> None:
    for number in range(rate("sign-in-account")):
        refused(sign_in(ALICE, GUESS, REMOTE_ADDR=f"10.0.0.{number}"), 401, "no_active_account")
    refused(sign_in(ALICE, REMOTE_ADDR="10.0.1.1"), 429, "throttled")


def test_guesses_from_an_address_are_slowed_down_whatever_it_says_of_itself(alice: User) -> None:
    for number in range(rate("sign-in-address")):
        answer = sign_in(f"nobody{number}@example.com", GUESS, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}")
        refused(answer, 401, "no_active_account")
    refused(sign_in(ALICE, HTTP_X_FORWARDED_FOR="10.0.1.1"), 429, "throttled")
    assert sign_in(ALICE, REMOTE_ADDR="10.0.1.1").status_code == 200


def test_broken_bodies_count_too(alice: User) -> None:
    for _ in range(rate("sign-in-address")):
        assert post("jwt/create", {"password": GUESS}).status_code == 400
    refused(sign_in(ALICE), 429, "throttled")


@override_settings(REST_FRAMEWORK={**settings.REST_FRAMEWORK, "NUM_PROXIES": 1})
def test_the_operators_own_proxy_is_believed(alice: User) -> None:
    for number in range(rate("sign-up-address")):
        sign_up(f"carla{number}@example.com", HTTP_X_FORWARDED_FOR=f"10.9.9.{number}, 10.0.0.1")
    refused(sign_up("eve@example.com", HTTP_X_FORWARDED_FOR="10.0.0.1"), 429, "throttled")
    assert sign_up("carol@example.com", HTTP_X_FORWARDED_FOR="10.0.0.2").status_code == 201


# ── The pages on which sessions begin ────────────────────────────────────────────────────────


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser(ALICE, PASSWORD)


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_let_in_whom_they_should(root: User, page: str) -> None:
    assert at_page(page, ALICE)


@pytest.mark.parametrize("page", PAGES)
def test_guesses_at_tokens_count_at_the_pages(root: User, page: str) -> None:
    guess_until_throttled()
    assert not at_page(page, ALICE)
    assert not at_page(page, "Alice@Example.com")


@pytest.mark.parametrize("page", PAGES)
def test_guesses_at_the_pages_count_for_tokens(root: User, bob: User, page: str) -> None:
    for _ in range(rate("sign-in-account")):
        assert not at_page(page, ALICE, GUESS)
    assert not at_page(page, ALICE)
    refused(sign_in(ALICE), 429, "throttled")
    assert sign_in(BOB).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_count_the_account_that_is_signed_in_with(root: User, page: str) -> None:
    for number in range(rate("sign-in-account")):
        assert not at_page(page, ALICE, GUESS, email=f"nobody{number}@example.com")
    assert not at_page(page, ALICE, email="nobody@example.com")


def test_other_letters_for_the_same_account_are_no_way_around(root: User) -> None:
    assert at_page(PAGES[0], "ａlice@example.com")  # the page reads a full-width letter as the plain one
    for _ in range(rate("sign-in-account") - 1):
        assert not at_page(PAGES[0], "ａlice@example.com", GUESS)
    assert not at_page(PAGES[0], ALICE)


def test_the_pages_count_the_address(root: User) -> None:
    for number in range(rate("sign-in-address")):
        assert not at_page(PAGES[0], f"nobody{number}@example.com", GUESS)
    assert not at_page(PAGES[1], ALICE)
    refused(sign_in(ALICE), 429, "throttled")


# ── Signing up, asking for a new password ────────────────────────────────────────────────────


@pytest.mark.parametrize(("ask", "scope"), [(sign_up, "sign-up"), (ask_for_reset, "reset")])
def test_tries_for_an_account_are_slowed_down(db: None, ask: Any, scope: str) -> None:
    for _ in range(rate(f"{scope}-account")):
        assert ask("carla@example.com").status_code in (201, 204, 400)
    refused(ask("Carla@Example.com"), 429, "throttled")
    assert ask("carol@example.com").status_code in (201, 204)


@pytest.mark.parametrize(("ask", "scope"), [(sign_up, "sign-up"), (ask_for_reset, "reset")])
def test_tries_from_an_address_are_slowed_down(db: None, ask: Any, scope: str) -> None:
    for number in range(rate(f"{scope}-address")):
        assert ask(f"carla{number}@example.com", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}").status_code in (201, 204)
    refused(ask("carol@example.com"), 429, "throttled")
    assert ask("carol@example.com", REMOTE_ADDR="10.0.1.1").status_code in (201, 204)


def test_guesses_at_the_link_are_slowed_down(db: None) -> None:
    body = {"uid": "Zm9v", "token": "c1-abc", "new_password": NEW_PASSWORD}
    for _ in range(rate("reset-address")):
        refused(post("users/reset_password_confirm", body), 400, "invalid_token", "token")
    refused(post("users/reset_password_confirm", body), 429, "throttled")
