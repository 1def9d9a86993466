"""API keys: told once, kept as a hash, good for /v1 alone, and gone with their user."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from rest_framework.exceptions import NotAuthenticated
from rest_framework.test import APIClient

from apps.accounts import keys, tokens
from apps.accounts.models import ApiKey, User
from tests.conftest import signed_in
from tests.factories import make_character
from tests.refusals import refused
from tests.test_errors import is_refusal
from tests.test_leaving import holding

KEYS = "/api/auth/api-keys/"
MODELS = "/v1/models"


def with_key(text: str, scheme: str = "Bearer") -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"{scheme} {text}")
    return client


@pytest.fixture
def key(as_alice: APIClient) -> dict[str, Any]:
    made = as_alice.post(KEYS, {"name": "A phone"}, format="json")
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    told: dict[str, Any] = made.json()
    return told


def test_a_key_is_told_once(key: dict[str, Any], as_alice: APIClient) -> None:
    assert key["key"].startswith("drm_")
    assert len(key["key"]) == 47  # 256 bits
    assert key["prefix"] == key["key"][:12]
    shown = {name: value for name, value in key.items() if name != "key"}
    assert as_alice.get(KEYS).json()["results"] == [shown]
    assert as_alice.get(f"{KEYS}{key['id']}/").json() == shown
    assert shown["name"] == "A phone"
    assert shown["last_used_at"] is None


def test_what_is_kept_lets_nobody_in(key: dict[str, Any]) -> None:
    assert holding(key["key"]) == set()
    assert holding(key["key"][13:]) == set()
    [row] = ApiKey.objects.all()
    for text in (row.sha256, row.prefix, f"drm_{row.sha256}", str(row.pk)):
        is_refusal(with_key(text).get(MODELS), 401, "invalid_api_key")


def test_a_key_opens_v1_and_nothing_else(key: dict[str, Any], alice: User) -> None:
    make_character(alice)
    client = with_key(key["key"])
    assert [each["id"] for each in client.get(MODELS).json()["data"]] == ["ada"]
    for path in ("/api/characters/", KEYS, "/api/auth/users/me/", "/api/conversations/"):
        refused(client.get(path), 401, "token_not_valid")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer ", "Bearer\t"])
def test_the_schemes_spelling_is_no_matter(scheme: str, key: dict[str, Any]) -> None:
    expected = 401 if scheme.endswith("\t") else 200
    assert with_key(key["key"], scheme).get(MODELS).status_code == expected


@pytest.mark.parametrize("change", [str.upper, str.lower, lambda text: text[:-1], lambda text: text + "A"])
def test_nearly_the_key_is_not_the_key(change: Any, key: dict[str, Any]) -> None:
    response = with_key(change(key["key"])).get(MODELS)
    is_refusal(response, 401, "invalid_api_key")
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("text", ["drm_", "drm_\xe4", "drm_ a b", "drm_" + "x" * 20_000, "sk-123", "", "drm_\xff\xfe"])
def test_what_is_no_key_is_refused(text: str, db: None) -> None:
    is_refusal(with_key(text).get(MODELS), 401)


def test_an_access_token_opens_v1_too(as_alice: APIClient) -> None:
    assert as_alice.get(MODELS).status_code == 200


def test_a_session_does_not(alice: User) -> None:
    client = APIClient()
    client.force_login(alice)
    is_refusal(client.get(MODELS), 401, "invalid_api_key")


def test_a_deleted_key_is_refused(key: dict[str, Any], as_alice: APIClient) -> None:
    assert as_alice.delete(f"{KEYS}{key['id']}/").status_code == 204
    is_refusal(with_key(key["key"]).get(MODELS), 401, "invalid_api_key")
    assert as_alice.get(KEYS).json()["results"] == []


def test_a_disabled_users_key_is_refused(key: dict[str, Any], alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    is_refusal(with_key(key["key"]).get(MODELS), 401, "invalid_api_key")


def test_a_deleted_users_key_is_refused(key: dict[str, Any], alice: User) -> None:
    alice.delete()
    is_refusal(with_key(key["key"]).get(MODELS), 401, "invalid_api_key")
    assert not ApiKey.objects.exists()


def test_another_password_ends_sign_ins_and_not_keys(key: dict[str, Any], alice: User, as_alice: APIClient) -> None:
    assert tokens.set_password(User.objects.get(pk=alice.pk), "another good password")
    refused(as_alice.get(KEYS), 401, "token_not_valid")
    assert with_key(key["key"]).get(MODELS).status_code == 200


def test_when_it_was_used_is_noted_once_a_minute(key: dict[str, Any]) -> None:
    client = with_key(key["key"])
    client.get(MODELS)
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    client.get(MODELS)
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    client.get(MODELS)
    assert ApiKey.objects.get().last_used_at > first


def test_keys_are_not_made_without_end(
    alice: User, bob: User, as_alice: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    monkeypatch.setitem(rates, "api-keys", "3/hour")
    made = [as_alice.post(KEYS, {"name": "A phone"}, format="json") for _ in range(4)]
    assert [each.status_code for each in made] == [201, 201, 201, 429]
    assert as_alice.get(KEYS).status_code == 200
    assert signed_in(bob).post(KEYS, {"name": "A phone"}, format="json").status_code == 201


def test_nobody_has_more_than_they_can_tell_apart(alice: User, bob: User, as_alice: APIClient) -> None:
    for _ in range(keys.MOST_KEYS):
        keys.make(alice, "One of many")
    response = as_alice.post(KEYS, {"name": "A phone"}, format="json")
    assert response.status_code == 400
    assert [each["code"] for each in response.json()["errors"]] == ["too_many"]
    keys.make(bob, "His first")


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": None}, {"name": "x" * 101}, {"name": 1}])
def test_a_key_has_a_name(body: dict[str, Any], as_alice: APIClient) -> None:
    response = as_alice.post(KEYS, body, format="json")
    assert response.status_code == 400
    assert [each["attr"] for each in response.json()["errors"]] == ["name"]


def test_a_password_by_mail_ends_keys(key: dict[str, Any], alice: User) -> None:
    """Who signed up had not shown that the address is theirs."""
    assert tokens.set_password(alice, "another good password", by_address=True)
    is_refusal(with_key(key["key"]).get(MODELS), 401, "invalid_api_key")
    assert not ApiKey.objects.exists()


def test_who_was_signed_out_meanwhile_makes_none(alice: User) -> None:
    before = User.objects.get(pk=alice.pk)
    tokens.set_password(alice, "another good password", by_address=True)
    with pytest.raises(NotAuthenticated):
        keys.make(before, "Late")
