"""A page of a search beside the best way to find it, for words of every kind and people with little and much to say.

    .venv-bench/bin/python -m bench.searching [--small] [--rounds 30]

Among the million messages of `bench.data`, what the product does to find the ids of a page stands beside what could be
done in its place, each over the same querysets, by turns:

    walk           one's own rows, newest first, each looked at, until the page is full
    sort           all of one's own rows looked at, and the hits sorted
    index          the hits by the index of user and words, and sorted
    materialized   the same in a common table expression that PostgreSQL may not see through
    planner        ORDER BY and LIMIT, and PostgreSQL decides

A way that takes ten times as long as the best one is out of the race after two runs. `within` is the product's median
over that of the best way, with what Django takes to write the statements and read the rows; `database` the same of the
time in the database alone. `worst` is the slowest of the product's runs over their median. GET is the whole request in
this process, with highlights.
"""

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from bench.data import ABSENT, COMMON, FULL, MIDDLING, OTHER, RARE, SMALL, World, filled, phrases

PEOPLE = ("hundred", "middling", "long")
PAGE = 50
WITHIN, WORST = 5.0, 100.0
NOISY = 0.5


class Run(NamedTuple):
    ids: list[UUID]
    whole: float
    database: float


class Race(NamedTuple):
    """Of one case: the way that was best and its median, that of the product, and how unlike its runs were."""

    ids: list[UUID]
    way: str
    best: float
    product: float
    database: float  # the ratio
    worst: float
    spread: float


def ways() -> dict[str, Callable[[Any, Any, UUID | None], list[UUID]]]:
    from django.db import connection
    from django.db.models import BinaryField, Func, UUIDField, Value

    from apps.conversations import search

    size = PAGE + 1

    def beyond(own: Any, edge: UUID | None) -> Any:
        rows = own.annotate(place=search.place("id"))
        return rows if edge is None else rows.filter(place__lt=search.place(Value(edge, UUIDField())))

    def ids(rows: Any, around: str) -> list[UUID]:
        sql, values = rows.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(around.format(sql), values)
            return [key for (key,) in cursor.fetchall()]

    def walk(own: Any, wanted: Any, edge: UUID | None) -> list[UUID]:
        rows = beyond(own, edge).order_by("-place").annotate(hit=wanted).values_list("id", "hit")
        return ids(rows, f"SELECT id FROM ({{}} OFFSET 0) AS own (id, hit) WHERE hit LIMIT {size}")

    def sort(own: Any, wanted: Any, edge: UUID | None) -> list[UUID]:
        rows = beyond(own, edge).annotate(hit=wanted).values_list("id", "hit")
        return ids(rows, f"SELECT id FROM ({{}} OFFSET 0) AS own (id, hit) WHERE hit ORDER BY id DESC LIMIT {size}")

    def index(own: Any, wanted: Any, edge: UUID | None) -> list[UUID]:
        unsorted = Func("place", Value(1), function="substr", output_field=BinaryField()).desc()
        return list(beyond(own, edge).filter(wanted).order_by(unsorted).values_list("id", flat=True)[:size])

    def materialized(own: Any, wanted: Any, edge: UUID | None) -> list[UUID]:
        rows = beyond(own, edge).filter(wanted).values_list("id")
        return ids(rows, f"WITH hits AS MATERIALIZED ({{}}) SELECT id FROM hits ORDER BY id DESC LIMIT {size}")

    def planner(own: Any, wanted: Any, edge: UUID | None) -> list[UUID]:
        return list(beyond(own, edge).filter(wanted).order_by("-place").values_list("id", flat=True)[:size])

    def product(own: Any, wanted: Any, edge: UUID | None) -> list[UUID]:
        return search.newest(own, wanted, size, edge)

    return {each.__name__: each for each in (walk, sort, index, materialized, planner, product)}


