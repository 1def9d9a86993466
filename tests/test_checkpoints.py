"""Texts that are saved while they are written: those of a process in one statement, none at another's cost."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections, transaction

from apps.accounts.models import User
from apps.api.threads import with_rows
from apps.chat import asking, checkpoints, generations
from apps.chat.asking import Job
from apps.chat.drafts import CHECKPOINT_BYTES, Draft, Keeper
from apps.chat.generations import Written
from apps.conversations import turns
from apps.conversations.models import Conversation, Message, MessageStatus
from tests.factories import make_conversation
from tests.people import until

CALL = {"id": "c1", "name": "dice", "arguments": {}, "result": 2**70, "error": None, "milliseconds": 1, "at": 0}


@pytest.fixture
def jobs(alice: User) -> list[Job]:
    begun = [asking.say(alice, make_conversation(alice).pk, None, {"content": "Hello?"}) for _ in range(3)]
    return [job for job in begun if isinstance(job, Job)]


def save(*told: tuple[Job, Written]) -> tuple[set[object], set[object]]:
    saved, locked = checkpoints.save({job.message: (job, written) for job, written in told})
    return {*saved}, {*locked}


def texts(jobs: list[Job]) -> list[str]:
    return [Message.objects.get(pk=job.message).content for job in jobs]


@pytest.mark.django_db
def test_all_are_saved_at_once(jobs: list[Job], django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    written = [Written(f"{number} 😀 \"'\\ \u2028\x7f", f"thought {number}") for number in range(3)]
    with django_assert_num_queries(3):  # with the savepoint of this test's own transaction
        assert save(*zip(jobs, written, strict=True)) == ({job.message for job in jobs}, set())
    assert texts(jobs) == [each.text for each in written]
    assert [Message.objects.get(pk=job.message).reasoning for job in jobs] == [each.reasoning for each in written]


@pytest.mark.django_db
def test_what_tools_said_is_changed_only_where_it_is_told(jobs: list[Job]) -> None:
    source = {"id": "s1", "title": "Clocks", "text": "They ring."}
    save((jobs[0], Written("I rolled", calls=[CALL], sources=[source])), (jobs[1], Written("You rolled")))
    save((jobs[0], Written("I rolled dice")))
    rolled, other = (Message.objects.get(pk=job.message) for job in jobs[:2])
    assert (rolled.content, rolled.tool_calls, rolled.sources) == ("I rolled dice", [CALL], [source])
    assert (other.tool_calls, other.sources) == ([], [])


@pytest.mark.django_db
def test_what_is_no_longer_ours_is_left_alone(alice: User, jobs: list[Job]) -> None:
    ended, edited, ours = jobs
    generations.end(ended, Written("It rang.", status=MessageStatus.COMPLETE))
    generations.stop_anyway(edited.generation)
    turns.edit(Conversation.objects.get(pk=edited.conversation), Message.objects.get(pk=edited.message), "My words.")
    told = [(job, Written("It r")) for job in jobs]
    assert save(*told) == ({ours.message}, set())
    assert texts(jobs) == ["It rang.", "My words.", "It r"]
    Conversation.objects.get(pk=ours.conversation).delete()
    assert save(*told) == (set(), set())


@contextmanager
def locked_elsewhere(job: Job) -> Iterator[None]:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Message.objects.select_for_update().get(pk=job.message)
            held.set()
            release.wait(20)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    try:
        yield
    finally:
        release.set()
        thread.join(20)


@pytest.mark.django_db(transaction=True)
def test_what_is_locked_keeps_nobody_waiting(jobs: list[Job]) -> None:
    told = [(job, Written("It r")) for job in jobs]
    with locked_elsewhere(jobs[0]):
        assert save(*told) == ({jobs[1].message, jobs[2].message}, {jobs[0].message})
    assert save(*told) == ({job.message for job in jobs}, set())


def kept(*jobs: Job) -> tuple[Keeper, list[Draft], list[Job]]:
    lost: list[Job] = []
    keeper = Keeper()
    return keeper, [Draft(job, keeper, lost=lambda job=job: lost.append(job)) for job in jobs], lost


@pytest.mark.django_db(transaction=True)
def test_the_keeper_saves_what_waits_and_tells_what_is_gone(jobs: list[Job]) -> None:
    Conversation.objects.get(pk=jobs[2].conversation).delete()

    async def work() -> list[Job]:
        keeper, drafts, lost = kept(*jobs)
        keeping = asyncio.create_task(keeper.keep())
        for draft in drafts:
            draft.took("It ", draft.text)
            draft.took("r", draft.text)
        with locked_elsewhere(jobs[0]):
            await with_rows(until, lambda: texts(jobs[1:2]) == ["It r"])
            assert await with_rows(texts, jobs[:1]) == [""]
        await with_rows(until, lambda: texts(jobs[:1]) == ["It r"])
        keeping.cancel()
        return lost

    assert asyncio.run(work()) == [jobs[2]]


@pytest.mark.django_db(transaction=True)
def test_much_is_saved_at_once_and_what_no_database_holds_is_nobody_elses_loss(jobs: list[Job]) -> None:
    much = "x" * CHECKPOINT_BYTES

    async def work() -> None:
        keeper, drafts, _ = kept(*jobs[:2])
        keeping = asyncio.create_task(keeper.keep())
        drafts[0].calls = [{**CALL, "result": "\0"}]
        drafts[0].called(1)
        drafts[1].took(much, drafts[1].text)
        await with_rows(until, lambda: texts(jobs[1:2]) == [much])
        await drafts[0].close()
        keeping.cancel()

    asyncio.run(work())
    assert texts(jobs[:1]) == [""]


@pytest.mark.django_db(transaction=True)
def test_no_checkpoint_comes_after_the_end(jobs: list[Job]) -> None:
    async def work() -> None:
        keeper, [draft], _ = kept(jobs[0])
        keeping = asyncio.create_task(keeper.keep())
        for number in range(20):
            draft.took("x" * CHECKPOINT_BYTES, draft.text)
            # At any point of the keeper's work.
            await asyncio.sleep(number / 2000)
            await draft.close()
            at_the_end = await with_rows(texts, jobs[:1])
            await asyncio.sleep(0.02)
            assert await with_rows(texts, jobs[:1]) == at_the_end
        keeping.cancel()

    asyncio.run(work())
    assert connection.is_usable()
