"""Pairs of tokens, and whether they are good, as HTTP tells."""

import json
from typing import Any

import jwt
from rest_framework.test import APIClient

from tests.factories import PASSWORD
from tests.refusals import refused

Pair = dict[str, str]


def send(step: str, **body: Any) -> Any:
    # Not by the client's own encoder, which stumbles over some of what is sent here.
    return APIClient().post(f"/api/auth/jwt/{step}/", json.dumps(body), content_type="application/json")


def sign_in(email: str = "alice@example.com", password: str = PASSWORD) -> Pair:
    response = send("create", email=email, password=password)
    assert response.status_code == 200, response.content
    return response.json()


def refreshed(pair: Pair) -> Pair:
    response = send("refresh", refresh=pair["refresh"])
    assert response.status_code == 200, response.content
    return response.json()


def me(access: str) -> Any:
    return APIClient().get("/api/auth/users/me/", headers={"Authorization": f"Bearer {access}"})


def assert_lives(pair: Pair) -> None:
    assert me(pair["access"]).status_code == 200
    for token in pair.values():
        assert send("verify", token=token).status_code == 200


def assert_ended(pair: Pair) -> None:
    refused(me(pair["access"]), 401, "token_not_valid")
    for token in pair.values():
        refused(send("verify", token=token), 401, "token_not_valid")
    refused(send("refresh", refresh=pair["refresh"]), 401, "token_not_valid")


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})
