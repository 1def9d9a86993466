"""The pure parts of a provider: cleaning text, reading events, understanding an answer, waiting to try again."""

import itertools
import json

import pytest

from apps.chat.providers import (
    Cleaner,
    Delta,
    Finish,
    ProviderBusy,
    ProviderError,
    ProviderFailed,
    Reasoning,
    Text,
    ToolCall,
    Usage,
    clean,
)
from apps.chat.providers.answer import Answer
from apps.chat.providers.retry import backoff, retry_after
from apps.chat.providers.sse import Events

HIGH, LOW = "\ud83d", "\ude00"
STOP = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("", ""),
        ("Good evening.", "Good evening."),
        ("Grüße 😀", "Grüße 😀"),
        ("a\0b\0", "ab"),
        (HIGH + LOW, "😀"),
        (HIGH + "\0" + LOW, "😀"),
        (HIGH, "\ufffd"),
        (LOW, "\ufffd"),
        (HIGH + HIGH + LOW + LOW, "\ufffd😀\ufffd"),
        (LOW + HIGH + "é😀" + HIGH + LOW + "z", "\ufffd\ufffdé😀😀z"),
    ],
)
def test_text_is_cleaned_the_same_however_it_is_cut(dirty: str, expected: str) -> None:
    assert clean(dirty) == expected
    for cuts in itertools.product((False, True), repeat=max(0, len(dirty) - 1)):
        cleaner, said, piece = Cleaner(), "", dirty[:1]
        for char, cut in zip(dirty[1:], cuts, strict=True):
            if cut:
                said += cleaner.feed(piece)
                piece = ""
            piece += char
        assert said + cleaner.feed(piece) + cleaner.flush() == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data\ndata: b\n\n", [b"\nb"]),
        (b"event: x\nid: 7\nretry: 10\ndata: a\nnonsense\n\n", [b"a"]),
        (b": ping\n\n: ping\n\ndata: a\n\n", [b"a"]),
        (b"\n\n\n\ndata: a\n\n\n", [b"a"]),
        (b"data: a\n\ndata: unended", [b"a", b"unended"]),
        (b"database: a\n\n", []),
        ("data: é😀\n\n".encode(), ["é😀".encode()]),
    ],
)
def test_events_are_the_same_however_the_bytes_are_cut(raw: bytes, expected: list[bytes]) -> None:
    for size in range(1, len(raw) + 1):
        events = Events(100)
        heard = [e for i in range(0, len(raw), size) for e in events.feed(raw[i : i + size])]
        assert heard + list(events.close()) == expected


@pytest.mark.parametrize("raw", [b"x" * 101, b"data: " + b"x" * 95 + b"\n", b"data: 123456789\n" * 10])
def test_a_line_or_an_event_without_end_is_refused(raw: bytes) -> None:
    events = Events(100)
    pieces = (raw[i : i + 7] for i in range(0, len(raw), 7))
    with pytest.raises(ProviderFailed, match="line too long"):
        _ = [event for piece in pieces for event in events.feed(piece)]


def frames(*said: object, done: bool = True) -> bytes:
    lines = [f"data: {json.dumps(frame)}\n\n" for frame in said]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def read(raw: bytes) -> list[Delta]:
    answer = Answer(1_000_000, 100_000)
    return [*answer.feed(raw), *answer.end(), *answer.finish()]


