"""The OpenAI-compatible face, by OpenAI's own package over a real server."""

import asyncio
import json
from typing import Any

import openai
import pytest
import requests
from django.db import transaction
from django.utils import timezone
from openai import OpenAI

from apps.accounts.models import User
from apps.accounts.ownership import hold
from apps.api.threads import with_rows
from apps.characters.models import Character
from apps.chat import runtime
from apps.chat.models import Generation
from apps.chat.past import Given
from apps.chat.unkept import Call, want
from apps.conversations.models import Conversation, Message
from tests.ai_server import AIServer
from tests.factories import make_character, make_document
from tests.online import Person, Server, until
from tests.openai_cast import HELLO, Connect, ada, ask, client, connect, key, told

__all__ = ["ada", "client", "connect", "key"]

USAGE = {"prompt_tokens": 40, "completion_tokens": 3}


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


def test_an_answer_ends_while_the_account_is_busy(client: OpenAI, alice: User, ai: AIServer) -> None:
    """Who holds the user's row, as a long fork does, holds up no answer, and no thread with it."""
    with transaction.atomic():
        hold(alice)
        assert ask(client).choices[0].message.content
        assert Generation.objects.filter(purpose="completion").count() == 1


def test_an_answer_that_is_cut_off_before_it_begins_is_told(server: Server, alice: User, ada: Character) -> None:
    async def cut_off() -> str:
        call = Call(await with_rows(want, alice, ada, Given([], timezone.now())))
        runtime.begin(call)
        call.interrupt()
        error = await asyncio.wait_for(call.begun(), 5)
        return error.code if error else ""

    assert runtime._loop is not None
    assert asyncio.run_coroutine_threadsafe(cut_off(), runtime._loop).result(10) == "interrupted"
