"""Tokens of Better Auth: who is let in by them, and as whom."""

import base64
import hashlib
import hmac
import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings as django_settings
from django.core import mail
from django.test import Client
from rest_framework.settings import import_from_string
from rest_framework.test import APIClient
from rest_framework.views import APIView

from apps.accounts import tokens
from apps.accounts.models import ExternalIdentity, TokenFamily, User
from apps.compat.better_auth import options
from tests.better_auth import Issuer, Key
from tests.conftest import signed_in
from tests.factories import PASSWORD, make_character
from tests.online import Person, Server
from tests.pairs import assert_ended, assert_lives, claims_of, me, send, sign_in
from tests.refusals import refused

ME = "/api/auth/users/me/"

pytestmark = pytest.mark.django_db


def configure(read: options.BetterAuth, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at a start with these options: views are told of ways to sign in when they are made."""
    settings.BETTER_AUTH = read
    names = options.among(django_settings.REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"], read)
    classes = [import_from_string(name, "DEFAULT_AUTHENTICATION_CLASSES") for name in names]
    monkeypatch.setattr(APIView, "authentication_classes", classes)


@pytest.fixture
def issuer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    with Issuer() as issuer:
        configure(issuer.options(), settings, monkeypatch)
        yield issuer


# ── Who comes in ─────────────────────────────────────────────────────────────────────────────


def test_a_token_signs_in_whom_it_names(issuer: Issuer) -> None:
    response = me(issuer.token("u1", email="Alice@Example.com", name="Alice"))
    assert response.status_code == 200, response.content
    assert (response.json()["email"], response.json()["display_name"]) == ("alice@example.com", "Alice")
    identity = ExternalIdentity.objects.get()
    assert (identity.issuer, identity.subject, str(identity.user.pk)) == (issuer.url, "u1", response.json()["id"])


def test_who_comes_again_is_the_same_whatever_else_the_token_says(issuer: Issuer) -> None:
    first = me(issuer.token("u1")).json()["id"]
    for changed in ({"email": "new@example.com"}, {"email": None}, {"name": 7, "emailVerified": True}):
        assert me(issuer.token("u1", **changed)).json()["id"] == first
    assert me(issuer.token("u2")).json()["id"] != first
    assert User.objects.count() == 2


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_they_own_what_they_make(issuer: Issuer, scheme: str, alice: User) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"{scheme} {issuer.token()}")
    made = client.post("/api/characters/", {"name": "Ada"}, format="json")
    assert made.status_code == 201
    assert client.get(f"/api/characters/{made.json()['id']}/").status_code == 200
    assert client.get(f"/api/characters/{make_character(alice).pk}/").status_code == 404


def test_our_own_tokens_are_taken_as_before(issuer: Issuer, alice: User) -> None:
    assert_lives(sign_in())
    assert issuer.fetches == 0


@pytest.mark.parametrize("audience", ["mine", ["other", "mine"]])
def test_issuer_and_audience_are_the_operators(
    issuer: Issuer, settings: Any, monkeypatch: pytest.MonkeyPatch, audience: Any
) -> None:
    configure(issuer.options(issuer="https://me.example", audience="mine"), settings, monkeypatch)
    assert me(issuer.token(iss="https://me.example", aud=audience)).status_code == 200
    refused(me(issuer.token(iss="https://me.example")), 401, "token_not_valid")
    refused(me(issuer.token(aud="mine")), 401, "token_not_valid")


@pytest.mark.parametrize("algorithm", ["ES256", "ES512", "RS256", "PS256"])
def test_other_algorithms_are_the_operators_choice(
    issuer: Issuer, settings: Any, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    issuer.rotate(algorithm)
    refused(me(issuer.token()), 401, "token_not_valid")
    configure(issuer.options(algorithms=[algorithm]), settings, monkeypatch)
    assert me(issuer.token()).status_code == 200
    issuer.key = issuer.published[0]
    refused(me(issuer.token()), 401, "token_not_valid")


# ── Who does not ─────────────────────────────────────────────────────────────────────────────


def assert_nobody_came(response: Any) -> None:
    refused(response, 401, "token_not_valid")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "claims",
    [
        *({name: None} for name in ("iss", "aud", "exp", "sub")),
        *({"iss": other} for other in ("https://other.example", "", 7, [], {})),
        *({"aud": other} for other in ("https://other.example", "", 7, [], {}, ["x"], [7])),
        *({"exp": other} for other in (1, -1, "soon", [], math.inf, math.nan)),
        *({"iat": other} for other in ("x", [], math.inf, 10**10)),
        {"nbf": 10**10},
        *({"sub": other} for other in ("", 7, [], {}, "a\0b", "\ud800", "x" * 256)),
    ],
    ids=str,
)
def test_what_a_token_must_say(issuer: Issuer, claims: dict[str, Any]) -> None:
    assert_nobody_came(me(issuer.token(**claims)))


def test_the_issuer_is_compared_to_the_letter(issuer: Issuer) -> None:
    for other in (f"{issuer.url}/", issuer.url.upper(), issuer.url[:-1]):
        assert_nobody_came(me(issuer.token(iss=other)))
        assert_nobody_came(me(issuer.token(aud=other)))


def test_clocks_may_be_a_little_apart(issuer: Issuer) -> None:
    now = int(time.time())
    assert me(issuer.token(iat=now + 5, exp=now + 900)).status_code == 200
    assert me(issuer.token(exp=now - 5)).status_code == 200
    refused(me(issuer.token(exp=now - 60)), 401, "token_not_valid")


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "RS256", "ES256", "EdDSA", "", None, 7, [], {}])
def test_a_token_does_not_choose_how_it_is_checked(issuer: Issuer, algorithm: Any) -> None:
    head = encoded({"alg": algorithm, "typ": "JWT", "kid": issuer.key.kid})
    for signature in ("", encoded(b"x" * 64)):
        assert_nobody_came(me(f"{head}.{encoded(issuer.claims())}.{signature}"))


def test_a_public_key_is_no_secret(issuer: Issuer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rsa = issuer.rotate("RS256")
    configure(issuer.options(algorithms=["RS256", "EdDSA"]), settings, monkeypatch)
    forms = [
        rsa.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        rsa.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        issuer.published[0].private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
        json.dumps(rsa.jwk).encode(),
    ]
    for key in issuer.published:
        for secret in forms:
            head = encoded({"alg": "HS256", "typ": "JWT", "kid": key.kid})
            body = f"{head}.{encoded(issuer.claims())}"
            assert_nobody_came(me(f"{body}.{encoded(hmac.digest(secret, body.encode(), hashlib.sha256))}"))


def test_a_key_is_good_for_its_own_algorithm(issuer: Issuer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    key = issuer.rotate("RS256")
    configure(issuer.options(algorithms=["RS256", "PS256"]), settings, monkeypatch)
    assert_nobody_came(me(jwt.encode(issuer.claims(), key.private, algorithm="PS256", headers={"kid": key.kid})))


def test_a_shared_secret_among_the_keys_is_passed_over(issuer: Issuer) -> None:
    secret = b"a secret that was published with the keys"
    jwk = {"kty": "oct", "k": encoded(secret), "kid": "s", "alg": "HS256"}
    issuer.web.answers(json.dumps({"keys": [jwk, issuer.key.jwk]}).encode())
    assert_nobody_came(me(jwt.encode(issuer.claims(), secret, algorithm="HS256", headers={"kid": "s"})))


def test_another_key_of_the_same_name_is_refused(issuer: Issuer) -> None:
    assert_nobody_came(me(Key(issuer.key.kid).sign(issuer.claims())))


def test_a_key_that_a_token_brings_along_is_not_used(issuer: Issuer) -> None:
    forger = Key("mine")
    headers = {"jwk": forger.jwk, "jku": f"{issuer.url}/mine", "x5u": f"{issuer.url}/mine"}
    assert_nobody_came(me(forger.sign(issuer.claims(), **headers)))
    assert [heard.line for heard in issuer.web.heard] == ["GET /api/auth/jwks HTTP/1.1"]


@pytest.mark.parametrize("kid", [None, ""])
def test_a_token_without_a_kid_is_refused_and_nothing_fetched(issuer: Issuer, kid: str | None) -> None:
    headers = {} if kid is None else {"kid": kid}
    assert_nobody_came(me(jwt.encode(issuer.claims(), issuer.key.private, algorithm="EdDSA", headers=headers)))
    assert issuer.fetches == 0


@pytest.mark.parametrize("head", [b"{", b"[]", b"7", b"[" * 5000, b"\xff", b'{"alg":"EdDSA","kid":7}', b'{"kid":[]}'])
def test_broken_tokens_are_refused(issuer: Issuer, head: bytes) -> None:
    assert_nobody_came(me(f"{encoded(head)}.{encoded(issuer.claims())}.{encoded(b'x')}"))
    assert_nobody_came(me(f"{encoded({'alg': 'EdDSA', 'kid': 'k1'})}.{encoded(head)}.{encoded(b'x')}"))


@pytest.mark.parametrize("raw", ["", ".", "..", "ü.ü.ü", "x" * 20_000, f"{'a' * 20_000}.b.c"])
def test_what_is_no_token_is_refused(issuer: Issuer, raw: str) -> None:
    assert_nobody_came(APIClient().get(ME, headers={"Authorization": f"Bearer x{raw}"}))


def test_the_cookies_own_tokens_are_no_tokens_for_us(issuer: Issuer) -> None:
    """What its cookie cache signs with the same keys has an audience of its own."""
    assert_nobody_came(me(issuer.token(aud="better-auth:session-cache")))


# ── Two kinds of tokens ──────────────────────────────────────────────────────────────────────


def test_one_kind_is_never_taken_for_the_other(issuer: Issuer, alice: User) -> None:
    theirs = issuer.token(**claims_of(sign_in()["access"]))
    assert me(theirs).json()["id"] != str(alice.pk)
    for step, body in (
        ("refresh", {"refresh": theirs}),
        ("verify", {"token": theirs}),
        ("logout", {"refresh": theirs}),
    ):
        refused(send(step, **body), 401, "token_not_valid")


def test_our_key_signs_nothing_for_them(issuer: Issuer, alice: User) -> None:
    """Signed as ours are, with all that theirs say."""
    key = django_settings.SIMPLE_JWT["SIGNING_KEY"]
    ours = claims_of(sign_in()["access"])
    for headers in ({}, {"kid": issuer.key.kid}):
        for claims in (issuer.claims(), {**ours, **issuer.claims()}):
            refused(me(jwt.encode(claims, key, algorithm="HS256", headers=headers)), 401, "token_not_valid")
    assert not ExternalIdentity.objects.exists()


# ── Accounts ─────────────────────────────────────────────────────────────────────────────────


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
    assert browser.post("/api/auth/login/", {"username": alice.email, "password": PASSWORD}).status_code == 302
    response = me(issuer.token(email="ALICE@example.com", **{"emailVerified": None, claim: True}))
    assert response.json()["id"] == str(alice.pk)
    assert_ended(pair)
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
    reset = APIClient().post("/api/auth/users/reset_password/", {"email": "alice@example.com"}, format="json")
    assert (reset.status_code, mail.outbox) == (204, [])
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
    from tests.test_takeout import taken_out

    ExternalIdentity.objects.create(user=alice, issuer=issuer.url, subject="u1")
    [identity] = json.loads(taken_out(signed_in(alice))["account.json"])["identities"]
    assert (identity["issuer"], identity["subject"]) == (issuer.url, "u1")


def test_a_password_is_still_reset_where_there_is_one(issuer: Issuer, alice: User) -> None:
    ExternalIdentity.objects.create(user=alice, issuer=issuer.url, subject="u1")
    tokens.sign_in(alice)
    APIClient().post("/api/auth/users/reset_password/", {"email": "alice@example.com"}, format="json")
    assert me(issuer.token("u1")).status_code == 200


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
