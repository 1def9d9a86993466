"""A turn in which the model calls tools: what it hears, what readers see, and what is in the database."""

import json
import threading
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.chat import tooling
from apps.chat.chunks import Chunks
from apps.chat.models import Generation
from apps.chat.outcomes import Outcome
from apps.conversations.models import Conversation, Message
from apps.tools.models import Tool
from tests.ai_server import AIServer
from tests.factories import make_character, make_conversation, make_tool
from tests.online import Person, chunks, until

SEVEN = {"dice": "1d1+6"}


@pytest.fixture
def dicey(alice: User) -> Conversation:
    """With a character who has dice and a calculator."""
    character = make_character(alice)
    character.tools.add(make_tool(alice, "roll", "dice"), make_tool(alice, "work_out", "calculator"))
    return make_conversation(alice, character, title="Dice")


def answer(conversation: Conversation) -> Message:
    message = Conversation.objects.get(pk=conversation.pk).active_leaf
    assert message is not None
    return message


def told(ai: AIServer, call: int = -1) -> list[str]:
    """What the model was told by its tools."""
    return [message["content"] for message in ai.heard[call]["messages"] if message["role"] == "tool"]


def test_the_model_calls_a_tool_and_answers(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    ai.calls_tool("roll", SEVEN, text="Let me see.")
    ai.says("You rolled seven.")
    turn = alice_online.chat(dicey.pk, "Roll!")
    assert turn.status_code == 201, turn.text
    message = turn.json()["assistant_message"]
    assert message["content"] == "Let me see.\n\nYou rolled seven."
    assert (message["status"], message["finish_reason"]) == ("complete", "stop")
    [call] = message["tool_calls"]
    assert (call["id"], call["name"], call["arguments"], call["at"]) == ("call_1", "roll", SEVEN, len("Let me see."))
    assert (json.loads(call["result"])["total"], call["error"]) == (7, None)
    first, second = ai.heard
    assert {tool["function"]["name"] for tool in first["tools"]} == {"roll", "work_out"}
    assert first["tools"][0]["function"]["parameters"]["properties"]
    assert second["tools"] == first["tools"]
    assert second["messages"][:-2] == first["messages"]
    said, heard = second["messages"][-2:]
    assert (said["role"], said["content"], said["tool_calls"][0]["id"]) == ("assistant", "Let me see.", "call_1")
    assert json.loads(said["tool_calls"][0]["function"]["arguments"]) == SEVEN
    assert heard == {"role": "tool", "tool_call_id": "call_1", "content": call["result"]}
    # All of its calls are one generation, and count.
    generation = Generation.objects.get(conversation=dicey)
    assert (generation.prompt_tokens, message["prompt_tokens"]) == (14, 14)
    assert message["completion_tokens"] == 5 + 3
    # It is said in words what came of it; later turns hear those.
    alice_online.chat(dicey.pk, "And now?")
    assert ai.heard[-1]["messages"][-2] == {"role": "assistant", "content": message["content"]}


def test_readers_see_each_step(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    ai.calls_tool("roll", SEVEN, text="Let me see.")
    ai.says("Seven.", pieces=1)
    seen = list(chunks(alice_online.stream(dicey.pk, "Roll!")))
    assert [each if isinstance(each, str) else each["type"] for each in seen] == [
        *("start", "start-step", "text-start", "text-delta", "text-delta", "text-delta", "text-end"),
        *("tool-input-available", "tool-output-available", "finish-step"),
        *("start-step", "text-start", "text-delta", "text-end", "finish-step"),
        *("data-turn", "finish", "[DONE]"),
    ]
    called, came = seen[7:9]
    ours = {"dynamic": True, "providerExecuted": True}
    which = {"toolCallId": "call_1", "toolName": "roll"}
    assert called == {"type": "tool-input-available", **which, "input": SEVEN, **ours}
    saved = answer(dicey).tool_calls[0]["result"]
    assert came == {"type": "tool-output-available", "toolCallId": "call_1", "output": saved, **ours}
    text = "".join(each["delta"] for each in seen if isinstance(each, dict) and each["type"] == "text-delta")
    assert text == answer(dicey).content == "Let me see.\n\nSeven."


BROKEN: list[tuple[str, Any, str, str]] = [
    ("roll", '{"dice": "1d', "bad_arguments", "no JSON"),
    ("roll", '{"dice": NaN}', "bad_arguments", "no JSON"),
    ("roll", "[" * 100_000, "bad_arguments", "no JSON"),
    ("roll", '{"dice": "' + "1" * 100_000 + '"}', "bad_arguments", "longer than"),
    ("roll", "[1]", "bad_arguments", "JSON object"),
    ("roll", {"dice": 7}, "bad_arguments", "not of type 'string'"),
    ("roll", {}, "bad_arguments", "'dice' is a required property"),
    ("roll", "null", "bad_arguments", "'dice' is a required property"),
    ("roll", r'{"dice": "\u0000\ud800"}', "bad_arguments", "is no dice"),
    ("roll", r'{"\u0000": 1, "dice": "d6"}', "bad_arguments", "not expected"),
    ("roll", '{"dice": 1e400}', "bad_arguments", "no JSON"),
    ("roll", '{"dice": ' + "9" * 400 + "}", "bad_arguments", "no JSON"),
    ("roll", '{"dice": ' + "[" * 100 + "]" * 100 + "}", "bad_arguments", "no JSON"),
    ("roll", '"{}"', "bad_arguments", "'dice' is a required property"),
    ("roll", {"dice": "seven"}, "bad_arguments", "is no dice"),
    ("work_out", {"expression": "1/0"}, "bad_arguments", "divides by zero"),
    ("delete_everything", {}, "unknown_tool", "There is no tool"),
    ("x" * 5000, {}, "unknown_tool", "There is no tool"),
]


@pytest.mark.parametrize(("name", "arguments", "code", "says"), BROKEN)
def test_what_is_wrong_with_a_call_the_model_is_told(
    dicey: Conversation, alice_online: Person, ai: AIServer, name: str, arguments: Any, code: str, says: str
) -> None:
    ai.calls_tool(name, arguments)
    ai.calls_tool("roll", SEVEN, call_id="call_2")
    ai.says("Seven.")
    assert alice_online.chat(dicey.pk).status_code == 201
    wrong, right = answer(dicey).tool_calls
    assert (wrong["result"], wrong["error"]["code"]) == (None, code)
    assert says in wrong["error"]["detail"]
    assert json.loads(right["result"])["total"] == 7
    assert told(ai, 1) == [f"Error: {wrong['error']['detail']}"]
    # Whatever the model wrote, what it hears of it is JSON.
    assert isinstance(json.loads(ai.heard[1]["messages"][-2]["tool_calls"][0]["function"]["arguments"]), dict)


def test_no_arguments_are_none(alice: User, alice_online: Person, ai: AIServer) -> None:
    character = make_character(alice)
    character.tools.add(make_tool(alice))
    conversation = make_conversation(alice, character, title="x")
    ai.calls_tool("clock", "")
    ai.says("Late.")
    assert alice_online.chat(conversation.pk).status_code == 201
    assert json.loads(answer(conversation).tool_calls[0]["result"])["zone"] == "UTC"


def test_calls_of_one_step_are_run_together(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    ai.calls_tools(("roll", SEVEN, "a"), ("work_out", {"expression": "6*7"}, ""), ("roll", SEVEN, "a"), ("no", {}, "d"))
    ai.says("Done.")
    alice_online.chat(dicey.pk)
    calls = answer(dicey).tool_calls
    ids = [call["id"] for call in calls]
    assert len(set(ids)) == 4
    assert ids[0] == "a"
    assert [message["tool_call_id"] for message in ai.heard[1]["messages"][-4:]] == ids
    assert json.loads(calls[1]["result"])["value"] == 42
    assert calls[3]["error"]["code"] == "unknown_tool"


def test_more_calls_than_a_step_may_have_are_left_out(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    ai.calls_tools(*(("roll", SEVEN, f"c{number}") for number in range(40)))
    ai.says("Done.")
    alice_online.chat(dicey.pk)
    assert len(answer(dicey).tool_calls) == 16
    said = ai.heard[1]["messages"][-17]
    assert len(said["tool_calls"]) == 16


def test_a_model_that_calls_without_end_has_to_answer(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    for number in range(7):
        ai.calls_tool("roll", SEVEN, call_id=f"c{number}")
    ai.calls_tool("roll", SEVEN, call_id="one too many", text="Enough.")
    turn = alice_online.chat(dicey.pk).json()
    assert ai.calls == tooling.MOST_STEPS
    assert ["tool_choice" in heard for heard in ai.heard] == [False] * 7 + [True]
    assert ai.heard[-1]["tool_choice"] == "none"
    assert len(turn["assistant_message"]["tool_calls"]) == 7
    assert (turn["assistant_message"]["status"], turn["assistant_message"]["content"]) == ("complete", "Enough.")


def test_a_turn_has_a_budget_of_tokens(dicey: Conversation, alice_online: Person, ai: AIServer, settings: Any) -> None:
    settings.AI_TURN_TOKENS = 20
    for number in range(2):
        ai.calls_tool("roll", SEVEN, call_id=f"c{number}")
    ai.says("Enough.")
    alice_online.chat(dicey.pk)
    # Of 12 tokens each.
    assert ["tool_choice" in heard for heard in ai.heard] == [False, False, True]


def test_a_model_without_tools_answers_without(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    for body in ("test-model does not support tools", "No endpoints found that support tool use."):
        ai.fails(400, body=json.dumps({"error": {"message": body}}))
        ai.says("Good evening.")
        turn = alice_online.chat(dicey.pk)
        assert (turn.status_code, turn.json()["assistant_message"]["content"]) == (201, "Good evening.")
        refused, heard = ai.heard[-2:]
        assert refused["tools"]
        assert "tools" not in heard
        assert heard["messages"] == refused["messages"]


def test_another_refusal_is_none_of_tools(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    ai.fails(400, body=json.dumps({"error": {"message": "no such model"}}))
    assert alice_online.chat(dicey.pk).status_code == 502
    assert ai.calls == 1


def test_who_has_no_tools_offers_none(alice: User, alice_online: Person, ai: AIServer) -> None:
    make_tool(alice, "roll", "dice")
    conversation = make_conversation(alice, title="x")
    ai.calls_tool("roll", SEVEN, text="I roll.")
    turn = alice_online.chat(conversation.pk).json()["assistant_message"]
    assert "tools" not in ai.heard[0]
    assert (turn["content"], turn["tool_calls"], ai.calls) == ("I roll.", [], 1)


def test_what_fails_after_a_tool_keeps_what_there_is(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    ai.calls_tool("roll", SEVEN, text="Let me see.")
    ai.drops_after(2, "You rolled seven.")
    failed = alice_online.chat(dicey.pk)
    assert failed.status_code == 502
    message = failed.json()["assistant_message"]
    assert message["content"].startswith("Let me see.\n\nYou ")
    assert message["tool_calls"][0]["result"]
    # And is made anew.
    ai.says("Seven.")
    assert alice_online.post(f"/api/conversations/{dicey.pk}/regenerate/", {}).status_code == 201
    assert answer(dicey).tool_calls == []


def test_the_preview_shows_what_is_offered(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    shown = alice_online.get(f"/api/conversations/{dicey.pk}/prompt/", params={"content": "Roll!"}).json()
    alice_online.chat(dicey.pk, "Roll!")
    assert shown["messages"] == ai.heard[0]["messages"]
    assert set(shown["tools"]) == {tool["function"]["name"] for tool in ai.heard[0]["tools"]}
    [part] = [part for part in shown["parts"] if part["name"] == "tools"]
    assert part["tokens"] > 50
    assert sum(part["tokens"] for part in shown["parts"]) == shown["tokens"]


def test_tools_and_what_they_say_fit_the_window(alice: User, alice_online: Person, ai: AIServer, settings: Any) -> None:
    settings.AI_CONTEXT_TOKENS, settings.AI_SUMMARIES = 2048, False
    character = make_character(alice)
    many = [make_tool(alice, f"tool_{number}", "dice", description="Rolls. " * 60) for number in range(30)]
    character.tools.set([make_tool(alice, "work_out", "calculator"), *many])
    conversation = make_conversation(alice, character, title="x")
    Message.objects.filter(conversation=conversation).update(content="word " * 2000)
    shown = alice_online.get(f"/api/conversations/{conversation.pk}/prompt/", params={"content": "Now."}).json()
    assert {each["what"] for each in shown["dropped"]} >= {"tool"}
    assert 0 < len(shown["tools"]) < 10
    ai.calls_tools(*(("work_out", {"expression": f"{number} + 1" + " " * 400}, f"c{number}") for number in range(12)))
    ai.says("Done.")
    assert alice_online.chat(conversation.pk, "Now.").status_code == 201
    assert len(json.dumps(ai.heard[0])) / 3.5 < 2048 - 512
    assert all(len(text) < 600 for text in told(ai))


def test_a_stop_stops_tools(dicey: Conversation, alice_online: Person, ai: AIServer, slow_tool: Tool) -> None:
    dicey.character.tools.add(slow_tool)  # type: ignore[union-attr]
    ai.calls_tools(("slow", {}, "s"), ("roll", SEVEN, "r"))
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(alice_online.chat(dicey.pk, "Roll!")))
    asking.start()
    # What is there already is saved while the other one runs.
    until(lambda: [call["result"] for call in answer(dicey).tool_calls if call["name"] == "roll"] not in ([], [None]))
    assert answer(dicey).status == "generating"
    reader = alice_online.request(
        "GET", f"/api/conversations/{dicey.pk}/stream/", headers={"Accept": "text/event-stream"}, stream=True
    )
    stopped = alice_online.post(f"/api/conversations/{dicey.pk}/stop/", {})
    assert stopped.json()["assistant_message"]["status"] == "stopped"
    asking.join(10)
    assert answers[0].status_code == 201
    slow, roll = answer(dicey).tool_calls
    assert (slow["result"], slow["error"]["code"]) == (None, "left_off")
    assert roll["result"]
    seen = [each if isinstance(each, str) else each["type"] for each in chunks(reader)]
    assert seen[-5:] == ["tool-output-available", "tool-output-error", "data-turn", "abort", "[DONE]"]
    assert ai.calls == 1


def test_tools_have_their_time(
    dicey: Conversation, alice_online: Person, ai: AIServer, slow_tool: Tool, settings: Any
) -> None:
    settings.TOOL_SECONDS = 0.3
    dicey.character.tools.add(slow_tool)  # type: ignore[union-attr]
    for number in range(6):
        ai.calls_tool("slow", {}, call_id=f"s{number}")
    ai.says("Too slow.")
    assert alice_online.chat(dicey.pk).json()["assistant_message"]["content"] == "Too slow."
    calls = answer(dicey).tool_calls
    assert {call["error"]["code"] for call in calls} == {"timeout"}
    assert calls[-1]["milliseconds"] == 0


def test_what_a_dead_process_left_is_told_to_its_end() -> None:
    call = {"id": "c", "name": "roll", "arguments": {}, "result": None, "error": None, "milliseconds": 0, "at": 4}
    message = {"id": "m", "reasoning": "", "content": "Once more.", "tool_calls": [call, {"odd": 1}], "sources": [{}]}
    outcome = Outcome({"assistant_message": message, "user_message": None, "conversation": {}}, "interrupted", "x")
    whole = Chunks("m").rest(outcome)
    types = [json.loads(each[6:])["type"] for each in whole[:-1]]
    assert types == [
        *("start", "start-step", "text-start", "text-delta", "text-end"),
        *("tool-input-available", "tool-output-error", "text-start", "text-delta", "text-end", "data-turn", "error"),
    ]
    # Somebody else goes on wherever the first one stopped.
    for told_ in range(2, len(whole)):
        rest = Chunks.after(whole[:told_], "m").rest(outcome)
        seen = [json.loads(each[6:]) for each in [*whole[:told_], *rest] if each[6:7] == b"{"]
        assert "".join(each["delta"] for each in seen if each["type"] == "text-delta") == "Once more."
        kinds = [each["type"] for each in seen]
        assert kinds.count("tool-input-available") == kinds.count("tool-output-error") == 1
        assert all(pair != ("text-start", "text-start") for pair in pairwise(kinds))


def test_two_calls_under_one_number(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    calls = [
        {"index": 0, "id": key, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for key, name, arguments in (("a", "roll", SEVEN), ("b", "work_out", {"expression": "6*7"}))
    ]
    ai.sends(
        [
            f"data: {json.dumps({'choices': [{'delta': {'tool_calls': calls}}]})}\n\n".encode(),
            b'data: {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}\n\ndata: [DONE]\n\n',
        ]
    )
    ai.says("Done.")
    alice_online.chat(dicey.pk)
    assert [(call["id"], call["name"], call["error"]) for call in answer(dicey).tool_calls] == [
        ("a", "roll", None),
        ("b", "work_out", None),
    ]


def test_what_a_tool_did_not_foresee_the_model_is_told(
    alice: User, alice_online: Person, ai: AIServer, transactional_db: None
) -> None:
    character = make_character(alice)
    character.tools.add(make_tool(alice, "remember", "remember"))
    conversation = make_conversation(alice, character, title="x")
    ai.calls_tools(("remember", {"fact": "Tea."}, "a"), ("remember", {"fact": "  "}, "b"))
    ai.says("I could not.")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE knowledge_fact RENAME TO elsewhere")
        try:
            turn = alice_online.chat(conversation.pk).json()["assistant_message"]
        finally:
            cursor.execute("ALTER TABLE elsewhere RENAME TO knowledge_fact")
    assert (turn["status"], turn["content"]) == ("complete", "I could not.")
    assert [call["error"]["code"] for call in turn["tool_calls"]] == ["failed", "bad_arguments"]


ODD: list[dict[str, Any]] = [
    {"tool_calls": [{"odd": 1}, {"id": []}, {"id": "x"}]},
    {"sources": [{"id": []}, {"id": {}}, {"title": 1}]},
    {
        "tool_calls": [
            {
                "id": "c",
                "name": "roll",
                "arguments": None,
                "result": None,
                "error": None,
                "milliseconds": 0,
                "at": -5,
            }
        ]
    },
]


@pytest.mark.parametrize("odd", ODD)
def test_what_an_import_made_up_is_gone_on_with(
    dicey: Conversation, alice_online: Person, ai: AIServer, odd: dict[str, Any]
) -> None:
    leaf = answer(dicey)
    Message.objects.filter(pk=leaf.pk).update(**odd)
    response = alice_online.post(
        f"/api/conversations/{dicey.pk}/continue/", {}, headers={"Accept": "text/event-stream"}
    )
    seen = list(chunks(response))
    assert seen[-2]["type"] == "finish"
    assert '"input":null' not in response.text
    assert answer(dicey).status == "complete"


def test_counts_beyond_measure_do_not_cost_the_turn(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    most = {"prompt_tokens": 2**31 - 1, "completion_tokens": 2**31 - 1}
    ai.calls_tool("roll", SEVEN)
    ai.says("Seven.", usage=most)
    turn = alice_online.chat(dicey.pk).json()["assistant_message"]
    assert (turn["content"], turn["prompt_tokens"]) == ("Seven.", 2**31 - 1)


def test_a_refusal_midway_is_answered_with_less(
    dicey: Conversation, alice_online: Person, ai: AIServer, settings: Any
) -> None:
    settings.AI_CONTEXT_TOKENS = 100_000
    ai.calls_tool("work_out", {"expression": "1 +" + " " * 400 + "1"})
    ai.fails(400, body=json.dumps({"error": {"code": "context_length_exceeded", "message": "too long"}}))
    ai.says("Two.")
    assert alice_online.chat(dicey.pk).json()["assistant_message"]["content"] == "Two."
    assert ai.heard[-1]["tool_choice"] == "none"
    # The next turn begins with less.
    assert Conversation.objects.get(pk=dicey.pk).refused_most


def test_tools_may_be_refused_midway(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    ai.calls_tool("roll", SEVEN, text="Let me see.")
    ai.fails(400, body=json.dumps({"error": {"message": "tool_choice is not supported"}}))
    ai.says("Seven.")
    assert alice_online.chat(dicey.pk).json()["assistant_message"]["content"] == "Let me see.\n\nSeven."
    heard = ai.heard[-1]
    assert "tools" not in heard
    assert heard["messages"][-2] == {"role": "assistant", "content": "Let me see."}
    assert heard["messages"][-1]["role"] == "user"
    assert heard["messages"][-1]["content"].startswith('[roll: {"dice"')


def test_who_calls_when_told_not_to_is_asked_for_words(dicey: Conversation, alice_online: Person, ai: AIServer) -> None:
    for number in range(8):
        ai.calls_tool("roll", SEVEN, call_id=f"c{number}")
    ai.says("Enough.")
    turn = alice_online.chat(dicey.pk).json()["assistant_message"]
    assert (turn["content"], len(turn["tool_calls"])) == ("Enough.", 7)
    assert "tools" not in ai.heard[-1]


def test_a_turn_has_its_time(dicey: Conversation, alice_online: Person, ai: AIServer, settings: Any) -> None:
    settings.AI_TURN_TIMEOUT = 1.0
    ai.calls_tool("roll", SEVEN, text="Let me see.")
    ai.hangs()
    failed = alice_online.chat(dicey.pk)
    assert failed.status_code == 504
    assert failed.json()["assistant_message"]["tool_calls"][0]["result"]
