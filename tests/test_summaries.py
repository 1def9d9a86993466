"""What prompts have no room for is summed up after a turn."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.chat.models import Generation
from apps.conversations.models import Conversation, Message, Summary
from tests.ai_server import AIServer
from tests.factories import grow, make_conversation
from tests.online import Person, Server, until


@pytest.fixture
def long(alice: User, settings: Any) -> Conversation:
    """A conversation of which a third has room."""
    settings.AI_CONTEXT_TOKENS = 1024
    conversation = make_conversation(alice, title="Clocks")
    grow(conversation, 300)
    return conversation


def summed_up(conversation: Conversation) -> Summary:
    return until(lambda: Summary.objects.filter(conversation=conversation).order_by("-depth").first())


def prompt(person: Person, conversation: Conversation, **query: Any) -> Any:
    return person.get(f"/api/conversations/{conversation.pk}/prompt/", params=query).json()


def test_what_was_left_out_is_told_in_the_next_prompt(
    long: Conversation, alice_online: Person, server: Server, ai: AIServer
) -> None:
    said = set(Message.objects.filter(conversation=long).values_list("id", "content"))
    alice_online.chat(long.pk, "And now?")
    server.settle()
    shown = prompt(alice_online, long, content="Next.")
    assert [each["why"] for each in shown["dropped"]] == ["the summary tells of them"]
    summary = summed_up(long)
    assert summary.text == "They talked of clocks."
    first, *_, last = [call["messages"][-1]["content"] for call in ai.summary_calls]
    assert first.startswith("Ada: Hello, Alice.\n\nAlice: Line 0.\n\nAda: Line 1.")
    assert last.endswith(summary.message.content)
    assert "What happened before, in short:\nThey talked of clocks." in shown["messages"][0]["content"]
    # The prompt begins before the summary ends, so that the next turns need no other.
    oldest = int(shown["messages"][1]["content"].split()[1].rstrip("."))
    assert oldest < summary.depth - 10
    calls = len(ai.summary_calls)
    alice_online.chat(long.pk, "Next.")
    assert ai.heard[-1]["messages"] == shown["messages"]
    assert len(ai.summary_calls) == calls
    assert said < set(Message.objects.filter(conversation=long).values_list("id", "content"))
    assert Generation.objects.filter(conversation=long, purpose="summary", status="complete").count() == calls


def test_a_summary_goes_on_from_the_last_one(
    long: Conversation, alice_online: Person, server: Server, ai: AIServer
) -> None:
    alice_online.chat(long.pk, "And now?")
    server.settle()
    first, calls = summed_up(long), len(ai.summary_calls)
    grow(long, 60)
    alice_online.chat(long.pk, "And now?")
    until(lambda: summed_up(long) != first)
    asked = ai.summary_calls[calls]["messages"][-1]["content"]
    assert asked.startswith("Summary of what came before:\nThey talked of clocks.\n\n")
    after = Message.objects.get(conversation=long, depth=first.depth + 1)
    assert asked.split("\n\n")[1].endswith(after.content)


@pytest.mark.parametrize(("text", "ends"), [("They talked of", "length"), ("  \n", "stop"), ("No.", "content_filter")])
def test_what_is_no_whole_summary_is_not_kept(
    long: Conversation, alice_online: Person, ai: AIServer, text: str, ends: str
) -> None:
    ai.summary, ai.summary_ends = text, ends
    alice_online.chat(long.pk, "And now?")
    until(lambda: Generation.objects.filter(conversation=long, purpose="summary"))
    assert not Summary.objects.exists()
    ai.summary, ai.summary_ends = "Clocks.", "stop"
    alice_online.chat(long.pk, "And now?")
    assert summed_up(long).text == "Clocks."


def test_a_very_long_history_is_summed_up_in_pieces(long: Conversation, alice_online: Person, ai: AIServer) -> None:
    Message.objects.filter(conversation=long, depth__gt=0).update(content="word " * 100)
    alice_online.chat(long.pk, "And now?")
    until(lambda: Summary.objects.count() == 4)
    depths = sorted(Summary.objects.values_list("depth", flat=True))
    sizes = [len(call["messages"][-1]["content"]) for call in ai.summary_calls]
    assert all(size < 1024 * 3.5 for size in sizes)
    assert depths[0] >= 4
    assert depths == sorted(set(depths))
    alice_online.chat(long.pk, "And now?")
    until(lambda: Summary.objects.count() == 8)


def test_one_message_may_be_longer_than_the_window(
    alice: User, alice_online: Person, ai: AIServer, settings: Any
) -> None:
    settings.AI_CONTEXT_TOKENS = 1024
    conversation = make_conversation(alice, title="Clocks")
    grow(conversation, 4)
    Message.objects.filter(conversation=conversation, depth=1).update(content="Begin. " + "word " * 20_000 + "End.")
    Message.objects.filter(conversation=conversation, depth=4).update(content="word " * 700)
    alice_online.chat(conversation.pk, "And now?")
    until(lambda: Summary.objects.filter(depth__gte=1))
    asked = next(c["messages"][-1]["content"] for c in ai.summary_calls if "Begin." in c["messages"][-1]["content"])
    assert "…" in asked
    assert "End." in asked
    assert len(asked) < 1024 * 3.5


def test_an_edit_removes_what_tells_of_the_old_text(
    long: Conversation, alice_online: Person, as_alice: APIClient, ai: AIServer
) -> None:
    alice_online.chat(long.pk, "And now?")
    summary = summed_up(long)
    messages = f"/api/conversations/{long.pk}/messages"
    later = Message.objects.get(conversation=long, depth=summary.depth + 1)
    as_alice.patch(f"{messages}/{later.pk}/", {"content": "Other."})
    assert Summary.objects.filter(pk=summary.pk).exists()
    as_alice.patch(f"{messages}/{summary.message_id}/", {"content": "Other."})
    assert not Summary.objects.filter(pk=summary.pk).exists()


def test_another_branch_has_its_own(
    long: Conversation, alice_online: Person, as_alice: APIClient, server: Server, ai: AIServer
) -> None:
    alice_online.chat(long.pk, "And now?")
    server.settle()
    summary = Summary.objects.filter(conversation=long).earliest("depth")
    early = Message.objects.get(conversation=long, depth=summary.depth - 2)
    alice_online.chat(long.pk, "Elsewhere.", parent=str(early.pk))
    server.settle()
    assert "They talked of clocks." not in ai.heard[-1]["messages"][0]["content"]
    fork = as_alice.post(
        f"/api/conversations/{long.pk}/fork/", {"message": str(Message.objects.get(conversation=long, depth=290).pk)}
    )
    copies = Summary.objects.filter(conversation=fork.data["id"]).values_list("depth", "text")
    assert set(copies) == set(Summary.objects.filter(conversation=long).values_list("depth", "text"))
    as_alice.delete(f"/api/conversations/{long.pk}/messages/{early.pk}/")
    # What the other branch had summed up by then is above it.
    assert not Summary.objects.filter(conversation=long, depth__gte=early.depth).exists()
    as_alice.delete(f"/api/conversations/{fork.data['id']}/")
    assert not Summary.objects.exclude(conversation=long).exists()


def test_it_can_be_turned_off(long: Conversation, alice_online: Person, ai: AIServer, settings: Any) -> None:
    settings.AI_SUMMARIES = False
    alice_online.chat(long.pk, "And now?")
    alice_online.chat(long.pk, "And now?")
    assert not ai.summary_calls
    assert not Summary.objects.exists()


@pytest.mark.parametrize("change", ["edit", "delete"])
def test_a_summary_of_what_changed_meanwhile_is_not_kept(
    long: Conversation, alice_online: Person, as_alice: APIClient, ai: AIServer, server: Server, change: str
) -> None:
    ai.summaries_go.clear()
    alice_online.chat(long.pk, "And now?")
    until(lambda: ai.summary_calls)
    early = Message.objects.get(conversation=long, depth=3)
    path = f"/api/conversations/{long.pk}/messages/{early.pk}/"
    as_alice.delete(path) if change == "delete" else as_alice.patch(path, {"content": "Other."})
    ai.summaries_go.set()
    until(lambda: Generation.objects.filter(conversation=long, purpose="summary"))
    server.settle()
    assert not Summary.objects.exists()
    assert len(ai.summary_calls) == 1


def test_times_that_an_import_made_up_do_not_matter(long: Conversation, alice_online: Person, ai: AIServer) -> None:
    Message.objects.filter(conversation=long).update(edited_at="2999-01-01T00:00:00Z")
    alice_online.chat(long.pk, "And now?")
    assert summed_up(long)


def test_going_on_with_what_was_summed_up_removes_the_summary(
    alice: User, alice_online: Person, ai: AIServer, server: Server
) -> None:
    conversation = make_conversation(alice, title="Clocks")
    *_, leaf = grow(conversation, 6)
    Summary.objects.create(conversation=conversation, message=leaf, depth=leaf.depth, text="Old.", model="m")
    assert alice_online.post(f"/api/conversations/{conversation.pk}/continue/", {}).status_code == 201
    assert not Summary.objects.exists()


def test_a_summary_far_longer_than_what_was_asked_for_is_not_kept(
    long: Conversation, alice_online: Person, ai: AIServer, server: Server
) -> None:
    ai.summary = "word " * 200
    alice_online.chat(long.pk, "And now?")
    until(lambda: Generation.objects.filter(conversation=long, purpose="summary"))
    server.settle()
    assert not Summary.objects.exists()


def test_a_long_earlier_summary_leaves_room_for_what_is_to_be_told(
    long: Conversation, alice_online: Person, ai: AIServer
) -> None:
    early = Message.objects.get(conversation=long, depth=5)
    before = "Begin. " + "word " * 20_000 + "End."
    Summary.objects.create(conversation=long, message=early, depth=5, text=before, model="of a larger window")
    alice_online.chat(long.pk, "And now?")
    until(lambda: Summary.objects.filter(conversation=long, depth__gt=5))
    asked = ai.summary_calls[0]["messages"][-1]["content"]
    assert len(asked) < 1024 * 3.5
    assert asked.startswith("Summary of what came before:\nBegin. word")
    assert "word End.\n\n" in asked


def test_a_window_without_room_for_a_summary_does_without(
    long: Conversation, alice_online: Person, ai: AIServer, server: Server, settings: Any
) -> None:
    settings.AI_CONTEXT_TOKENS = 300
    assert alice_online.chat(long.pk, "And now?").status_code == 201
    server.settle()
    assert not ai.summary_calls
