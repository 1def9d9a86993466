"""Promises about the project as a whole: migrations, the schema, settings and what a production start needs."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

from tests.endpoints import schema

ROOT = Path(__file__).resolve().parent.parent

# What one process of ours tells another; no operator sets these.
INTERNAL = {"DJANGO_SETTINGS_MODULE", "EMBEDDED_MODEL_KEY"}

NEEDED = {
    "SECRET_KEY": "p9#kV2!xQ7zR4mW8bN1cT6yH3jL5dF0gS@aE*uI(oP)tZ%wX&vB",
    "ALLOWED_HOSTS": "chat.example",
    "DATABASE_URL": "postgresql://dramatis@127.0.0.1:5432/dramatis",
    "AI_BASE_URL": "http://127.0.0.1:9/v1",
    "AI_MODEL": "a-model",
}


def test_migrations_are_complete(db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_the_schema_builds_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    GENERATOR_STATS.reset()
    GENERATOR_STATS.enable_trace_lineno()
    validate_schema(SchemaGenerator().get_schema(request=None, public=True))
    assert not GENERATOR_STATS
    assert capsys.readouterr().err == ""


def test_the_schema_file_is_the_schema() -> None:
    written = (ROOT / "openapi.yaml").read_bytes()
    assert OpenApiYamlRenderer().render(schema(), renderer_context={}) == written, "run `make schema`"


def test_every_operation_is_described() -> None:
    for path, operations in schema()["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path} says nothing of itself"


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for each in schema()["paths"].values() for operation in each.values()]
    assert len(names) == len(set(names))


# ── Settings ─────────────────────────────────────────────────────────────────────────────────


def is_environment(node: ast.AST) -> bool:
    """`env`, `os.environ`, or what was made of it."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in {"env", "environ", "given"}


def names_in(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.fullmatch("[A-Z][A-Z0-9_]+", node.value)
        ):
            yield node.value


