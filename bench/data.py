"""A million messages to measure on, the same ones every time.

    .venv-bench/bin/python -m bench.data [--small] [--keep DIR]

`filled()` starts a PostgreSQL of its own and fills it. With a folder to keep it in (BENCH_DATA), what was built once is
only copied the next time; one benchmark at a time may use a folder.

Who is there, and which words are met how often, tells `bench.people`.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import ConnectionPool

from bench.ground import settings
from bench.people import (
    ABSENT,
    COLUMNS,
    COMMON,
    FULL,
    MIDDLING,
    OTHER,
    RARE,
    SMALL,
    Person,
    Size,
    moment,
    people_of,
    phrases,
    rows,
)
from config.local.postgres import EmbeddedPostgres

__all__ = ["ABSENT", "COMMON", "FULL", "MIDDLING", "OTHER", "RARE", "SMALL", "Person", "World", "filled", "phrases"]

CHUNK = 5_000
KEPT = "kept"


@dataclass
class World:
    url: str
    people: dict[str, Person]
    built_in: float | None  # seconds; None where it was kept
    postmaster: int  # the process whose children are PostgreSQL's


def fill(url: str, people: dict[str, Person]) -> None:
    """Into an empty, migrated database; Django is set up on it."""
    from apps.accounts.models import User
    from apps.characters.models import Character
    from apps.conversations.models import Conversation

    users = {p.name: User(pk=p.id, email=p.email, display_name=p.name, password="!none") for p in people.values()}
    User.objects.bulk_create(users.values())
    characters = {name: Character(user=user, name="Ada", description="Repairs clocks.") for name, user in users.items()}
    Character.objects.bulk_create(characters.values())
    with ConnectionPool(url, min_size=2, max_size=2, configure=bare, kwargs={"autocommit": True}) as pool:
        indexes = drop_indexes(pool)
        copy_messages(pool, people)
        made = [
            Conversation(
                pk=held.id,
                user=users[person.name],
                character=characters[person.name],
                character_name="Ada",
                title=f"{person.name} {held.number}",
                created_at=moment(held.began - 1),
                message_count=held.length,
                active_leaf_id=UUID(int=held.message(held.leaf)) if held.leaf is not None else None,
                last_message_at=moment(held.began + (held.length - 1) * held.gap) if held.length else None,
                last_message_preview=held.preview,
            )
            for person in people.values()
            for held in person.conversations
        ]
        Conversation.objects.bulk_create(made, batch_size=1_000)
        with ThreadPoolExecutor(2) as workers:
            list(workers.map(lambda statement: execute(pool, statement), indexes))
        execute(pool, "VACUUM (ANALYZE)")
        execute(pool, "CHECKPOINT")


def bare(connection: psycopg.Connection[Any]) -> None:
    """Without looking up what each key refers to, and without waiting for the disk."""
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET synchronous_commit = off")
    connection.execute("SET maintenance_work_mem = '512MB'")


def execute(pool: ConnectionPool, statement: Any) -> None:
    with pool.connection() as connection:
        connection.execute(statement)


def drop_indexes(pool: ConnectionPool) -> list[str]:
    """Those of the messages that are no constraint's; the statements that make them again, the slowest first."""
    with pool.connection() as connection:
        found = connection.execute(
            """
            SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indrelid = 'conversations_message'::regclass AND NOT indisunique
            """
        ).fetchall()
        for name, _ in found:
            connection.execute(f"DROP INDEX {name}")
    return sorted((statement for _, statement in found), key=lambda statement: " gin " not in statement)


def copy_messages(pool: ConnectionPool, people: dict[str, Person]) -> None:
    def copy(lines: list[str]) -> None:
        into = f"COPY conversations_message ({COLUMNS}) FROM STDIN"
        with pool.connection() as connection, connection.cursor().copy(into) as written:
            written.write("".join(lines))

    under_way: deque[Future[None]] = deque()
    lines: list[str] = []
    with ThreadPoolExecutor(2) as workers:
        for line in rows(people):
            lines.append(line)
            if len(lines) == CHUNK:
                under_way.append(workers.submit(copy, lines))
                lines = []
                if len(under_way) > 6:
                    under_way.popleft().result()
        under_way.append(workers.submit(copy, lines))
        for each in under_way:
            each.result()


