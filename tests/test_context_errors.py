"""A prompt that was too long: how servers say so, what is made of it, and what their lists tell beforehand."""

import json
from typing import Any

import pytest

from apps.accounts.models import User
from apps.chat.models import Generation
from apps.chat.providers import ContextTooLong, Limits, OpenAIProvider, ProviderError, ProviderFailed, Request, complete
from apps.chat.providers.context import no_tools, too_long
from apps.chat.providers.windows import listed
from apps.conversations.models import Message
from tests.ai_script import REFUSALS
from tests.ai_server import AIServer
from tests.factories import make_character, make_conversation
from tests.online import Person

HELLO = Request("test-model", [{"role": "user", "content": "Hello there"}])


def says(message: str, **more: Any) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", **more}


WORDS: dict[str, tuple[Any, int | None, int | None]] = {
    "openai": (
        says(
            "This model's maximum context length is 4097 tokens. However, your messages resulted in 4294 tokens.",
            code="context_length_exceeded",
        ),
        4097,
        4294,
    ),
    "openai, with an answer": (
        says(
            "This model's maximum context length is 4097 tokens. However, you requested 4268 tokens (4012 in the "
            "messages, 256 in the completion)."
        ),
        4097,
        4012,
    ),
    "openai, terse": (
        says("Your input exceeds the context window of this model.", code="context_length_exceeded"),
        None,
        None,
    ),
    "deepseek": (
        says(
            "This model's maximum context length is 131072 tokens. However, you requested 139162 tokens (130970 in "
            "the messages, 8192 in the completion).",
            code="invalid_request_error",
        ),
        131072,
        130970,
    ),
    "openrouter": (
        says(
            "This endpoint's maximum context length is 131072 tokens. However, you requested about 138956 tokens "
            "(7884 of text input, 131072 in the output).",
            code=400,
        ),
        131072,
        7884,
    ),
    "openrouter, of another": (
        {
            "message": "Provider returned error",
            "code": 400,
            "metadata": {"raw": '{"message":"This model\'s maximum context length is 16000 tokens."}'},
        },
        16000,
        None,
    ),
    "llama.cpp": (
        {"code": 400, "message": "…", "type": "exceed_context_size_error", "n_prompt_tokens": 1407, "n_ctx": 256},
        256,
        1407,
    ),
    "llama.cpp, in words": (
        {"code": 400, "message": "request (1407 tokens) exceeds the available context size (1024 tokens), try"},
        1024,
        1407,
    ),
    "llama-cpp-python": ("Requested tokens (516) exceed context window of 512", 512, 516),
    "vllm": (
        says("The decoder prompt (length 17772) is longer than the maximum model length of 16384. Make sure that"),
        16384,
        17772,
    ),
    "vllm, shorter": (says("Prompt length of 5016 is longer than the maximum model length of 4096."), 4096, 5016),
    "vllm, older": (
        says("The prompt (total length 25938) is too long to fit into the model (context length 4096)."),
        4096,
        25938,
    ),
    "anthropic": (says("prompt is too long: 210,000 tokens > 200,000 maximum"), 200000, 210000),
    "anthropic, with an answer": (
        says("input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, decrease input length"),
        200000,
        178959,
    ),
    "mistral": (
        {
            "object": "error",
            "message": "Prompt contains 65673 tokens and 0 draft tokens, too large for model with 32768 maximum "
            "context length",
        },
        32768,
        65673,
    ),
    "groq": (
        says("Please reduce the length of the messages or completion.", code="context_length_exceeded"),
        None,
        None,
    ),
    "cerebras": (
        says("Please reduce the length of the messages or completion. Current length is 42328 while limit is 40000"),
        40000,
        42328,
    ),
    "together": (
        says("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3474 `inputs` tokens"),
        2048,
        3474,
    ),
    "xai": (
        says("This model's maximum prompt length is 500000 but the request contains 907154 tokens."),
        500000,
        907154,
    ),
    "gemini": (
        {
            "code": 400,
            "message": "The input token count (2845475) exceeds the maximum number of tokens allowed (1048576).",
        },
        1048576,
        2845475,
    ),
    "lm studio": (
        "Trying to keep the first 10136 tokens when context the overflows. However, the model is loaded with context "
        "length of only 7866 tokens, which is not enough.",
        7866,
        10136,
    ),
    "lm studio, later": ("Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)", 7424, 15028),
    "ollama": (says("prompt too long; exceeded max context length by 12 tokens"), None, None),
    "absurd numbers": (says("maximum context length is 3 tokens, 99999999999999999999 in the messages"), None, None),
}


