"""The OpenAI-compatible face, by OpenAI's own package over a real server."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
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
from apps.conversations.models import Conversation, Message
from config.offer import Offer
from tests.ai_server import AIServer
from tests.factories import make_character, make_document
from tests.online import Person, Server, until

HELLO: Any = [{"role": "user", "content": "Hello"}]
USAGE = {"prompt_tokens": 40, "completion_tokens": 3}


Connect = Callable[..., OpenAI]


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    """Makes clients, by their keys."""
    with ExitStack() as stack:

        def client_of(key: str, **options: Any) -> OpenAI:
            patience = {"max_retries": 0, "timeout": 30, **options}
            return stack.enter_context(OpenAI(base_url=f"{server.url}/v1", api_key=key, **patience))

        yield client_of


@pytest.fixture
def ada(alice: User) -> Character:
    return make_character(
        alice,
        personality="patient",
        example_dialogue="<START>\n{{user}}: Hm?\n{{char}}: Tick.",
        lorebook={"entries": [{"keys": ["bell"], "content": "The bell is rung by fog.", "enabled": True}]},
    )


@pytest.fixture
def key(alice: User) -> str:
    return keys.make(alice, "Tests")[1]


@pytest.fixture
def client(connect: Connect, ada: Character, key: str) -> OpenAI:
    return connect(key)


@contextmanager
def soon_given_up(settings: Any) -> Iterator[None]:
    """Ada's model is that of a provider which is waited for a second, and is no longer on offer afterwards."""
    provider = replace(settings.AI_OFFER.sources[0], name="hasty")
    offer = Offer((*settings.AI_OFFER.sources, provider))
    Character.objects.update(model=f"hasty/{provider.models[0]}")
    with override_settings(AI_OFFER=offer, AI_FIRST_TOKEN_TIMEOUT=1):
        yield


def ask(client: OpenAI, messages: Any = HELLO, **options: Any) -> Any:
    return client.chat.completions.create(**{"model": "ada", "messages": messages, **options})


def told(ai: AIServer) -> list[tuple[str, str]]:
    return [(each["role"], each["content"]) for each in ai.heard[-1]["messages"]]


# ── Models ───────────────────────────────────────────────────────────────────────────────────


def test_models_are_ones_own_characters(client: OpenAI, alice: User, ada: Character, gretas: Character) -> None:
    basil = make_character(alice, name="Basil the Bold")
    found = list(client.models.list())
    assert [(each.id, each.object, each.owned_by) for each in found] == [
        ("ada", "model", "dramatis"),
        ("basil-the-bold", "model", "dramatis"),
    ]
    for name in ("basil-the-bold", str(basil.pk)):
        model = client.models.retrieve(name)
        assert (model.id, model.created) == ("basil-the-bold", int(basil.created_at.timestamp()))
    for name in ("gustav", str(gretas.pk), "test-model", "nobody"):
        with pytest.raises(openai.NotFoundError) as raised:
            client.models.retrieve(name)
        assert raised.value.code == "model_not_found"


# ── Completions ──────────────────────────────────────────────────────────────────────────────


def test_an_answer_in_one_piece(client: OpenAI, ai: AIServer, ada: Character) -> None:
    ai.says("Good evening.", usage=USAGE)
    answer = ask(client)
    assert (answer.object, answer.model) == ("chat.completion", "ada")
    [choice] = answer.choices
    assert (choice.message.role, choice.message.content) == ("assistant", "Good evening.")
    assert (choice.index, choice.finish_reason, choice.logprobs) == (0, "stop", None)
    counts = answer.usage
    assert (counts.prompt_tokens, counts.completion_tokens, counts.total_tokens) == (40, 3, 43)
    assert answer.id.startswith("chatcmpl-")
    assert answer._request_id


def test_an_answer_as_it_comes(client: OpenAI, ai: AIServer) -> None:
    gate = ai.waits("Good ")
    stream = iter(ask(client, stream=True))
    first, second = next(stream), next(stream)
    assert (first.choices[0].delta.role, first.choices[0].delta.content) == ("assistant", "")
    assert second.choices[0].delta.content == "Good "
    gate.says("evening.")
    assert next(stream).choices[0].delta.content == "evening."
    gate.release()
    [last] = list(stream)
    assert (last.choices[0].finish_reason, last.choices[0].delta.content) == ("stop", None)
    assert {each.id for each in (first, second, last)} == {first.id}
    assert (last.object, last.model, last.usage) == ("chat.completion.chunk", "ada", None)


def test_usage_comes_last_where_it_is_asked_for(client: OpenAI, ai: AIServer) -> None:
    ai.says("Good evening.", usage=USAGE)
    *before, last = ask(client, stream=True, stream_options={"include_usage": True})
    assert all(each.usage is None for each in before)
    assert last.choices == []
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (40, 3, 43)
    ai.says("Good evening.", usage={})
    *_, last = ask(client, stream=True, stream_options={"include_usage": True})
    assert last.usage.prompt_tokens > 10
    assert last.usage.completion_tokens == 4  # 13 bytes