@contextmanager
def filled(size: Size = FULL, *, keep: Path | None = None, say: Any = print, **environ: str) -> Iterator[World]:
    """The data in a database of its own, Django set up on it, and a token for each of the first seven people.

    `keep`, by default BENCH_DATA: a folder where the data stays. What is done to it is gone the next time all the same.
    """
    kept = keep or (Path(os.environ["BENCH_DATA"]) if os.environ.get("BENCH_DATA") else None)
    home = kept or Path(tempfile.mkdtemp(prefix="dramatis-bench-"))
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    postgres = EmbeddedPostgres(home, connections=120)
    try:
        url = postgres.start()
        if tune(postgres, size):
            postgres.stop()
            url = postgres.start()
        os.environ |= settings(url, ACCESS_TOKEN_MINUTES="100000", **environ)
        import django
        from django.core.management import call_command

        django.setup()
        people, began = people_of(size), time.monotonic()
        found = kept is not None and restore(postgres, mark_of(size))
        if not found:
            say(f"making {size.messages:,} messages in {size.conversations:,} conversations", flush=True)
            call_command("migrate", verbosity=0)
            fill(url, people)
            if kept is not None:
                keep_it(postgres, mark_of(size))
        assert postgres.child.process is not None
        took = None if found else time.monotonic() - began
        yield World(url, sign_in(people), took, postgres.child.process.pid)
    finally:
        if kept is None:
            postgres.remove()
            shutil.rmtree(home, ignore_errors=True)
        else:
            postgres.stop()


def tune(postgres: EmbeddedPostgres, size: Size) -> bool:
    """What a server of this size would be given, all of the data in memory. Nothing happens by itself meanwhile."""
    wanted = {
        "shared_buffers": size.memory,
        "effective_cache_size": size.memory,
        "work_mem": "16MB",
        "random_page_cost": "1.1",
        "max_wal_size": "8GB",
        "checkpoint_timeout": "1h",
        "autovacuum": "off",
        "jit": "off",
        "timezone": "UTC",
    }
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        if connection.execute("SHOW shared_buffers").fetchone() == (size.memory,):
            return False
        for name, value in wanted.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    return True


def mark_of(size: Size) -> str:
    """Another one where what is built, or the tables that it is built in, would be others."""
    root = Path(__file__).parent.parent
    files = [Path(__file__), Path(__file__).with_name("people.py"), *sorted(root.glob("apps/*/migrations/*.py"))]
    return sha256(repr(size).encode() + b"".join(file.read_bytes() for file in files)).hexdigest()


def restore(postgres: EmbeddedPostgres, mark: str) -> bool:
    """A fresh copy of what was kept; an empty database where nothing was, or something else."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        asked = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
        found = connection.execute(asked, [KEPT]).fetchone() == (mark,)
        connection.execute("DROP DATABASE dramatis WITH (FORCE)")
        connection.execute(f"CREATE DATABASE dramatis {f'TEMPLATE {KEPT} STRATEGY file_copy' if found else ''}")
    return found


def keep_it(postgres: EmbeddedPostgres, mark: str) -> None:
    from django.db import connections

    connections.close_all()
    for pooled in connections.all():
        pooled.close_pool()  # type: ignore[attr-defined]
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {KEPT}")
        connection.execute(f"CREATE DATABASE {KEPT} TEMPLATE dramatis STRATEGY file_copy")
        connection.execute(f"COMMENT ON DATABASE {KEPT} IS '{mark}'")


def sign_in(people: dict[str, Person]) -> dict[str, Person]:
    from apps.accounts import tokens
    from apps.accounts.models import User

    for person in list(people.values())[:7]:
        person.token = tokens.sign_in(User.objects.get(pk=person.id))["access"]
    return people


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--small", action="store_true")
    arguments.add_argument("--keep", type=Path)
    given = arguments.parse_args()
    with filled(SMALL if given.small else FULL, keep=given.keep) as world:
        print(f"{'kept' if world.built_in is None else f'{world.built_in:.0f} s'}: {world.url}")
