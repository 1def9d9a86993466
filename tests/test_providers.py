"""A provider against a real server: what is asked, what is heard, and when the connection is closed."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from apps.chat.providers import (
    Completed,
    Delta,
    Finish,
    Limits,
    OpenAIProvider,
    Reasoning,
    Request,
    Text,
    ToolCall,
    Usage,
    complete,
)
from tests.ai_server import AIServer

HELLO = Request("test-model", [{"role": "user", "content": "Hello there"}])


@pytest.fixture(scope="module")
def server() -> Iterator[AIServer]:
    with AIServer() as server:
        yield server


@pytest.fixture
def ai(server: AIServer) -> AIServer:
    server.reset()
    return server


@asynccontextmanager
async def reach(ai: AIServer, key: str = "sk-secret", **limits: Any) -> AsyncIterator[OpenAIProvider]:
    provider = OpenAIProvider("test", ai.url, key, Limits(**limits))
    try:
        yield provider
    finally:
        await provider.close()


async def hear(ai: AIServer, request: Request = HELLO, **limits: Any) -> list[Delta]:
    async with reach(ai, **limits) as provider:
        return [delta async for delta in provider.stream(request)]


def frame(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"


@pytest.mark.asyncio
async def test_an_answer_comes_in_pieces_and_finishes_once(ai: AIServer) -> None:
    ai.says("Good evening.", reasoning="Hm.", usage={"prompt_tokens": 9, "completion_tokens": 4}, model="other-model")
    assert await hear(ai) == [
        Reasoning("Hm."),
        Text("Good "),
        Text("evening."),
        Finish("stop", "other-model", Usage(9, 4)),
    ]


@pytest.mark.asyncio
async def test_what_is_asked(ai: AIServer) -> None:
    await hear(ai, Request("m", HELLO.messages, temperature=0.7, top_p=0.9, max_tokens=50, stop=("You:",)))
    await hear(ai)
    always = {"messages": HELLO.messages, "stream": True, "stream_options": {"include_usage": True}}
    assert ai.heard == [
        {"model": "m", **always, "temperature": 0.7, "top_p": 0.9, "max_tokens": 50, "stop": ["You:"]},
        {"model": "test-model", **always},
    ]
    assert ai.headers[0]["authorization"] == "Bearer sk-secret"
    assert ai.headers[0]["accept-encoding"] == "identity"


@pytest.mark.asyncio
async def test_without_a_key_none_is_sent(ai: AIServer) -> None:
    async with reach(ai, key="") as provider:
        await complete(provider, HELLO)
    assert "authorization" not in ai.headers[0]


@pytest.mark.parametrize("url", ["", "localhost/v1", "ftp://host/v1", "http://user:sk-secret@host/v1", "http:///v1"])
def test_a_url_that_cannot_be_used_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="base URL") as caught:
        OpenAIProvider("test", url, "sk-secret")
    assert "secret" not in str(caught.value)


def test_a_key_that_cannot_be_sent_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValueError, match="key") as caught:
        OpenAIProvider("test", "http://host/v1", "sk-secret\n")
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(OpenAIProvider("test", "http://host/v1", "sk-secret"))


@pytest.mark.asyncio
async def test_complete_gathers_a_stream(ai: AIServer) -> None:
    ai.says("Good evening.", reasoning="Hm, hm.", finish_reason="length")
    async with reach(ai) as provider:
        assert await complete(provider, HELLO) == Completed(
            "Good evening.", "Hm, hm.", Finish("length", "test-model", Usage(7, 2))
        )


@pytest.mark.asyncio
async def test_titles_are_answered_beside_the_script(ai: AIServer) -> None:
    ai.says("Not for titles.")
    async with reach(ai) as provider:
        title = await complete(provider, Request("m", [{"role": "system", "content": "Write a short title."}]))
    assert title.text == "A quiet evening"
    assert (ai.calls, len(ai.title_calls)) == (0, 1)


@pytest.mark.asyncio
async def test_a_tool_call_comes_in_fragments(ai: AIServer) -> None:
    ai.calls_tool("look", {"at": "the moon"}, fragments=4)
    *calls, finish = await hear(ai)
    assert all(isinstance(call, ToolCall) and call.index == 0 for call in calls)
    assert calls[0] == ToolCall(0, "call_1", "look", "")
    assert json.loads("".join(call.arguments for call in calls if isinstance(call, ToolCall))) == {"at": "the moon"}
    assert finish == Finish("tool-calls", "test-model", Usage(7, 5))


@pytest.mark.asyncio
async def test_a_json_answer_to_a_stream_request_is_an_answer(ai: AIServer) -> None:
    ai.answers_json("Good \ud83d\ude00\0 evening.", reasoning="Hm.")
    assert await hear(ai) == [
        Reasoning("Hm."),
        Text("Good 😀 evening."),
        Finish("stop", "test-model", Usage(7, 3)),
    ]


@pytest.mark.parametrize("content_type", ["text/event-stream; charset=utf-8", "application/json", "text/plain"])
@pytest.mark.asyncio
async def test_a_stream_may_be_mislabelled(ai: AIServer, content_type: str) -> None:
    ai.sends([frame("Good "), frame("evening.", "stop")], content_type=content_type)
    assert await hear(ai) == [Text("Good "), Text("evening."), Finish("stop", None, None)]


@pytest.mark.asyncio
async def test_bytes_may_be_cut_anywhere(ai: AIServer) -> None:
    raw = b"\xef\xbb\xbf: hi\r\n\r\n" + frame("Grüße 😀", "stop").replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n"
    ai.sends([raw[i : i + 1] for i in range(len(raw))])
    assert await hear(ai) == [Text("Grüße 😀"), Finish("stop", None, None)]


@pytest.mark.asyncio
async def test_a_surrogate_pair_cut_in_two_deltas_is_one_character(ai: AIServer) -> None:
    ai.says("", pieces=["a\ud83d", "\ude00b", "\0", "\ud83d"])
    assert (await hear(ai))[:-1] == [Text("a"), Text("😀b"), Text("\ufffd")]


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param([], id="no DONE"),
        pytest.param([b"data: nonsense\n\n"], id="a broken frame"),
        pytest.param([b'data: {"error": {"code": 500}}\n\n'], id="an error"),
        pytest.param([b"data: [DONE]\n\n", b"data: nonsense\n\n"], id="more after DONE"),
        pytest.param([b"data: [DONE]"], id="an unended line"),
    ],
)
@pytest.mark.asyncio
async def test_nothing_spoils_an_answer_once_it_is_finished(ai: AIServer, rest: list[bytes]) -> None:
    ai.sends([frame("Good evening."), frame("", "stop"), *rest])
    assert await hear(ai) == [Text("Good evening."), Finish("stop", None, None)]


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n"])
@pytest.mark.asyncio
async def test_a_server_that_never_hangs_up_does_not_hold_a_finished_answer(ai: AIServer, end: bytes) -> None:
    def chatter() -> Iterator[bytes]:
        yield frame("Good evening.", "stop") + end
        while True:
            yield b": ping\n\n"

    call = ai.sends(chatter(), delay=0.01)
    assert await hear(ai, after_finish=0.1) == [Text("Good evening."), Finish("stop", None, None)]
    assert await asyncio.to_thread(call.client_gone.wait, 5)


@pytest.mark.asyncio
async def test_deltas_are_heard_as_they_are_said(ai: AIServer) -> None:
    gate = ai.waits("Once ")
    async with reach(ai) as provider, aclosing(provider.stream(HELLO)) as deltas:
        assert await anext(deltas) == Text("Once ")
        gate.says("upon ")
        assert await anext(deltas) == Text("upon ")
        gate.release("a time.")
        assert [delta async for delta in deltas] == [Text("a time."), Finish("stop", "test-model", Usage(7, 3))]


@pytest.mark.asyncio
async def test_closing_the_stream_closes_the_connection(ai: AIServer) -> None:
    gate = ai.waits()
    async with reach(ai) as provider:
        deltas = provider.stream(HELLO)
        assert await anext(deltas) == Text("Once ")
        await deltas.aclose()
        assert await asyncio.to_thread(gate.client_gone.wait, 5)


@pytest.mark.parametrize("after", [None, 0, 2])
@pytest.mark.asyncio
async def test_cancelling_the_task_closes_the_connection(ai: AIServer, after: int | None) -> None:
    """Before the headers, before the first word, and between words."""
    call = ai.hangs(after)
    async with reach(ai) as provider:
        task = asyncio.create_task(complete(provider, HELLO))
        assert await asyncio.to_thread(call.waiting.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(call.client_gone.wait, 5)


@pytest.mark.asyncio
async def test_many_answers_at_once(ai: AIServer) -> None:
    gates = [ai.waits() for _ in range(150)]
    async with reach(ai) as provider:
        tasks = [asyncio.create_task(complete(provider, HELLO)) for _ in gates]
        for gate in gates:
            assert await asyncio.to_thread(gate.waiting.wait, 10)
        for gate in gates:
            gate.release("upon a time.")
        assert {answer.text for answer in await asyncio.gather(*tasks)} == {"Once upon a time."}


def test_a_provider_may_be_used_on_one_loop_after_another(ai: AIServer) -> None:
    provider = OpenAIProvider("test", ai.url)

    async def ask() -> str:
        try:
            return (await complete(provider, HELLO)).text
        finally:
            await provider.close()

    assert [asyncio.run(ask()) for _ in range(3)] == ["You said: Hello there"] * 3
