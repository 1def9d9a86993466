"""Tries are counted for all processes together in Redis, and go on being counted while it is away."""

import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import pytest
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.test import override_settings

from apps.accounts.models import User
from apps.accounts.tries import TRIES, Tries
from config import settings as written
from tests.factories import PASSWORD
from tests.online import Person, Server, until
from tests.redis_server import RedisServer

RATE = int(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["sign-in-account"].partition("/")[0])
MANY = 2 * RATE


@pytest.fixture(autouse=True)
def _redis_is_soon_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.accounts.tries.BACK_OFF_SECONDS", 0.5)


def tries_of_a_process(redis: RedisServer, name: str) -> Tries:
    """With connections and a memory of its own, as every process has them."""
    options = {key: value for key, value in written._redis["OPTIONS"].items() if key != "pool_class"}
    return Tries(RedisCache([redis.url], {"OPTIONS": options}), LocMemCache(name, {}))


def counts(processes: list[Tries], tries: int = MANY) -> list[int]:
    """What so many tries at once are told, each by the next process."""
    with ThreadPoolExecutor(8) as pool:
        told = pool.map(lambda process: process.count("alice", 60), islice(cycle(processes), tries))
        return sorted(count for count, _ in told)


def test_each_try_counts_once_however_many_come_at_once(redis_server: RedisServer) -> None:
    processes = [tries_of_a_process(redis_server, name) for name in ("one", "other")]
    assert counts(processes) == list(range(1, MANY + 1))


def test_so_it_is_in_one_process_without_redis() -> None:
    memory = LocMemCache("alone", {})
    assert counts([Tries(memory, memory)]) == list(range(1, MANY + 1))


def test_a_window_ends_and_another_begins(redis_server: RedisServer) -> None:
    tries = tries_of_a_process(redis_server, "window")
    for _ in range(3):
        count, seconds = tries.count("alice", 1)
    assert count <= 3
    assert 0 <= seconds <= 1
    until(lambda: tries.count("alice", 1)[0] == 1)


def test_nothing_is_left_in_redis_for_good(redis_server: RedisServer) -> None:
    tries_of_a_process(redis_server, "expiry").count("alice", 60)
    with redis_server.client() as client:
        keys = list(client.scan_iter())
        assert len(keys) == 2
        assert all(0 < client.ttl(key) <= 60 for key in keys)


def test_while_redis_is_away_each_process_counts_for_itself(redis_server: RedisServer) -> None:
    processes = [tries_of_a_process(redis_server, name) for name in ("here", "there")]
    redis_server.kill()
    assert Counter(counts(processes)) == Counter([*range(1, RATE + 1)] * 2)
    redis_server.start()
    here, there = processes
    until(lambda: here.count("bob", 60)[0] + 1 == there.count("bob", 60)[0])


# ── The application ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
def with_redis(redis_server: RedisServer) -> Iterator[RedisServer]:
    """The application counts in Redis, as REDIS_URL has it do."""
    redis_cache = {**written._redis, "LOCATION": [redis_server.url]}
    with override_settings(CACHES={**settings.CACHES, "default": redis_cache}), redis_server.client() as client:
        # An earlier test may have had it away.
        until(lambda: TRIES.count("nobody", 60) and client.dbsize())
        yield redis_server


def sign_in(server: Server, password: str = PASSWORD) -> int:
    body = {"email": "alice@example.com", "password": password}
    # Far from what an answer takes, and from for ever.
    return Person(server.url).post("/api/auth/jwt/create/", body, timeout=10).status_code


def test_sign_ins_at_once_are_let_through_up_to_the_rate(with_redis: RedisServer, server: Server, alice: User) -> None:
    with with_redis.client() as client, ThreadPoolExecutor(16) as pool:
        before = client.info()["total_connections_received"]
        assert Counter(pool.map(sign_in, [server] * MANY)) == {200: RATE, 429: MANY - RATE}
        assert client.info()["total_connections_received"] - before <= settings.WEB_THREADS


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_signing_in_goes_on_while_redis_is_away(
    with_redis: RedisServer, server: Server, alice: User, fault: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    assert sign_in(server) == 200
    if fault == signal.SIGKILL:
        with_redis.kill()
    else:
        with_redis.hang()
    # It is counted all the same, here.
    assert [sign_in(server) for _ in range(RATE + 1)] == [*[200] * RATE, 429]
    assert caplog.text.count("Redis does not answer") == 1
    with_redis.restart()
    with with_redis.client() as client:
        # Its count is empty after the restart.
        until(lambda: sign_in(server) == 200 and client.dbsize())
    assert "Redis answers again" in caplog.text


def test_with_redis_nothing_is_counted_in_memory(with_redis: RedisServer, server: Server, alice: User) -> None:
    assert [sign_in(server) for _ in range(RATE + 1)] == [*[200] * RATE, 429]
    caches["default"].clear()
    assert sign_in(server) == 200
