"""Two servers behind nginx, with PgBouncer in transaction mode and Redis between them: what one begins, the other ends.

    make cluster      # or: .venv/bin/python -m bench.cluster

Needs nginx, PgBouncer and Redis from Debian's packages. All is started here, on free ports of loopback, and ended here;
the database is the embedded PostgreSQL, the model a scripted one. The exit status is 1 where a check fails.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from bench.debian import Nginx, programs
from config.local.postgres import EmbeddedPostgres
from tests.ai_server import AIServer
from tests.people import Person, chunks, until
from tests.pgbouncer import PgBouncer
from tests.processes import ServerProcess, manage, start_all
from tests.redis_server import RedisServer

SSE = {"Accept": "text/event-stream"}
MANY = 40  # streams at once, over PgBouncer's few connections
CONNECTIONS = 5
LEASE_SECONDS = 30.0


@dataclass
class Cluster:
    servers: list[ServerProcess]
    nginx: Nginx
    bouncer: PgBouncer
    redis: RedisServer
    ai: AIServer
    token: str = ""
    character: str = ""

    def sign_up(self) -> None:
        account = {"email": "ada@example.com", "password": "analytical engine"}
        person = Person(self.nginx.url)
        assert person.post("/api/auth/users/", account).status_code == 201
        self.token = person.post("/api/auth/jwt/create/", account).json()["access"]
        self.character = self.at().post("/api/characters/", {"name": "Ada"}).json()["id"]

    def at(self, server: int | None = None) -> Person:
        """Ada, at one of the servers or at nginx."""
        return Person(self.nginx.url if server is None else self.servers[server].url, self.token)

    def talk(self) -> str:
        made = self.at().post("/api/conversations/", {"character": self.character, "title": "Named"})
        identifier: str = made.json()["id"]
        return identifier

    def newest(self, talk: str, server: int | None = None) -> dict[str, Any]:
        found: dict[str, Any] = self.at(server).get(f"/api/conversations/{talk}/messages/").json()["results"][0]
        return found


class Reader(threading.Thread):
    """Reads a stream to its end, whatever that is."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(daemon=True)
        self.response = response
        self.frames: list[bytes] = []
        self.lost = False
        self.start()

    def run(self) -> None:
        try:
            for line in self.response.iter_lines(chunk_size=1):
                if line and not line.startswith(b":"):
                    self.frames.append(line)
        except requests.RequestException:
            self.lost = True

    def to_the_end(self, seconds: float = 40) -> list[bytes]:
        self.join(seconds)
        assert not self.is_alive(), "a stream hangs"
        return self.frames

    def says(self, text: str) -> bool:
        return any(text.encode() in frame for frame in self.frames)


def resume(person: Person, talk: str) -> Reader:
    response = person.get(f"/api/conversations/{talk}/stream/", stream=True)
    assert response.status_code == 200, response.status_code
    return Reader(response)


