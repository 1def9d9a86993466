"""The way out: nobody gets inside by it, whatever the address; what the operator allows is reached."""

import asyncio
import socket
import urllib.request
from typing import Any

import httpx2
import pytest

from apps.api.outbound import httpx_transport, names, pinned
from apps.api.outbound.addresses import read
from apps.api.outbound.client import Outbound, guarded
from apps.api.outbound.errors import (
    NOT_PUBLIC,
    AddressRefused,
    OutboundError,
    TooLong,
    Unreachable,
)
from apps.api.outbound.limits import Limits
from tests.hostile_addresses import HOSTILE, NOWHERE, Hostile, Names
from tests.outbound_server import SOON, led_to
from tests.sentinel import HAS_IPV6, LOOPBACKS, SECRET, Sentinel

ADMITTED = [hostile for hostile in HOSTILE if hostile.reaches and (HAS_IPV6 or not hostile.needs_ipv6)]


# ── Hostile addresses ────────────────────────────────────────────────────────────────────────


@pytest.mark.asyncio
@pytest.mark.parametrize("hostile", HOSTILE, ids=str)
async def test_nobody_gets_inside(hostile: Hostile, sentinel: Sentinel, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile.names().answer(monkeypatch)
    with pytest.raises(OutboundError) as refused:
        await guarded().fetch("GET", hostile.url(sentinel.port), limits=SOON)
    monkeypatch.undo()
    assert sentinel.connections() == 0
    assert isinstance(refused.value, (AddressRefused, Unreachable))
    if hostile.reaches:
        assert isinstance(refused.value, AddressRefused)


@pytest.mark.asyncio
@pytest.mark.parametrize("hostile", HOSTILE, ids=str)
async def test_nobody_gets_inside_by_httpx(
    hostile: Hostile, sentinel: Sentinel, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile.names().answer(monkeypatch)
    async with httpx_transport.client(guarded(), SOON) as client:
        with pytest.raises((httpx2.TransportError, httpx2.InvalidURL, UnicodeError)):
            await client.post(hostile.url(sentinel.port), json={})
    monkeypatch.undo()
    assert sentinel.connections() == 0


@pytest.mark.parametrize("hostile", ADMITTED, ids=str)
def test_who_takes_no_care_gets_inside(hostile: Hostile, sentinel: Sentinel, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile.names().answer(monkeypatch)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(hostile.url(sentinel.port), timeout=5).close()
    except OSError:
        assert hostile.url(0).startswith("https")
    monkeypatch.undo()
    assert sentinel.connections() == 1


def test_the_table_is_no_empty_threat() -> None:
    assert len(HOSTILE) > 100
    assert len(ADMITTED) > 30
    assert len({hostile.name for hostile in HOSTILE}) == len(HOSTILE)


@pytest.mark.asyncio
async def test_this_machines_public_address_is_inside() -> None:
    mine = read(NOWHERE)
    known = Names({"door.example": [[NOWHERE]], "both.example": [["8.8.8.8", NOWHERE]]})
    outbound = Outbound(look_up=known.look_up, is_here=lambda address: address == mine)
    for host in (f"[{NOWHERE}]", "door.example", "both.example"):
        with pytest.raises(AddressRefused, match=NOT_PUBLIC):
            await outbound.fetch("GET", f"http://{host}/", limits=SOON)


@pytest.mark.asyncio
async def test_what_leads_inside_and_what_is_nowhere_are_told_in_the_same_words(sentinel: Sentinel) -> None:
    known = Names({"db.example": [["10.0.0.5"]], "door.example": [["127.0.0.1"]], "none.example": [[]]})
    outbound = Outbound(look_up=known.look_up)
    told = set[tuple[type, str]]()
    for host in ("db.example", "door.example", "none.example", "127.0.0.1", "10.0.0.5", "[::1]"):
        for port in (sentinel.port, 5432, 80):
            with pytest.raises(OutboundError) as refused:
                await outbound.fetch("GET", f"http://{host}:{port}/", limits=SOON)
            told.add((type(refused.value), str(refused.value)))
            assert refused.value.__cause__ is None
            assert refused.value.__context__ is None
    assert told == {(AddressRefused, NOT_PUBLIC)}


@pytest.mark.asyncio
async def test_a_name_is_looked_up_once_and_for_the_internet_alone(sentinel: Sentinel) -> None:
    known = Names({"door.example": [[NOWHERE], ["127.0.0.1"]]})
    with pytest.raises((Unreachable, TooLong)):
        await Outbound(look_up=known.look_up).fetch("GET", f"http://door.example:{sentinel.port}/", limits=SOON)
    assert known.asked == ["door.example."]
    assert sentinel.connections() == 0


@pytest.mark.asyncio
async def test_the_address_that_was_checked_is_the_one_that_is_connected_to(sentinel: Sentinel) -> None:
    # Allowed, so that the first answer may be this machine: the second one would be nowhere.
    known = Names({"inner.example": [["127.0.0.1"], [NOWHERE]]})
    outbound = Outbound(frozenset({("inner.example", sentinel.port)}), look_up=known.look_up)
    assert (await outbound.fetch("GET", f"http://inner.example:{sentinel.port}/", limits=SOON)).body == SECRET
    assert known.asked == ["inner.example"]


def test_sockets_are_made_for_what_was_checked_alone_and_once() -> None:
    address = read("127.0.0.1")
    assert address
    one = pinned.Pinned([address], 8080)
    tcp = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    for place in (("127.0.0.2", 8080), ("127.0.0.1", 8081)):
        with pytest.raises(PermissionError):
            one.socket((*tcp, place))
    one.socket((*tcp, ("127.0.0.1", 8080))).close()
    with pytest.raises(PermissionError):
        one.socket((*tcp, ("127.0.0.1", 8080)))


@pytest.mark.asyncio
async def test_a_name_that_is_never_found_is_waited_for_a_while() -> None:
    async def look_up(name: str) -> list[str]:
        await asyncio.sleep(60)
        return ["8.8.8.8"]

    with pytest.raises(TooLong):
        await Outbound(look_up=look_up).fetch("GET", "http://slow.example/", limits=Limits(connect=0.05))


@pytest.mark.asyncio
async def test_names_are_looked_up_for_real() -> None:
    assert "127.0.0.1" in await names.look_up("localhost")
    with pytest.raises(OSError, match=r"Errno -|nodename"):
        await names.look_up("a.invalid.")


# ── What an operator allows ──────────────────────────────────────────────────────────────────


@pytest.mark.asyncio
@pytest.mark.parametrize("address", LOOPBACKS)
@pytest.mark.parametrize("host", ["inner.example", "INNER.example.", "ｉnner.example"])
async def test_an_allowed_host_is_reached(host: str, address: str, sentinel: Sentinel) -> None:
    answer = await led_to(address, sentinel.port).fetch("GET", f"http://{host}:{sentinel.port}/", limits=SOON)
    assert (answer.status, answer.body) == (200, SECRET)
    assert sentinel.connections() == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("address", LOOPBACKS)
async def test_an_allowed_address_is_reached(address: str, sentinel: Sentinel, settings: Any) -> None:
    host = f"[{address}]" if ":" in address else address
    settings.OUTBOUND_ALLOWED_HOSTS = [f"{host}:{sentinel.port}"]
    assert (await guarded().fetch("GET", f"http://{host}:{sentinel.port}/", limits=SOON)).body == SECRET
    assert sentinel.connections() == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("127.0.0.1", 0),
        ("localhost", 0),
        ("a.inner.example", 0),
        ("xinner.example", 0),
        ("inner.example.evil.example", 0),
        ("other.example", 0),
        ("inner.example", 1),
    ],
)
async def test_what_is_allowed_allows_nothing_else(host: str, port: int, sentinel: Sentinel) -> None:
    everything = {name: [["127.0.0.1"]] for name in (host, "inner.example")}
    outbound = Outbound(frozenset({("inner.example", sentinel.port + port)}), look_up=Names(everything).look_up)
    with pytest.raises(AddressRefused):
        await outbound.fetch("GET", f"http://{host}:{sentinel.port}/", limits=SOON)
    assert sentinel.connections() == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "0.0.0.0", "::", "fe80::1"])
async def test_no_name_that_is_allowed_leads_to_secrets_of_a_cloud(address: str, sentinel: Sentinel) -> None:
    with pytest.raises(AddressRefused):
        await led_to(address, sentinel.port).fetch("GET", f"http://inner.example:{sentinel.port}/", limits=SOON)
    assert sentinel.connections() == 0
