"""Better Auth's JWTs: whose a token is, by its word and then by its signature."""

import threading
from functools import partial
from typing import Any

import jwt
from django.conf import settings
from jwt.exceptions import PyJWTError
from rest_framework_simplejwt.exceptions import InvalidToken

from apps.accounts.identities import Newcomer
from apps.compat.better_auth import key_set
from apps.compat.better_auth.key_ring import KeyRing
from apps.compat.better_auth.options import BetterAuth
from apps.compat.better_auth.people import newcomer

# How far clocks may be apart, in seconds.
LEEWAY = 10

MOST_LETTERS = 16 * 1024

# What comes of claims of the wrong type or size.
NONSENSE = (PyJWTError, KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)


def claims_issuer(raw: str, options: BetterAuth) -> bool:
    """Whether a token says of itself that Better Auth issued it. It is then held to that: our own never say so."""
    if len(raw) > MOST_LETTERS:
        return False
    try:
        claims: Any = jwt.decode(raw, options={"verify_signature": False})
    except NONSENSE:
        return False
    return bool(claims.get("iss") == options.issuer)


def read(raw: str, options: BetterAuth) -> Newcomer:
    """Whose it is; `InvalidToken` unless it was signed there, for us, and has not expired."""
    try:
        kid = jwt.get_unverified_header(raw).get("kid")
    except NONSENSE as error:
        raise InvalidToken() from error
    key = ring(options.keys_url, options.algorithms).find(kid) if kid else None
    if key is None:
        raise InvalidToken()
    try:
        claims: dict[str, Any] = jwt.decode(
            raw,
            key,
            algorithms=[key.algorithm_name],
            issuer=options.issuer,
            audience=options.audience,
            leeway=LEEWAY,
            options={"require": ["iss", "aud", "exp", "sub"]},
        )
        return newcomer(
            options.issuer,
            claims["sub"],
            email=claims.get("email"),
            # Better Auth's own name for it, and OpenID Connect's.
            email_verified=claims.get("emailVerified", claims.get("email_verified")),
            name=claims.get("name"),
            signed_in_at=float(claims["iat"]) if "iat" in claims else None,
        )
    except NONSENSE as error:
        raise InvalidToken() from error


_rings: dict[tuple[str, tuple[str, ...]], KeyRing] = {}
_one_at_a_time = threading.Lock()


def ring(url: str, algorithms: tuple[str, ...]) -> KeyRing:
    with _one_at_a_time:
        if (url, algorithms) not in _rings:
            # Half of the threads at most wait for keys: the others have rows to see to.
            crowd = max(1, settings.WEB_THREADS // 2)
            _rings[url, algorithms] = KeyRing(partial(key_set.fetch, url, algorithms), crowd=crowd)
        return _rings[url, algorithms]
