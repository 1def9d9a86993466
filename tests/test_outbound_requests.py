"""What the way out sends, and to whom: it follows no redirect, asks no proxy, keeps nothing."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from apps.api.outbound import httpx_transport
from apps.api.outbound.errors import (
    Redirected,
    RequestRefused,
    TooBig,
    Unreachable,
)
from apps.api.outbound.limits import Limits
from tests.certificates import contexts
from tests.hostile_addresses import LOCATIONS
from tests.outbound_server import SOON, led_to
from tests.sentinel import Sentinel, replying, serving

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