@pytest.mark.parametrize("name", WORDS)
def test_how_servers_say_that_a_prompt_is_too_long(name: str) -> None:
    error, window, tokens = WORDS[name]
    found = too_long(400, error)
    assert found is not None
    assert (found.window, found.tokens) == (window, tokens)


@pytest.mark.parametrize(
    "error",
    [
        None,
        {},
        [],
        says("Invalid value for temperature."),
        says("You exceeded your current quota."),
        says("bad", code=["context_length_exceeded"]),
        # What is echoed of the request is no word of the server's.
        {"message": "bad request", "input": "maximum context length is 300 tokens"},
        says("bad request: " + "x" * 600 + " maximum context length is 300 tokens"),
    ],
)
def test_other_complaints_are_other_complaints(error: Any) -> None:
    assert too_long(400, error) is None


def test_a_body_that_is_too_big_is_a_prompt_too_long() -> None:
    found = too_long(413, "<html>")
    assert found is not None
    assert found.window is None


async def failure(ai: AIServer, request: Request = HELLO) -> ProviderError:
    provider = OpenAIProvider("test", ai.url, "sk-secret", Limits())
    try:
        with pytest.raises(ProviderError) as failed:
            await complete(provider, request)
        return failed.value
    finally:
        await provider.close()


TOO_LONG = json.dumps({"error": WORDS["llama.cpp"][0]})


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [200, 400, 413, 422])
async def test_it_is_an_error_of_its_own_and_never_tried_again(ai: AIServer, status: int) -> None:
    ai.fails(status, body=TOO_LONG)
    error = await failure(ai)
    assert isinstance(error, ContextTooLong)
    assert (error.window, error.tokens, ai.calls) == (256, 1407, 1)
    assert error.reason == "prompt too long"


@pytest.mark.asyncio
async def test_a_stream_that_begins_with_it_says_it_too(ai: AIServer) -> None:
    ai.sends([f"data: {TOO_LONG}\n\n".encode()])
    assert isinstance(await failure(ai), ContextTooLong)


@pytest.mark.asyncio
async def test_once_an_answer_has_begun_it_is_a_failure_like_others(ai: AIServer) -> None:
    ai.sends([b'data: {"choices":[{"delta":{"content":"Once"}}]}\n\n', f"data: {TOO_LONG}\n\n".encode()])
    assert isinstance(await failure(ai), ProviderFailed)


@pytest.mark.asyncio
async def test_an_endless_refusal_is_a_plain_one(ai: AIServer) -> None:
    ai.sends((b"x" * 65536 for _ in iter(int, 1)), status=400)
    assert isinstance(await failure(ai), ProviderFailed)


@pytest.mark.asyncio
async def test_a_model_that_wants_max_completion_tokens_is_given_them_from_then_on(ai: AIServer) -> None:
    said = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    ai.fails(400, body=json.dumps({"error": {"message": said, "code": "unsupported_parameter"}}))
    provider = OpenAIProvider("test", ai.url, "", Limits(tries=1))
    request = Request("test-model", HELLO.messages, max_tokens=9)
    try:
        await complete(provider, request)
        await complete(provider, request)
    finally:
        await provider.close()
    sent = [(body.get("max_tokens"), body.get("max_completion_tokens")) for body in ai.heard]
    assert sent == [(9, None), (None, 9), (None, 9)]


@pytest.mark.asyncio
async def test_a_model_that_never_is_content_is_not_asked_for_ever(ai: AIServer) -> None:
    ai.fails(400, body='{"error": "Use \'max_completion_tokens\' instead"}', times=3)
    assert (await failure(ai, Request("test-model", HELLO.messages, max_tokens=9))).reason == "status 400"
    assert ai.calls == 2


