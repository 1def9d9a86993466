"""A provider against a model that misbehaves: which error, after how many calls, and what was heard before it."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from apps.chat.providers import (
    Delta,
    Finish,
    Limits,
    OpenAIProvider,
    ProviderBusy,
    ProviderError,
    ProviderFailed,
    ProviderTimeout,
    Request,
    Text,
)
from tests.ai_server import AIServer

HELLO = Request("test-model", [{"role": "user", "content": "Hello there"}])
KEY = "sk-secret"


@pytest.fixture(scope="module")
def server() -> Iterator[AIServer]:
    with AIServer() as server:
        yield server


@pytest.fixture
def ai(server: AIServer) -> AIServer:
    server.reset()
    return server


@dataclass
class Outcome:
    """What came of one request; `naps` are the waits between tries, none of which was really waited."""

    deltas: list[Delta] = field(default_factory=list)
    error: ProviderError | None = None
    naps: list[float] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, Text))


async def meet(url: str, limits: Limits | None = None) -> Outcome:
    outcome = Outcome()

    async def nap(seconds: float) -> None:
        outcome.naps.append(seconds)

    provider = OpenAIProvider("test", url, KEY, limits, jitter=lambda: 1.0, sleep=nap, clock=lambda: 10.0)
    try:
        async for delta in provider.stream(HELLO):
            outcome.deltas.append(delta)
    except ProviderError as error:
        outcome.error = error
    finally:
        await provider.close()
    if outcome.error:
        told = " ".join([repr(outcome.error), str(outcome.error), outcome.error.detail, outcome.error.reason])
        assert not any(word in told for word in ("secret", "127.0.0.1", "localhost", url))
        # aiohttp's exceptions hold the request with its key, so none may hang on ours.
        assert (outcome.error.__cause__, outcome.error.__context__) == (None, None)
    assert sum(isinstance(delta, Finish) for delta in outcome.deltas) == (outcome.error is None)
    return outcome


@pytest.mark.parametrize("status", [300, 400, 401, 403, 404, 422])
@pytest.mark.asyncio
async def test_a_refusal_is_final(ai: AIServer, status: int) -> None:
    ai.fails(status, body=f'{{"error": {{"message": "{KEY} is not good at http://localhost/"}}}}')
    outcome = await meet(ai.url)
    assert type(outcome.error) is ProviderFailed
    assert outcome.error.code == "provider_failed"
    assert outcome.error.reason == f"status {status}"
    assert ai.calls == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
@pytest.mark.asyncio
async def test_a_busy_model_is_asked_again(ai: AIServer, status: int) -> None:
    ai.fails(status, times=2)
    ai.says("Good evening.")
    outcome = await meet(ai.url)
    assert outcome.text == "Good evening."
    assert outcome.naps == [0.5, 1.0]
    assert ai.calls == 3
    assert ai.heard[0] == ai.heard[2]


@pytest.mark.asyncio
async def test_after_three_tries_a_model_is_busy(ai: AIServer) -> None:
    ai.fails(429, times=2)
    ai.fails(503, retry_after=20, body=KEY)
    outcome = await meet(ai.url)
    assert isinstance(outcome.error, ProviderBusy)
    assert (outcome.error.code, outcome.error.reason) == ("provider_busy", "status 503")
    assert outcome.error.retry_after == 20
    assert ai.calls == 3


@pytest.mark.parametrize(("header", "wait"), [(7, 7), ("Thu, 01 Jan 1970 00:00:19 GMT", 9), (0, 0.5), ("soon", 0.5)])
@pytest.mark.asyncio
async def test_retry_after_is_obeyed(ai: AIServer, header: int | str, wait: float) -> None:
    ai.fails(429, retry_after=header)
    outcome = await meet(ai.url)
    assert outcome.error is None
    assert outcome.naps == [wait]


@pytest.mark.parametrize("limits", [Limits(first_token=60), Limits(first_token=900, whole_turn=60)])
@pytest.mark.asyncio
async def test_a_wait_beyond_the_deadline_is_not_begun(ai: AIServer, limits: Limits) -> None:
    ai.fails(429, retry_after=120)
    outcome = await meet(ai.url, limits)
    assert isinstance(outcome.error, ProviderBusy)
    assert outcome.error.retry_after == 120
    assert outcome.naps == []
    assert ai.calls == 1


@pytest.mark.asyncio
async def test_nobody_there(ai: AIServer) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = await meet(f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
    assert isinstance(outcome.error, ProviderFailed)
    assert outcome.error.reason == "connection refused"
    assert len(outcome.naps) == 2


@pytest.mark.asyncio
async def test_a_connection_lost_before_the_answer_is_tried_again(ai: AIServer) -> None:
    ai.drops_after(0)
    ai.says("Good evening.")
    assert (await meet(ai.url)).text == "Good evening."
    for _ in range(3):
        ai.drops_after(0)
    outcome = await meet(ai.url)
    assert isinstance(outcome.error, ProviderFailed)
    assert outcome.error.reason == "connection lost"
    assert ai.calls == 5


def broken_frame(ai: AIServer) -> None:
    ai.sends([ONCE, b"data: {nonsense\n\n"])


def error_frame(ai: AIServer) -> None:
    ai.sends([ONCE, b'data: {"error": {"message": "sk-secret", "code": 400}}\n\n'])


ONCE = b'data: {"choices": [{"delta": {"content": "Once "}}]}\n\n'
NOTHING = b'data: {"choices": [{"delta": {"content": ""}}]}\n\n'


@pytest.mark.parametrize(
    ("misbehave", "reason"),
    [
        (lambda ai: ai.drops_after(1), "connection lost"),
        (lambda ai: ai.ends_without_finish("Once "), "ended without finish_reason"),
        (lambda ai: ai.ends_without_finish("Once ", done=True), "ended without finish_reason"),
        (broken_frame, "broken frame"),
        (error_frame, "error in the answer, status 400"),
        (lambda ai: ai.sends([ONCE, b"data: [1]\n\n"]), "broken frame"),
    ],
)
@pytest.mark.asyncio
async def test_an_answer_that_breaks_keeps_its_beginning_and_is_not_asked_for_again(
    ai: AIServer, misbehave: Callable[[AIServer], object], reason: str
) -> None:
    misbehave(ai)
    outcome = await meet(ai.url)
    assert outcome.text == "Once "
    assert type(outcome.error) is ProviderFailed
    assert outcome.error.reason == reason
    assert ai.calls == 1


@pytest.mark.asyncio
async def test_a_model_that_is_busy_inside_its_answer_is_not_asked_again(ai: AIServer) -> None:
    ai.sends([b'data: {"error": {"message": "sk-secret", "code": 429}}\n\n'])
    outcome = await meet(ai.url)
    assert isinstance(outcome.error, ProviderBusy)
    assert ai.calls == 1


@pytest.mark.asyncio
async def test_a_page_is_no_answer(ai: AIServer) -> None:
    ai.sends([b"<html>sk-secret</html>"], content_type="text/html; charset=utf-8")
    outcome = await meet(ai.url)
    assert isinstance(outcome.error, ProviderFailed)
    assert outcome.error.reason == "a page, not an answer"


@pytest.mark.asyncio
async def test_a_compressed_answer_was_not_asked_for(ai: AIServer) -> None:
    ai.sends([b"\x1f\x8b"], headers={"content-encoding": "gzip"})
    outcome = await meet(ai.url)
    assert isinstance(outcome.error, ProviderFailed)
    assert outcome.error.reason == "compressed answer"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.asyncio
async def test_no_redirect_is_followed(ai: AIServer, status: int) -> None:
    ai.redirects(f"{ai.url}/chat/completions", status)
    outcome = await meet(ai.url)
    assert isinstance(outcome.error, ProviderFailed)
    assert outcome.error.reason == f"status {status}"
    assert ai.calls == 1


@pytest.mark.parametrize(
    ("after", "pings", "reason"),
    [
        (None, False, "no first token"),
        (0, False, "no first token"),
        (0, True, "no first token"),
        (2, False, "silent between tokens"),
        (2, True, "silent between tokens"),
    ],
)
@pytest.mark.asyncio
async def test_silence_has_a_deadline_that_keep_alive_comments_do_not_move(
    ai: AIServer, after: int | None, pings: bool, reason: str
) -> None:
    call = ai.hangs(after, pings=pings, text="Once upon a time")
    # Only the deadline under test is short, and a broken one still ends.
    limits = Limits(whole_turn=20, between_tokens=0.3) if after else Limits(whole_turn=20, first_token=0.3)
    outcome = await meet(ai.url, limits)
    assert isinstance(outcome.error, ProviderTimeout)
    assert (outcome.error.code, outcome.error.reason) == ("provider_timeout", reason)
    assert outcome.text == ("Once upon " if after else "")
    assert await asyncio.to_thread(call.client_gone.wait, 5)
    assert ai.calls == 1


@pytest.mark.asyncio
async def test_frames_that_say_nothing_do_not_move_the_deadline(ai: AIServer) -> None:
    ai.sends(itertools.repeat(NOTHING), delay=0.01)
    outcome = await meet(ai.url, Limits(first_token=0.3, whole_turn=20))
    assert isinstance(outcome.error, ProviderTimeout)
    assert outcome.error.reason == "no first token"


@pytest.mark.asyncio
async def test_a_slow_reader_is_not_a_silent_model(ai: AIServer) -> None:
    gate = ai.waits("Once ")
    provider = OpenAIProvider("test", ai.url, KEY, Limits(between_tokens=0.5))
    deltas = provider.stream(HELLO)
    assert await anext(deltas) == Text("Once ")
    gate.says("upon ")
    await asyncio.sleep(0.7)
    assert await anext(deltas) == Text("upon ")
    await deltas.aclose()
    await provider.close()


@pytest.mark.asyncio
async def test_words_that_came_before_a_lost_connection_are_heard(ai: AIServer) -> None:
    """Also where the reader was busy when it was lost."""
    gate = ai.waits("Once ")
    provider = OpenAIProvider("test", ai.url, KEY)
    deltas = provider.stream(HELLO)
    assert await anext(deltas) == Text("Once ")
    gate.says("upon ")
    gate.drops()
    assert await asyncio.to_thread(gate.ended.wait, 5)
    await asyncio.sleep(0.1)
    assert await anext(deltas) == Text("upon ")
    with pytest.raises(ProviderFailed, match="connection lost"):
        await anext(deltas)
    await provider.close()


@pytest.mark.asyncio
async def test_a_turn_without_end_has_a_deadline(ai: AIServer) -> None:
    call = ai.sends(itertools.repeat(ONCE), delay=0.01)
    outcome = await meet(ai.url, Limits(whole_turn=0.5))
    assert isinstance(outcome.error, ProviderTimeout)
    assert outcome.error.reason == "whole turn"
    assert outcome.text.startswith("Once ")
    assert await asyncio.to_thread(call.client_gone.wait, 5)


@pytest.mark.parametrize(
    ("chunk", "reason"),
    [
        (b"x" * 1000, "line too long"),
        (b"data: " + b"x" * 900 + b"\n", "line too long"),
        (b": ping\n" * 100, "answer too long"),
        (b"\n" * 1000, "answer too long"),
        (ONCE * 20, "answer too long"),
        (b'{"choices": ' * 100, "answer too long"),
    ],
)
@pytest.mark.asyncio
async def test_bytes_without_end_are_cut_off(ai: AIServer, chunk: bytes, reason: str) -> None:
    call = ai.sends(itertools.repeat(chunk))
    outcome = await meet(ai.url, Limits(max_bytes=200_000, max_line=50_000))
    assert isinstance(outcome.error, ProviderFailed)
    assert outcome.error.reason == reason
    assert await asyncio.to_thread(call.client_gone.wait, 5)


@asynccontextmanager
async def speaker(raw: bytes, *, silent: bool = False) -> AsyncIterator[str]:
    """The address of a server that answers every connection with these bytes, or never."""

    spoken: list[asyncio.Task[None]] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await (reader.read() if silent else reader.readuntil(b"Hello there"))
            writer.write(raw)
            writer.close()
            await writer.wait_closed()

    def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        spoken.append(asyncio.create_task(speak(reader, writer)))

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        await asyncio.gather(*spoken)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = f"{len(ONCE):x}\r\n".encode() + ONCE + b"\r\n"


@pytest.mark.parametrize(
    ("raw", "text", "reason"),
    [
        (b"", "", "connection lost"),
        (b"sk-secret is not HTTP\r\n\r\n", "", "broken answer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", "", "broken answer"),
        (HEAD + CHUNK + b"nonsense\r\n", "", "broken answer"),
        (HEAD + CHUNK + b"ff\r\nshort", "Once ", "connection lost"),
    ],
)
@pytest.mark.asyncio
async def test_a_server_that_does_not_speak_http(raw: bytes, text: str, reason: str) -> None:
    async with speaker(raw) as address:
        outcome = await meet(f"http://{address}")
    assert isinstance(outcome.error, ProviderFailed)
    assert (outcome.text, outcome.error.reason) == (text, reason)


@pytest.mark.asyncio
async def test_a_server_that_breaks_off_while_nobody_reads() -> None:
    heard = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"Hello there")
        writer.write(HEAD + CHUNK)
        await heard.wait()
        writer.write(b"3\r\na@bcd\r\n")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        provider = OpenAIProvider("test", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", KEY)
        deltas = provider.stream(HELLO)
        assert await anext(deltas) == Text("Once ")
        heard.set()
        await asyncio.sleep(0.2)
        with pytest.raises(ProviderFailed):
            await anext(deltas)
        await provider.close()


@pytest.mark.asyncio
async def test_a_connection_that_is_never_made_has_a_deadline() -> None:
    """The other side takes the connection and never shakes hands."""
    async with speaker(b"", silent=True) as address:
        outcome = await meet(f"https://{address}", Limits(connect=0.2))
    assert isinstance(outcome.error, ProviderTimeout)
    assert outcome.error.reason == "no connection"
    assert len(outcome.naps) == 2
