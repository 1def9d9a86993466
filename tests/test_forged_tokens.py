"""What was never a token of ours, or not for this use, is refused: never let in, never a 500."""

import base64
import json
import time
import uuid
from typing import Any

import jwt
import pytest
from django.conf import settings

from apps.accounts import tokens
from apps.accounts.models import User
from tests.online import Person, Server
from tests.pairs import assert_ended, assert_lives, claims_of, me, send, sign_in
from tests.refusals import refused

pytestmark = pytest.mark.django_db


def signed(token: str, key: str = settings.SIMPLE_JWT["SIGNING_KEY"], **changes: Any) -> str:
    """This token with other claims; those that are None left out."""
    claims = {name: value for name, value in {**claims_of(token), **changes}.items() if value is not None}
    return jwt.encode(claims, key, algorithm="HS256")


def test_each_kind_is_good_for_its_own_use_only(alice: User) -> None:
    pair = sign_in()
    refused(me(pair["refresh"]), 401, "token_not_valid")
    refused(send("refresh", refresh=pair["access"]), 401, "token_not_valid")
    refused(send("logout", refresh=pair["access"]), 401, "token_not_valid")
    assert_lives(pair)


def test_an_expired_token_is_refused(alice: User) -> None:
    pair = {kind: signed(token, exp=int(time.time()) - 1) for kind, token in sign_in().items()}
    assert_ended(pair)


@pytest.mark.parametrize("key", ["another key, long enough to be taken for one", "x" * 64])
def test_a_token_signed_with_another_key_is_refused(alice: User, key: str) -> None:
    pair = sign_in()
    assert_ended({kind: signed(token, key) for kind, token in pair.items()})
    assert_lives(pair)


@pytest.mark.parametrize("algorithm", ["none", "HS512", "RS256", None, []])
def test_a_token_does_not_choose_how_it_is_checked(alice: User, algorithm: Any) -> None:
    def unsigned(token: str) -> str:
        head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).decode().rstrip("=")
        return ".".join([head, token.split(".")[1], ""])

    assert_ended({kind: unsigned(token) for kind, token in sign_in().items()})


NONSENSE = {
    "user_id": [None, "", 7, [], {}, "a\0b", "x" * 32],
    "fam": [None, "", 7, [], {}, "a\0b", "x" * 32],
    "jti": [None, 7, "a\0b"],
    "mark": [None, 7, []],
    "exp": [None, "x", -1, 10**18, 1e300, float("inf")],
    "token_type": [None, 7, []],
}


@pytest.mark.parametrize("claim", NONSENSE)
def test_signed_claims_that_make_no_sense_are_refused(alice: User, claim: str) -> None:
    pair = tokens.sign_in(alice)
    for value in NONSENSE[claim]:
        refused(me(signed(pair["access"], **{claim: value})), 401, "token_not_valid")
        refused(send("refresh", refresh=signed(pair["refresh"], **{claim: value})), 401, "token_not_valid")


@pytest.mark.parametrize("claim", ["user_id", "fam"])
def test_signed_claims_that_name_somebody_else_are_refused(alice: User, bob: User, claim: str) -> None:
    pair, bobs = tokens.sign_in(alice), tokens.sign_in(bob)
    for stranger in (claims_of(bobs["access"])[claim], str(uuid.uuid4())):
        assert_ended({kind: signed(token, **{claim: stranger}) for kind, token in pair.items()})


NEST = base64.urlsafe_b64encode(b"[" * 3000).decode()
GARBAGE = ["x", "a.b.c", "..", "....", "ü.ü.ü", "e30.e30.e30", f"{NEST[:1300]}.{NEST[:1300]}.x", '{"alg":"none"}', "ÿþ"]


@pytest.mark.parametrize("token", GARBAGE)
def test_garbage_is_refused(db: None, token: str) -> None:
    assert_ended({"access": token, "refresh": token})


@pytest.mark.parametrize("token", [None, "", 7, [], {}, "a\0b", "\ud800", "x" * 5000])
def test_what_is_no_text_of_sensible_length_is_a_bad_request(db: None, token: Any) -> None:
    for step, field in (("refresh", "refresh"), ("logout", "refresh"), ("verify", "token")):
        response = send(step, **{field: token})
        assert response.status_code == 400
        assert {error["attr"] for error in response.json()["errors"]} == {field}


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer ", "Basic YTpi", "x", "Bearer " + "x" * 20_000])
def test_a_broken_header_is_anonymous(server: Server, header: str) -> None:
    response = Person(server.url).get("/api/auth/users/me/", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert response.json()["type"] == "client_error"


@pytest.mark.parametrize(
    "header", [b"Bearer \xff\xfe.\xff.\xff", b"Bearer \xc3\xbc", b"Bearer " + NEST.encode() + b".e30.x"]
)
def test_bytes_that_are_no_text_are_refused(server: Server, header: bytes) -> None:
    refused(Person(server.url).get("/api/auth/users/me/", headers={"Authorization": header}), 401, "token_not_valid")
