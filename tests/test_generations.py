"""The rows of generations that are swept, stopped, edited and gone on with while their process lives after all."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import connections

from apps.accounts.models import User
from apps.characters.models import Character
from apps.chat import asking, generations, outcomes
from apps.chat.asking import Job
from apps.chat.delivery import turn_response
from apps.chat.generations import Written
from apps.chat.keys import Key
from apps.chat.models import Generation
from apps.chat.providers import Usage
from apps.conversations import turns
from apps.conversations.models import Conversation, Message, MessageStatus
from tests.checkpoint import checkpoint
from tests.factories import make_character, make_conversation, make_user, say

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return make_conversation(alice)


@pytest.fixture
def job(alice: User, conversation: Conversation) -> Job:
    """Begun, with a first checkpoint, by a process that is not heard of for a while."""
    job = begun(alice, conversation)
    checkpoint(job, Written("We were at"))
    Generation.objects.update(heartbeat=LONG_AGO)
    return job


def begun(user: User, conversation: Conversation, key: Key | None = None) -> Job:
    job = asking.say(user, conversation.pk, key, {"content": "Hello?"})
    assert isinstance(job, Job)
    return job


def more(user: User, conversation: Conversation) -> Job:
    job = asking.go_on(user, conversation.pk, None)
    assert isinstance(job, Job)
    return job


def text_of(job: Job) -> str:
    return Message.objects.get(pk=job.message).content


def test_a_process_spares_what_it_writes_itself(job: Job) -> None:
    assert generations.sweep([job.generation]) == 0
    assert generations.sweep() == 1
    assert generations.sweep() == 0


def test_what_was_asked_to_stop_is_swept_as_stopped(job: Job) -> None:
    generations.ask_to_stop(job.generation)
    generations.sweep()
    message = Message.objects.get(pk=job.message)
    assert (message.status, message.error, message.content) == ("stopped", None, "We were at")


def edit(job: Job) -> None:
    turns.edit(Conversation.objects.get(pk=job.conversation), Message.objects.get(pk=job.message), "My own words.")


@pytest.mark.parametrize("ended", ["swept", "stopped"])
def test_what_its_user_edited_meanwhile_is_not_overwritten(job: Job, ended: str) -> None:
    if ended == "swept":
        generations.sweep()
    else:
        generations.stop_anyway(job.generation)
    edit(job)
    assert not checkpoint(job, Written("We were at sea"))
    outcome = generations.end(job, Written("We were at sea.", status=MessageStatus.COMPLETE))
    assert text_of(job) == "My own words."
    assert outcome.status == ("interrupted" if ended == "swept" else "stopped")


def test_an_answer_that_was_edited_before_can_be_gone_on_with(
    alice: User, job: Job, conversation: Conversation
) -> None:
    generations.sweep()
    edit(job)
    later = more(alice, conversation)
    assert checkpoint(later, Written("My own words. And"))
    generations.end(later, Written("My own words. And more.", status=MessageStatus.COMPLETE))
    assert text_of(job) == "My own words. And more."


def test_what_was_gone_on_with_meanwhile_is_not_overwritten(alice: User, conversation: Conversation) -> None:
    job = begun(alice, conversation, Key("one", "first"))
    checkpoint(job, Written("We were at"))
    Generation.objects.update(heartbeat=LONG_AGO)
    generations.sweep()
    later = more(alice, conversation)
    assert later.text == "We were at"
    assert later.request.messages[-2] == {"role": "assistant", "content": "We were at"}
    assert not checkpoint(job, Written("We were at sea"))
    own = generations.end(job, Written("We were at sea.", status=MessageStatus.COMPLETE))
    generations.end(later, Written("We were at home.", status=MessageStatus.COMPLETE))
    assert text_of(job) == "We were at home."
    # Its own reader, and a retry under its key, are told what became of it: it is not deleted.
    again = outcomes.read(job.generation)
    assert again is not None
    assert (own.status, own.error) == (again.status, again.error) == ("interrupted", "interrupted")
    assert turn_response(again).status_code == 503


def test_tokens_of_an_answer_in_two_parts_add_up_once(alice: User, conversation: Conversation) -> None:
    Message.objects.filter(pk=conversation.active_leaf_id).update(completion_tokens=10)
    later = more(alice, conversation)
    written = Written("Hello, Alice. And", status=MessageStatus.COMPLETE, usage=Usage(1, 5))
    for _ in range(2):  # as where the commit came through and its answer did not
        generations.end(later, written)
    assert Message.objects.get(pk=later.message).completion_tokens == 15
    absurd = more(alice, conversation)
    generations.end(absurd, Written("And so on", status=MessageStatus.COMPLETE, usage=Usage(1, 2**31 - 1)))
    assert Message.objects.get(pk=absurd.message).completion_tokens == 2**31 - 1


def test_hidden_text_takes_no_room_in_a_prompt(alice: User, conversation: Conversation) -> None:
    say(conversation, "Remember this.")
    say(conversation, "x" * 100_000, extra={"hidden": True})
    heard = [message["content"] for message in begun(alice, conversation).request.messages]
    assert "Remember this." in heard
    assert not any("xxx" in content for content in heard)


@pytest.mark.django_db(transaction=True)
def test_conversations_that_are_begun_while_an_account_is_deleted_do_not_hold_it_up() -> None:
    failures: list[str] = []

    def begin_until(stop: threading.Event, user: User, character: Character) -> None:
        try:
            while not stop.is_set():
                turns.begin(user, character)
        except Exception as error:  # the account is gone
            failures.append(str(error))
        finally:
            connections.close_all()

    for number in range(5):
        user, stop = make_user(f"{number}@example.com"), threading.Event()
        character = make_character(user)
        threads = [threading.Thread(target=begin_until, args=[stop, user, character]) for _ in range(3)]
        for thread in threads:
            thread.start()
        User.objects.get(pk=user.pk).delete()
        stop.set()
        for thread in threads:
            thread.join(20)
    assert not [failure for failure in failures if "deadlock" in failure]
    assert not Conversation.objects.exists()
