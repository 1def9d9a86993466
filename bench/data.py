"""A million messages to measure on, the same ones every time.

    .venv-bench/bin/python -m bench.data [--small] [--keep DIR]

`filled()` starts a PostgreSQL of its own and fills it. With a folder to keep it in (BENCH_DATA), what was built once is
only copied the next time; one benchmark at a time may use a folder.

Who is there (`people`), and how much is theirs:

    long        one conversation of 100,000 messages
    many        5,000 conversations of 20
    middling    125 conversations of 80: 10,000 messages
    hundred     5 conversations of 20
    deep        one conversation of 12,000 messages
    thousand    one conversation of 1,000 messages, and an empty one
    fifty       50 conversations of 20
    other-0 …   400 people with all the rest

Every 20th answer was written twice; the second one is a leaf that no path goes through. Texts are of made-up words, a
few of which are met often and most seldom, as in a language; and of these, counted among one person's messages:

    COMMON      in every 2nd message
    MIDDLING    in 1 of 100, half of the time together with COMMON
    OTHER       in 1 of 50, with MIDDLING in 1 of 200
    RARE        in 1 of 50,000 of all messages, and in one of each of the first seven people's
    ABSENT      in none
"""

import argparse
import os
import random
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import ConnectionPool

from bench.ground import settings
from config.local.postgres import EmbeddedPostgres

COMMON, MIDDLING, OTHER, RARE, ABSENT = "lantern", "harbour", "ferry", "quixotic", "zymurgy"
BEGAN = 1_700_000_000_000  # milliseconds since 1970
SPAN = 700 * 24 * 60 * 60 * 1000
CHUNK = 5_000
PHRASES = 4096
KEPT = "kept"


@dataclass(frozen=True)
class Size:
    messages: int
    conversations: int
    long: int
    many: int
    others: int
    memory: str  # that holds all of it


FULL = Size(1_000_000, 10_000, 100_000, 5_000, 400, "3GB")
SMALL = Size(60_000, 900, 20_000, 500, 20, "512MB")


@dataclass
class Held:
    """A conversation: `first` is the number of its first message among its owner's."""

    id: UUID
    number: int
    length: int
    first: int
    began: int
    gap: int
    preview: str = ""

    def message(self, place: int) -> int:
        """The id of its message at `place`, as a number."""
        return key(self.began + place * self.gap, self.number, place)

    @property
    def leaf(self) -> int | None:
        """The place of the last message that is no second try."""
        return self.length - (2 if is_second_try(self.length - 1) else 1) if self.length else None


@dataclass
class Person:
    name: str
    id: UUID
    conversations: list[Held]
    token: str = ""

    @property
    def email(self) -> str:
        return f"{self.name}@example.com"


@dataclass
class World:
    url: str
    people: dict[str, Person]
    built_in: float | None  # seconds; None where it was kept


def key(moment: int, number: int, place: int) -> int:
    """A UUIDv7 of a millisecond, of the `place`th thing of a conversation."""
    return moment << 80 | 7 << 76 | 8 << 60 | number << 32 | place


def is_second_try(place: int) -> bool:
    return place % 21 == 19


def spot(place: int) -> tuple[int, int | None]:
    """How deep the message at a place is, and the place of its parent. Of 21 places the 20th has the 19th's parent."""
    block, rest = divmod(place, 21)
    depth = 20 * block + (rest if rest < 19 else rest - 1)
    return depth, (place - (2 if rest >= 19 else 1) if place else None)


def people_of(size: Size) -> dict[str, Person]:
    lengths = {
        "long": [size.long],
        "many": [20] * size.many,
        "middling": [80] * 125,
        "hundred": [20] * 5,
        "deep": [12_000],
        "thousand": [1_000, 0],
        "fifty": [20] * 50,
    }
    left = size.conversations - sum(map(len, lengths.values()))
    each, over = divmod(size.messages - sum(map(sum, lengths.values())), left)
    for index in range(left):
        lengths.setdefault(f"other-{index % size.others}", []).append(each + (index < over))
    dice, number = random.Random(1), 0
    people = {}
    for index, (name, wanted) in enumerate(lengths.items()):
        held, first = [], 0
        for length in wanted:
            gap = min(90_000, SPAN // max(length, 1))
            began = BEGAN + dice.randrange(SPAN - length * gap + 1)
            held.append(Held(UUID(int=key(began - 1, number, 0)), number, length, first, began, gap))
            number, first = number + 1, first + length
        people[name] = Person(name, UUID(int=key(BEGAN - 1_000, index, 0)), held)
    return people


def phrases() -> list[str]:
    """Of nine words or so, drawn from 30,000 so that the nth is met 1/n as often as the first."""
    dice = random.Random(2)
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    found = dict.fromkeys("".join(dice.choices(syllables, k=1 + (n > 50) + (n > 2_000))) for n in range(200_000))
    words = list(found)[:30_000]
    chances = [1 / (n + 1) for n in range(len(words))]
    return [" ".join(dice.choices(words, chances, k=dice.randint(7, 12))) for _ in range(PHRASES)]


def marks(person: str, nth: int, number: int) -> str:
    """The words that are counted, in a person's nth message, the `number`th of all."""
    words = f" {COMMON}" if nth % 2 == 0 else ""
    if nth % 200 in (7, 108):
        words += f" {MIDDLING}"
    if nth % 50 == 8:
        words += f" {OTHER}"
    if number % 50_000 == 17 or (nth == 60 and not person.startswith("other")):
        words += f" {RARE}"
    return words


COLUMNS = (
    "id, created_at, updated_at, conversation_id, user_id, parent_id, role, content, reasoning, tool_calls, sources,"
    " extra, depth, branch, fork, status, model, finish_reason, prompt_tokens, completion_tokens"
)


def rows(people: dict[str, Person]) -> Iterator[str]:
    """Every message, in the order of their times, as COPY reads them. Fills in the conversations' previews."""
    owners = {held.number: (person, held) for person in people.values() for held in person.conversations}
    keys = sorted(held.message(place) for _, held in owners.values() for place in range(held.length))
    stock, dice = phrases(), random.Random(3)
    for number, whole in enumerate(keys):
        place = whole & 0xFFFFFFFF
        person, held = owners[whole >> 32 & 0xFFFFFFF]
        depth, parent = spot(place)
        by_user, root = depth % 2 == 1, held.message(0)
        # Those of people are shorter than the answers.
        first, *more = (stock[dice.getrandbits(12)] for _ in range(3 if by_user else 7))
        text = f"{first}{marks(person.name, held.first + place, number)} {', '.join(more)}."
        if place == held.leaf:
            held.preview = text[:200]
        moment = f"{datetime.fromtimestamp((whole >> 80) / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}+00"
        above = f"{held.message(parent):032x}" if parent is not None else "\\N"
        branch, fork = (f"{whole:032x}", f"{root:032x}") if is_second_try(place) else (f"{root:032x}", "\\N")
        told = "user\t" if by_user else "assistant\t"
        spent = "\t\t\\N\t\\N" if by_user else f"llama-3.3-70b\tstop\t{900 + place % 700}\t{len(text) // 4}"
        yield (
            f"{whole:032x}\t{moment}\t{moment}\t{held.id}\t{person.id}\t{above}\t{told}{text}\t\t[]\t[]\t{{}}\t"
            f"{depth}\t{branch}\t{fork}\tcomplete\t{spent}\n"
        )


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


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


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
        yield World(url, sign_in(people), None if found else time.monotonic() - began)
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
    files = [Path(__file__), *sorted(root.glob("apps/*/migrations/*.py"))]
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
