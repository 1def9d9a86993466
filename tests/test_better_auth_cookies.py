"""Better Auth's session cookie: its signature, the row behind it, and from which pages it may change things."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import ExternalIdentity, User
from apps.compat.better_auth import cookies, options
from tests.better_auth import SECRET, Issuer, configure, cookie
from tests.online import Person, Server
from tests.pairs import sign_in
from tests.processes import database_url
from tests.refusals import refused

ME = "/api/auth/users/me/"
NAME = "better-auth.session_token"
PAGE = "https://app.example"

pytestmark = pytest.mark.django_db

# As Better Auth's own migration makes them, and as its schemas for Prisma and Drizzle do.
TABLES = {
    "its own": """
        CREATE TABLE "user" (id text PRIMARY KEY, name text, email text, "emailVerified" boolean);
        CREATE TABLE session (id text PRIMARY KEY, token text UNIQUE, "expiresAt" timestamptz, "createdAt" timestamptz,
            "userId" text REFERENCES "user" ON DELETE CASCADE);
    """,
    "without time zones, and UUIDs": """
        CREATE TABLE "user" (id uuid PRIMARY KEY, name text, email text, "emailVerified" boolean);
        CREATE TABLE session (id text PRIMARY KEY, token text UNIQUE, "expiresAt" timestamp(3),
            "createdAt" timestamp(3), "userId" uuid REFERENCES "user" ON DELETE CASCADE);
    """,
    "in snake case, and numbers": """
        CREATE TABLE "user" (id integer PRIMARY KEY, name text, email text, email_verified boolean);
        CREATE TABLE session (id integer PRIMARY KEY, token text UNIQUE, expires_at timestamp, created_at timestamp,
            user_id integer REFERENCES "user" ON DELETE CASCADE);
    """,
}
SUBJECT = {"its own": "u1", "without time zones, and UUIDs": "01a216db-58e5-75a3-8551-c86b7f02f25d"}


class Rows:
    """Its database, where it looks at all times as UTC."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = psycopg.connect(url, autocommit=True)
        self.run("SET TimeZone TO 'UTC'")

    def run(self, statement: Any, *values: Any) -> None:
        self.connection.execute(statement, values or None)

    def make(self, tables: str = "its own", subject: str = "u1", **user: Any) -> None:
        """A user, and a session of theirs with the token `t1`."""
        self.run(TABLES[tables])
        user = {"name": "Al", "email": "u1@example.com", "verified": False, **user}
        self.run('INSERT INTO "user" VALUES (%s, %s, %s, %s)', subject, *user.values())
        self.run("INSERT INTO session VALUES ('1', 't1', now() + interval '1 hour', now(), %s)", subject)


@pytest.fixture
def rows(django_db_setup: None) -> Iterator[Rows]:
    """A database of its own, by a schema on the tests' server."""
    url = database_url()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA better_auth")
        rows = Rows(f"{url}?options=-csearch_path%3Dbetter_auth")
        yield rows
        cookies.close()
        rows.connection.close()
        connection.execute("DROP SCHEMA better_auth CASCADE")


