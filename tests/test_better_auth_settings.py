"""How an operator says where Better Auth is, and what is refused at a start."""

import json
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.compat.better_auth import options
from tests.processes import database_url
from tests.test_project import NEEDED, start

SECRETS = {"secret": "hunter2", "database_url": "postgresql://auth:hunter3@db.example/auth"}


@pytest.mark.parametrize(
    ("url", "issuer", "keys_url"),
    [
        ("https://app.example", "https://app.example", "https://app.example/api/auth/jwks"),
        ("https://app.example/", "https://app.example", "https://app.example/api/auth/jwks"),
        ("https://App.Example:443", "https://app.example", "https://app.example/api/auth/jwks"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000", "http://127.0.0.1:3000/api/auth/jwks"),
        ("http://[::1]:3000/", "http://[::1]:3000", "http://[::1]:3000/api/auth/jwks"),
        ("https://app.example/auth/v1/", "https://app.example", "https://app.example/auth/v1/jwks"),
    ],
)
def test_the_address_says_the_rest_as_it_does_to_better_auth(url: str, issuer: str, keys_url: str) -> None:
    read = options.read(url)
    assert read is not None
    assert (read.issuer, read.audience, read.keys_url) == (issuer, issuer, keys_url)
    assert (read.algorithms, read.reads_cookies) == (("EdDSA",), False)


def test_nothing_is_configured_without_an_address() -> None:
    assert options.read("") is None
    assert options.read(None) is None


@pytest.mark.parametrize(
    "given",
    [
        *({"url": url} for url in ("app.example", "ftp://app.example", "https://", "https://hunter2@app.example")),
        *({"url": f"https://app.example{rest}"} for rest in ("?x=hunter2", "#hunter2", ":port", ":99999", ":0")),
        {"url": "https://[hunter2"},
        {"url": "", **SECRETS},
        *({"url": "https://app.example", name: value} for name, value in SECRETS.items()),
        {"url": "https://app.example", **SECRETS, "database_url": "mysql://auth:hunter3@db.example/auth"},
        {"url": "https://app.example", **SECRETS, "database_url": "postgresql://auth:hunter3@db.example/auth?schema=x"},
        {"url": "https://app.example", "issuer": "hunter2" * 100},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_and_not_repeated(given: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured, match="BETTER_AUTH_") as refused:
        options.read(**given)
    assert "hunter" not in str(refused.value)


def test_secrets_are_not_shown() -> None:
    assert "hunter" not in repr(options.read("https://app.example", **SECRETS))


@pytest.mark.parametrize("algorithm", ["none", "HS256", "eddsa", ""])
def test_no_algorithm_with_a_shared_secret_can_be_chosen(algorithm: str) -> None:
    environ = NEEDED | {"BETTER_AUTH_URL": "https://app.example", "BETTER_AUTH_ALGORITHMS": f"EdDSA,{algorithm}"}
    done = start("-c", "import config.settings", **environ)
    assert done.returncode != 0
    assert "BETTER_AUTH_ALGORITHMS" in done.stderr


SHOW = """
import json
from config import settings
names = settings.REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"]
print(json.dumps([[name.rpartition(".")[2] for name in names], getattr(settings, "CORS_ALLOW_CREDENTIALS", False)]))
"""
COOKIES = {"BETTER_AUTH_SECRET": SECRETS["secret"], "BETTER_AUTH_DATABASE_URL": SECRETS["database_url"]}


@pytest.mark.parametrize(
    ("environ", "classes", "credentials"),
    [
        ({}, ["TokenAuthentication", "SessionAuthentication"], False),
        (
            {"BETTER_AUTH_URL": "https://app.example"},
            ["BetterAuthToken", "TokenAuthentication", "SessionAuthentication"],
            False,
        ),
        (
            {"BETTER_AUTH_URL": "https://app.example", **COOKIES},
            ["BetterAuthToken", "TokenAuthentication", "SessionAuthentication", "BetterAuthCookie"],
            True,
        ),
    ],
)
def test_its_ways_are_there_where_it_is_configured(
    environ: dict[str, str], classes: list[str], credentials: bool
) -> None:
    done = start("-c", SHOW, **NEEDED, **environ)
    assert json.loads(done.stdout) == [classes, credentials], done.stderr


def test_the_schema_tells_of_them_where_it_is_configured(db: None) -> None:
    # Django 6.1 asks the database what it can before it runs a command.
    environ = NEEDED | {"DATABASE_URL": database_url(), "BETTER_AUTH_URL": "https://app.example", **COOKIES}
    done = start("manage.py", "spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", **environ)
    assert done.returncode == 0, done.stderr
    schemes = json.loads(done.stdout)["components"]["securitySchemes"]
    assert schemes["betterAuthToken"] == schemes["bearer"]
    assert schemes["betterAuthCookie"]["name"] == "__Secure-better-auth.session_token"
