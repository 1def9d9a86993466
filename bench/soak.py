"""Two servers are killed again and again under people who talk; afterwards, what was promised is counted.

    make soak         # or: KILLS=200 SEED=1 .venv/bin/python -m bench.soak

Everything runs on loopback and is started here: PostgreSQL, Redis, a model that speaks at a steady pace
(`bench.speaker`), two server processes, and people (`bench.talkers`) who take either and move to the other when they
are refused. Every one to three seconds a server is killed by SIGKILL, sometimes told to stop by SIGTERM instead, and
started again. After KILLS kills all is left alone for up to a minute and looked at. The exit status is 1 where a
promise is broken.

How lost text is measured: every word that the model says names its call. For each call that a kill cut off, the loss
is the time from the first word that is not in the database to the kill, by one clock; so a word on its way counts too.
"""

import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import requests

from bench.talkers import Memory, Talker, all_of
from config.local.postgres import EmbeddedPostgres
from tests.processes import ROOT, ServerProcess, manage, start_all
from tests.redis_server import RedisServer

KILLS = int(os.environ.get("KILLS", "200"))
SEED = os.environ.get("SEED", "1")
CLIENTS = int(os.environ.get("CLIENTS", "20"))
TALKS = 8  # a client's conversations: while one waits for a lease to run out, the others go on
BETWEEN_KILLS = (1.0, 3.0)
ONE_STOP_IN = 8
QUIET_SECONDS = 60.0
# What one kill may cost. The worst lateness that the machine showed meanwhile is added.
MOST_LOST_SECONDS = 1.0


class Blow(NamedTuple):
    server: str
    signal: signal.Signals
    at: float


class Server(ServerProcess):
    """One that is started again after every blow. `up` is set while it is known to answer."""

    def __init__(self, name: str, **environ: str) -> None:
        super().__init__(**environ, AI_API_KEY=name)
        self.name = name
        self.up = threading.Event()
        self.reviving: threading.Thread | None = None

    def strike(self, how: signal.Signals, *, again: bool = True) -> Blow:
        assert self.process is not None
        self.up.clear()
        blow = Blow(self.name, how, time.monotonic())
        self.process.send_signal(how)
        self.reviving = threading.Thread(target=self._revive if again else self.process.wait)
        self.reviving.start()
        return blow

    def _revive(self) -> None:
        assert self.process is not None
        self.process.wait()
        self.start()
        self.up.set()


def strike_all(servers: list[Server], say: Callable[[str], None]) -> list[Blow]:
    """KILLS kills, and some stops between them; returns when both servers are up again."""
    chance = random.Random(SEED)
    blows: list[Blow] = []
    kills = 0
    while kills < KILLS:
        time.sleep(chance.uniform(*BETWEEN_KILLS))
        standing = [server for server in servers if server.up.is_set()]
        if not standing:
            continue
        how = signal.SIGTERM if chance.randrange(ONE_STOP_IN) == 0 else signal.SIGKILL
        blows.append(chance.choice(standing).strike(how))
        kills += how == signal.SIGKILL
        if kills % 20 == 0 and how == signal.SIGKILL:
            say(f"{kills} kills")
    for server in servers:
        assert server.up.wait(60), server.log.read_text()[-2000:]
    return blows


@dataclass
class Loss:
    """One call that was cut off by a blow: how much of what was said is not there, in seconds of speech."""

    tag: str
    seconds: float
    words: int


def losses(calls: list[dict[str, Any]], blows: list[Blow], saved: dict[str, int], how: signal.Signals) -> list[Loss]:
    found = []
    for call in calls:
        fatal = [blow.at for blow in blows if blow.server == call["caller"] and call["began"] < blow.at]
        kept = saved.get(call["tag"], 0)
        if not fatal or (call["whole"] and kept == len(call["said"])):
            continue
        if not call["whole"] and call["gone"] < min(fatal):
            continue  # somebody stopped it before
        blow = next(blow for blow in blows if blow.at == min(fatal))
        if blow.signal != how:
            continue
        end = blow.at if how == signal.SIGKILL else call["gone"]
        said = [moment for moment in call["said"] if moment < end]
        missing = said[kept:]
        found.append(Loss(call["tag"], end - missing[0] if missing else 0.0, len(missing)))
    return found


@contextmanager
def speaking() -> Iterator[str]:
    command = [sys.executable, "-m", "bench.speaker", SEED]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@contextmanager