def says(**delta: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([says(content="Good "), says(content="evening.")], [Text("Good "), Text("evening.")]),
        ([says(role="assistant", content=""), says(content=None), says(), {"choices": []}, {}], []),
        (
            [{"choices": [{"delta": None}]}, {"choices": None}, {"error": None, "usage": None, **says(content="a")}],
            [Text("a")],
        ),
        ([says(reasoning_content="Hm."), says(content="Yes.")], [Reasoning("Hm."), Text("Yes.")]),
        ([says(reasoning="Hm.", content=None)], [Reasoning("Hm.")]),
        ([says(reasoning_content="Hm.", reasoning="Hm.")], [Reasoning("Hm.")]),
        ([says(content=HIGH), says(content=LOW)], [Text("😀")]),
        ([says(content="a" + HIGH), says(content="b")], [Text("a"), Text("\ufffdb")]),
        ([says(content="a" + HIGH)], [Text("a"), Text("\ufffd")]),
        ([says(content="\0"), says(content="a\0")], [Text("a")]),
        ([says(content=[{"type": "text", "text": "a"}, {"type": "image"}, 5])], [Text("a")]),
        ([says(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}])], [Reasoning("Hm.")]),
    ],
)
def test_what_a_stream_says(said: list[object], expected: list[Delta]) -> None:
    assert read(frames(*said, STOP)) == [*expected, Finish("stop", None, None)]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content-filter"),
        ("tool_calls", "tool-calls"),
        ("function_call", "tool-calls"),
        ("eos", "other"),
        (7, "other"),
    ],
)
def test_why_the_model_stopped(reason: object, expected: str) -> None:
    (finish,) = read(frames({"choices": [{"delta": {}, "finish_reason": reason}]}))
    assert isinstance(finish, Finish)
    assert finish.reason == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 3}, Usage(7, 3)),
        ({"prompt_tokens": 7}, Usage(7, None)),
        ({"prompt_tokens": -1, "completion_tokens": 0}, Usage(None, 0)),
        ({"prompt_tokens": "7", "completion_tokens": 10**30}, None),
        ({"prompt_tokens": True, "completion_tokens": 1.5}, None),
        ([1, 2], None),
        ("lots", None),
        (None, None),
    ],
)
def test_usage_is_believed_only_where_it_can_be(usage: object, expected: Usage | None) -> None:
    """With the last words or after them, in a frame without choices."""
    for said in ([{**STOP, "usage": usage}], [STOP, {"choices": [], "usage": usage}]):
        assert read(frames(*said)) == [Finish("stop", None, expected)]


def call(**fields: object) -> dict[str, object]:
    return says(tool_calls=[fields])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            [
                call(index=0, id="c1", function={"name": "look", "arguments": ""}),
                call(index=0, function={"arguments": '{"a'}),
                call(index=0, id=None, function={"name": None, "arguments": '":1}'}),
            ],
            [ToolCall(0, "c1", "look", ""), ToolCall(0, "", "", '{"a'), ToolCall(0, "", "", '":1}')],
        ),
        ([call(index=0, id="c1", function={"name": "f", "arguments": "{}"})], [ToolCall(0, "c1", "f", "{}")]),
        ([call(id="c1", function={"name": "f", "arguments": {"a": 1}})], [ToolCall(0, "c1", "f", '{"a": 1}')]),
        (
            [
                call(id="c1", function={"name": "f", "arguments": "{"}),
                call(function={"arguments": "}"}),
                call(id="c2", function={"name": "g", "arguments": "{}"}),
            ],
            [ToolCall(0, "c1", "f", "{"), ToolCall(0, "", "", "}"), ToolCall(1, "c2", "g", "{}")],
        ),
        (
            [call(index=0, function={"arguments": HIGH}), call(index=0, function={"arguments": LOW})],
            [ToolCall(0, "", "", "😀")],
        ),
        # Two calls under one number, in one frame and in two.
        (
            [
                says(
                    tool_calls=[
                        {"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{}"}},
                        {"index": 0, "id": "c2", "function": {"name": "g", "arguments": "{"}},
                    ]
                ),
                call(index=0, function={"arguments": "}"}),
                call(index=0, id="c3", function={"name": "f", "arguments": "{}"}),
            ],
            [
                *(ToolCall(0, "c1", "f", "{}"), ToolCall(1, "c2", "g", "{")),
                *(ToolCall(1, "", "", "}"), ToolCall(2, "c3", "f", "{}")),
            ],
        ),
        # Name and id again and again, with and without a number.
        (
            [call(index=0, id="c1", function={"name": "f", "arguments": piece}) for piece in ("{", "}")],
            [ToolCall(0, "c1", "f", "{"), ToolCall(0, "", "", "}")],
        ),
        (
            [call(id="c1", function={"name": "f", "arguments": piece}) for piece in ("{", "}")],
            [ToolCall(0, "c1", "f", "{"), ToolCall(0, "", "", "}")],
        ),
        (
            [call(function={"name": "f", "arguments": piece}) for piece in ("{", "}", "{}")],
            [ToolCall(0, "", "f", "{"), ToolCall(0, "", "", "}"), ToolCall(1, "", "f", "{}")],
        ),
        # A name in pieces.
        (
            [
                call(index=0, id="c1", function={"name": "lo"}),
                call(index=0, function={"name": "ok", "arguments": "{}"}),
            ],
            [ToolCall(0, "c1", "lo", ""), ToolCall(0, "", "ok", "{}")],
        ),
        ([call(index=0, id="c1", function=None)], [ToolCall(0, "c1", "", "")]),
    ],
)
def test_tool_calls_come_by_fragments(said: list[object], expected: list[Delta]) -> None:
    assert read(frames(*said, STOP))[:-1] == expected


