"""The OpenAI-compatible face when something is wrong: with the model, the key, or what was sent."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import openai
import pytest
import requests
from django.test import override_settings
from openai import OpenAI

from apps.accounts import keys
from apps.accounts.models import User
from apps.characters.models import Character
from apps.chat.models import Generation
from config.offer import Offer
from tests.ai_server import AIServer
from tests.factories import make_character
from tests.online import Person, Server
from tests.openai_cast import HELLO, Connect, ada, ask, client, connect, key

__all__ = ["ada", "client", "connect", "key"]


@contextmanager
def soon_given_up(settings: Any) -> Iterator[None]:
    """Ada's model is that of a provider which is waited for a second, and is no longer on offer afterwards."""
    provider = replace(settings.AI_OFFER.sources[0], name="hasty")
    offer = Offer((*settings.AI_OFFER.sources, provider))
    Character.objects.update(model=f"hasty/{provider.models[0]}")
    with override_settings(AI_OFFER=offer, AI_FIRST_TOKEN_TIMEOUT=1):
        yield


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fail", "kind", "status", "code"),
    [
        (lambda ai: ai.fails(401), openai.InternalServerError, 502, "provider_failed"),
        (lambda ai: ai.fails(429, times=3), openai.InternalServerError, 503, "provider_busy"),
        (lambda ai: ai.hangs(), openai.InternalServerError, 504, "provider_timeout"),
    ],
    ids=["refused", "busy", "silent"],
)
def test_a_model_that_does_not_begin(
    fail: Callable[[AIServer], Any],
    kind: type[openai.APIStatusError],
    status: int,
    code: str,
    stream: bool,
    client: OpenAI,
    ai: AIServer,
    settings: Any,
) -> None:
    fail(ai)
    with soon_given_up(settings) if status == 504 else nullcontext(), pytest.raises(kind) as raised:
        ask(client, stream=stream)
    assert (raised.value.status_code, raised.value.code, raised.value.type) == (status, code, "server_error")
    assert ("retry-after" in raised.value.response.headers) == (status == 503)
    assert list(Generation.objects.values_list("status", "error")) == [("failed", code)]
    assert "sk-secret" not in raised.value.response.text
    assert ai.url not in raised.value.response.text


def test_what_was_tried_again_here_is_not_tried_again_there(client: OpenAI, ai: AIServer, key: str) -> None:
    ai.fails(400)
    with pytest.raises(openai.InternalServerError):
        ask(client.with_options(max_retries=2))
    assert ai.calls == 1


def test_a_model_that_breaks_off_is_an_error_in_the_stream(client: OpenAI, ai: AIServer) -> None:
    ai.drops_after(2, "Good evening to you all.")
    heard = []
    with pytest.raises(openai.APIError) as raised:
        heard += list(ask(client, stream=True))
    assert raised.value.code == "provider_failed"
    ai.drops_after(2, "Good evening to you all.")
    with pytest.raises(openai.InternalServerError) as failed:
        ask(client)
    assert failed.value.status_code == 502
    assert set(Generation.objects.values_list("status", flat=True)) == {"failed"}


def test_a_prompt_that_can_be_no_shorter(client: OpenAI, ai: AIServer) -> None:
    ai.has_window(64, bytes_per_token=1.0)
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client)
    assert raised.value.code == "context_length_exceeded"


@pytest.mark.parametrize("key", ["drm_wrong", "sk-1234", "x", "drm_" + "A" * 43])
def test_a_wrong_key(key: str, connect: Connect) -> None:
    client = connect(key)
    for attempt in (lambda: client.models.list(), lambda: ask(client), lambda: client.conversations.create()):
        with pytest.raises(openai.AuthenticationError) as raised:
            attempt()
        assert (raised.value.code, raised.value.type) == ("invalid_api_key", "invalid_request_error")


