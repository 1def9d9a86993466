"""Tokens of Better Auth: who is let in by them, and as whom."""

import base64
import hashlib
import hmac
import json
import math
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings as django_settings
from rest_framework.test import APIClient

from apps.accounts.models import ExternalIdentity, User
from tests.better_auth import Issuer, Key, configure
from tests.factories import make_character
from tests.pairs import assert_lives, claims_of, me, send, sign_in
from tests.refusals import refused

ME = "/api/auth/users/me/"

pytestmark = pytest.mark.django_db


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
