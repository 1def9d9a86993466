"""The AI SDK itself, as npm has it, reads what is streamed here: `tests/node/ai_sdk/chat.mjs` has the scenes."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.conversations.models import Conversation, Message
from tests.ai_server import AIServer
from tests.factories import make_conversation, make_document, make_tool, say
from tests.npm import installed
from tests.online import Person, Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SEVEN = {"dice": "1d1+6"}


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return make_conversation(alice, title="Evening")


@pytest.fixture
def play(server: Server, alice_online: Person, conversation: Conversation) -> Callable[..., Any]:
    """A scene, and what came of it. `reading` is called when the client says that it reads."""

    def play(scene: str, reading: Callable[[], None] = lambda: None) -> Any:
        token = alice_online.session.headers["Authorization"].split()[1]
        command = ["node", "chat.mjs", scene, server.url, token, str(conversation.pk)]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, cwd=installed("ai_sdk"), stdout=pipe, stderr=subprocess.STDOUT, text=True
        ) as client:
            assert client.stdout is not None
            lines = []
            for line in client.stdout:
                lines.append(line)
                if line == "reading\n":
                    reading()
        assert client.returncode == 0, "".join(lines)
        return json.loads(lines[-1])

    return play


def answers(conversation: Conversation) -> list[str]:
    rows = Message.objects.filter(conversation=conversation, depth__gt=0).order_by("id")
    return [f"{message.role}: {message.content}" for message in rows]


def test_it_talks(play: Callable[..., Any], conversation: Conversation, ai: AIServer) -> None:
    ai.says("Good evening.", reasoning="A guest.")
    ai.says("Half past nine.")
    seen = play("talk")
    assert seen["status"] == "ready"
    assert seen["texts"] == [
        "assistant: Hello, Alice.",
        *("user: Hello, Ada.", "assistant: Good evening."),
        *("user: And now?", "assistant: Half past nine."),
    ]
    assert answers(conversation) == seen["texts"][1:]
    # What it sent it calls by names of its own.
    users = Message.objects.filter(conversation=conversation, role="user").order_by("id")
    assert [message.client_id for message in users] == seen["sent"]
    answered = [
        [each["parts"] for each in told if each["role"] == "assistant"] for told in (seen["seen"], seen["kept"])
    ]
    assert answered[0] == answered[1]
    assert [part["type"] for part in answered[0][1]] == ["step-start", "reasoning", "text"]


def test_it_shows_what_tools_did_and_what_was_known(
    play: Callable[..., Any], conversation: Conversation, ai: AIServer
) -> None:
    assert conversation.character is not None
    conversation.character.tools.add(make_tool(conversation.user, "roll", "dice"))
    make_document(conversation.character, "Clocks", "Hello: the clock in the hall, Ada says, has stopped. " * 10)
    ai.calls_tools(("roll", SEVEN, "call_1"), ("unknown", {}, "call_2"), text="Let me see.")
    ai.says("Seven.")
    ai.says("Still seven.")
    seen = play("talk")
    shown, kept = ([each for each in seen[name] if each["role"] == "assistant"][1] for name in ("seen", "kept"))
    assert {part["type"] for part in shown["parts"]} == {"step-start", "text", "dynamic-tool", "source-document"}
    states = {part["toolCallId"]: part["state"] for part in shown["parts"] if part["type"] == "dynamic-tool"}
    assert states == {"call_1": "output-available", "call_2": "output-error"}

    def sort(parts: Any) -> Any:
        # What was known is told before the text in a stream, and after the calls from a row.
        return sorted(parts, key=lambda part: part["type"] == "source-document")

    assert sort(shown["parts"]) == sort(kept["parts"])
    assert shown["id"] == kept["id"]


def test_it_makes_answers_and_questions_anew(
    play: Callable[..., Any], conversation: Conversation, ai: AIServer
) -> None:
    for number in range(1, 7):
        ai.says(f"Answer {number}.")
    seen = play("rewrite")
    greeting = "assistant: Hello, Alice."
    assert seen["anew"] == [greeting, "user: One", "assistant: Answer 2."]
    assert seen["edited"] == [greeting, "user: Two", "assistant: Answer 3."]
    assert (seen["last"], seen["status"]) == ([greeting, "user: Three", "assistant: Answer 6."], "ready")
    # Everything is there still, as siblings.
    tree = {
        message.content: [child.content for child in message.children.order_by("id")]
        for message in Message.objects.filter(conversation=conversation, role="user").order_by("id")
    }
    assert tree == {
        "One": ["Answer 1.", "Answer 2."],
        "Two": ["Answer 3.", "Answer 4."],
        "Three": ["Answer 5.", "Answer 6."],
    }


def test_a_page_that_was_reloaded_goes_on(play: Callable[..., Any], conversation: Conversation, ai: AIServer) -> None:
    say(conversation, "One")
    say(conversation, "Answer 1.", "assistant")
    for number in range(2, 6):
        ai.says(f"Answer {number}.")
    seen = play("reload")
    assert seen == {"texts": ["assistant: Hello, Alice.", "user: Three", "assistant: Answer 5."]}
    tree = {
        message.content: [child.content for child in message.children.order_by("id")]
        for message in Message.objects.filter(conversation=conversation, role="user")
    }
    assert tree == {"One": ["Answer 1.", "Answer 2."], "Two": ["Answer 3.", "Answer 4."], "Three": ["Answer 5."]}


def test_it_is_told_of_a_failure_and_tries_again(
    play: Callable[..., Any], conversation: Conversation, ai: AIServer
) -> None:
    ai.fails(400)
    ai.says("Here I am.")
    seen = play("fail")
    assert seen["failed"]["status"] == "error"
    assert "\n" not in seen["failed"]["error"]
    assert seen["texts"][-2:] == ["user: Hello?", "assistant: Here I am."]
    assert seen["status"] == "ready"
    assert Message.objects.filter(conversation=conversation, role="user").count() == 1


def test_it_is_told_why_it_was_refused(play: Callable[..., Any], conversation: Conversation, ai: AIServer) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(character=None)
    seen = play("fail")
    assert json.loads(seen["failed"]["error"])["errors"][0]["code"] == "character_unavailable"
    assert seen["status"] == "error"
    assert answers(conversation) == []


def test_a_conversation_that_is_not_there_is_an_error(
    play: Callable[..., Any], conversation: Conversation, ai: AIServer
) -> None:
    conversation.delete()
    assert play("stranger") == ["not_found"] * 4
    assert ai.calls == 0


def test_it_comes_back_to_what_is_written(play: Callable[..., Any], conversation: Conversation, ai: AIServer) -> None:
    gate = ai.waits("Once ")

    def go_on() -> None:
        gate.says("upon a time.")
        gate.release()

    seen = play("resume", go_on)
    assert seen["texts"] == ["assistant: Hello, Alice.", "user: Once?", "assistant: Once upon a time."]
    assert seen["status"] == "ready"
    assert seen["seen"] == seen["kept"]
    assert ai.calls == 1


def test_it_is_stopped(play: Callable[..., Any], conversation: Conversation, ai: AIServer) -> None:
    ai.waits("Once ")
    seen = play("stop")
    assert seen["texts"][-1].strip() == "assistant: Once"
    assert (seen["status"], seen["message"]) == ("ready", [seen["last"], "stopped"])


def test_it_begins_where_nothing_was_said(
    play: Callable[..., Any], conversation: Conversation, alice_online: Person, ai: AIServer
) -> None:
    alice_online.request("DELETE", f"/api/chat/{conversation.pk}/history")
    ai.says("Yes.")
    ai.says("Now.")
    assert play("talk")["texts"][:2] == ["user: Hello, Ada.", "assistant: Yes."]
