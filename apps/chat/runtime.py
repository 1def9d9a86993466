"""The part of a process that writes answers: started and stopped with the server, on its event loop.

Its keeper moves the heartbeats of what is written here, hangs up on what is to stop, and ends what processes that died
have left behind.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError
from rest_framework.exceptions import APIException

from apps.api import metrics
from apps.api.threads import spawn, with_rows
from apps.chat import generations, known, mirror, outcomes, sources, summaries, titles, unkept
from apps.chat.asking import Job
from apps.chat.drafts import Keeper
from apps.chat.live import Live, frames_of
from apps.chat.outcomes import INTERRUPTED, Outcome
from apps.chat.producer import Producer
from apps.chat.providers import ProviderError
from apps.chat.relay import Relay
from apps.chat.unkept import Call
from apps.conversations import changes
from apps.conversations.models import MessageStatus

log = logging.getLogger("dramatis.chat")

# Seconds. What was asked to stop by way of the database is noticed within a LOOK.
LOOK = 1.0
BEAT = 4.0
SWEEP = 2.0
PRUNE = 3600.0
# How often providers are asked what their models hold, and how soon one that did not answer is asked again.
ASK = 3600.0
ASK_AGAIN = 60.0

# How long an answer that has ended is still shown to those who had just asked for it.
LINGER = 10.0
# How long somebody who stops an answer waits for the process that writes it.
STOP_PATIENCE = 5.0
# How long the ends of what a stop cuts off may take to be saved, and then to reach the other processes.
LAST_SAVES = 5.0
LAST_WORDS = 2.0

_loop: asyncio.AbstractEventLoop | None = None
_relay: Relay | None = None
_keeper: Keeper
_running: dict[UUID, tuple[Producer, asyncio.Task[Outcome]]] = {}
_lives: dict[UUID, Live] = {}
_mirrors: dict[UUID, asyncio.Task[Any]] = {}
# What goes on beside: those that look after this process, that tell or mirror answers, that ask for titles and
# summaries.
_keepers: set[asyncio.Task[Any]] = set()
_telling: set[asyncio.Task[Any]] = set()
_mirroring: set[asyncio.Task[Any]] = set()
_afterwards: set[asyncio.Task[Any]] = set()
# Answers that nobody keeps, by their tasks.
_calls: dict[asyncio.Task[Any], Call] = {}
# The conversations that are being summed up here.
_summing_up: set[UUID] = set()
# After an outage the other processes have to move their heartbeats before anybody calls them dead.
_sweeps_from = 0.0


class NotWriting(APIException):
    """Nothing was done; the same request may be sent again, to a server that is up."""

    status_code = 503
    default_code = "shutting_down"
    default_detail = "This server is about to stop, and did nothing. Please try again."
    wait = 2


async def start() -> None:
    global _loop, _relay, _keeper
    _loop = asyncio.get_running_loop()
    _keeper = Keeper()
    _go(_keepers, _keeper.keep())
    _go(_keepers, _keep(_look, LOOK))
    _go(_keepers, _keep(_beat, BEAT))
    _go(_keepers, _keep(_sweep, SWEEP))
    _go(_keepers, _keep(_prune, PRUNE))
    for source in settings.AI_OFFER.sources:
        _go(_keepers, _keep_asking(source.name))
    if settings.REDIS_URL:
        _relay = Relay(settings.REDIS_URL)
        _go(_keepers, _relay.hear_stops(_hang_up))


async def stop() -> None:
    """Let what is being written go on for a while, then save it as interrupted. Its readers are told."""
    global _loop, _relay
    loop = asyncio.get_running_loop()
    until = loop.time() + settings.DRAIN_SECONDS
    _loop = None
    while (work := _tasks()) and loop.time() < until:
        await asyncio.wait(work, timeout=until - loop.time())
    for producer, _ in _running.values():
        producer.cancel(MessageStatus.INTERRUPTED, hurry=True)
    for call in list(_calls.values()):
        call.interrupt()
    await _end(_afterwards)
    if work := _tasks():
        # What cannot be saved by then, somebody else's sweep ends.
        _, late = await asyncio.wait(work, timeout=LAST_SAVES)
        await _end(late)
    if _telling:
        await asyncio.wait(_telling, timeout=LAST_WORDS)
    for tasks in (_telling, _mirroring, _keepers):
        await _end(tasks)
    _lives.clear()
    if _relay is not None:
        await _relay.close()
        _relay = None
    await sources.close()


def _go(tasks: set[asyncio.Task[Any]], work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    task = spawn(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _tasks() -> set[asyncio.Task[Any]]:
    return {task for _, task in _running.values()} | _calls.keys() | _afterwards


def check_is_writing() -> None:
    """Before anything is committed. `NotWriting` while the server stops, or where it runs without ASGI's lifespan."""
    if _loop is None:
        raise NotWriting()


def launch(job: Job) -> None:
    """Begin to write a committed answer. Called from any thread; nobody needs to stay to read it."""
    loop = _loop
    if loop is None:
        # Stopped since it was checked. The sweep of whoever runs next ends the row.
        raise NotWriting(outcomes.DETAILS[INTERRUPTED], INTERRUPTED)
    loop.call_soon_threadsafe(_begin, job)


