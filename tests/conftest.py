"""The cast: alice, bob, and what is alice's."""

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from rest_framework.test import APIClient

from apps.accounts import keys, tokens
from apps.accounts.models import ExternalIdentity, User
from apps.characters import pictures, shelf
from apps.characters.models import Character, Report
from apps.chat.models import Generation
from apps.conversations.models import Role, Summary, Tombstone
from apps.knowledge.models import Fact
from apps.tools.models import Tool
from tests.ai_server import AIServer
from tests.factories import (
    make_character,
    make_conversation,
    make_document,
    make_picture,
    make_tool,
    make_user,
    say,
)
from tests.launched import data_dir, run
from tests.online import Person, Server
from tests.page import ada, at_home, browser, device, page_trouble, visitor, visits
from tests.redis_server import RedisServer
from tests.sentinel import Sentinel
from tests.slow import SLOW
from tests.stage import AI
from tests.thrift import collect_less_garbage, empty_by_deleting, find_files_once

__all__ = ["ada", "at_home", "browser", "data_dir", "device", "page_trouble", "run", "visitor", "visits"]

# What makes guessing slow makes tests slow.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
find_files_once()
empty_by_deleting()


@pytest.hookimpl(tryfirst=True)  # before the items are chosen by their marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    if not SLOW and not config.option.markexpr:
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def pytest_collection_finish() -> None:
    collect_less_garbage()


@pytest.fixture(autouse=True)
def _nobody_is_throttled_for_the_last_test() -> None:
    for cache in caches.all():
        cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice@example.com", display_name="Alice")


@pytest.fixture
def bob(db: None) -> User:
    return make_user("bob@example.com", display_name="Bob")


def signed_in(user: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.sign_in(user)['access']}")
    return client


@pytest.fixture
def as_alice(alice: User) -> APIClient:
    return signed_in(alice)


@pytest.fixture
def as_bob(bob: User) -> APIClient:
    return signed_in(bob)


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient()


@pytest.fixture
def gretas(db: None) -> Character:
    """A public character, neither alice's nor bob's."""
    return make_character(make_user("greta@example.com"), name="Gustav", visibility="public")


@pytest.fixture
def alices(alice: User, gretas: Character) -> SimpleNamespace:
    """One row of everything she owns."""
    character = make_character(alice)
    tool = make_tool(alice)
    fact = Fact.objects.create(user=alice, character=character, text="She winds the clocks.")
    character.tools.add(tool)
    shelf.hang(character, pictures.clean(make_picture()))
    document = make_document(character, "Clocks", "The clock in the hall has stopped. " * 40)
    report = Report.objects.create(user=alice, character=gretas, reason="spam")
    conversation = make_conversation(alice, character, title="Clocks")
    message = say(conversation, "What time is it?")
    answer = say(conversation, "Half past nine.", Role.ASSISTANT)
    generation = Generation.objects.create(
        user=alice, conversation=conversation, message=answer, status="complete", provider="default", model="test-model"
    )
    summary = Summary.objects.create(
        conversation=conversation,
        message=answer,
        depth=answer.depth,
        text="They spoke of the hour.",
        model="test-model",
    )
    identity = ExternalIdentity.objects.create(user=alice, issuer="https://auth.example", subject="alice-elsewhere")
    # As a deleted message leaves one.
    tombstone = Tombstone.objects.create(user=alice, conversation=conversation)
    api_key, _ = keys.make(alice, "A desktop program")
    return SimpleNamespace(
        user=alice,
        character=character,
        tool=tool,
        fact=fact,
        document=document,
        report=report,
        conversation=conversation,
        message=message,
        item=answer,
        generation=generation,
        summary=summary,
        tombstone=tombstone,
        identity=identity,
        api_key=api_key,
    )


@pytest.fixture
def ai() -> Iterator[AIServer]:
    AI.reset()
    yield AI
    AI.reset()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The tests' own database has another name, on the way past a pooler, too."""
    if settings.DIRECT_DATABASE:
        settings.DIRECT_DATABASE["NAME"] = connection.creation._get_test_db_name()  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(_redis_server: RedisServer) -> RedisServer:
    """Empty, and running: a test may kill it, and the next one has it back."""
    return _redis_server.restart()


@pytest.fixture(scope="session")
def _sentinel() -> Iterator[Sentinel]:
    with Sentinel() as sentinel:
        yield sentinel


@pytest.fixture
def sentinel(_sentinel: Sentinel) -> Sentinel:
    """Whom nobody is meant to reach; who came before is forgotten."""
    _sentinel.connections()
    return _sentinel


@pytest.fixture(scope="session", autouse=True)
def _no_session_outlives_the_tests(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database cannot be dropped while anybody is connected. The pool's own connections are closed right after this;
    one that some thread or process of a test still holds would keep the database, and fail the run."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session")
def _server(django_db_setup: None, django_db_blocker: Any, page_trouble: str | None) -> Iterator[Server]:
    # It looks after its leases between the tests, too.
    with django_db_blocker.unblock(), Server() as server:
        yield server


@pytest.fixture
def server(transactional_db: None, _server: Server, ai: AIServer) -> Iterator[Server]:
    yield _server
    ai.reset()
    _server.settle()


@pytest.fixture
def alice_online(server: Server, alice: User) -> Person:
    return Person(server.url, tokens.sign_in(alice)["access"])


@pytest.fixture
def bob_online(server: Server, bob: User) -> Person:
    return Person(server.url, tokens.sign_in(bob)["access"])


@pytest.fixture
def slow_tool(alice: User, settings: Any) -> Iterator[Tool]:
    """An HTTP tool of alice's whose server takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{port}"]
        http = {"method": "GET", "url": f"http://127.0.0.1:{port}/", "headers": {}, "query": {}, "body": None}
        yield make_tool(alice, "slow", kind="http", config=http, parameters={"type": "object"})
