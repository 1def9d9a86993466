"""Another answer, more of one, and what the model hears of the tree: the active path alone."""

import re
from typing import Any

import pytest

from apps.accounts.models import User
from apps.conversations.models import Conversation, Message
from tests.ai_server import AIServer
from tests.factories import make_character, make_conversation
from tests.online import Person, chunks, until


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return make_conversation(alice)


def regenerate(person: Person, conversation: Conversation, message: Any = None, **options: Any) -> Any:
    body = {} if message is None else {"message": str(message)}
    return person.post(f"/api/conversations/{conversation.pk}/regenerate/", body, **options)


def go_on(person: Person, conversation: Conversation, **options: Any) -> Any:
    return person.post(f"/api/conversations/{conversation.pk}/continue/", **options)


def test_another_answer_is_a_sibling_and_the_old_one_stays(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    ai.says("First answer.")
    ai.says("Second answer.")
    first = alice_online.chat(conversation.pk, "Well?").json()
    response = regenerate(alice_online, conversation)
    assert response.status_code == 201
    second = response.json()
    assert second["user_message"]["id"] == first["user_message"]["id"]
    answer = second["assistant_message"]
    assert (answer["content"], answer["sibling_index"], answer["sibling_count"]) == ("Second answer.", 1, 2)
    assert answer["siblings"] == [first["assistant_message"]["id"], answer["id"]]
    assert second["conversation"]["active_leaf"] == answer["id"]
    assert Message.objects.get(pk=first["assistant_message"]["id"]).content == "First answer."
    assert ai.heard[0]["messages"] == ai.heard[1]["messages"]


def test_an_earlier_answer_can_be_made_anew_and_a_turn_without_one_answered(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    first = alice_online.chat(conversation.pk, "One").json()
    alice_online.chat(conversation.pk, "Two")
    anew = regenerate(alice_online, conversation, first["assistant_message"]["id"]).json()
    assert anew["assistant_message"]["parent"] == first["user_message"]["id"]
    assert [each["content"] for each in ai.heard[-1]["messages"][1:]] == ["Hello, Alice.", "One"]

    said = alice_online.post(f"/api/conversations/{conversation.pk}/messages/", {"content": "Unanswered"}).json()
    answered = regenerate(alice_online, conversation, said["id"]).json()
    assert answered["assistant_message"]["parent"] == said["id"]
    assert answered["user_message"]["id"] == said["id"]


def test_a_failed_turn_is_tried_again(alice_online: Person, conversation: Conversation, ai: AIServer) -> None:
    ai.fails(400)
    failed = alice_online.chat(conversation.pk, "Well?")
    assert failed.status_code == 502
    turn = regenerate(alice_online, conversation).json()
    assert turn["user_message"]["content"] == "Well?"
    assert turn["assistant_message"]["status"] == "complete"
    assert Message.objects.filter(role="user").count() == 1


def test_what_cannot_be_made_anew_is_refused_by_name(alice_online: Person, alice: User, ai: AIServer) -> None:
    greeted, silent = make_conversation(alice), make_conversation(alice, make_character(alice, first_message=""))
    other = make_conversation(alice)
    note = alice_online.post(
        f"/api/conversations/{greeted.pk}/messages/", {"content": "A note", "role": "system"}
    ).json()
    for conversation, message, code in (
        (greeted, greeted.active_leaf_id, "greeting"),
        (greeted, note["id"], "not_an_answer"),
        (silent, None, "nothing_to_answer"),
        (greeted, other.active_leaf_id, "does_not_exist"),
    ):
        refused = regenerate(alice_online, conversation, message)
        assert refused.status_code == 400
        [error] = refused.json()["errors"]
        assert (error["code"], error["attr"]) == (code, "message")
    assert ai.calls == 0


def test_more_of_an_answer_goes_into_the_same_message(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    ai.says("Once upon", finish_reason="length", usage={"prompt_tokens": 10, "completion_tokens": 2})
    ai.says(" a time.", usage={"prompt_tokens": 12, "completion_tokens": 3})
    first = alice_online.chat(conversation.pk, "Tell me.").json()["assistant_message"]
    response = go_on(alice_online, conversation)
    assert response.status_code == 201
    answer = response.json()["assistant_message"]
    assert (answer["id"], answer["content"]) == (first["id"], "Once upon a time.")
    assert (answer["status"], answer["finish_reason"]) == ("complete", "stop")
    assert (answer["prompt_tokens"], answer["completion_tokens"]) == (12, 5)
    heard = ai.heard[-1]["messages"]
    assert heard[-2] == {"role": "assistant", "content": "Once upon"}
    assert heard[-1]["role"] == "system"


def test_the_stream_of_a_continued_answer_tells_the_whole_message(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    ai.says("Once upon", finish_reason="length")
    ai.says(" a time.")
    alice_online.chat(conversation.pk, "Tell me.")
    response = go_on(alice_online, conversation, headers={"Accept": "text/event-stream"}, stream=True)
    told = "".join(chunk["delta"] for chunk in list(chunks(response))[:-1] if chunk["type"] == "text-delta")
    assert told == "Once upon a time."


def test_more_that_fails_keeps_what_was_there(alice_online: Person, conversation: Conversation, ai: AIServer) -> None:
    ai.says("Once upon", finish_reason="length")
    ai.drops_after(2, text=" a time there was")
    alice_online.chat(conversation.pk, "Tell me.")
    failed = go_on(alice_online, conversation)
    assert failed.status_code == 502
    answer = failed.json()["assistant_message"]
    assert answer["status"] == "failed"
    assert answer["content"].startswith("Once upon a")


def test_more_of_an_answer_has_the_lore_of_its_own_turn(alice: User, alice_online: Person, ai: AIServer) -> None:
    def entry(name: str, *keys: str, content: str = "", **more: Any) -> Any:
        told = f"{content}<{name}>"
        return {"keys": list(keys), "content": told, "constant": not keys, "enabled": True, "extensions": more}

    entries = [
        entry("sticky", "lamp", sticky=2),
        entry("resting", "lamp", cooldown=2),
        entry("delayed", delay=3),
        entry("second", content="@@activate_only_every 2\n"),
        entry("third", content="@@activate_only_after 2\n"),
        entry("spoken of", "rope"),
        *(entry(f"drawn {number}", "lamp", probability=50) for number in range(20)),
    ]
    book = {"scan_depth": 1, "token_budget": 500, "entries": entries}
    conversation = make_conversation(alice, make_character(alice, lorebook=book))

    def told() -> set[str]:
        return set(re.findall("<(.*?)>", ai.heard[-1]["messages"][0]["content"]))

    ai.says("A rope", finish_reason="length")
    ai.says(" burns.")
    alice_online.chat(conversation.pk, "A lamp.")
    first = told()
    assert first > {"sticky", "resting"}
    answer = go_on(alice_online, conversation).json()["assistant_message"]["id"]
    assert told() == {*first, "spoken of"}
    # And the next turn has what it would have without.
    alice_online.chat(conversation.pk, "Hm?")
    assert told() & {"sticky", "resting", "delayed", "second", "third"} == {"delayed", "second", "third"}
    alice_online.chat(conversation.pk, "A lamp.", parent=answer)
    assert told() >= {"sticky", "resting"}


@pytest.mark.parametrize("last", ["nothing", "user"])
def test_there_must_be_something_to_go_on_with(alice_online: Person, alice: User, ai: AIServer, last: str) -> None:
    conversation = make_conversation(alice, make_character(alice, first_message=""))
    if last == "user":
        alice_online.post(f"/api/conversations/{conversation.pk}/messages/", {"content": "Hello?"})
    refused = go_on(alice_online, conversation)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["code"] == "nothing_to_continue"
    assert ai.calls == 0


def test_neither_begins_while_an_answer_is_written(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    gate = ai.waits()
    first = alice_online.stream(conversation.pk)
    until(lambda: ai.heard)
    for refused in (regenerate(alice_online, conversation), go_on(alice_online, conversation)):
        assert refused.status_code == 409
        assert refused.json()["errors"][0]["code"] == "generation_in_progress"
    gate.release()
    list(chunks(first))
    assert ai.calls == 1


def test_the_model_hears_the_active_path_and_no_sibling(alice_online: Person, alice: User, ai: AIServer) -> None:
    """A canary in every sibling: greetings, edited turns, other answers, branches further down."""
    character = make_character(alice, alternate_greetings=["CANARY greeting", "CANARY greeting too"])
    conversation = make_conversation(alice, character)
    path = f"/api/conversations/{conversation.pk}/"
    expected = ["Hello, Alice."]
    for number in range(4):
        greeting_or_answer = alice_online.get(path).json()["active_leaf"]
        ai.says(f"CANARY under an edited turn {number}")
        alice_online.chat(conversation.pk, f"CANARY edited {number}")
        ai.says(f"CANARY first answer {number}")
        alice_online.chat(conversation.pk, f"Turn {number}", parent=greeting_or_answer)
        ai.says(f"Answer {number}")
        regenerate(alice_online, conversation)
        ai.says(f"CANARY another answer {number}")
        kept = alice_online.get(path).json()["active_leaf"]
        regenerate(alice_online, conversation, kept)
        ai.says(f"CANARY further down {number}")
        alice_online.chat(conversation.pk, "CANARY goes on")
        assert alice_online.request("PATCH", path, json={"active_leaf": kept}).status_code == 200
        expected += [f"Turn {number}", f"Answer {number}"]
    alice_online.chat(conversation.pk, "And now?")
    assert [each["content"] for each in ai.heard[-1]["messages"][1:]] == [*expected, "And now?"]
    assert Message.objects.filter(content__contains="CANARY").count() == 4 * 6 + 2
    ai.says("The end of it")
    regenerate(alice_online, conversation)
    go_on(alice_online, conversation)
    for heard in ai.heard[-2:]:
        assert "CANARY" not in str(heard)


def test_a_message_that_is_hidden_is_not_told_to_the_model(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    hidden = {"content": "Between us", "role": "user", "extra": {"hidden": True}}
    alice_online.post(f"/api/conversations/{conversation.pk}/messages/", hidden)
    alice_online.chat(conversation.pk, "Well?")
    assert [each["content"] for each in ai.heard[-1]["messages"][1:]] == ["Hello, Alice.", "Well?"]
