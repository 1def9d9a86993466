"""Better Auth itself, as npm has it, on PostgreSQL, and a server process of ours that is pointed at it."""

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import requests

from apps.accounts.models import ExternalIdentity, User
from tests.npm import installed
from tests.people import Person, until
from tests.processes import ServerProcess, database_url, free_port
from tests.refusals import refused

SECRET = "n0t-s0-s3cret-but-l0ng-enough-f0r-Better-Auth"
PASSWORD = "a tidy clockwork"
ME = "/api/auth/users/me/"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


class BetterAuthProcess:
    """`server.mjs` under node, with a database of its own on the tests' server."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.url = f"http://127.0.0.1:{free_port()}"
        self.environ = os.environ | {
            "BETTER_AUTH_URL": self.url,
            "BETTER_AUTH_SECRET": SECRET,
            "DATABASE_URL": database,
            # As in production: nothing is let pass because it is a test.
            "NODE_ENV": "production",
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["node", "server.mjs"],
            cwd=installed("better_auth"),
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line == "listening\n":
                return
        pytest.fail("".join(said))

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.communicate(timeout=10)

    def rotate(self) -> None:
        command = ["node", "server.mjs", "rotate"]
        subprocess.run(command, cwd=installed("better_auth"), env=self.environ, check=True, timeout=60)


@pytest.fixture
def better_auth(django_db_setup: None) -> Iterator[BetterAuthProcess]:
    name = "dramatis_tests_better_auth"
    with psycopg.connect(database_url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        process = BetterAuthProcess(f"{database_url().rpartition('/')[0]}/{name}")
        try:
            process.start()
            yield process
        finally:
            process.stop()
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def dramatis(transactional_db: None, better_auth: BetterAuthProcess) -> Iterator[ServerProcess]:
    process = ServerProcess(
        BETTER_AUTH_URL=better_auth.url,
        BETTER_AUTH_SECRET=SECRET,
        BETTER_AUTH_DATABASE_URL=better_auth.database,
        CORS_ALLOWED_ORIGINS="https://app.example",
    )
    process.start()
    yield process
    process.remove()


class Browser:
    """Somebody at Better Auth, with its cookies."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, requests.Session()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        origin = {"Origin": self.url}
        response = self.session.request(method, f"{self.url}/api/auth{path}", json=body, headers=origin, timeout=30)
        assert response.ok, response.text
        return response.json()

    def sign_up(self, email: str, name: str = "Al") -> None:
        self.ask("POST", "/sign-up/email", {"email": email, "password": PASSWORD, "name": name})

    def token(self) -> str:
        return str(self.ask("GET", "/token")["token"])

    def cookies(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.session.cookies)


def by_cookie(dramatis: ServerProcess, browser: Browser) -> Person:
    """The same browser, at Dramatis. Its jar would not send them to another port in each version of Python alike."""
    person = Person(dramatis.url)
    person.session.headers["Cookie"] = browser.cookies()
    return person


def verify(better_auth: BetterAuthProcess, email: str) -> None:
    with psycopg.connect(better_auth.database) as connection:
        done = connection.execute('UPDATE "user" SET "emailVerified" = true WHERE email = %s', [email])
        assert done.rowcount == 1


def test_signing_up_there_signs_in_here_by_token_and_by_cookie(
    better_auth: BetterAuthProcess, dramatis: ServerProcess
) -> None:
    al = Browser(better_auth.url)
    al.sign_up("Al@example.com")
    token = al.token()
    by_token = Person(dramatis.url, token)
    mine = by_token.get(ME).json()
    assert (mine["email"], mine["display_name"]) == ("al@example.com", "Al")
    made = by_token.post("/api/characters/", {"name": "Ada"})
    assert made.status_code == 201

    session = al.session.get(f"{better_auth.url}/api/auth/get-session", timeout=30)
    assert Person(dramatis.url, session.headers["set-auth-jwt"]).get(ME).json() == mine

    with_cookie = by_cookie(dramatis, al)
    assert with_cookie.get(ME).json() == mine
    refused(with_cookie.post("/api/characters/", {"name": "Basil"}), 403, "origin_not_trusted")
    page = {"Origin": "https://app.example"}
    answer = with_cookie.post("/api/characters/", {"name": "Basil"}, headers=page)
    assert answer.status_code == 201
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"

    other = Browser(better_auth.url)
    other.sign_up("bo@example.com", "Bo")
    bo = Person(dramatis.url, other.token())
    assert bo.get(ME).json()["email"] == "bo@example.com"
    assert bo.get(f"/api/characters/{made.json()['id']}/").status_code == 404

    al.ask("POST", "/sign-out", {})
    refused(with_cookie.get(ME), 401, "not_authenticated")
    assert by_cookie(dramatis, other).get(ME).status_code == 200
    # A token lives to its end, as everywhere with Better Auth.
    assert by_token.get(ME).status_code == 200

    al.ask("POST", "/sign-in/email", {"email": "al@example.com", "password": PASSWORD})
    assert by_cookie(dramatis, al).get(ME).json()["id"] == mine["id"]


def test_its_keys_are_rotated_without_a_restart(better_auth: BetterAuthProcess, dramatis: ServerProcess) -> None:
    al = Browser(better_auth.url)
    al.sign_up("al@example.com")
    old = al.token()
    assert Person(dramatis.url, old).get(ME).status_code == 200
    better_auth.rotate()
    new = al.token()
    assert old.split(".")[0] != new.split(".")[0]
    # Within the cool-down, if the first fetch was a moment ago.
    until(lambda: Person(dramatis.url, new).get(ME).status_code == 200)
    assert Person(dramatis.url, old).get(ME).status_code == 200


def test_an_address_counts_once_it_is_verified_there(
    better_auth: BetterAuthProcess, dramatis: ServerProcess, alice: User
) -> None:
    her = Browser(better_auth.url)
    her.sign_up("alice@example.com")
    for person in (Person(dramatis.url, her.token()), by_cookie(dramatis, her)):
        refused(person.get(ME), 403, "email_not_verified")
    verify(better_auth, "alice@example.com")
    for person in (Person(dramatis.url, her.token()), by_cookie(dramatis, her)):
        assert person.get(ME).json()["id"] == str(alice.pk)
    assert ExternalIdentity.objects.get().issuer == better_auth.url


def test_a_session_that_is_over_or_forged_is_none(better_auth: BetterAuthProcess, dramatis: ServerProcess) -> None:
    al = Browser(better_auth.url)
    al.sign_up("al@example.com")
    person = by_cookie(dramatis, al)
    assert person.get(ME).status_code == 200
    forged = Person(dramatis.url)
    forged.session.headers["Cookie"] = al.cookies().replace("=", "=x", 1)
    refused(forged.get(ME), 401, "not_authenticated")
    with psycopg.connect(better_auth.database) as connection:
        connection.execute("""UPDATE session SET "expiresAt" = now() - interval '1 second'""")
    refused(person.get(ME), 401, "not_authenticated")
