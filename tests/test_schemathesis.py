"""The whole OpenAPI schema against a running server: every check of schemathesis, in every phase, as two people.

SCHEMATHESIS_EXAMPLES=100 SCHEMATHESIS_SEED=7 python -m pytest tests/test_schemathesis.py -m slow
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from psycopg import sql

from tests.factories import PASSWORD
from tests.online import Person, until

ROOT = Path(__file__).parent.parent
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "12")
SEED = os.environ.get("SCHEMATHESIS_SEED", "1")

RATES = (
    "SIGN_IN_ADDRESS",
    "SIGN_IN_ACCOUNT",
    "SIGN_UP_ADDRESS",
    "SIGN_UP_ACCOUNT",
    "RESET_ADDRESS",
    "RESET_ACCOUNT",
    "API_KEYS",
)
ENV = {**{f"THROTTLE_{rate}": "1000000/min" for rate in RATES}, "ACCESS_TOKEN_MINUTES": "1000", "AI_TITLES": "off"}

CONFIG = """
seed = {seed}
continue-on-failure = true
request-timeout = 30
# One: hypothesis is not safe among threads, and one order of requests is easier to repeat.
workers = 1
hooks = "{hooks}"

[auth.wfc]
path = "{people}"
peers = ["alice", "bob"]

[reports.json]
path = "{report}"

# The schema holds no examples; without this, that phase would be passed over.
[phases.examples]
fill-missing = true

[generation]
max-examples = {examples}
database = "none"

# What random values would hardly ever hit, and nothing be made without.
[dictionaries]
models.values = ["", "test-model", "second-model"]
passwords.values = ["correct horse battery", "a lamp in every window"]
characters.values = {characters}
conversations.values = {conversations}
spare.values = {spare}
sessions.values = {sessions}
busy.values = {busy}
messages.values = {messages}
readers.values = {readers}
documents.values = {documents}
tools.values = {tools}
named.values = ["ada", "basil"]

[parameters]
"body.model" = {{ dictionary = "models", probability = 0.9 }}
"body.password" = {{ dictionary = "passwords", probability = 0.7 }}
"body.character" = {{ dictionary = "characters", probability = 0.7 }}

[[operations]]
include-path-regex = "/conversations/.id./(chat/|export/|fork/|messages/)?$"
exclude-method = "DELETE"
parameters = {{ "path.id" = {{ dictionary = "conversations", probability = 0.8 }} }}

[[operations]]
include-name = "DELETE /api/conversations/{{id}}/"
parameters = {{ "path.id" = {{ dictionary = "spare" }} }}

[[operations]]
include-path-regex = "/chat/.id./"
exclude-path-regex = "/conversations/"
parameters = {{ "path.id" = {{ dictionary = "sessions", probability = 0.8 }} }}
# What is cleared is there still, and empty.
checks = {{ use_after_free = {{ enabled = false }} }}

[[operations]]
include-path-regex = "/knowledge/"
[operations.parameters]
"path.id" = {{ dictionary = "readers", probability = 0.8 }}
"path.document_pk" = {{ dictionary = "documents", probability = 0.8 }}

[[operations]]
include-path-regex = "message_pk"
[operations.parameters]
"path.id" = {{ dictionary = "busy", probability = 0.8 }}
"path.message_pk" = {{ dictionary = "messages", probability = 0.8 }}

[[operations]]
include-path-regex = "/tools/.id./"
exclude-method = "DELETE"
parameters = {{ "path.id" = {{ dictionary = "tools", probability = 0.8 }} }}

[[operations]]
include-path-regex = "^/v1/conversations/"
exclude-method = "DELETE"
parameters = {{ "path.id" = {{ dictionary = "busy", probability = 0.8 }} }}

[[operations]]
include-path-regex = "item_pk"
[operations.parameters]
"path.id" = {{ dictionary = "busy", probability = 0.8 }}
"path.item_pk" = {{ dictionary = "messages", probability = 0.8 }}

[[operations]]
include-name = "GET /v1/models/{{id}}"
parameters = {{ "path.id" = {{ dictionary = "named", probability = 0.8 }} }}

[[operations]]
include-name = "POST /v1/chat/completions"
parameters = {{ "body.model" = {{ dictionary = "named", probability = 0.8 }} }}

