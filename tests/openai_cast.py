"""Who talks to the OpenAI-compatible face: fixtures for its tests, made with OpenAI's own package."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from openai import OpenAI

from apps.accounts import keys
from apps.accounts.models import User
from apps.characters.models import Character
from tests.ai_server import AIServer
from tests.factories import make_character
from tests.online import Server

HELLO: Any = [{"role": "user", "content": "Hello"}]

Connect = Callable[..., OpenAI]


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    """Makes clients, by their keys."""
    with ExitStack() as stack:

        def client_of(key: str, **options: Any) -> OpenAI:
            patience = {"max_retries": 0, "timeout": 30, **options}
            return stack.enter_context(OpenAI(base_url=f"{server.url}/v1", api_key=key, **patience))

        yield client_of


@pytest.fixture
def ada(alice: User) -> Character:
    return make_character(
        alice,
        personality="patient",
        example_dialogue="<START>\n{{user}}: Hm?\n{{char}}: Tick.",
        lorebook={"entries": [{"keys": ["bell"], "content": "The bell is rung by fog.", "enabled": True}]},
    )


@pytest.fixture
def key(alice: User) -> str:
    return keys.make(alice, "Tests")[1]


@pytest.fixture
def client(connect: Connect, ada: Character, key: str) -> OpenAI:
    return connect(key)


def ask(client: OpenAI, messages: Any = HELLO, **options: Any) -> Any:
    return client.chat.completions.create(**{"model": "ada", "messages": messages, **options})


def told(ai: AIServer) -> list[tuple[str, str]]:
    return [(each["role"], each["content"]) for each in ai.heard[-1]["messages"]]
