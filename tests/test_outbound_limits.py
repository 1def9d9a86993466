"""The way out, to servers that send too much or take too long."""

import asyncio
import gzip
import tracemalloc
import zlib

import pytest

from apps.api.outbound.errors import Broken, TooBig, TooLong
from apps.api.outbound.limits import Limits
from tests.outbound_server import OK, body_of, forever, server
from tests.sentinel import Handler, replying

SHORT = Limits(connect=5, head=0.3, idle=0.3, whole=20, answer_bytes=100_000)


# ── Bytes ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "handler",
    [
        replying(OK + b"Content-Length: 50000000\r\n\r\n" + b"x" * 300_000),
        forever(OK + b"\r\n", b"x" * 10_000),
        forever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"2710\r\n" + b"x" * 10_000 + b"\r\n"),
        forever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000),
    ],
    ids=["with a length", "without a length", "chunked", "in tiny chunks"],
)
async def test_an_endless_body_ends_at_the_limit(handler: Handler) -> None:
    async with server(handler) as there:
        with pytest.raises(TooBig):
            await there.fetch(Limits(answer_bytes=100_000))


def bomb(megabytes: int, wbits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(megabytes)) + packer.flush()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("header", "payload"),
    [
        (b"Content-Encoding: gzip", bomb(200, 31)),
        (b"Content-Encoding: deflate", bomb(200, 15)),
        (b"Content-Encoding: gzip", gzip.compress(b"x" * 100_000) * 500),
    ],
    ids=["gzip", "deflate", "many members"],
)
async def test_a_bomb_is_not_unpacked(header: bytes, payload: bytes) -> None:
    assert len(payload) < 300_000
    async with server(replying(body_of(payload, header))) as there:
        tracemalloc.start()
        try:
            with pytest.raises(TooBig):
                await there.fetch(Limits(answer_bytes=1_000_000))
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 10_000_000


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Encoding: gzip, gzip",),
        (b"Content-Encoding: gzip", b"Content-Encoding: gzip"),
        (b"Content-Encoding: compress",),
        (b"Content-Encoding: \xff",),
    ],
)
async def test_an_encoding_that_nobody_asked_for(headers: tuple[bytes, ...]) -> None:
    async with server(replying(body_of(gzip.compress(gzip.compress(b"x")), *headers))) as there:
        with pytest.raises(Broken):
            await there.fetch()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "head",
    [
        OK + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n",
        OK + b"X-" + b"a" * 20_000 + b": b\r\n\r\n",
        OK + b"X-A: b\r\n" * 1_000 + b"\r\n",
        b"HTTP/1.1 200 " + b"a" * 20_000 + b"\r\n\r\n",
    ],
    ids=["value", "name", "number", "reason"],
)
async def test_headers_are_bounded(head: bytes) -> None:
    async with server(replying(head)) as there:
        with pytest.raises(Broken):
            await there.fetch()


@pytest.mark.asyncio
@pytest.mark.parametrize("head", [OK + b"X-A: ", b"HTTP/1.1 200 ", OK], ids=["value", "reason", "number"])
async def test_endless_headers_end(head: bytes) -> None:
    async with server(forever(head, b"X-A: b\r\n" * 1000 if head == OK else b"a" * 1000)) as there:
        with pytest.raises(Broken):
            await there.fetch()


# ── Time ─────────────────────────────────────────────────────────────────────────────────────


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK + b"Content-Length: 10\r\n\r\nhalf")
    await asyncio.sleep(60)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "handler",
    [
        silent,
        half,
        forever(OK, b"X-A: b\r\n", 0.05),
        forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
        forever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" * 100),
        # Bytes come, but nothing comes of them.
        forever(OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b""), 0.01),
        forever(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a=b;", 0.01),
        forever(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n", 0.05),
    ],
    ids=[
        "silent",
        "half a body",
        "slow headers",
        "continue",
        "early hints",
        "empty gzip members",
        "endless chunk extension",
        "endless trailers",
    ],
)
async def test_who_does_not_get_on_is_left(handler: Handler) -> None:
    async with server(handler) as there:
        with pytest.raises((TooLong, Broken)):
            await asyncio.wait_for(there.fetch(SHORT), 10)


@pytest.mark.asyncio
async def test_a_body_that_trickles_ends_with_the_whole_time() -> None:
    async with server(forever(OK + b"\r\n", b"x", 0.02)) as there:
        with pytest.raises(TooLong):
            await asyncio.wait_for(there.fetch(Limits(idle=5, whole=0.5)), 10)


@pytest.mark.asyncio
async def test_others_go_on_while_a_bomb_is_unpacked() -> None:
    """All of it is there, so that reading never waits."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with server(replying(body_of(bomb(200, 31), b"Content-Encoding: gzip"))) as there:
        task = asyncio.create_task(others())
        with pytest.raises(TooBig):
            await there.fetch(Limits(answer_bytes=100_000_000))
        task.cancel()
    assert turns > 100


@pytest.mark.asyncio
async def test_a_request_that_nobody_reads_is_given_up() -> None:
    async with server(silent) as there:
        with pytest.raises(TooLong):
            await asyncio.wait_for(there.fetch(SHORT, "POST", b"x" * 1_000_000), 10)