def postgres() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="dramatis-soak-"))
    home.chmod(0o711)
    server = EmbeddedPostgres(home, connections=100)
    try:
        yield server.start()
    finally:
        server.remove()


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def main() -> int:
    say(f"soak: {KILLS} kills, {CLIENTS} clients, seed {SEED}")
    with ExitStack() as stack:
        url, model, redis = (stack.enter_context(each) for each in (postgres(), speaking(), RedisServer()))
        settings = {
            "DATABASE_URL": url,
            "REDIS_URL": redis.url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": "a key for the soak alone, long enough to be one",
            "ALLOWED_HOSTS": "127.0.0.1",
            "HTTPS": "off",
            "LOG_LEVEL": "WARNING",
            "AI_BASE_URL": f"{model}/v1",
            "AI_MODEL": "speaker",
            "AI_TITLES": "off",
            "ACCESS_TOKEN_MINUTES": "600",
            "DRAIN_SECONDS": "1",
        }
        os.environ |= settings
        manage("migrate", "--verbosity", "0")
        servers = [Server(f"server-{number}", **settings) for number in range(2)]
        for server in servers:
            stack.callback(server.remove)
        start_all(*servers)
        for server in servers:
            server.up.set()
        return soak(servers, model)


def soak(servers: list[Server], model: str) -> int:
    import django

    django.setup()
    from django.db import connections

    from bench.reckoning import last_words, people, reckon, wait_for_quiet

    memory, over = Memory(), threading.Event()
    urls = [server.url for server in servers]
    talkers = [
        Talker(f"p{number}", SEED, urls, token, talks, memory, over)
        for number, (token, talks) in enumerate(people(CLIENTS, TALKS))
    ]
    connections.close_all()
    began = time.monotonic()
    for talker in talkers:
        talker.start()
    try:
        blows = strike_all(servers, say)
    finally:
        over.set()
        for server in servers:
            if server.reviving is not None:
                server.reviving.join(60)
    say("the last kill is over; everybody finishes what was begun")
    quiet = wait_for_quiet(blows[-1].at + QUIET_SECONDS)
    for talker in talkers:
        talker.join(120)
        if talker.failure is not None or talker.is_alive():
            memory.complain(f"{talker.name} did not end well: {talker.failure!r}")
    unusable: list[str] = []
    all_of(talkers, lambda talker: last_words(talker, unusable))
    record = requests.get(f"{model}/record", timeout=60).json()
    calls = record["calls"]
    found = reckon(memory, calls)
    kills = losses(calls, blows, found.saved, signal.SIGKILL)
    stops = losses(calls, blows, found.saved, signal.SIGTERM)
    report(memory, blows, calls, kills, stops, time.monotonic() - began)
    bar = MOST_LOST_SECONDS + record["latest"]
    worst = max((loss.seconds for loss in kills + stops), default=0.0)
    fifth = {status: count for status, count in memory.statuses.items() if status[0] == "5"}
    others = sum(count for status, count in fifth.items() if status[:3] not in ("502", "503", "504"))
    rows = [
        ("acknowledged turns lost", len(found.lost), 0),
        ("user turns saved twice", len(found.twice), 0),
        ("calls repeated after an answer had begun", repeated(calls, found.generations), 0),
        ("generations still running a minute after the last kill", quiet, 0),
        (f"worst text lost, in seconds of speech (bar 1 + {record['latest']:.2f} of lateness)", round(worst, 2), bar),
        ("longest until the answer of a dead process was ended, in seconds", round(found.longest, 1), 30),
        ("answers with a gap, a repeat or a missing end in their text", len(found.torn), 0),
        ("5xx other than 502, 503, 504", others, 0),
        ("conversations that could not be used afterwards", len(unusable), 0),
        ("answers that nobody should get", len(memory.wrong), 0),
    ]
    print()
    for name, value, most in rows:
        print(f"{'ok    ' if value <= most else 'BROKEN'}  {name:80} {value:>6}")
    details = [*found.lost, *found.twice, *found.torn, *unusable, *memory.wrong]
    for line in details[:20]:
        print(f"        {line}")
    return int(any(value > most for _, value, most in rows))


def repeated(calls: list[dict[str, Any]], generations: dict[str, int]) -> int:
    """Calls that said something, beyond one for each generation that was asked for: by the turn they answer."""
    heard = Counter(call["turn"] for call in calls if call["said"])
    return sum(max(0, count - generations.get(turn, 0)) for turn, count in heard.items())


def report(
    memory: Memory, blows: list[Blow], calls: list[dict[str, Any]], kills: list[Loss], stops: list[Loss], took: float
) -> None:
    struck = Counter(blow.signal.name for blow in blows)
    print(f"\n{took:.0f} s; {', '.join(f'{count} {name}' for name, count in struck.items())}")
    print(
        f"{len(memory.asks)} requests of {sum(ask.sent for ask in memory.asks)} tries, {len(calls)} calls of the model"
    )
    print("answered:", ", ".join(f"{count} × {status}" for status, count in sorted(memory.statuses.items())))
    print("clients:", ", ".join(f"{count} {event}" for event, count in sorted(memory.events.items())))
    for name, cut in (("kill", kills), ("stop", stops)):
        lost = sorted(loss.seconds for loss in cut)
        if lost:
            print(
                f"answers cut off by a {name}: {len(cut)}; text lost: median {statistics.median(lost):.2f} s, "
                f"nine of ten below {lost[len(lost) * 9 // 10]:.2f} s, worst {lost[-1]:.2f} s"
            )


if __name__ == "__main__":
    raise SystemExit(main())
