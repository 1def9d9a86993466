"""Streams through one process: what they add to the model's own pace, what they cost, and that every turn is saved.

    make bench        # or: .venv-bench/bin/python -m bench.streams [--rounds 5] [--only 200 500]

Three servers, one process each under uvicorn, stand before the same model: Dramatis, which saves every turn, and two
that save nothing, FastAPI with aiohttp and FastAPI with the openai SDK. Each is asked the same by turns. The model and
the readers are C programs (`bench/c`); a token is the time at which it was sent, so that each one's delay is known.
Needs a C compiler; everything is started here on loopback, and ended here.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench.c import Programs, Read, post
from bench.ground import application
from bench.watching import Watch

USERS = 20
PATH = "/api/conversations/{}/chat/"
SERVER = "dramatis-bench-server"
# Seconds for what is still to be saved when the last reader has its answer.
PATIENCE = 30
# Rounds that are further apart than that say more of the machine than of a server.
NOISE = 1.3


@dataclass(frozen=True)
class Load:
    streams: int
    rate: int
    count: int
    ramp: float
    gone: int = 0

    @property
    def words(self) -> str:
        return f"rate={self.rate} count={self.count}"

    @property
    def deadline(self) -> float:
        """Four times what it takes: a server that cannot keep up is still seen to its end."""
        return self.ramp + 4 * self.count / self.rate + 30


WARM_UP = Load(100, 20, 20, 2)
LOADS = [
    Load(50, 20, 200, 2),
    Load(200, 20, 300, 10),
    Load(500, 20, 400, 15),
    Load(1000, 10, 300, 25),
]


@dataclass
class Result:
    read: Read
    watch: Watch | None
    unsaved: int = 0  # of Dramatis: turns that are not in the database as they were told

    @property
    def first(self) -> float:
        """Milliseconds to the first token, the median."""
        return statistics.median(each["first"] for each in self.read.streams) / 1000

    @property
    def delay(self) -> float:
        return self.read.delay["median"] / 1000

    @property
    def cpu(self) -> float:
        """Microseconds a token."""
        return self.watch.cpu / max(self.read.tokens, 1) * 1e6 if self.watch else 0.0


class People:
    """Those who talk to Dramatis: some users, as many conversations as are wanted."""

    def __init__(self) -> None:
        from apps.accounts import tokens
        from apps.accounts.models import User
        from apps.characters.models import Character

        self.users = [User.objects.create_user(f"ada{each}@example.com", "analytical engine") for each in range(USERS)]
        self.tokens = [tokens.sign_in(user)["access"] for user in self.users]
        self.characters = [Character.objects.create(user=user, name="Ada") for user in self.users]

    def talks(self, count: int) -> list[Any]:
        from apps.conversations import turns

        # With a title, so that the model is asked for none.
        return [
            turns.begin(self.users[each % USERS], self.characters[each % USERS], title="Named") for each in range(count)
        ]

    def bearer(self, number: int) -> str:
        return f"Bearer {self.tokens[number % USERS]}"

    def requests(self, talks: list[Any], words: str, accept: str = "text/event-stream") -> list[bytes]:
        return [
            post(PATH.format(talk.pk), {"content": words}, authorization=self.bearer(number), accept=accept)
            for number, talk in enumerate(talks)
        ]


class Field:
    """The servers, and how each is asked."""

    def __init__(self, stack: ExitStack, programs: Programs, people: People) -> None:
        from bench.stream_peers import PeerProcess
        from tests.processes import ServerProcess

        self.programs = programs
        self.people = people
        self.dramatis = ServerProcess(DATABASE_URL=os.environ["DATABASE_URL"], PGAPPNAME=SERVER)
        stack.callback(self.dramatis.remove)
        self.dramatis.start()
        self.peers = {
            "FastAPI, aiohttp": stack.enter_context(PeerProcess("with_aiohttp")),
            "FastAPI, aiohttp, told": stack.enter_context(PeerProcess("with_aiohttp_told")),
            "FastAPI, openai SDK": stack.enter_context(PeerProcess("with_openai")),
        }
        for peer in self.peers.values():
            peer.start()

    @property
    def names(self) -> list[str]:
        return ["model", *self.peers, "Dramatis"]

    def run(self, name: str, load: Load) -> Result:
        """Ask one, and check what came."""
        if name == "Dramatis":
            talks = self.people.talks(load.streams)
            result = self._ask(
                self.dramatis.port, self._pid(self.dramatis), self.people.requests(talks, load.words), load
            )
            result.unsaved = unsaved(talks, load.count)
        elif name in self.peers:
            peer = self.peers[name]
            bearers = [self.people.bearer(each) for each in range(load.streams)]
            asked = [post("/chat", {"content": load.words}, authorization=each) for each in bearers]
            result = self._ask(peer.port, self._pid(peer), asked, load)
        else:
            body = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": load.words}]}
            result = self._ask(self.programs.port, None, [post("/v1/chat/completions", body)] * load.streams, load)
        for each in result.read.streams:
            told = (each["status"], each["tokens"], each["done"], each["failed"])
            assert told == (200, load.count, 1, 0), f"{name}: {each}"
        return result

    def _ask(self, port: int, pid: int | None, asked: list[bytes], load: Load) -> Result:
        if pid is None:
            return Result(self.programs.read(port, asked, ramp=load.ramp, deadline=load.deadline), None)
        with Watch(pid, os.environ["DATABASE_URL"], SERVER) as watch:
            read = self.programs.read(port, asked, ramp=load.ramp, deadline=load.deadline)
        return Result(read, watch)

    @staticmethod
    def _pid(server: Any) -> int:
        assert server.process is not None
        pid: int = server.process.pid
        return pid


def answers(talks: list[Any]) -> list[Any]:
    """The rows of the answers, once none is being written any more."""
    from apps.conversations.models import Message, MessageStatus, Role

    rows = Message.objects.filter(conversation__in=talks, role=Role.ASSISTANT)
    until = time.monotonic() + PATIENCE
    while rows.filter(status=MessageStatus.GENERATING).exists():
        assert time.monotonic() < until, "answers are still being written"
        time.sleep(0.1)
    return list(rows)


def unsaved(talks: list[Any], count: int, status: str = "complete") -> int:
    """How many answers are not there with this status and so many tokens."""
    there = [(message.status, len(message.content)) for message in answers(talks)]
    return len(talks) - there.count((status, count * len("0123456789abcdef ")))


class Table:
    """Rows with bars; `missed` counts those that were not reached."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.missed = 0

    def add(self, what: str, value: float, bar: float, unit: str, spread: str = "") -> None:
        verdict = "ok" if value <= bar else "MISSED"
        self.missed += value > bar
        self.rows.append(f"| {what} | {value:.2f} {unit} | ≤ {bar:g} {unit} | {verdict} | {spread} |")

    def show(self) -> None:
        print("\n| what | found | bar | | rounds |\n|---|---|---|---|---|", *self.rows, sep="\n")