def test_anothers_character_is_no_model(client: OpenAI, bob: User, connect: Connect, ada: Character) -> None:
    bobs = connect(keys.make(bob, "Tests")[1])
    for name in ("ada", str(ada.pk)):
        with pytest.raises(openai.NotFoundError) as raised:
            ask(bobs, model=name)
        assert raised.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": ["Hello"]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "12"}]}, "messages"),
        ({"messages": [*HELLO, {"role": "wizard", "content": "x"}]}, "messages[1].role"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 12}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": {"text": "x"}}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": {}, "text": "x"}]}]}, "messages[0].content[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages[0].content[0].type",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": "a\0b"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "x" * 200_001}]}, "messages[0].content"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"stop": [1]}, "stop"),
        ({"stop": {}}, "stop"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"stop": ""}, "stop"),
        ({"n": 2}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"stream": True, "stream_options": 1}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": "x"}}, "stream_options.include_usage"),
        ({"model": 12}, "model"),
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": "x" * 301}, "model"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(
    options: dict[str, Any], param: str, client: OpenAI, ai: AIServer
) -> None:
    body = {"model": "ada", "messages": HELLO, **options}
    with pytest.raises(openai.BadRequestError) as raised:
        client.post("/chat/completions", body=body, cast_to=object)
    assert raised.value.param == param
    assert raised.value.type == "invalid_request_error"
    assert raised.value.message
    assert not ai.calls


def test_lone_surrogates_are_refused(client: OpenAI, key: str, server: Server) -> None:
    raw = '{"model": "ada", "messages": [{"role": "user", "content": "\\ud800"}]}'
    headers = {"Content-Type": "application/json"}
    response = Person(server.url, key).request("POST", "/v1/chat/completions", data=raw, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "messages[0].content"


def test_refusals_before_any_view_have_the_shape_too(server: Server, key: str, ada: Character) -> None:
    person = Person(server.url, key)

    def shape(response: requests.Response, status: int, code: str) -> None:
        assert response.status_code == status, response.text
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["X-Request-ID"]
        assert set(response.json()) == {"error"}
        assert response.json()["error"]["code"] == code
        assert int(response.headers["Content-Length"]) == len(response.content)

    for path in ("/v1", "/v1/", "/v1/nowhere", "/v1/chat", "/v1/responses", "/v1/models/a/b", "/v1/conversations/12"):
        for method in ("GET", "POST", "DELETE"):
            shape(person.request(method, path), 404, "not_found")
            shape(Person(server.url).request(method, path), 404, "not_found")
    shape(person.get("/v1/chat/completions"), 405, "method_not_allowed")
    huge = {"model": "ada", "messages": [{"role": "user", "content": "x" * 2_100_000}]}
    shape(person.post("/v1/chat/completions", huge), 413, "body_too_large")
    shape(person.get("/v1/models", headers={"Host": "evil.example"}), 400, "unknown_host")
    headers = {"Content-Type": "text/plain"}
    shape(person.request("POST", "/v1/chat/completions", data="x", headers=headers), 415, "unsupported_media_type")
    headers = {"Content-Type": "application/json"}
    for raw in ("", "{", "[" * 100_000, b"\xff\xfe", "12", "null"):
        response = person.request("POST", "/v1/chat/completions", data=raw, headers=headers)
        assert response.status_code == 400
        assert response.json()["error"]["message"]
    # And none of this is so elsewhere.
    assert "errors" in person.get("/v1x/nowhere").json()


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "*/*", "nonsense", "text/html", ""])
def test_the_form_of_an_answer_is_what_the_body_says(accept: str, server: Server, key: str, ada: Character) -> None:
    person = Person(server.url, key)
    for stream, kind in ((False, "application/json"), (True, "text/event-stream")):
        body = {"model": "ada", "messages": HELLO, "stream": stream}
        response = person.post("/v1/chat/completions", body, headers={"Accept": accept})
        assert (response.status_code, response.headers["Content-Type"]) == (200, kind)


def test_a_character_without_words_answers_too(client: OpenAI, alice: User) -> None:
    make_character(alice, name="🦉", description="", first_message="")
    assert [each.id for each in client.models.list()] == ["ada", "character"]
    assert ask(client, model="character").choices[0].message.content


def test_many_messages_are_no_burden(client: OpenAI, ai: AIServer) -> None:
    many = [{"role": ("user", "assistant")[number % 2], "content": "Hm."} for number in range(9_999)]
    assert ask(client, [*many, *HELLO]).choices[0].message.content
    with pytest.raises(openai.BadRequestError):
        ask(client, [*many, *HELLO, *HELLO])


def test_async_clients_work(server: Server, key: str, ada: Character, ai: AIServer) -> None:
    async def talk() -> str:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=key) as client:
            ai.says("Good evening.")
            stream = await client.chat.completions.create(model="ada", messages=HELLO, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert asyncio.run(talk()) == "Good evening."
