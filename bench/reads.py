"""What reading costs, and adding a message: Dramatis beside what others would write on the same tables.

    .venv-bench/bin/python -m bench.reads [--quick] [--rounds 5] [--seconds 3] [--only NAME …]

Starts a PostgreSQL, fills it (`bench.data`; BENCH_DATA keeps it), and one process of each server. All answers are
compared, field by field, before any is timed. Then `wrk` asks each in turn, round after round. The table shows medians;
ratios are of two measurements of one round.
"""

import argparse
import itertools
import json
import re
import statistics
from base64 import urlsafe_b64decode
from collections import defaultdict
from contextlib import ExitStack
from datetime import datetime
from typing import Any, NamedTuple

import requests

from bench.data import FULL, MIDDLING, SMALL, World, filled
from bench.peers.serving import Ask, Measured, Served, drive, find_wrk

OURS, USUAL, FAST, BUILT = "Dramatis", "usual", "fast", "fast, built"
BARE, BARE_BUILT = "bare", "bare, built"
SERVERS = {
    OURS: "config.asgi:application",
    USUAL: "bench.peers.usual:app",
    FAST: "bench.peers.fast:columns",
    BUILT: "bench.peers.fast:built",
    BARE: "bench.peers.bare:columns",
    BARE_BUILT: "bench.peers.bare:app",
}
LEGEND = """
- usual: FastAPI, SQLAlchemy's classes with asyncpg, response models
- fast: FastAPI, SQLAlchemy's columns with asyncpg, orjson
- fast, built: the same, lists as JSON that PostgreSQL builds
- bare: the limit: ASGI without a framework, psycopg in threads, columns and orjson
- bare, built: the same, with JSON that PostgreSQL builds, all of a request in one statement
"""
NEWEST, ALONE, LONG, DEEP = (
    "newest page",
    "newest page, one at a time",
    "newest page of 100,000",
    "page at depth 10,000",
)
MANY, FEW, SEARCH, ME, APPEND = "list of 5,000", "list of 50", "search", "users/me", "append"
DEPTH = 10_000
NOISE = 0.1


class Bar(NamedTuple):
    """`value` of one thing over that of another: at least, or at most, so much."""

    title: str
    over: tuple[str, str]  # path, server
    under: tuple[str, str]
    limit: float
    at_least: bool
    of: str = "rate"  # or cpu


BARS = (
    Bar("newest page, beside the usual", (NEWEST, OURS), (NEWEST, USUAL), 2.2, True),
    Bar("newest page, beside the fast one", (NEWEST, OURS), (NEWEST, FAST), 1.5, True),
    Bar("newest page, beside JSON from PostgreSQL", (NEWEST, OURS), (NEWEST, BUILT), 0.95, True),
    Bar("newest page, beside the limit", (NEWEST, OURS), (NEWEST, BARE), 0.5, True),
    Bar("newest page, one at a time, beside the usual", (ALONE, OURS), (ALONE, USUAL), 1.2, True),
    Bar("CPU of an empty request, beside the limit", (ME, OURS), (ME, BARE), 4.5, False, "cpu"),
    Bar("list of 5,000, beside the usual", (MANY, OURS), (MANY, USUAL), 2.0, True),
    Bar("time of a list of 5,000, beside one of 50", (FEW, OURS), (MANY, OURS), 1.5, False),
    Bar("time of a page at depth 10,000, beside the newest", (NEWEST, OURS), (DEEP, OURS), 1.3, False),
    Bar("time of the newest page of 100,000, beside 1,000", (NEWEST, OURS), (LONG, OURS), 1.2, False),
)


def paths(world: World) -> dict[str, Ask]:
    people = world.people

    def messages(name: str) -> str:
        return f"/api/conversations/{people[name].conversations[0].id}/messages/"

    newest = Ask(messages("thousand"), people["thousand"].token)
    appended = tuple(f"/api/conversations/{held.id}/messages/" for held in people["middling"].conversations)
    body = json.dumps({"content": "Then the clock on the stairs struck, and nobody in the house would say why. " * 3})
    return {
        NEWEST: newest,
        ALONE: Ask(newest.path, newest.token, connections=1),
        LONG: Ask(messages("long"), people["long"].token),
        DEEP: Ask(messages("deep"), people["deep"].token),  # a cursor is added
        MANY: Ask("/api/conversations/", people["many"].token),
        FEW: Ask("/api/conversations/", people["fifty"].token),
        SEARCH: Ask(f"/api/search/?q={MIDDLING}", people["many"].token),
        ME: Ask("/api/auth/users/me/", people["thousand"].token),
        APPEND: Ask("", people["middling"].token, posted_to=appended, body=body),
    }


