"""The way out, to servers that answer, and to those that break down while they do."""

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable

import pytest

from apps.api.outbound.errors import Broken, TooBig, Unreachable
from apps.api.outbound.limits import Limits
from tests.outbound_server import LONG, OK, body_of, server
from tests.sentinel import Handler, replying

SHORT = Limits(connect=5, head=0.3, idle=0.3, whole=20, answer_bytes=100_000)


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
    async with server(replying(b"")) as there:
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