@contextmanager
def watched() -> Iterator[list[float]]:
    """How long each statement takes, in seconds."""
    from django.db import connection

    took: list[float] = []

    def watch(execute: Any, *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            took.append(time.perf_counter() - began)

    with connection.execute_wrapper(watch):
        yield took


def race(user: Any, words: str, edge: UUID | None, rounds: int) -> Race:
    from django.db import connection

    from apps.conversations import search
    from apps.conversations.models import Message

    field = ways()

    def run(name: str) -> Run:
        with connection.cursor() as cursor:
            # It is to walk, whatever PostgreSQL thinks of it.
            cursor.execute(f"SET enable_sort = {'off' if name == 'walk' else 'on'}")
        with watched() as statements:
            began = time.perf_counter()
            wanted = search.finds(Message, search.read(words))
            ids = field[name](Message.objects.owned_by(user), wanted, edge)
            whole = time.perf_counter() - began
        return Run(ids, whole, sum(statements))

    first = {name: [run(name), run(name)] for name in field}
    [expected] = {tuple(each.ids) for runs in first.values() for each in runs}
    quickest = {name: min(each.whole for each in runs) for name, runs in first.items()}
    limit = 10 * min(quickest.values())
    running = [name for name in field if quickest[name] < limit or name == "product"]
    runs: dict[str, list[Run]] = {name: [] for name in running}
    for _ in range(rounds):
        for name in running:
            runs[name].append(run(name))
    whole = {name: statistics.median(each.whole for each in runs[name]) for name in running}
    database = {name: statistics.median(each.database for each in runs[name]) for name in running}
    others = [name for name in running if name != "product"]
    way = min(others, key=lambda name: whole[name])
    took = sorted(each.whole for each in runs["product"])
    return Race(
        list(expected),
        way,
        whole[way],
        whole["product"],
        database["product"] / min(database[name] for name in others),
        took[-1] / whole["product"],
        (took[len(took) * 3 // 4] - took[len(took) // 4]) / whole["product"],
    )


def get(client: Any, address: str, rounds: int) -> tuple[Any, float]:
    """The answer, and how long it takes."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        response = client.get(address)
        took.append(time.perf_counter() - began)
        assert response.status_code == 200, response.content
    return response.json(), statistics.median(took)


def kinds() -> dict[str, str]:
    counted = Counter(word for phrase in phrases() for word in set(phrase.split()))
    most = counted.most_common(1)[0][0]
    return {
        "common": COMMON,
        "middling": MIDDLING,
        "rare": RARE,
        "absent": ABSENT,
        "two common": f"{COMMON} {most}",
        "common, middling": f"{COMMON} {MIDDLING}",
        "two middling": f"{MIDDLING} {OTHER}",
        "common, rare": f"{COMMON} {RARE}",
    }


def main(world: World, rounds: int) -> int:
    from rest_framework.test import APIClient

    from apps.accounts.models import User

    print("| messages | words | page | hits | best way | ms | product, ms | within | database | worst | GET, ms | |")
    print("|--:|---|--:|--:|---|--:|--:|--:|--:|--:|--:|---|")
    missed, noisy, cases, most, most_there = 0, 0, 0, 0.0, 0.0
    for name in PEOPLE:
        person = world.people[name]
        count = sum(held.length for held in person.conversations)
        user = User.objects.get(pk=person.id)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {person.token}")
        for kind, words in kinds().items():
            edge, address = None, f"/api/search/?q={words.replace(' ', '+')}"
            for page in (1, 2):
                found = race(user, words, edge, rounds)
                shown = found.ids[:PAGE]
                answer, whole = get(client, address, max(rounds // 4, 3))
                assert [UUID(hit["message"]["id"]) for hit in answer["results"]] == shown
                within = found.product / found.best
                ok = within <= WITHIN and found.worst <= WORST
                most, most_there = max(most, within), max(most_there, found.database)
                cases, missed, noisy = cases + 1, missed + (not ok), noisy + (found.spread > NOISY)
                print(
                    f"| {count:,} | {kind} | {page} | {len(shown)} | {found.way} | {found.best * 1000:.2f} "
                    f"| {found.product * 1000:.2f} | {within:.1f} | {found.database:.1f} | {found.worst:.1f} "
                    f"| {whole * 1000:.1f} | {'ok' if ok else 'MISSED'} |",
                    flush=True,
                )
                if not answer["next"]:
                    break
                edge, address = shown[-1], answer["next"]
    print(f"\nThe bars: `within` {WITHIN:.0f}, `worst` {WORST:.0f}. Missed in {missed} of {cases} cases.")
    print(f"The largest: {most:.1f}; in the database alone, which is no bar, {most_there:.1f}.")
    if noisy > cases // 4:
        print(
            f"Too noisy to tell: in {noisy} of {cases} cases half of the product's runs differ by more than "
            f"{NOISY:.0%} of their median."
        )
    return int(missed > 0)


@contextmanager
def without_whole_pages() -> Iterator[None]:
    """How many pages are logged whole depends on when they were last; what is measured should not."""
    from django.db import connection

    def turn(setting: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER SYSTEM {setting}")
            cursor.execute("SELECT pg_reload_conf(), pg_sleep(0.2)")

    turn("SET full_page_writes = off")
    try:
        yield
    finally:
        turn("RESET full_page_writes")


def cost(world: World, messages: int = 1_000) -> None:
    """What the two indexes take on the disk, and what they cost a new message."""
    from django.db import connection, transaction

    from apps.accounts.models import User
    from apps.api.rows import new_id
    from apps.conversations.models import Message

    user = User.objects.get(pk=world.people["long"].id)
    texts = list(Message.objects.owned_by(user).values_list("content", flat=True)[: 2 * messages])
    print("\n| index of messages | MB | WAL a message, bytes | time a message, µs |\n|---|--:|--:|--:|")
    measured: dict[str, list[tuple[float, float]]] = {}
    for _ in range(3):
        for without in ("", "message_newest", "message_search"):
            with transaction.atomic(), connection.cursor() as cursor:
                if without:
                    cursor.execute(f"DROP INDEX {without}")

                def add(some: list[str]) -> None:
                    for text in some:
                        message = Message(user=user, conversation_id=new_id(), content=text, role="user")
                        message.follow(None, goes_on=False)
                        message.save(force_insert=True)

                def written() -> int:
                    cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'")
                    return int(cursor.fetchone()[0])

                add(texts[:messages])
                before, began = written(), time.perf_counter()
                add(texts[messages:])
                took = time.perf_counter() - began
                measured.setdefault(without, []).append(((written() - before) / messages, took / messages * 1e6))
                transaction.set_rollback(True)
    medians = {
        name: [statistics.median(column) for column in zip(*rounds, strict=True)] for name, rounds in measured.items()
    }
    for name in ("message_newest", "message_search"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_relation_size(%s::regclass)", [name])
            size = cursor.fetchone()[0] / 1e6
        wal, took = (with_it - without for with_it, without in zip(medians[""], medians[name], strict=True))
        print(f"| {name} | {size:,.0f} | {wal:,.0f} | {took:,.0f} |")
    print(f"| a message, with all indexes | | {medians[''][0]:,.0f} | {medians[''][1]:,.0f} |")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--small", action="store_true", help="60,000 messages, to try it out")
    arguments.add_argument("--rounds", type=int, default=30)
    given = arguments.parse_args()
    with filled(SMALL if given.small else FULL) as world:
        status = main(world, given.rounds)
        with without_whole_pages():
            cost(world)
    raise SystemExit(status)