# 400: refused with a code that says why, in ways that no schema can foresee; `tests/refusable.py` looks at each.
# 413: what a body may hold altogether, no schema can say.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "413"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415"]
"""


@contextmanager
def database(name: str) -> Iterator[str]:
    """A database of its own beside the tests', so that whatever is deleted here is not theirs."""
    url = urlsplit(os.environ["DATABASE_URL"])
    named = sql.Identifier(name)
    with psycopg.connect(url.geturl(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(named))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(named))
        yield url._replace(path=f"/{name}").geturl()
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(named))


@contextmanager
def served(database_url: str, log: Path) -> Iterator[str]:
    """The application under uvicorn, in a process of its own; its address."""
    env = {**os.environ, **ENV, "DATABASE_URL": database_url, "DATABASE_DIRECT_URL": ""}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, env=env, check=True)
    with socket.socket() as listener, log.open("w") as output:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        fd = listener.fileno()
        command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--fd", str(fd), "--no-access-log"]
        server = subprocess.Popen(command, cwd=ROOT, env=env, pass_fds=[fd], stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            until(lambda: requests.get(f"{url}/readyz", timeout=30).ok)
            yield url
        finally:
            server.terminate()
            server.wait(30)


def sign_up(url: str, name: str) -> Person:
    account = {"email": f"{name}@example.com", "password": PASSWORD}
    assert Person(url).post("/api/auth/users/", account).status_code == 201
    return Person(url, Person(url).post("/api/auth/jwt/create/", account).json()["access"])


def furnish(alice: Person, bob: Person) -> dict[str, list[str]]:
    """What alice has: the `messages` are all in the one conversation that is `busy`; the `spare` ones may be deleted.

    Who she talks to is bob's, so that no request of hers can end it.
    """

    def made(person: Person, path: str, **fields: object) -> str:
        response = person.post(path, fields)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    card = {"name": "Ada", "first_message": "Hello, {{user}}.", "visibility": "public"}
    characters = [made(bob, "/api/characters/", **card), made(alice, "/api/characters/", name="Basil")]
    reader = made(alice, "/api/characters/", name="Clara")
    text = {"title": "Clocks", "text": "The clock in the hall has stopped."}
    documents = [made(alice, f"/api/characters/{reader}/knowledge/", **text) for _ in range(20)]
    began = [made(alice, "/api/conversations/", character=characters[0]) for _ in range(40)]
    messages = [made(alice, f"/api/conversations/{began[0]}/messages/", content="Hm.", parent=None) for _ in range(60)]
    nowhere = {"url": "https://127.0.0.1/"}
    return {
        "tools": [
            made(alice, "/api/tools/", name="clock", kind="builtin", builtin="time"),
            made(alice, "/api/tools/", name="nowhere", kind="http", http=nowhere),
        ],
        "characters": characters,
        "conversations": began[1:10],
        "spare": began[10:30],
        "sessions": began[30:],
        "busy": began[:1],
        "messages": messages,
        "readers": [reader],
        "documents": documents,
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_server_keeps_what_the_schema_promises(tmp_path: Path) -> None:
    with database("schemathesis") as database_url, served(database_url, tmp_path / "server.log") as url:
        done = run(url, tmp_path)
    if done.returncode != 0:
        pytest.fail("\n".join(line[:400] for line in done.stdout.splitlines()), pytrace=False)
    result = json.loads((tmp_path / "report.json").read_text())
    assert result["test_cases"]["generated"] >= 1000
    assert result["test_cases"]["with_failures"] == 0
    assert result["operations"]["tested"] == result["operations"]["total"]
    assert {phase["status"] for phase in result["phases"].values()} == {"success"}


def run(url: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Alice and Bob sign up and set about it. What came of it is in `report.json`."""
    people = {name: sign_up(url, name) for name in ("alice", "bob")}
    auth = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": person.session.headers["Authorization"]}]}
        for name, person in people.items()
    ]
    rows = furnish(**people)
    (folder / "people.json").write_text(json.dumps({"auth": auth}))
    config = CONFIG.format(
        seed=SEED,
        examples=EXAMPLES,
        hooks=ROOT / "tests" / "refusable.py",
        people=folder / "people.json",
        report=folder / "report.json",
        **{name: json.dumps(ids) for name, ids in rows.items()},
    )
    (folder / "schemathesis.toml").write_text(config)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"]
    command += ["run", f"{url}/api/schema/?format=json", "--checks", "all", "--no-color", *more]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}  # the hooks are a module among others
    return subprocess.run(command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
