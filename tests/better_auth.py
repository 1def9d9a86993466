"""Better Auth, played: its keys at its address, and tokens and cookies as it makes them.

with Issuer() as issuer:
    issuer.token("u1", email="alice@example.com")
    issuer.rotate()          # signs with a new key from now on, and publishes the old ones too
    issuer.web.heard         # every fetch of its keys
"""

import base64
import hashlib
import hmac
import json
import time
from typing import Any, Self
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.conf import settings as django_settings
from jwt.algorithms import get_default_algorithms
from rest_framework.settings import import_from_string
from rest_framework.views import APIView

from apps.compat.better_auth import options, tokens
from tests.web import Web

MAKE = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
}
SECRET = "a secret that Better Auth signs cookies with"


class Key:
    def __init__(self, kid: str, algorithm: str = "EdDSA") -> None:
        self.kid, self.algorithm = kid, algorithm
        self.private: Any = MAKE[algorithm]()

    @property
    def jwk(self) -> dict[str, Any]:
        public: Any = get_default_algorithms()[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "alg": self.algorithm, "kid": self.kid}

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        # Not by `jwt.encode`, which signs no claims of wrong types.
        payload = json.dumps(claims).encode()
        return jwt.api_jws.encode(payload, self.private, self.algorithm, {"typ": "JWT", "kid": self.kid, **headers})


class Issuer:
    """`url` is its origin."""

    def __init__(self) -> None:
        self.web = Web()
        self.key = Key("k1")
        self.published = [self.key]

    def __enter__(self) -> Self:
        self.web.__enter__()
        self.publish(self.key)
        return self

    def __exit__(self, *args: object) -> None:
        self.web.__exit__(*args)

    @property
    def url(self) -> str:
        return self.web.url

    @property
    def fetches(self) -> int:
        return len(self.web.heard)

    def options(self, **given: Any) -> options.BetterAuth:
        read = options.read(self.url, **given)
        assert read is not None
        return read

    def publish(self, *keys: Key) -> None:
        self.published = list(keys)
        self.web.answers(json.dumps({"keys": [key.jwk for key in keys]}).encode())

    def rotate(self, algorithm: str = "EdDSA") -> Key:
        self.key = Key(f"k{len(self.published) + 1}", algorithm)
        self.publish(*self.published, self.key)
        return self.key

    def claims(self, subject: str = "u1", **claims: Any) -> dict[str, Any]:
        """What it says by default. Those that are None are left out."""
        now = int(time.time())
        user = {"id": subject, "name": "Al", "email": f"{subject}@example.com", "emailVerified": False, "image": ""}
        times = {"iat": now, "exp": now + 900}
        claims = {**user, **times, "sub": subject, "iss": self.url, "aud": self.url, **claims}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, subject: str = "u1", **claims: Any) -> str:
        return self.key.sign(self.claims(subject, **claims))


def cookie(token: str, secret: str = SECRET) -> str:
    """As better-call writes a signed cookie."""
    signature = base64.b64encode(hmac.digest(secret.encode(), token.encode(), hashlib.sha256)).decode()
    return quote(f"{token}.{signature}", safe="!'()*-._~")


def configure(read: options.BetterAuth, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at a start with these options: views are told of ways to sign in when they are made."""
    settings.BETTER_AUTH = read
    # An earlier test's server may have had the same port, and other keys.
    monkeypatch.setattr(tokens, "_rings", {})
    names = options.among(django_settings.REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"], read)
    classes = [import_from_string(name, "DEFAULT_AUTHENTICATION_CLASSES") for name in names]
    monkeypatch.setattr(APIView, "authentication_classes", classes)
