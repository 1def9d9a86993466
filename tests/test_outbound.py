"""The way out: nobody gets inside by it, whatever the address; what the operator allows is reached."""

import asyncio
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
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
    Redirected,
    RequestRefused,
    TooBig,
    TooLong,
    Unreachable,
)
from apps.api.outbound.limits import Limits
from tests.certificates import contexts
from tests.hostile_addresses import HOSTILE, LOCATIONS, NOWHERE, Hostile, Names
from tests.sentinel import SECRET, Sentinel, replying, serving

# Enough on loopback; what leads nowhere ends soon.
SOON = Limits(connect=0.5, head=2, idle=2, whole=3)
ADMITTED = [hostile for hostile in HOSTILE if hostile.reaches]


@pytest.fixture(scope="module")
def _sentinel() -> Iterator[Sentinel]:
    with Sentinel() as sentinel:
        yield sentinel


@pytest.fixture
def sentinel(_sentinel: Sentinel) -> Sentinel:
    _sentinel.connections()
    return _sentinel


def led_to(address: str, port: int, *, tls: object = None, host: str = "inner.example") -> Outbound:
    """Allows `host` at this port, which is at this address."""
    return Outbound(frozenset({(host, port)}), look_up=Names({host: [[address]]}).look_up, tls=tls)  # type: ignore[arg-type]


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
    assert len(ADMITTED) > 40
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
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("host", ["inner.example", "INNER.example.", "ｉnner.example"])
async def test_an_allowed_host_is_reached(host: str, address: str, sentinel: Sentinel) -> None:
    answer = await led_to(address, sentinel.port).fetch("GET", f"http://{host}:{sentinel.port}/", limits=SOON)
    assert (answer.status, answer.body) == (200, SECRET)
    assert sentinel.connections() == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_an_allowed_address_is_reached(host: str, sentinel: Sentinel, settings: Any) -> None:
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


# ── Redirects, proxies, cookies, headers ─────────────────────────────────────────────────────


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308, 399])
@pytest.mark.parametrize("location", LOCATIONS)
async def test_a_redirect_is_not_followed(status: int, location: str, sentinel: Sentinel) -> None:
    location = location.replace("PORT", str(sentinel.port))
    moved = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nRefresh: 0;url={location}\r\nContent-Length: 0\r\n\r\n"
    async with serving(replying(moved.encode())) as port:
        outbound = led_to("127.0.0.1", port)
        with pytest.raises(Redirected):
            await outbound.fetch("GET", f"http://inner.example:{port}/", limits=SOON)
        async with httpx_transport.client(outbound, SOON) as client:
            with pytest.raises(httpx2.RemoteProtocolError):
                await client.get(f"http://inner.example:{port}/", follow_redirects=True)
    assert sentinel.connections() == 0


@pytest.mark.asyncio
async def test_not_modified_is_an_answer() -> None:
    async with serving(replying(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n')) as port:
        answer = await led_to("127.0.0.1", port).fetch("GET", f"http://inner.example:{port}/", limits=SOON)
    assert (answer.status, answer.headers["etag"], answer.body) == (304, '"a"', b"")


@pytest.mark.asyncio
async def test_proxies_and_passwords_in_the_environment_are_not_asked(
    sentinel: Sentinel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{sentinel.port}")
        monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{sentinel.port}")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine inner.example login operator password secret\n")
    heard = list[bytes]()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(handler) as port:
        outbound = led_to("127.0.0.1", port)
        await outbound.fetch("GET", f"http://inner.example:{port}/a", limits=SOON)
        async with httpx_transport.client(outbound, SOON) as client:
            await client.get(f"http://inner.example:{port}/a")
    assert [head.split(b"\r\n")[0] for head in heard] == [b"GET /a HTTP/1.1"] * 2
    assert b"authorization" not in b"".join(heard).lower()
    assert sentinel.connections() == 0


@pytest.mark.asyncio
async def test_nothing_is_kept_from_one_request_to_the_next() -> None:
    heard = list[bytes]()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Offers to go on, and to send a cookie along: neither is taken.
        while True:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 2\r\n\r\nhi")

    connections = 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await handler(reader, writer)

    async with serving(counting) as port:
        outbound = led_to("127.0.0.1", port)
        url = f"http://inner.example:{port}/"
        assert [(await outbound.fetch("GET", url, limits=SOON)).headers["Set-Cookie"] for _ in range(2)]
        async with httpx_transport.client(outbound, SOON) as client:
            assert [(await client.get(url)).text for _ in range(2)] == ["hi", "hi"]
    assert connections == len(heard) == 4
    assert b"cookie" not in b"".join(heard).lower()


@pytest.mark.asyncio
async def test_the_host_is_the_one_that_the_address_names() -> None:
    heard = list[bytes]()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        heard.append(await reader.readexactly(5))
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    async with serving(handler) as port:
        outbound = led_to("127.0.0.1", port)
        headers = {"X-Key": "Zoë", "Content-Type": "text/plain"}
        url = f"http://INNER.example.:{port}/a%2Fb?c=d%26#e"
        answer = await outbound.fetch("PUT", url, headers=headers, body=b"hello", limits=SOON)
        with pytest.raises(RequestRefused):
            await outbound.fetch("GET", url, headers=[("Host", "other.example")])
    head, body = heard
    lines = head.decode().split("\r\n")
    assert lines[0] == "PUT /a%2Fb?c=d%26 HTTP/1.1"
    assert [line for line in lines if line.lower().startswith("host:")] == [f"Host: inner.example:{port}"]
    assert {
        "X-Key: Zoë",
        "Content-Type: text/plain",
        "User-Agent: Dramatis",
        "Content-Length: 5",
        "Connection: close",
    } <= set(lines)
    assert (answer.status, body) == (201, b"hello")


@pytest.mark.asyncio
async def test_too_much_is_not_sent(sentinel: Sentinel) -> None:
    outbound = led_to("127.0.0.1", sentinel.port)
    with pytest.raises(TooBig):
        await outbound.fetch(
            "POST", f"http://inner.example:{sentinel.port}/", body=b"abc", limits=Limits(request_bytes=2)
        )
    assert sentinel.connections() == 0


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.asyncio
async def test_a_server_proves_who_it_is(tmp_path: Path) -> None:
    server_side, client_side = contexts("inner.example", tmp_path)
    asked = list[str | None]()
    server_side.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with serving(replying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), tls=server_side) as port:
        believing = led_to("127.0.0.1", port, tls=client_side)
        answer = await believing.fetch("GET", f"https://inner.example.:{port}/", limits=SOON)
        assert (answer.body, asked) == (b"hi", ["inner.example"])
        doubting = [
            (led_to("127.0.0.1", port), "inner.example"),
            (led_to("127.0.0.1", port, tls=client_side, host="other.example"), "other.example"),
            (led_to("127.0.0.1", port, tls=client_side, host="127.0.0.1"), "127.0.0.1"),
        ]
        for outbound, host in doubting:
            with pytest.raises(Unreachable, match="prove") as refused:
                await outbound.fetch("GET", f"https://{host}:{port}/", limits=SOON)
            assert refused.value.__context__ is None


@pytest.mark.asyncio
async def test_a_server_without_tls_is_not_reached_by_https(sentinel: Sentinel) -> None:
    with pytest.raises(Unreachable):
        await led_to("127.0.0.1", sentinel.port).fetch("GET", f"https://inner.example:{sentinel.port}/", limits=SOON)
