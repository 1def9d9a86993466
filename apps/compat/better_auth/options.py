"""Whose sign-ins are taken: the operator's word, read once at start. Knows nothing of Django's settings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

# What Better Auth can sign with, and a verifier here needs no secret for. No `none`, and none of HMAC's.
ALGORITHMS = ("EdDSA", "ES256", "ES512", "RS256", "PS256")

BASE_PATH = "/api/auth"
COOKIE = "better-auth.session_token"
WAYS = "apps.compat.better_auth.authentication"
USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class BetterAuth:
    keys_url: str
    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    # Where the last two are blank, its cookie is not looked at.
    cookie: str
    secret: str = field(repr=False)
    database_url: str = field(repr=False)

    @property
    def reads_cookies(self) -> bool:
        return bool(self.secret)


def among(classes: Sequence[str], options: BetterAuth) -> list[str]:
    """Where its two ways stand among those of Django REST Framework: its tokens first, since they say whose they are,
    and its cookie last, so that who signed in here is who they say."""
    by_cookie = [f"{WAYS}.BetterAuthCookie"] if options.reads_cookies else []
    return [f"{WAYS}.BetterAuthToken", *classes, *by_cookie]


def read(
    url: str | None,
    issuer: str | None = "",
    audience: str | None = "",
    algorithms: Sequence[str] | None = ("EdDSA",),
    secret: str | None = "",
    database_url: str | None = "",
    cookie: str | None = "",
) -> BetterAuth | None:
    """None where there is no `url`. As for Better Auth itself, an address without a path means `/api/auth` on it, and
    its origin is what it calls itself in tokens unless it is told otherwise."""
    if not url:
        if secret or database_url:
            raise ImproperlyConfigured(
                "BETTER_AUTH_URL is needed with BETTER_AUTH_SECRET and BETTER_AUTH_DATABASE_URL."
            )
        return None
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.username or parts.password or parts.query or parts.fragment:
        raise ImproperlyConfigured("BETTER_AUTH_URL is an address such as https://app.example, without a user.")
    if bool(secret) != bool(database_url):
        raise ImproperlyConfigured("BETTER_AUTH_SECRET and BETTER_AUTH_DATABASE_URL are needed together, for cookies.")
    if database_url and not is_postgres(database_url):
        raise ImproperlyConfigured(
            "BETTER_AUTH_DATABASE_URL is an address that starts with postgresql://, with parameters that libpq knows."
        )
    origin = origin_of(parts)
    for name, value in (("BETTER_AUTH_ISSUER", issuer), ("BETTER_AUTH_AUDIENCE", audience)):
        if value and len(value) > 255:
            raise ImproperlyConfigured(f"{name} has at most 255 characters.")
    return BetterAuth(
        keys_url=origin + (parts.path.rstrip("/") or BASE_PATH) + "/jwks",
        issuer=issuer or origin,
        audience=audience or origin,
        algorithms=tuple(algorithms or ("EdDSA",)),
        cookie=cookie or ("__Secure-" if parts.scheme == "https" else "") + COOKIE,
        secret=secret or "",
        database_url=database_url or "",
    )


def is_postgres(url: str) -> bool:
    """Some programs put parameters of their own into it, as Prisma does with `schema`."""
    try:
        return url.startswith(("postgres://", "postgresql://")) and bool(conninfo_to_dict(url))
    except psycopg.Error:
        return False


def origin_of(parts: SplitResult) -> str:
    """As browsers and Better Auth write it."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, USUAL_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
