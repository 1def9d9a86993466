"""The way out, to servers that misbehave: what comes is bounded in bytes and in time, and every end has a name."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from apps.api.outbound.client import Answer, Outbound
from apps.api.outbound.errors import Broken, TooBig, TooLong, Unreachable
from apps.api.outbound.limits import Limits
from tests.hostile_addresses import Names
from tests.sentinel import Handler, replying, serving

LONG = Limits(connect=5, head=20, idle=20, whole=20)
SHORT = Limits(connect=5, head=0.3, idle=0.3, whole=20, answer_bytes=100_000)

OK = b"HTTP/1.1 200 OK\r\n"


class Server:
    def __init__(self, port: int) -> None:
        self.url = f"http://inner.example:{port}/"
        self.outbound = Outbound(
            frozenset({("inner.example", port)}), look_up=Names({"inner.example": [["127.0.0.1"]]}).look_up
        )

    async def fetch(self, limits: Limits = LONG, method: str = "GET", body: bytes = b"") -> Answer:
        return await self.outbound.fetch(method, self.url, body=body, limits=limits)


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[Server]:
    async with serving(handler) as port:
        yield Server(port)


def body_of(payload: bytes, *headers: bytes) -> bytes:
    return (
        OK + b"".join(header + b"\r\n" for header in headers) + b"Content-Length: %d\r\n\r\n" % len(payload) + payload
    )


def forever(head: bytes, piece: bytes, pause: float = 0) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return handler


# ── What comes whole ─────────────────────────────────────────────────────────────────────────


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [200, 201, 400, 404, 500, 503])
async def test_every_status_is_an_answer(status: int) -> None:
    async with server(replying(b"HTTP/1.1 %d \r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi" % status)) as there:
        answer = await there.fetch()
    assert (answer.status, answer.headers["x-a"], answer.body) == (status, "b", b"hi")


@pytest.mark.asyncio
async def test_bytes_that_are_no_text_come_as_they_are() -> None:
    everything = bytes(range(256)) * 10
    async with server(replying(body_of(everything, b"Content-Type: text/plain; charset=utf-8"))) as there:
        assert (await there.fetch()).body == everything


@pytest.mark.asyncio
async def test_headers_that_are_no_text_become_text() -> None:
    async with server(replying(body_of(b"", b"X-A: a\xff\xed\xa0\x80b", b"X-B: \xc3\xa9"))) as there:
        answer = await there.fetch()
    assert answer.headers["X-A"].startswith("a\ufffd")
    assert answer.headers["X-B"] == "é"
    "".join(answer.headers.values()).encode()


@pytest.mark.asyncio
@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate"])
async def test_what_is_compressed_comes_out_plain(coding: str) -> None:
    text = b"So it goes. " * 10_000
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(text),
        "deflate": zlib.compress(text),
        "raw deflate": raw.compress(text) + raw.flush(),
    }
    header = f"Content-Encoding: {coding.split()[-1]}".encode()
    async with server(replying(body_of(packed[coding], header))) as there:
        answer = await there.fetch()
    assert answer.body == text
    # Who reads these would take them for the body's.
    assert not {"content-encoding", "content-length"} & {name.lower() for name in answer.headers}


@pytest.mark.asyncio
async def test_a_body_without_a_length_ends_with_its_connection() -> None:
    async with server(replying(OK + b"\r\n", b"one ", b"two")) as there:
        assert (await there.fetch()).body == b"one two"


@pytest.mark.asyncio
async def test_an_answer_of_exactly_the_bytes_that_it_may_have() -> None:
    async with server(replying(body_of(b"x" * 1000))) as there:
        assert len((await there.fetch(Limits(answer_bytes=1000))).body) == 1000
        with pytest.raises(TooBig, match="999 bytes"):
            await there.fetch(Limits(answer_bytes=999))


@pytest.mark.asyncio
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
async def test_methods(method: str) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + (b"" if method == "HEAD" else b"hi")
    async with server(replying(answer)) as there:
        assert (await there.fetch(method=method)).body == (b"" if method == "HEAD" else b"hi")


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


# ── What breaks ──────────────────────────────────────────────────────────────────────────────


def reset_after(sent: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    return handler


@pytest.mark.asyncio
@pytest.mark.parametrize("handler", [reset_after(b""), replying(b""), reset_after(OK), replying(OK + b"X-A")])
async def test_who_hangs_up_before_an_answer_was_not_reached(handler: Handler) -> None:
    visits = 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        await handler(reader, writer)

    async with server(counting) as there:
        with pytest.raises((Unreachable, Broken)):
            await there.fetch()
    # aiohttp would send a GET again of its own accord.
    assert visits == 1


PACKED = gzip.compress(b"So it goes. " * 1000)


@pytest.mark.asyncio
@pytest.mark.parametrize("hang_up", [replying, reset_after])
@pytest.mark.parametrize(
    "sent",
    [
        OK + b"Content-Length: 10\r\n\r\nhalf",
        OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nha",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n" + PACKED[:50],
        OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n1e\r\n" + PACKED[:30] + b"\r\n",
    ],
)
async def test_a_body_that_breaks_off(hang_up: Callable[[bytes], Handler], sent: bytes) -> None:
    async with server(hang_up(sent)) as there:
        with pytest.raises(Broken) as broken:
            await there.fetch()
    assert broken.value.__context__ is None


@pytest.mark.asyncio
async def test_a_body_that_turns_to_nonsense() -> None:
    said = asyncio.Event()

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await said.wait()
        writer.write(b"3\r\na@bcd\r\n")

    async with server(nonsense) as there, there.outbound.stream("GET", there.url, limits=LONG) as arriving:
        assert await anext(arriving) == b"hello"
        said.set()
        with pytest.raises(Broken):
            [piece async for piece in arriving]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"220 mail.example ESMTP\r\n",
        b"\x16\x03\x01\x00\x00\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\nwhatever",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi",
        OK + b"Content-Length: -1\r\n\r\nhi",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffffffff\r\n",
        OK + b"X A: b\r\n\r\n",
        OK + b"X-A: b\0c\r\n\r\n",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        OK + b"Content-Encoding: deflate\r\nContent-Length: 5\r\n\r\nplain",
        OK + b"Content-Encoding: br\r\nContent-Length: 5\r\n\r\nplain",
    ],
)
async def test_what_is_no_http(sent: bytes) -> None:
    async with server(replying(sent)) as there:
        with pytest.raises((Broken, Unreachable)) as broken:
            await there.fetch()
    assert broken.value.__context__ is None
    assert "127.0.0.1" not in str(broken.value)


@pytest.mark.asyncio
async def test_a_port_where_nobody_listens() -> None:
    async with server(silent) as there:
        pass
    with pytest.raises(Unreachable) as lost:
        await there.fetch()
    assert str(lost.value) == "The server cannot be reached."


# ── As it comes ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.asyncio
async def test_a_stream_is_heard_as_it_comes() -> None:
    said = asyncio.Queue[bytes]()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Type: text/event-stream\r\n\r\n")
        while piece := await said.get():
            writer.write(piece)

    async with server(handler) as there, there.outbound.stream("GET", there.url, limits=LONG) as arriving:
        assert (arriving.status, arriving.headers["content-type"]) == (200, "text/event-stream")
        for piece in (b"data: 1\n\n", b"data: 2\n\n"):
            said.put_nowait(piece)
            assert await anext(arriving) == piece
        said.put_nowait(b"")
        assert [piece async for piece in arriving] == []


@pytest.mark.asyncio
@pytest.mark.parametrize("leave", [lambda: asyncio.sleep(0), lambda: asyncio.wait_for(asyncio.sleep(60), 0.1)])
async def test_who_leaves_a_stream_hangs_up(leave: Callable[[], Awaitable[None]]) -> None:
    gone = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"\r\ndata")
        await reader.read()
        gone.set()

    async with server(handler) as there:
        try:
            async with there.outbound.stream("GET", there.url, limits=LONG) as arriving:
                assert await anext(arriving) == b"data"
                await leave()
        except TimeoutError:
            pass
        await asyncio.wait_for(gone.wait(), 5)


@pytest.mark.asyncio
async def test_who_is_cancelled_hangs_up() -> None:
    came, gone = asyncio.Event(), asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        gone.set()

    async with server(handler) as there:
        task = asyncio.create_task(there.fetch())
        await asyncio.wait_for(came.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 5)


@pytest.mark.asyncio
async def test_only_so_many_at_once() -> None:
    open_now = most = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        await reader.readuntil(b"\r\n\r\n")
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.02)
        open_now -= 1
        writer.write(body_of(b"hi"))

    async with server(handler) as there:
        answers = await asyncio.gather(*(there.fetch() for _ in range(250)))
    assert {answer.body for answer in answers} == {b"hi"}
    assert 50 < most <= 100


def test_it_works_on_one_loop_after_another() -> None:
    async def once() -> bytes:
        async with server(replying(body_of(b"hi"))) as there:
            return (await there.fetch()).body

    assert [asyncio.run(once()) for _ in range(2)] == [b"hi", b"hi"]