LISTS: dict[str, tuple[dict[str, Any], int | None]] = {
    "vllm": ({"max_model_len": 4096}, 4096),
    "openrouter": ({"context_length": 200000, "top_provider": {"context_length": 128000}}, 128000),
    "openrouter, of none": ({"context_length": 200000, "top_provider": {"context_length": None}}, 200000),
    "groq": ({"context_window": 8192}, 8192),
    "mistral": ({"max_context_length": 32768}, 32768),
    "lm studio": ({"loaded_context_length": 4096, "max_context_length": 32768}, 4096),
    "llama.cpp": ({"meta": {"n_ctx": 2048, "n_ctx_train": 8192}}, 2048),
    "llama.cpp, of training alone": ({"meta": {"n_ctx_train": 8192}}, None),
    "openai": ({}, None),
    "absurd": ({"max_model_len": 3}, None),
    "text": ({"max_model_len": "4096"}, None),
    "yes": ({"max_model_len": True}, None),
}


@pytest.mark.parametrize("name", LISTS)
def test_what_lists_tell(name: str) -> None:
    entry, window = LISTS[name]
    document = {"data": [{"id": "m", **entry}, None, {"id": 3}, {}]}
    assert listed(document) == ({} if window is None else {"m": window})


async def windows(ai: AIServer) -> dict[str, int]:
    provider = OpenAIProvider("test", ai.url, "sk-secret", Limits())
    try:
        return await provider.windows()
    finally:
        await provider.close()


@pytest.mark.asyncio
async def test_the_list_is_asked_for(ai: AIServer) -> None:
    assert await windows(ai) == {}
    ai.has_window(4096)
    assert await windows(ai) == {"test-model": 4096}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("props", "window"), [({"default_generation_settings": {"n_ctx": 2048}}, 2048), ({}, 4096), (None, 4096)]
)
async def test_llama_cpp_is_asked_what_it_serves(ai: AIServer, props: Any, window: int) -> None:
    ai.pages["/v1/models"] = {"data": [{"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx": 4096}}]}
    if props is not None:
        ai.pages["/props"] = props
    assert await windows(ai) == {"m": window}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("document", "reason"),
    [("text", "broken list of models"), (3, "broken list of models"), ({"data": "x" * 4_000_000}, "answer too long")],
)
async def test_a_list_that_makes_no_sense_is_a_failure(ai: AIServer, document: Any, reason: str) -> None:
    ai.pages["/v1/models"] = document
    with pytest.raises(ProviderFailed, match=reason):
        await windows(ai)


@pytest.mark.parametrize("form", REFUSALS)
def test_a_turn_that_is_too_long_is_saved_and_fails_with_502(
    alice: User, alice_online: Person, ai: AIServer, form: str
) -> None:
    conversation = make_conversation(alice, make_character(alice))
    ai.has_window(256, bytes_per_token=1, refuses_as=form)
    answered = alice_online.chat(conversation.pk, "word " * 200)
    assert (answered.status_code, answered.json()["errors"][0]["code"]) == (502, "context_too_long")
    assert Message.objects.filter(role="user").count() == 1
    assert Generation.objects.get().error == "context_too_long"


@pytest.mark.parametrize(
    ("says", "is_of_tools"),
    [
        ("registry.ollama.ai/library/gemma:2b does not support tools", True),
        ("No endpoints found that support tool use.", True),
        ('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', True),
        ("tools param requires --jinja flag", True),
        ("`tool calling` is not supported with this model", True),
        ("Unsupported parameter: 'tools' is not supported with this model.", True),
        ("Function calling is not enabled for this model", True),
        ("Invalid schema for function 'roll': 'x' is not supported, it requires 'type'", False),
        ("Function calling requires a paid plan", False),
        ("Invalid value for tools[0].function.name", False),
        ("maximum context length is 4096 tokens", False),
    ],
)
def test_a_refusal_of_tools_is_told_from_others(says: str, is_of_tools: bool) -> None:
    assert no_tools({"message": says}) is is_of_tools
