"""Better Auth's keys: when they are fetched, how often, and what holds while they cannot be."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from apps.compat.better_auth import key_set
from apps.compat.better_auth.key_ring import COOL_DOWN, FRESH, KEPT, KeyRing, SignInUnavailable
from apps.compat.better_auth.key_set import KeysBroken
from tests.better_auth import Issuer, Key
from tests.outbound_server import OK, body_of, forever
from tests.people import until


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def ring(issuer: Issuer, clock: Clock) -> KeyRing:
    load = partial(key_set.fetch, f"{issuer.url}/api/auth/jwks", ("EdDSA",))
    return KeyRing(load, crowd=4, patience=20, clock=clock)


def test_keys_are_fetched_when_they_are_first_asked_for_and_kept(ring: KeyRing, issuer: Issuer, clock: Clock) -> None:
    assert issuer.fetches == 0
    for _ in range(5):
        assert ring.find("k1") is not None
        clock.now += FRESH / 6
    assert issuer.fetches == 1


def test_a_new_key_is_found_at_once(ring: KeyRing, issuer: Issuer, clock: Clock) -> None:
    ring.find("k1")
    issuer.rotate()
    clock.now += COOL_DOWN
    assert ring.find("k2") is not None
    assert ring.find("k1") is not None
    assert issuer.fetches == 2


def test_unknown_names_make_nobody_fetch_more_often_than_the_cool_down_allows(
    ring: KeyRing, issuer: Issuer, clock: Clock
) -> None:
    assert COOL_DOWN <= 30
    for second in range(60):
        with ThreadPoolExecutor(8) as crowd:
            assert set(crowd.map(ring.find, [f"made up {second} {number}" for number in range(16)])) == {None}
        clock.now += 1
    assert issuer.fetches == 60 / COOL_DOWN
    issuer.rotate()
    clock.now += COOL_DOWN
    assert ring.find("k2") is not None


def test_a_storm_does_not_keep_known_keys_from_anybody(ring: KeyRing, issuer: Issuer, clock: Clock) -> None:
    ring.find("k1")
    hanging = threading.Event()

    async def handler(*_: Any) -> None:
        hanging.set()
        await asyncio.sleep(30)

    issuer.web.does(handler)
    clock.now += COOL_DOWN
    with ThreadPoolExecutor(1) as crowd:
        stranger = crowd.submit(ring.find, "made up")
        assert hanging.wait(10)
        assert ring.find("k1") is not None
        with pytest.raises(SignInUnavailable):
            stranger.result()


def test_a_withdrawn_key_is_good_for_five_minutes_at_most(ring: KeyRing, issuer: Issuer, clock: Clock) -> None:
    ring.find("k1")
    issuer.publish(Key("k2"))
    clock.now += FRESH - 1
    assert ring.find("k1") is not None
    clock.now += 1
    assert ring.find("k1") is None
    assert ring.find("k2") is not None
    assert issuer.fetches == 2


BROKEN = {
    "500": OK.replace(b"200 OK", b"500 Oh") + b"Content-Length: 0\r\n\r\n",
    "404": OK.replace(b"200 OK", b"404 No") + b"Content-Length: 0\r\n\r\n",
    "no JSON": body_of(b"<html>"),
    "not UTF-8": body_of(b'{"keys": "\xff"}'),
    "a list": body_of(b"[]"),
    "no keys": body_of(b"{}"),
    "a number": body_of(b"7"),
    "deep": body_of(b"[" * 100_000),
    "keys by name": body_of(b'{"keys": {"k1": {}}}'),
    "too many": body_of(json.dumps({"keys": [{}] * 101}).encode()),
    "too long": body_of(b'{"keys": [' + b" " * 300_000 + b"]}"),
    "cut off": OK + b"Content-Length: 100\r\n\r\n{",
    "no HTTP": b"SSH-2.0\r\n\r\n",
}


@pytest.mark.parametrize("how", BROKEN)
def test_an_answer_that_is_no_key_set_changes_nothing(how: str, ring: KeyRing, issuer: Issuer, clock: Clock) -> None:
    ring.find("k1")
    issuer.web.replies(BROKEN[how])
    clock.now += FRESH
    assert ring.find("k1") is not None
    with pytest.raises(SignInUnavailable):
        ring.find("k2")
    assert issuer.fetches == 2


def test_the_first_answer_may_be_broken_and_the_next_is_not(ring: KeyRing, issuer: Issuer, clock: Clock) -> None:
    issuer.web.replies(BROKEN["500"])
    for _ in range(5):
        with pytest.raises(SignInUnavailable):
            ring.find("k1")
    assert issuer.fetches == 1
    issuer.publish(issuer.key)
    clock.now += COOL_DOWN
    assert ring.find("k1") is not None


def test_while_they_cannot_be_fetched_keys_are_good_for_an_hour(ring: KeyRing, issuer: Issuer, clock: Clock) -> None:
    ring.find("k1")
    issuer.web.replies(BROKEN["500"])
    clock.now += KEPT - 1
    assert ring.find("k1") is not None
    clock.now += 1
    with pytest.raises(SignInUnavailable):
        ring.find("k1")


def test_no_redirect_is_followed(ring: KeyRing, issuer: Issuer) -> None:
    with Issuer() as other:
        location = f"Location: {other.url}/api/auth/jwks\r\n".encode()
        issuer.web.replies(OK.replace(b"200 OK", b"302 Found") + location + b"Content-Length: 0\r\n\r\n")
        with pytest.raises(SignInUnavailable):
            ring.find("k1")
        assert other.fetches == 0


@pytest.mark.parametrize("drip", [b"", b" "])
def test_a_fetch_ends_in_time(drip: bytes, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_set, "SECONDS", 0.3)
    issuer.web.does(forever(OK + b"Content-Length: 9999\r\n\r\n", drip, 0.01))
    with pytest.raises(KeysBroken, match="no answer in time"):
        key_set.fetch(f"{issuer.url}/", ("EdDSA",))


def test_who_waits_waits_a_bounded_time_and_one_fetch_is_enough_for_all(issuer: Issuer, clock: Clock) -> None:
    go_on, begun = threading.Event(), []

    def slow() -> Any:
        begun.append(1)
        go_on.wait(30)
        return key_set.fetch(f"{issuer.url}/api/auth/jwks", ("EdDSA",))

    ring = KeyRing(slow, crowd=2, patience=0.1, clock=clock)
    with ThreadPoolExecutor(8) as crowd:
        waiting = [crowd.submit(ring.find, "k1") for _ in range(8)]
        for each in waiting:
            with pytest.raises(SignInUnavailable):
                each.result()
    clock.now += COOL_DOWN
    with pytest.raises(SignInUnavailable):
        ring.find("k1")
    assert len(begun) == 1
    go_on.set()
    until(lambda: issuer.fetches and ring._fetching is None)
    assert ring.find("k1") is not None
    assert issuer.fetches == 1


@pytest.mark.parametrize(
    "jwk",
    [
        7,
        {},
        {"kid": "x"},
        {"kid": 7, "kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {"kid": "x", "kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {"kid": "x", "kty": "OKP", "crv": "Ed25519"},
        {"kid": "x", "kty": "OKP", "crv": [], "x": 7},
        {"kid": "x", "kty": "RSA", "alg": "EdDSA", "n": "AQAB", "e": "AQAB"},
        {"kid": "x", "kty": "oct", "k": "AAAA"},
        {"kid": "x", "kty": "oct", "k": "AAAA", "alg": "EdDSA"},
        {"kid": "x", "kty": [], "alg": {}},
        {**Key("x").jwk, "use": "enc"},
        {**Key("x").jwk, "alg": "none"},
        Key("x", "ES256").jwk,
        {name: value for name, value in Key("x", "ES256").jwk.items() if name != "alg"},
    ],
)
def test_keys_that_are_of_no_use_are_passed_over(jwk: Any) -> None:
    body = json.dumps({"keys": [jwk, Key("k1").jwk]}).encode()
    assert list(key_set.read(body, ("EdDSA",))) == ["k1"]


def test_a_key_need_not_say_its_algorithm() -> None:
    jwk = {name: value for name, value in Key("k1").jwk.items() if name != "alg"}
    assert key_set.read(json.dumps({"keys": [jwk]}).encode(), ("EdDSA",))["k1"].algorithm_name == "EdDSA"