def test_the_helpers_of_the_package_work(client: OpenAI, ai: AIServer) -> None:
    ai.says("Good evening.")
    with client.chat.completions.stream(model="ada", messages=HELLO) as stream:
        assert stream.until_done().get_final_completion().choices[0].message.content == "Good evening."


def test_the_wire_is_that_of_openai(client: OpenAI, key: str, server: Server, ai: AIServer) -> None:
    ai.says("Good evening.", pieces=["Good ", "evening."])
    person = Person(server.url, key)
    response = person.post("/v1/chat/completions", {"model": "ada", "messages": HELLO, "stream": True})
    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Request-ID"]
    lines = [line for line in response.text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    assert all(line.startswith("data: {") for line in lines[:-1])
    assert all("usage" not in json.loads(line[6:]) for line in lines[:-1])


def test_a_thought_is_told_apart(client: OpenAI, ai: AIServer) -> None:
    ai.says("Nine.", reasoning="The clock has stopped.")
    assert ask(client).choices[0].message.reasoning_content == "The clock has stopped."
    ai.says("Nine.", reasoning="The clock has stopped.")
    deltas = [each.choices[0].delta for each in ask(client, stream=True)]
    assert "".join(getattr(each, "reasoning_content", None) or "" for each in deltas) == "The clock has stopped."
    assert "".join(each.content or "" for each in deltas) == "Nine."


@pytest.mark.parametrize(
    ("reason", "expected"), [("length", "length"), ("content_filter", "content_filter"), ("tool_calls", "stop")]
)
def test_why_it_ended(reason: str, expected: str, client: OpenAI, ai: AIServer) -> None:
    ai.says("Good", finish_reason=reason)
    assert ask(client).choices[0].finish_reason == expected


# ── The prompt ───────────────────────────────────────────────────────────────────────────────


def test_the_prompt_is_the_characters(client: OpenAI, ai: AIServer) -> None:
    ask(
        client,
        [
            {"role": "system", "content": "Answer briefly."},
            {"role": "assistant", "content": "Hello, Alice."},
            {"role": "user", "content": "Who rings the bell?"},
        ],
    )
    (role, head), *talk = told(ai)
    assert role == "system"
    for part in (
        "Write Ada's next reply in a conversation between Ada and Alice.",
        "Ada repairs clocks.",
        "Ada's personality: patient",
        "Alice: Hm?\nAda: Tick.",
        "The bell is rung by fog.",
    ):
        assert part in head
    assert talk == [
        ("system", "Answer briefly."),
        ("assistant", "Hello, Alice."),
        ("user", "Who rings the bell?"),
    ]
    ask(client)
    assert "fog" not in str(told(ai))


def test_what_the_character_knows_is_told(client: OpenAI, ai: AIServer, ada: Character) -> None:
    make_document(ada, "Clocks", "The clock in the hall has stopped at noon.")
    ask(client, [{"role": "user", "content": "When did the clock in the hall stop?"}])
    assert "stopped at noon" in told(ai)[0][1]


def test_what_does_not_fit_is_left_out_from_the_oldest(client: OpenAI, ai: AIServer, settings: Any) -> None:
    settings.AI_CONTEXT_TOKENS = 1024
    long = [{"role": "user", "content": f"Line {number}. " + "tick " * 40} for number in range(60)]
    ask(client, [*long, {"role": "user", "content": "And now?"}], max_tokens=64)
    _, *talk = told(ai)
    assert talk[-1] == ("user", "And now?")
    assert 3 < len(talk) < 30
    assert talk[0][1].startswith(f"Line {61 - len(talk)}.")


def test_a_prompt_that_is_refused_as_too_long_is_tried_shorter(client: OpenAI, ai: AIServer) -> None:
    ai.has_window(1200, bytes_per_token=1.0)
    long = [{"role": "user", "content": f"Line {number}. " + "tick " * 20} for number in range(60)]
    assert ask(client, long).choices[0].message.content
    assert ai.calls == 2
    assert len(ai.heard[1]["messages"]) < len(ai.heard[0]["messages"])


def test_an_answer_is_gone_on_with(client: OpenAI, ai: AIServer) -> None:
    ask(client, [*HELLO, {"role": "assistant", "content": "Once upon"}])
    _, *talk, (role, last) = told(ai)
    assert talk == [("user", "Hello"), ("assistant", "Once upon")]
    assert role == "system"
    assert "Continue Ada's last message" in last


def test_wishes_go_before_the_characters_own(client: OpenAI, ai: AIServer, ada: Character) -> None:
    Character.objects.update(temperature=0.1, top_p=0.2, max_tokens=11, stop=["END"], model="second-model")
    ask(client)
    keys_ = ("model", "temperature", "top_p", "max_tokens", "stop")
    assert [ai.heard[-1].get(name) for name in keys_] == ["second-model", 0.1, 0.2, 11, ["END"]]
    ask(client, temperature=0, top_p=1, max_completion_tokens=22, max_tokens=33, stop="\n")
    assert [ai.heard[-1].get(name) for name in keys_] == ["second-model", 0, 1, 22, ["\n"]]
    ask(client, stop=["a", "b"], max_tokens=33)
    assert [ai.heard[-1].get(name) for name in keys_] == ["second-model", 0.1, 0.2, 33, ["a", "b"]]


def test_what_is_null_or_not_known_is_passed_over(client: OpenAI, ai: AIServer) -> None:
    names = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "n", "stream", "stream_options")
    more = {
        "seed": 1,
        "user": "me",
        "logit_bias": {"1": 2},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "tool_choice": "auto",
        "response_format": {"type": "text"},
        "frequency_penalty": 0.5,
        "parallel_tool_calls": None,
        "unheard_of": [[]],
    }
    answer = ask(client, extra_body={**dict.fromkeys(names), **more})
    assert answer.choices[0].message.content == "You said: Hello"
    assert set(ai.heard[-1]) == {"model", "messages", "stream", "stream_options"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"role": "developer", "content": "Be brief."}, [("system", "Be brief.")]),
        ({"role": "user", "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "two"}]},
         [("user", "One\ntwo")]),
        ({"role": "user", "content": [{"type": "input_text", "text": "One"}], "name": "Zoe"}, [("user", "One")]),
        ({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, [("assistant", "No.")]),
        ({"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}, []),
        ({"role": "assistant"}, []),
        ({"role": "tool", "tool_call_id": "1", "content": "12"}, []),
        ({"role": "function", "name": "f", "content": "12"}, []),
        ({"role": "user", "content": ""}, []),
        ({"role": "user", "content": []}, []),
        ({"role": "user", "content": " \n"}, []),
    ],
)  # fmt: skip
def test_forms_of_messages(message: Any, expected: Any, client: OpenAI, ai: AIServer) -> None:
    ask(client, [message, *HELLO])
    assert told(ai)[1:] == [*expected, ("user", "Hello")]


# ── What stays ───────────────────────────────────────────────────────────────────────────────


def test_nothing_is_kept_but_what_it_cost(client: OpenAI, ai: AIServer, alice_online: Person, ada: Character) -> None:
    ada.tools.create(user=ada.user, name="facts", kind="builtin", config={"builtin": "remember"})
    for stream in (False, True):
        ai.says("Good evening.", usage=USAGE)
        answer = ask(client, stream=stream)
        assert list(answer)
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
    assert not ai.title_calls
    assert "tools" not in ai.heard[-1]
    found = list(Generation.objects.values_list("purpose", "status", "conversation", "message", "prompt_tokens"))
    assert found == [("completion", "complete", None, None, 40)] * 2
    [used] = alice_online.get("/api/usage/").json()["results"]
    assert (used["calls"], used["completed"], used["prompt_tokens"], used["completion_tokens"]) == (2, 2, 80, 6)
    assert used["latency_ms"]["median"] is not None
    assert used["first_token_ms"]["median"] is not None


@pytest.mark.parametrize("stream", [True, False])
def test_the_model_is_hung_up_on_when_the_client_goes_away(
    stream: bool, client: OpenAI, key: str, connect: Connect, ai: AIServer
) -> None:
    gate = ai.waits("Good ")
    if stream:
        answer = ask(client, stream=True)
        next(iter(answer))
        answer.close()
    else:
        with pytest.raises(openai.APITimeoutError):
            ask(connect(key, timeout=0.5))
    assert gate.client_gone.wait(10), "the call goes on for nobody"
    found = until(lambda: list(Generation.objects.values_list("status", "error")))
    assert found == [("stopped", "")]


def test_while_the_model_thinks_no_thread_and_no_connection_is_held(
    client: OpenAI, key: str, server: Server, ai: AIServer, settings: Any
) -> None:
    """Far more answers wait than there are threads; all of them end, and others are served meanwhile."""
    many = settings.WEB_THREADS * 2 + 5
    gates = [ai.waits("Good ") for _ in range(many)]
    person = Person(server.url, key)
    answers = [
        requests.post(
            f"{server.url}/v1/chat/completions",
            json={"model": "ada", "messages": HELLO, "stream": True},
            headers={"Authorization": f"Bearer {key}"},
            stream=True,
            timeout=30,
        )
        for _ in gates
    ]
    assert person.get("/v1/models").status_code == 200
    for gate in gates:
        gate.release()
    assert all(each.text.endswith("data: [DONE]\n\n") for each in answers)


def test_with_the_account_goes_the_answer(client: OpenAI, ai: AIServer, alice: User) -> None:
    gate = ai.waits("Good ")
    stream = iter(ask(client, stream=True))
    next(stream)
    alice.delete()
    assert gate.client_gone.wait(10), "the call goes on for nobody"
    with pytest.raises(openai.APIError) as raised:
        list(stream)
    assert raised.value.code == "interrupted"
    assert not Generation.objects.exists()


# ── Failures ─────────────────────────────────────────────────────────────────────────────────


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