@pytest.fixture
def issuer(rows: Rows, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    settings.CORS_ALLOWED_ORIGINS = [PAGE]
    with Issuer() as issuer:
        configure(issuer.options(secret=SECRET, database_url=rows.url), settings, monkeypatch)
        yield issuer


def browser(value: str = cookie("t1"), name: str = NAME, **headers: str) -> APIClient:
    client = APIClient(enforce_csrf_checks=True, headers=headers)
    client.cookies[name] = value
    return client


# ── Who comes in ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tables", TABLES)
def test_a_session_signs_in_whose_it_is(issuer: Issuer, rows: Rows, tables: str) -> None:
    subject = SUBJECT.get(tables, "7")
    rows.make(tables, subject)
    response = browser().get(ME)
    assert response.status_code == 200, response.content
    assert (response.json()["email"], response.json()["display_name"]) == ("u1@example.com", "Al")
    assert ExternalIdentity.objects.get().subject == subject


@pytest.mark.parametrize("tables", TABLES)
@pytest.mark.parametrize("column", ["expires", "signed out"])
def test_a_session_that_has_expired_or_was_signed_out_of_is_none(
    issuer: Issuer, rows: Rows, tables: str, column: str
) -> None:
    rows.make(tables, SUBJECT.get(tables, "7"))
    assert browser().get(ME).status_code == 200
    if column == "expires":
        name = "expires_at" if "snake" in tables else '"expiresAt"'
        rows.run(f"UPDATE session SET {name} = now() - interval '1 second'")
    else:
        rows.run("DELETE FROM session")
    refused(browser().get(ME), 401, "not_authenticated")


def test_the_cookie_and_a_token_are_the_same_persons(issuer: Issuer, rows: Rows) -> None:
    rows.make()
    first = browser().get(ME).json()["id"]
    client = APIClient(headers={"Authorization": f"Bearer {issuer.token('u1')}"})
    assert client.get(ME).json()["id"] == first


def test_the_token_in_the_header_goes_before_the_cookie(issuer: Issuer, rows: Rows, alice: User) -> None:
    rows.make()
    access = sign_in()["access"]
    assert browser(Authorization=f"Bearer {access}").get(ME).json()["id"] == str(alice.pk)
    refused(browser(Authorization="Bearer x").get(ME), 401, "token_not_valid")


def test_who_signed_in_here_is_who_they_say(issuer: Issuer, rows: Rows, alice: User) -> None:
    rows.make()
    client = browser()
    client.force_login(alice)
    assert client.get(ME).json()["id"] == str(alice.pk)


@pytest.mark.parametrize(("scheme", "prefix"), [("http", ""), ("https", "__Secure-")])
def test_over_https_the_cookie_is_the_one_that_only_https_can_set(scheme: str, prefix: str) -> None:
    read = options.read(f"{scheme}://auth.example")
    assert read is not None
    assert read.cookie == f"{prefix}better-auth.session_token"


# ── Who does not ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "value",
    [
        "",
        "t1",
        "t1.",
        ".",
        cookie("t1")[:-5],
        cookie("t1").replace("t1", "t2"),
        cookie("t1", "another secret"),
        cookie("t1").upper(),
        f"{cookie('t1')}x",
        f"x{cookie('t1')}",
        cookie("t1", ""),
        cookie("t2"),
        cookie(""),
        cookie("t1\0"),
        cookie("t1' OR true --"),
        cookie("ü"),
        "t1.%ff%fe",
        "t1.ü",
        "t1.%ED%A0%80",
        "x" * 10_000,
    ],
)
def test_a_cookie_that_was_not_signed_for_a_session_is_none(issuer: Issuer, rows: Rows, value: str) -> None:
    rows.make()
    client = Client(headers={"Cookie": f"{NAME}={value}"})
    refused(client.get(ME), 401, "not_authenticated")
    assert not User.objects.exists()


def test_another_cookie_is_not_looked_at(issuer: Issuer, rows: Rows) -> None:
    rows.make()
    for name in ("__Secure-better-auth.session_token", "better-auth.session_data", "session_token"):
        refused(browser(name=name).get(ME), 401, "not_authenticated")