def go_down(server: Served, ask: Ask) -> Ask:
    """The page that so many messages are newer than, by the links of the server itself."""
    page = get(server, Ask(f"{ask.path}?page_size=100", ask.token))
    for _ in range(DEPTH // 100 - 1):
        page = get(server, Ask(path_of(page["next"]), ask.token))
    return Ask(path_of(page["next"]).replace("page_size=100", "page_size=50"), ask.token)


def path_of(link: str) -> str:
    return re.sub(r"^http://[^/]+", "", link)


def get(server: Served, ask: Ask) -> Any:
    response = requests.get(server.url + ask.path, headers=ask.headers, timeout=30)
    if response.status_code != 200:
        raise SystemExit(
            f"{server.name}, {ask.path}: {response.status_code} {response.text[:500]}\n{server.last_words}"
        )
    return response.json()


def plain(answer: Any, *, name: str = "") -> Any:
    """Without what may differ: how a moment is spelled, which port a link has, what `since` says."""
    if isinstance(answer, dict):
        return {key: plain(value, name=key) for key, value in answer.items()}
    if isinstance(answer, list):
        return [plain(value) for value in answer]
    if isinstance(answer, str) and name.endswith("_at"):
        return datetime.fromisoformat(answer).timestamp()
    if isinstance(answer, str) and name in ("next", "previous"):
        query = dict(sorted(part.split("=") for part in path_of(answer).partition("?")[2].split("&")))
        direction, *place = json.loads(urlsafe_b64decode(query.pop("cursor") + "=="))
        return {
            **query,
            "cursor": [direction, *(plain(part, name="" if "-7" in part[13:16] else "_at") for part in place)],
        }
    return bool(answer) if name == "since" else answer


def compare(servers: dict[str, Served], asks: dict[str, Ask]) -> None:
    """End with a sentence where one of them does not answer as Dramatis does."""
    for path, ask in asks.items():
        if ask.posted_to:
            continue
        ours = plain(get(servers[OURS], ask))
        rows = len(ours["results"]) if "results" in ours else 1
        if rows not in (1, 50):
            raise SystemExit(f"{path}: {rows} rows")
        for server in those_for(path, servers):
            theirs = plain(get(server, ask))
            if theirs != ours:
                raise SystemExit(f"{server.name} answers {path} in another way: {difference(ours, theirs)}")


def compare_appended(servers: dict[str, Served], ask: Ask) -> None:
    """Each adds one to a conversation of its own, and Dramatis tells the same of it afterwards."""
    told = []
    for server, (address, *_) in zip(servers.values(), shares(ask, len(servers)), strict=True):
        head = address.removesuffix("messages/")
        before = get(servers[OURS], Ask(head, ask.token))
        response = requests.post(server.url + address, json=json.loads(ask.body), headers=ask.headers, timeout=30)
        if response.status_code != 201:
            raise SystemExit(f"{server.name}: {response.status_code} {response.text[:500]}\n{server.last_words}")
        message, after = response.json(), get(servers[OURS], Ask(head, ask.token))
        newest = get(servers[OURS], Ask(f"{address}?page_size=1", ask.token))["results"][0]
        sound = (
            plain(newest) == plain(message)
            and message["parent"] == before["active_leaf"]
            and after["active_leaf"] == message["id"]
            and after["message_count"] == before["message_count"] + 1
            and plain(after)["last_message_at"] == plain(message)["created_at"]
        )
        if not sound:
            raise SystemExit(f"{server.name} appends in another way: {difference(plain(newest), plain(message))}")
        told.append((sorted(message), after["last_message_preview"], message["depth"] - before["message_count"]))
    if len({repr(each) for each in told}) != 1:
        raise SystemExit(f"Not all append alike: {told}")


def difference(ours: Any, theirs: Any) -> str:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            if ours.get(key, ...) != theirs.get(key, ...):
                return f"{key}: {difference(ours.get(key, ...), theirs.get(key, ...))}"
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        place = next(place for place, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other)
        return f"{place}: {difference(ours[place], theirs[place])}"
    return f"{ours!r}, and not {theirs!r}"[:1000]


def those_for(path: str, servers: dict[str, Served]) -> list[Served]:
    """The limit has no search, and writes one of the two lists in both ways."""
    none = {BARE: (SEARCH, MANY, FEW, APPEND), BARE_BUILT: (SEARCH, ME)}
    return [server for name, server in servers.items() if path not in none.get(name, ())]


def shares(ask: Ask, count: int) -> list[tuple[str, ...]]:
    return [tuple(itertools.islice(ask.posted_to, number, None, count)) for number in range(count)]


Results = dict[tuple[str, str], list[Measured]]


def measure(servers: dict[str, Served], asks: dict[str, Ask], rounds: int, seconds: int, postmaster: int) -> Results:
    """Writes come after all reads, which they would make slower little by little."""
    found: Results = defaultdict(list)
    reads = [path for path in asks if path != APPEND]
    for group in (reads, [path for path in asks if path == APPEND]):
        plan = [(path, server) for path in group for server in those_for(path, servers)]
        own = dict(zip(servers, shares(asks[APPEND], len(servers)), strict=True)) if APPEND in group else {}
        for number in range(-1, rounds):
            for path, server in plan if number % 2 else reversed(plan):
                lasts = seconds if number >= 0 else min(seconds, 1)
                took = drive(server, asks[path], lasts, postmaster, own.get(server.name, ()))
                if number >= 0:  # the first one is for warming up
                    found[path, server.name].append(took)
    return found


def spread(values: list[float]) -> float:
    """The middle half's width beside the median."""
    if len(values) < 3:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / middle


def report(found: Results) -> int:
    print("| path | server | answers/s | ± | CPU µs | PostgreSQL µs | Dramatis beside it |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for (path, name), each in found.items():
        rates = [measured.rate for measured in each]
        beside = [ours.rate / theirs.rate for ours, theirs in zip(found[path, OURS], each, strict=True)]
        cpu, database = (statistics.median(getattr(one, kind) for one in each) for kind in ("cpu", "database"))
        print(
            f"| {path} | {name} | {statistics.median(rates):,.0f} | {spread(rates):.0%} | {cpu:,.0f} |"
            f" {database:,.0f} | {statistics.median(beside):.2f} |"
        )
    print("\n| bar | ratio | ± | | |\n|---|---:|---:|---|---|")
    missed = 0
    for bar in BARS:
        if bar.over not in found or bar.under not in found:
            continue
        pairs = zip(found[bar.over], found[bar.under], strict=True)
        ratios = [getattr(one, bar.of) / getattr(other, bar.of) for one, other in pairs]
        ratio = statistics.median(ratios)
        reached = ratio >= bar.limit if bar.at_least else ratio <= bar.limit
        verdict = "ok" if reached else "MISSED"
        # Rounds that fall on both sides of the bar, far from each other.
        noisy = spread(ratios) > NOISE and min(ratios) < bar.limit < max(ratios)
        missed += not reached
        print(
            f"| {bar.title} | {ratio:.2f} | {spread(ratios):.0%} | {'≥' if bar.at_least else '≤'} {bar.limit} |"
            f" {verdict}{', too noisy to tell' if noisy else ''} |",
            flush=True,
        )
    return int(missed > 0)


def main(argv: list[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="one round on less data: does it all work?")
    arguments.add_argument("--rounds", type=int)
    arguments.add_argument("--seconds", type=int)
    arguments.add_argument("--only", nargs="+", default=[], help="beginnings of the names of paths")
    given = arguments.parse_args(argv)
    find_wrk()
    rounds, seconds = given.rounds or (1 if given.quick else 5), given.seconds or (1 if given.quick else 3)
    with ExitStack() as stack:
        world = stack.enter_context(filled(SMALL if given.quick else FULL, ALLOWED_HOSTS="127.0.0.1,testserver"))
        servers = {name: stack.enter_context(Served(name, application)) for name, application in SERVERS.items()}
        for server in servers.values():
            server.start()
        asks = paths(world)
        if given.only:
            asks = {path: ask for path, ask in asks.items() if path.startswith(tuple(given.only))}
        if DEEP in asks:
            asks[DEEP] = go_down(servers[OURS], asks[DEEP])
        compare(servers, asks)
        if APPEND in asks:
            compare_appended(servers, asks[APPEND])
        print(f"{rounds} rounds of {seconds} s\n{LEGEND}", flush=True)
        return report(measure(servers, asks, rounds, seconds, world.postmaster))


if __name__ == "__main__":
    raise SystemExit(main())
