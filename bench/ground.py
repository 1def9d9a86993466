"""What measurements stand on: a PostgreSQL of their own, and the application set up for it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.local.postgres import EmbeddedPostgres

# About 55 words, what people say in a turn.
WORDS = "The clock on the stairs had stopped again, and nobody in the house would say when it had. " * 3


def settings(url: str, **environ: str) -> dict[str, str]:
    """The application's environment on that database; no model stands behind it."""
    return {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "a key for measurements alone, long enough for one",
        "ALLOWED_HOSTS": "testserver",
        "HTTPS": "off",
        "LOG_LEVEL": "ERROR",
        "AI_BASE_URL": "http://127.0.0.1:9/v1",
        "AI_MODEL": "none",
        **environ,
    }


@contextmanager
def application(**environ: str) -> Iterator[None]:
    """Django on an empty, migrated database, which is gone afterwards; no model stands behind it."""
    home = Path(tempfile.mkdtemp(prefix="dramatis-bench-"))
    home.chmod(0o711)
    postgres = EmbeddedPostgres(home)
    try:
        os.environ |= settings(postgres.start(), **environ)
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield
    finally:
        postgres.remove()


def numbered(number: int) -> str:
    return f"{number}. {WORDS}"


def branch(conversation: Any, length: int, said: Callable[[int], str] = numbered) -> list[Any]:
    """So many messages in a new branch of a conversation, user and character by turns; the last one is the leaf."""
    from apps.conversations import turns
    from apps.conversations.models import Message, Role

    messages: list[Message] = []
    for number in range(length):
        role = Role.ASSISTANT if number % 2 else Role.USER
        message = Message(conversation=conversation, user=conversation.user, role=role, content=said(number))
        message.follow(messages[-1] if messages else None, goes_on=bool(messages))
        messages.append(message)
    Message.objects.bulk_create(messages, batch_size=1000)
    conversation.active_leaf = messages[-1]
    conversation.message_count += length
    conversation.last_message_at = messages[-1].created_at
    turns.save_head(conversation)
    return messages