def test_without_a_secret_no_cookie_is_looked_at(
    issuer: Issuer, rows: Rows, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.make()
    configure(issuer.options(), settings, monkeypatch)
    refused(browser().get(ME), 401, "not_authenticated")


def test_the_rules_for_accounts_are_those_of_tokens(issuer: Issuer, rows: Rows, alice: User) -> None:
    rows.make(email="alice@example.com")
    refused(browser().get(ME), 403, "email_not_verified")
    rows.run('UPDATE "user" SET "emailVerified" = true')
    assert browser().get(ME).json()["id"] == str(alice.pk)
    User.objects.update(is_active=False)
    refused(browser().get(ME), 401, "no_active_account")


def test_a_deleted_account_does_not_come_back_by_the_session_of_then(issuer: Issuer, rows: Rows) -> None:
    rows.make()
    assert browser(Origin=PAGE).delete(ME).status_code == 204
    refused(browser().get(ME), 401, "no_active_account")
    rows.run("""UPDATE session SET "createdAt" = now() + interval '1 second'""")
    assert browser().get(ME).status_code == 200


# ── From which pages ─────────────────────────────────────────────────────────────────────────


def change(client: Any) -> Any:
    return client.patch(ME, json.dumps({"display_name": "Al B."}), content_type="application/json")


@pytest.mark.parametrize("origin", [PAGE, "http://testserver"])
def test_trusted_pages_may_change_things(issuer: Issuer, rows: Rows, origin: str) -> None:
    rows.make()
    response = change(browser(Origin=origin))
    assert (response.status_code, response.json()["display_name"]) == (200, "Al B.")
    assert response.headers.get("Access-Control-Allow-Origin") == (PAGE if origin == PAGE else None)


@pytest.mark.parametrize(
    "origin",
    [
        *("", "null", "https://evil.example", "https://testserver", "http://testserver:81", "http://app.example"),
        *(
            f"{PAGE}.evil.example",
            f"{PAGE}/",
            f"{PAGE}:443",
            f"{PAGE}, {PAGE}",
            PAGE.upper(),
            "https://evil-app.example",
        ),
    ],
)
def test_other_pages_may_not(issuer: Issuer, rows: Rows, origin: str) -> None:
    rows.make()
    refused(change(browser(Origin=origin)), 403, "origin_not_trusted")
    assert not User.objects.exists(), "nothing is made for a page that may not ask for it"


def test_who_names_no_origin_may_not(issuer: Issuer, rows: Rows) -> None:
    rows.make()
    for method in ("post", "put", "patch", "delete"):
        refused(getattr(browser(Referer=f"{PAGE}/"), method)(ME), 403, "origin_not_trusted")
    assert browser().get(ME).status_code == 200


def test_a_page_with_no_sign_in_hears_that_and_not_where_it_may_come_from(issuer: Issuer, rows: Rows) -> None:
    rows.make()
    refused(change(browser(cookie("t2"), Origin="https://evil.example")), 401, "not_authenticated")


# ── Its database ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tables", ["", "CREATE TABLE session (token text)", "CREATE TABLE session (token integer)"])
def test_tables_of_another_form_are_told_to_the_operator(issuer: Issuer, rows: Rows, tables: str) -> None:
    if tables:
        rows.run(tables)
    if "text" in tables:
        rows.run("INSERT INTO session VALUES ('t1')")
    response = browser().get(ME)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (503, "sign_in_unavailable")
    assert int(response.headers["Retry-After"]) >= 1


def test_a_database_that_is_away_is_503_and_strangers_do_not_ask_it(
    issuer: Issuer, rows: Rows, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = "postgresql://nobody@127.0.0.1:9/none"
    configure(issuer.options(secret=SECRET, database_url=away), settings, monkeypatch)
    assert browser().get(ME).status_code == 503
    refused(browser(cookie("t1", "guessed")).get(ME), 401, "not_authenticated")
    assert APIClient().get("/healthz").status_code == 200


def test_nothing_waits_for_its_migrations(issuer: Issuer, rows: Rows) -> None:
    rows.make()
    with psycopg.connect(rows.url) as migration:
        migration.execute("LOCK TABLE session")
        assert browser().get(ME).status_code == 503
    assert browser().get(ME).status_code == 200


def test_nothing_is_written_there(issuer: Issuer, rows: Rows) -> None:
    with cookies.pool(rows.url).connection() as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("CREATE TABLE mine ()")


def test_a_restart_of_its_database_is_not_noticed(issuer: Issuer, rows: Rows) -> None:
    rows.make()
    assert browser().get(ME).status_code == 200
    ours = "query LIKE '%to_jsonb(found)%' AND pid <> pg_backend_pid()"
    rows.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")
    assert browser().get(ME).status_code == 200


def test_it_works_in_a_real_server(server: Server, issuer: Issuer, rows: Rows) -> None:
    rows.make()
    person = Person(server.url)
    person.session.headers["Cookie"] = f"{NAME}={cookie('t1')}"
    assert person.get(ME).status_code == 200
    assert person.post("/api/characters/", {"name": "Ada"}).status_code == 403
    assert person.post("/api/characters/", {"name": "Ada"}, headers={"Origin": server.url}).status_code == 201
