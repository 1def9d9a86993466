"""`python -m config.local` with several workers, which share a port and end with their launcher."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.ai_server import AIServer
from tests.launched import ADA, NO_MODEL, PATIENCE, ROOT, Run, lives, until
from tests.online import Person
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Start = Callable[..., Run]


@pytest.fixture
def run_two(run: Start, redis_server: RedisServer) -> Start:
    def start(**environ: str) -> Run:
        return run(**{"WEB_CONCURRENCY": "2", "REDIS_URL": redis_server.url} | NO_MODEL | environ)

    return start


def workers(of: Run) -> list[psutil.Process]:
    """Those that serve already."""
    assert of.url
    children = psutil.Process(of.process.pid).children()
    return [each for each in children if "config.local.worker" in each.cmdline() and each.net_connections()]


def both_workers(of: Run) -> list[psutil.Process]:
    until(lambda: len(workers(of)) == 2, "both workers serve")
    return workers(of)


def test_two_workers_serve_and_count_together_and_stop_without_a_trace(run_two: Start) -> None:
    first = run_two()
    both_workers(first)
    assert first.post("/api/auth/users/", ADA) == 201
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda _: first.post("/api/auth/jwt/create/", ADA), range(40))
        assert Counter(answers) == {200: 20, 429: 20}
    assert sorted(first.held_locks()) == ["postgres.lock", "run.lock", "workers.lock"]
    assert first.stop() == 0


def test_redis_may_come_later_and_its_address_is_not_told(run_two: Start) -> None:
    first = run_two(REDIS_URL="redis://:hunter2@127.0.0.1:9/0")
    assert first.post("/api/auth/users/", ADA) == 201
    assert first.post("/api/auth/jwt/create/", ADA) == 200
    assert "redis: it does not answer (ConnectionError)" in first.said
    assert "hunter2" not in first.said
    assert first.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_every_stop_signal_stops_them_in_order(run_two: Start, number: signal.Signals) -> None:
    first = run_two()
    assert first.get("/readyz") == 200
    assert first.stop(number) == 0


def test_nothing_of_a_killed_launchers_workers_is_left(run_two: Start, run: Start) -> None:
    first = run_two()
    family = both_workers(first)
    first.kill()
    until(lambda: not any(map(lives, family)), "the workers end")
    # A killed process is called a zombie while its other threads still hold its files for an instant.
    until(lambda: first.held_locks() == ["postgres.lock"], "their lock is free")
    alone = run(**NO_MODEL)
    assert alone.get("/readyz") == 200
    assert alone.stop() == 0


def test_a_start_waits_for_the_workers_of_a_killed_one(run_two: Start) -> None:
    first = run_two()
    family = both_workers(first)
    for worker in family:
        worker.suspend()
    port = first.url.rpartition(":")[2]
    first.kill()
    second = run_two(PORT=port)
    until(lambda: "waiting for the workers" in second.said, "it waits")
    for worker in family:
        worker.resume()
    assert second.get("/readyz") == 200
    assert not any(map(lives, family))
    assert second.stop() == 0


def test_a_worker_that_is_killed_is_replaced(run_two: Start) -> None:
    first = run_two()
    killed, other = both_workers(first)
    os.kill(killed.pid, signal.SIGKILL)
    until(lambda: f"process {killed.pid}) was killed by signal 9; starting another" in first.said, "it is told")
    assert other in both_workers(first)
    assert first.get("/readyz") == 200
    assert first.stop() == 0


def test_an_answer_under_way_is_told_its_end(run_two: Start, ai: AIServer) -> None:
    first = run_two(AI_BASE_URL=ai.url, AI_MODEL="test-model")
    ada = Person(first.url)
    assert ada.post("/api/auth/users/", ADA).status_code == 201
    ada.session.headers["Authorization"] = f"Bearer {ada.post('/api/auth/jwt/create/', ADA).json()['access']}"
    character = ada.post("/api/characters/", {"name": "Clock"}).json()["id"]
    conversation = ada.post("/api/conversations/", {"character": character}).json()["id"]
    ai.hangs()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ada.chat, conversation)
        until(lambda: ai.heard, "the model is asked")
        assert first.stop() == 0
        assert answer.result(PATIENCE).json()["errors"][0]["code"] == "interrupted"


def test_without_a_launcher_there_is_no_worker() -> None:
    """It ends when the other end of its pipe does, also before it serves."""
    pipe, launcher = os.pipe()
    command = [sys.executable, "-m", "config.local.worker", "0", str(pipe), "60"]
    worker = subprocess.Popen(command, cwd=ROOT, pass_fds=[pipe], stdin=subprocess.DEVNULL)
    os.close(pipe)
    os.close(launcher)
    assert worker.wait(PATIENCE) != 0