def _begin(job: Job) -> None:
    provider = sources.provider(job.source)
    # Somebody may have asked for it already, and be looking at a mirror: it becomes the thing itself.
    live = _lives.setdefault(job.generation, Live())
    producer = Producer(job, provider, live, _keeper)
    task = spawn(producer.run())
    _running[job.generation] = (producer, task)
    if mirroring := _mirrors.pop(job.generation, None):
        mirroring.cancel()
    metrics.LIVE.inc()
    if _relay is not None:
        _go(_telling, _relay.publish(job.generation, live))

    def over(task: asyncio.Task[Outcome]) -> None:
        del _running[job.generation]
        metrics.LIVE.dec()
        if not live.has_ended:
            # The task died before its own end could be told. Its row is the sweep's; nobody waits for it here.
            producer.give_up()
        _forget_later(job.generation)
        if not task.cancelled() and task.exception() is None:
            _after(producer, task.result())

    task.add_done_callback(over)


def begin(call: Call) -> None:
    """Start an answer that nobody keeps; on the loop."""
    check_is_writing()
    call.task = task = spawn(call.run(sources.provider(call.source)))
    _calls[task] = call

    def over(task: asyncio.Task[None]) -> None:
        del _calls[task]
        call.give_up()

    task.add_done_callback(over)


def _after(producer: Producer, outcome: Outcome) -> None:
    job = producer.job
    if outcome.status != MessageStatus.COMPLETE or outcome.turn is None:
        return
    if job.wants_title:
        text = outcome.turn["assistant_message"]["content"]
        _go(_afterwards, titles.give_title(job, producer.provider, text, ask=settings.AI_TITLES))
    if job.sum_up_but is not None and job.conversation not in _summing_up:
        _summing_up.add(job.conversation)
        work = _go(_afterwards, summaries.sum_up(job, producer.provider))
        work.add_done_callback(lambda _: _summing_up.discard(job.conversation))


# ── Readers: on the event loop ───────────────────────────────────────────────────────────────


def _live(generation: UUID) -> Live:
    """What this process writes, or follows of another one's; one of each, however many look on."""
    if generation not in _lives:
        _lives[generation] = Live()
        _mirrors[generation] = _go(_mirroring, _mirrored(generation, _lives[generation]))
    return _lives[generation]


async def _mirrored(generation: UUID, live: Live) -> None:
    try:
        await mirror.fill(live, generation, _relay)
    finally:
        if generation not in _running:
            _mirrors.pop(generation, None)
            if not live.has_ended:
                # This process stops, the answer goes on elsewhere: nothing closes it here, so that readers come back.
                live.end([], outcomes.ELSEWHERE)
            _forget_later(generation)


def _forget_later(generation: UUID) -> None:
    asyncio.get_running_loop().call_later(LINGER, _lives.pop, generation, None)


def follow(generation: UUID) -> AsyncIterator[bytes]:
    """The frames of an answer, from the start to its end, whoever writes it or wrote it. Called from any thread."""
    return frames_of(lambda: _live(generation))


async def outcome(generation: UUID) -> Outcome:
    """How it ended, once it has."""
    return await _live(generation).outcome()


async def stopped(generation: UUID) -> Outcome:
    """Have an answer stopped that was asked to in the database, and wait for its end."""
    _hang_up(generation)
    if generation not in _running and _relay is not None:
        await _relay.ask_to_stop(generation)
    live = _live(generation)
    try:
        async with asyncio.timeout(STOP_PATIENCE):
            return await live.outcome()
    except TimeoutError:
        await with_rows(generations.stop_anyway, generation)
        return await with_rows(outcomes.read, generation) or outcomes.UNSAVED


# ── Looking after what is written ────────────────────────────────────────────────────────────


def _hang_up(generation: UUID) -> None:
    if generation in _running:
        _running[generation][0].cancel(MessageStatus.STOPPED)


async def _keep(work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
    global _sweeps_from
    while True:
        try:
            await work()
        except DatabaseError as error:
            # Whatever it is, leases must not lapse for it.
            _sweeps_from = asyncio.get_running_loop().time() + 2 * BEAT
            log.warning("the database failed; trying again", extra={"reason": type(error).__name__})
        await asyncio.sleep(seconds)


async def _look() -> None:
    if ids := list(_running):
        watched = await with_rows(generations.watch, ids)
        for generation in watched.to_stop | watched.gone:
            _hang_up(generation)
    if calls := list(_calls.values()):
        for call in await with_rows(unkept.without_user, calls):
            call.hang_up()


async def _beat() -> None:
    if ids := list(_running):
        await with_rows(generations.beat, ids)


async def _sweep() -> None:
    if asyncio.get_running_loop().time() < _sweeps_from:
        return
    if ended := await with_rows(generations.sweep, list(_running)):
        log.warning("ended answers that dead processes had left", extra={"count": ended})


async def _prune() -> None:
    # A bounded piece at a time; whoever is faster leaves nothing to do for the others.
    while await with_rows(changes.prune):
        pass


async def _keep_asking(source: str) -> None:
    """Each source by itself: one that is slow, or away, keeps no other waiting."""
    while True:
        wait = ASK
        try:
            await with_rows(known.told, source, await sources.provider(source).windows())
        except ProviderError as error:
            wait = ASK_AGAIN
            log.debug("windows not told", extra={"source": source, "reason": error.reason})
        except DatabaseError as error:
            wait = ASK_AGAIN
            log.info("windows not saved", extra={"source": source, "reason": type(error).__name__})
        # Many processes, started together, do not ask together for ever.
        await asyncio.sleep(wait * random.uniform(0.9, 1.1))  # noqa: S311