@pytest.mark.parametrize(
    "frame",
    [
        "nonsense",
        '{"choices"',
        "[1, 2]",
        '"text"',
        "null",
        '{"choices": "many"}',
        '{"choices": [5]}',
        '{"choices": {"0": {}}}',
        '{"choices": [{"delta": []}]}',
        '{"choices": [{"delta": "text"}]}',
        '{"choices": [{"delta": {"content": 5}}]}',
        '{"choices": [{"delta": {"content": {"text": "a"}}}]}',
        '{"choices": [{"delta": {"reasoning": ["a"]}}]}',
        '{"choices": [{"delta": {"tool_calls": {"0": 1}}}]}',
        '{"choices": [{"delta": {"tool_calls": [7]}}]}',
        '{"choices": [{"delta": {"tool_calls": [{"index": 0, "function": "f"}]}}]}',
        '{"choices": ' + "[" * 40_000 + "]" * 40_000 + "}",
        '{"usage": {"prompt_tokens": ' + "9" * 5_000 + "}}",
    ],
)
def test_a_broken_frame_is_a_failure_and_what_came_before_is_kept(frame: str) -> None:
    answer = Answer(1_000_000, 100_000)
    heard: list[Delta] = []
    with pytest.raises(ProviderFailed, match="broken frame"):
        heard.extend(answer.feed(frames(says(content="Once"), done=False) + f"data: {frame}\n\n".encode()))
    assert heard == [Text("Once")]


def test_too_many_tool_calls_are_refused() -> None:
    with pytest.raises(ProviderFailed, match="too many tool calls"):
        read(frames(*(call(index=i, function={"name": "f"}) for i in range(1000))))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "sk-secret is wrong", "code": 401}, ProviderFailed),
        ({"message": "sk-secret", "code": "invalid_api_key"}, ProviderFailed),
        ("sk-secret", ProviderFailed),
        (["sk-secret"], ProviderFailed),
        ({"message": "sk-secret", "code": 429}, ProviderBusy),
        ({"message": "sk-secret", "code": "503"}, ProviderBusy),
        ({"message": "sk-secret", "code": "rate_limit_exceeded"}, ProviderBusy),
        ({"message": "sk-secret", "type": "overloaded_error"}, ProviderBusy),
        ({"message": "sk-secret", "code": 10**30}, ProviderFailed),
    ],
)
def test_an_error_inside_an_answer(error: object, kind: type[ProviderError]) -> None:
    for raw in (frames(says(content="Once"), {"error": error}), json.dumps({"error": error}).encode()):
        with pytest.raises(ProviderError) as caught:
            read(raw)
        assert type(caught.value) is kind
        assert "secret" not in repr(caught.value) + caught.value.detail + caught.value.reason


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"text": "a"}]}',
        b'{"choices',
        b"<html></html>",
        b"data: {}\n\n",
    ],
)
def test_an_answer_that_is_none(raw: bytes) -> None:
    with pytest.raises(ProviderFailed):
        read(raw)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("9" * 5000, 86_400),
        ("-7", None),
        ("soon", None),
        ("", None),
        ("Thu, 99 Jan 1970 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, expected: int | None) -> None:
    assert retry_after(header, now=10.0) == expected


def test_backoff_doubles_up_to_its_limit_with_full_jitter() -> None:
    assert [backoff(tries, 0.5, 3, lambda: 1.0) for tries in (1, 2, 3, 4)] == [0.5, 1, 2, 3]
    assert backoff(3, 0.5, 3, lambda: 0.25) == 0.5