def median(results: list[Result], value: Callable[[Result], float]) -> float:
    return statistics.median(value(each) for each in results)


def compare(field: Field, load: Load, rounds: int) -> dict[str, list[Result]]:
    """Interleaved, beginning with another one in each round."""
    # Ten thousand tokens a second are more than the SDK can pass on, by far.
    names = [name for name in field.names if load.streams < 1000 or "SDK" not in name]
    results: dict[str, list[Result]] = {name: [] for name in names}
    for number in range(rounds):
        for each in range(len(names)):
            name = names[(number + each) % len(names)]
            results[name].append(field.run(name, load))
    print(f"\n{load.streams} streams × {load.rate} tokens/s, {load.count} tokens each, begun over {load.ramp:g} s")
    print("\n| | first token | delay of a token | 99 of 100 | CPU a token | memory a stream | threads | connections |")
    print("|---|---|---|---|---|---|---|---|")
    for name, found in results.items():
        cells = [
            f"{median(found, lambda each: each.first):.1f} ms",
            f"{median(found, lambda each: each.delay):.3f} ms",
            f"{median(found, lambda each: each.read.delay['p99'] / 1000):.1f} ms",
        ]
        if watches := [each.watch for each in found if each.watch]:
            cells += [
                f"{median(found, lambda each: each.cpu):.1f} µs",
                f"{max(watch.grown for watch in watches) / load.streams:.0f} KB",
                str(max(watch.threads for watch in watches)),
                str(max(watch.connections for watch in watches)) if name == "Dramatis" else "–",
            ]
        print(f"| {name} | {' | '.join(cells)} |")
    for name, found in results.items():
        costs = [each.cpu for each in found]
        if name != "model" and max(costs) > NOISE * min(costs):
            print(f"\nToo noisy to tell: CPU a token of {name} was {min(costs):.0f} to {max(costs):.0f} µs.")
    return results


def judge(table: Table, load: Load, results: dict[str, list[Result]]) -> None:
    ours, model = results["Dramatis"], results["model"]
    title = f"{load.streams} × {load.rate}"
    table.add(f"{title}: turns not saved as they were told", sum(each.unsaved for each in ours), 0, "")
    if load.streams == 200:
        for what, value, bar in (
            ("added time to the first token", lambda each: each.first, 15.0),
            ("added delay of a token", lambda each: each.delay, 1.0),
        ):
            before = median(model, value)
            each = [value(result) - before for result in ours]
            table.add(f"{title}: {what}", statistics.median(each), bar, "ms", f"{min(each):.2f} to {max(each):.2f}")
    if load.streams == 500:
        for name, bar in (("FastAPI, aiohttp", 1.1), ("FastAPI, openai SDK", 0.4)):
            each = [one.cpu / other.cpu for one, other in zip(ours, results[name], strict=True)]
            spread = f"{min(each):.2f} to {max(each):.2f}"
            table.add(f"{title}: CPU a token beside {name}", statistics.median(each), bar, "×", spread)
    if load.streams == 1000:
        watches = [each.watch for each in ours if each.watch]
        table.add(f"{title}: database connections", max(watch.connections for watch in watches), 10, "")
        table.add(f"{title}: threads", max(watch.threads for watch in watches), 32, "")
        # The first round: memory that was used before is not taken anew.
        table.add(f"{title}: memory a stream", watches[0].grown / load.streams, 80, "KB")


def main(rounds: int, only: list[int]) -> int:
    from bench.stream_faults import json_chats, left_and_failed

    table = Table()
    with Programs() as programs, application(
        AI_BASE_URL=programs.model_url, AI_MODEL="bench", AI_TITLES="off", ALLOWED_HOSTS="127.0.0.1",
        ACCESS_TOKEN_MINUTES="600",
    ):  # fmt: skip
        people = People()
        for load in LOADS:
            if not only or load.streams in only:
                # Servers that have served nothing yet but a little, so that what streams take of memory is seen.
                with ExitStack() as stack:
                    field = Field(stack, programs, people)
                    for name in field.names:
                        field.run(name, WARM_UP)
                    judge(table, load, compare(field, load, rounds))
        if not only or 0 in only:
            with ExitStack() as stack:
                field = Field(stack, programs, people)
                json_chats(field, table)
                left_and_failed(field, table)
    table.show()
    return int(table.missed > 0)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", type=int, nargs="*", default=[], help="numbers of streams; 0 for what goes wrong")
    given = arguments.parse_args()
    raise SystemExit(main(given.rounds, given.only))