def many_chats_through_nginx(cluster: Cluster) -> str:
    """All at once, half of them streams; none is told anything but the answer."""
    gates = [cluster.ai.waits("Good evening") for _ in range(MANY)]
    talks = [cluster.talk() for _ in range(MANY)]
    statuses: list[tuple[int, str]] = []

    def chat(number: int) -> None:
        if number % 2:
            statuses.append((200, str(list(chunks(cluster.at().stream(talks[number])))[-1])))
        else:
            answer = cluster.at().chat(talks[number])
            statuses.append((answer.status_code, answer.json()["assistant_message"]["content"]))

    threads = [threading.Thread(target=chat, args=[number]) for number in range(MANY)]
    for thread in threads:
        thread.start()
    until(lambda: all(gate.waiting.is_set() for gate in gates), 60)
    connections, mode = cluster.bouncer.connections()
    for gate in gates:
        gate.release(".")
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [(200, "[DONE]")] * (MANY // 2) + [(201, "Good evening.")] * (MANY // 2), statuses
    assert mode == "transaction"
    assert connections <= CONNECTIONS, connections
    served = cluster.nginx.served()
    assert {str(server.port) for server in cluster.servers} <= set(served), served
    return f"{MANY} at once on {connections} database connections; requests by server: {sorted(served.values())}"


def a_stream_is_resumed_on_the_other(cluster: Cluster) -> str:
    talk, gate = cluster.talk(), cluster.ai.waits("Once ")
    first = Reader(cluster.at(0).stream(talk, "Tell me."))
    until(gate.waiting.is_set)
    readers = [first, resume(cluster.at(1), talk), resume(cluster.at(), talk)]
    for number in range(50):
        gate.says(f"piece {number} 🎈 ")
    until(lambda: readers[1].says("piece 49"))
    readers.append(resume(cluster.at(1), talk))
    gate.release()
    read = [reader.to_the_end() for reader in readers]
    assert all(each == read[0] for each in read), "readers saw different bytes"
    assert read[0][-1] == b"data: [DONE]"
    assert cluster.ai.calls == 1
    return f"{len(readers)} readers, {sum(map(len, read[0]))} equal bytes each"


def a_stream_is_stopped_on_the_other(cluster: Cluster) -> str:
    talk, gate = cluster.talk(), cluster.ai.waits("Once upon")
    first = Reader(cluster.at(0).stream(talk, "Tell me."))
    until(gate.waiting.is_set)
    until(lambda: first.says("Once upon"))
    began = time.monotonic()
    stopped = cluster.at(1).post(f"/api/conversations/{talk}/stop/").json()["assistant_message"]
    assert gate.client_gone.wait(5)
    took = time.monotonic() - began
    assert (stopped["status"], stopped["content"]) == ("stopped", "Once upon")
    assert b'"abort"' in first.to_the_end()[-2]
    assert took < 1, f"the model was hung up on after {took:.2f} s"
    return f"the model was hung up on after {took:.2f} s"


def a_killed_server_costs_no_turn(cluster: Cluster) -> str:
    talk, gate = cluster.talk(), cluster.ai.waits("Once upon ")
    Reader(cluster.at(0).stream(talk, "Tell me."))
    until(gate.waiting.is_set)
    gate.says("a time")
    follower = resume(cluster.at(1), talk)
    until(lambda: cluster.newest(talk, 1)["content"] == "Once upon a time")
    cluster.servers[0].kill()
    began = time.monotonic()
    # Meanwhile nginx passes by the server that is gone.
    others = [cluster.at().chat(cluster.talk()).status_code for _ in range(6)]
    assert others == [201] * 6, others
    answer = until(lambda: (found := cluster.newest(talk, 1))["status"] != "generating" and found, LEASE_SECONDS)
    took = time.monotonic() - began
    assert (answer["status"], answer["content"]) == ("interrupted", "Once upon a time")
    assert b'"error"' in follower.to_the_end()[-2]
    calls = cluster.ai.calls
    assert cluster.at(1).post(f"/api/conversations/{talk}/regenerate/", {}).status_code == 201
    assert cluster.at().chat(talk, "Go on.").status_code == 201
    assert (calls, cluster.ai.calls) == (7, 9), "the model was asked again by nobody"
    cluster.servers[0].start()
    assert cluster.newest(talk, 0)["status"] == "complete"
    return f"its answer was ended after {took:.0f} s, the conversation went on at the other"


def without_redis_turns_are_saved(cluster: Cluster) -> str:
    talk, gate = cluster.talk(), cluster.ai.waits("Once upon ")
    first = Reader(cluster.at(0).stream(talk, "Tell me."))
    until(gate.waiting.is_set)
    follower = resume(cluster.at(1), talk)
    until(lambda: follower.says("Once upon "))
    cluster.redis.kill()
    gate.release("a time.")
    for reader in (first, follower):
        frames = reader.to_the_end()
        assert frames[-1] == b"data: [DONE]"
        assert b'"finish"' in frames[-2]
        assert reader.says("a time.")
    assert cluster.newest(talk, 1)["content"] == "Once upon a time."
    statuses = [cluster.at(number % 2).chat(talk, "Go on.").status_code for number in range(4)]
    assert statuses == [201] * 4, statuses
    gate = cluster.ai.waits("And then")
    third = Reader(cluster.at(0).stream(talk, "Once more."))
    until(gate.waiting.is_set)
    stopped = cluster.at(1).post(f"/api/conversations/{talk}/stop/").json()["assistant_message"]
    assert (stopped["status"], stopped["content"]) == ("stopped", "And then")
    assert third.to_the_end()[-1] == b"data: [DONE]"
    cluster.redis.start()
    return "saved and read to the end on both; chats and a stop meanwhile"


def with_redis_back_streams_cross_again(cluster: Cluster) -> str:
    return a_stream_is_resumed_on_the_other(cluster)


CHECKS: list[Callable[[Cluster], str]] = [
    many_chats_through_nginx,
    a_stream_is_resumed_on_the_other,
    a_stream_is_stopped_on_the_other,
    a_killed_server_costs_no_turn,
    without_redis_turns_are_saved,
    with_redis_back_streams_cross_again,
]


def start(stack: ExitStack, found: dict[str, str]) -> Cluster:
    home = Path(tempfile.mkdtemp(prefix="dramatis-cluster-"))
    home.chmod(0o711)
    postgres = EmbeddedPostgres(home)
    stack.callback(postgres.remove)
    direct = postgres.start()
    ai = stack.enter_context(AIServer())
    redis = stack.enter_context(RedisServer(found["redis-server"]))
    bouncer = stack.enter_context(PgBouncer(found["pgbouncer"], postgres, CONNECTIONS)).start()
    settings = {
        "DATABASE_URL": bouncer.url,
        "DATABASE_DIRECT_URL": direct,
        "REDIS_URL": redis.url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "a key for the cluster alone, long enough for one",
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "off",
        "TRUSTED_PROXIES": "1",
        "LOG_LEVEL": "WARNING",
        "AI_BASE_URL": ai.url,
        "AI_MODEL": "test-model",
        "AI_TITLES": "off",
    }
    manage("migrate", "--verbosity", "0", **settings)
    servers = [ServerProcess(**settings) for _ in range(2)]
    for server in servers:
        stack.callback(server.remove)
    start_all(*servers)
    nginx = stack.enter_context(Nginx(found["nginx"], servers)).start()
    return Cluster(servers, nginx, bouncer, redis, ai)


def main() -> int:
    found = programs()
    for name in list(os.environ):
        if name.startswith(("AI_", "PG")):
            del os.environ[name]
    failed = 0
    with ExitStack() as stack:
        cluster = start(stack, found)
        cluster.sign_up()
        for check in CHECKS:
            cluster.ai.reset()
            began = time.monotonic()
            try:
                note, verdict = check(cluster), "pass"
            except (AssertionError, requests.RequestException, KeyError) as error:
                note, verdict = f"{type(error).__name__}: {error}", "FAIL"
                failed += 1
            name = check.__name__.replace("_", " ")
            print(f"{verdict}  {name:40} {time.monotonic() - began:5.1f} s  {note}", flush=True)
        if failed:
            for server in cluster.servers:
                print(f"\n{server.url}:\n{server.log.read_text()[-3000:]}")
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