def names_read(source: str) -> Iterator[str]:
    """The variables that this module reads: `env.str("X")`, `os.environ["X"]`, `number(given, "X")`, `"X" in given`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=owner)) if is_environment(owner):
                yield from names_in(node.args[:1])
            case ast.Call(args=[first, *_]) if is_environment(first):
                yield from names_in(node.args[1:2])
            case ast.Subscript(value=owner) if is_environment(owner):
                yield from names_in([node.slice])
            case ast.Compare(comparators=[owner]) if is_environment(owner):
                yield from names_in([node.left])


@pytest.mark.parametrize(
    "source",
    [
        'env.str("X_Y", "")',
        'os.environ["X_Y"]',
        'os.environ.get("X_Y")',
        'number(given, "X_Y", 1)',
        'given.get("X_Y")',
        '"X_Y" in given',
        '"X_Y" not in os.environ',
    ],
)
def test_a_setting_is_noticed_however_it_is_read(source: str) -> None:
    assert list(names_read(source)) == ["X_Y"]


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    modules = [path for folder in ("config", "apps") for path in (ROOT / folder).rglob("*.py")]
    read = {name for module in modules for name in names_read(module.read_text())} - INTERNAL
    documented = re.findall(r"^\| *`([A-Z0-9_]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(read)


# ── A production start ───────────────────────────────────────────────────────────────────────


def start(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run with these variables and no others of ours."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error", *command],
        cwd=ROOT,
        env=inherited | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_production_settings_pass_djangos_own_check() -> None:
    # Django 6 asks the database for its version, and for a server to send mail by.
    environ = NEEDED | {"DATABASE_URL": os.environ["DATABASE_URL"], "EMAIL_HOST": "mail.example"}
    done = start("manage.py", "check", "--deploy", "--fail-level", "WARNING", **environ)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_a_start_without_what_it_needs_is_refused_by_name(name: str) -> None:
    others = {other: value for other, value in NEEDED.items() if other != name}
    done = start("-c", "import config.settings", **others)
    assert done.returncode != 0
    complaint = done.stderr.strip().splitlines()[-1]
    assert name in complaint
    assert not [other for other in others if other in complaint]
    assert not [value for value in others.values() if value in done.stderr]


@pytest.mark.parametrize("environ", [{}, dict.fromkeys(NEEDED, "")], ids=["unset", "empty"])
def test_everything_that_is_missing_is_named_at_once(environ: dict[str, str]) -> None:
    done = start("-c", "import config.asgi", **environ)
    assert done.returncode != 0
    assert [name for name in NEEDED if name not in done.stderr.strip().splitlines()[-1]] == []


def test_settings_that_make_no_sense_are_refused_by_name() -> None:
    senseless = {
        "REGISTRATION": "maybe",
        "DATABASE_POOLED": "perhaps",
        "WEB_THREADS": "0",
        "AI_CONTEXT_TOKENS": "many",
        "TRUSTED_PROXIES": "-1",
        "ACCESS_TOKEN_MINUTES": "soon",
        "REFRESH_TOKEN_DAYS": "0",
        "WEB_CONCURRENCY": "0",
        "REDIS_URL": "http://localhost",
        "SYNC_RETENTION_DAYS": "0",
        "OUTBOUND_ALLOWED_HOSTS": "10.0.0.0/8",
    }
    done = start("-c", "import config.settings", **NEEDED, **senseless)
    assert done.returncode != 0
    assert [name for name in senseless if name not in done.stderr.strip().splitlines()[-1]] == []


def test_a_database_that_cannot_be_is_refused_and_not_repeated() -> None:
    refused = ("mysql://u:hunter2@h/db", "postgres://u:hunter2@h", "postgres://u:hunter2@h/db?pgbouncer=1&options=-c+x")
    for url in refused:
        done = start("-c", "import config.settings", **NEEDED | {"DATABASE_URL": url})
        assert "DATABASE_URL" in done.stderr.strip().splitlines()[-1]
        assert "hunter2" not in done.stderr


def test_a_pooled_address_and_the_direct_one_are_taken_as_they_are_pasted() -> None:
    pooled, direct = (
        f"postgresql://alex:AbC@ep-a-1{end}.eu-central-1.aws.neon.tech/db?sslmode=require&channel_binding=require"
        for end in ("-pooler", "")
    )
    program = "from config.settings import *; print(DATABASE_IS_POOLED, DIRECT_DATABASE['HOST'])"
    done = start("-c", program, **NEEDED | {"DATABASE_URL": pooled, "DATABASE_DIRECT_URL": direct})
    assert done.stdout == "True ep-a-1.eu-central-1.aws.neon.tech\n", done.stderr


def test_several_processes_are_refused_without_redis_and_the_reason_is_told() -> None:
    done = start("-c", "import config.settings", **NEEDED, WEB_CONCURRENCY="2")
    assert done.returncode != 0
    assert "More than one process needs REDIS_URL: live streams, stop signals and throttles" in done.stderr


@pytest.mark.parametrize(
    "url", ["redis://cache.example:6379/1", "rediss://:p%2Fw,1@cache.example", "unix:///run/redis"]
)
def test_with_redis_there_may_be_several_processes_that_count_together(url: str) -> None:
    program = "from config.settings import *; print(WEB_CONCURRENCY, CACHES['default']['LOCATION'], sep='\\n')"
    done = start("-c", program, **NEEDED, WEB_CONCURRENCY="2", REDIS_URL=url)
    assert done.stdout.splitlines() == ["2", str([url])], done.stderr


@pytest.mark.parametrize(
    "url", ["http://:hunter2@cache.example", "redis://:hunter2/x@cache.example", "redis://", "hunter2"]
)
def test_a_wrong_address_of_redis_is_refused_and_not_repeated(url: str) -> None:
    done = start("-c", "import config.settings", **NEEDED, REDIS_URL=url)
    assert done.returncode != 0
    assert "'REDIS_URL': ['Not an address that starts with redis://, rediss:// or unix://.']" in done.stderr
    assert "hunter2" not in done.stderr
