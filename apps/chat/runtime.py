"""The part of a process that writes answers: started and stopped with the server, on its event loop.

Its keeper moves the heartbeats of what is written here, and ends what processes that died have left behind.
"""

import asyncio
import logging
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError
from rest_framework.exceptions import APIException

from apps.api import metrics
from apps.api.threads import spawn, with_rows
from apps.chat import generations, sources, titles
from apps.chat.generations import BEAT, Job, Written
from apps.chat.live import Live
from apps.chat.producer import Producer
from apps.conversations.models import MessageStatus

log = logging.getLogger("dramatis.chat")

_loop: asyncio.AbstractEventLoop | None = None
_keeper: asyncio.Task[None] | None = None
_running: dict[UUID, tuple[Producer, asyncio.Task[Written]]] = {}
_titling: set[asyncio.Task[Any]] = set()


class NotWriting(APIException):
    """Nothing was saved; the same request may be sent again, to a server that is up."""

    status_code = 503
    default_code = "shutting_down"
    default_detail = "This server is about to stop. Nothing was saved; please try again."
    wait = 2


async def start() -> None:
    global _loop, _keeper
    _loop = asyncio.get_running_loop()
    _keeper = spawn(_keep())


async def stop() -> None:
    """Let what is being written go on for a while, then save it as interrupted. Its readers are told."""
    global _loop, _keeper
    loop = asyncio.get_running_loop()
    until = loop.time() + settings.DRAIN_SECONDS
    _loop = None
    while (work := _tasks()) and loop.time() < until:
        await asyncio.wait(work, timeout=until - loop.time())
    for producer, _ in _running.values():
        producer.cancel(MessageStatus.INTERRUPTED, hurry=True)
    for task in _titling:
        task.cancel()
    await asyncio.gather(*_tasks(), return_exceptions=True)
    if _keeper is not None:
        _keeper.cancel()
        await asyncio.gather(_keeper, return_exceptions=True)
        _keeper = None
    await sources.close()


def _tasks() -> set[asyncio.Task[Any]]:
    return {task for _, task in _running.values()} | _titling


def check_is_writing() -> None:
    """Before anything is committed. `NotWriting` while the server stops, or where it runs without ASGI's lifespan."""
    if _loop is None:
        raise NotWriting()


def launch(job: Job) -> Live:
    """Begin to write a committed answer. Called from any thread; nobody needs to stay to read it."""
    loop = _loop
    if loop is None:
        # Stopped since it was checked. The sweep of whoever runs next ends the row.
        raise NotWriting(generations.INTERRUPTED_DETAIL, generations.INTERRUPTED)
    live = Live()
    loop.call_soon_threadsafe(_begin, job, live)
    return live


def _begin(job: Job, live: Live) -> None:
    producer = Producer(job, sources.provider(job.source), live)
    task = spawn(producer.run())
    _running[job.generation] = (producer, task)
    metrics.LIVE.inc()

    def over(task: asyncio.Task[Written]) -> None:
        del _running[job.generation]
        metrics.LIVE.dec()
        if not live.has_ended:
            # The task died before its own end could be told. Its row is the sweep's; nobody waits for it here.
            producer.give_up()
        if not task.cancelled() and task.exception() is None:
            _after(producer, task.result())

    task.add_done_callback(over)


def _after(producer: Producer, written: Written) -> None:
    if producer.job.wants_title and written.status == MessageStatus.COMPLETE:
        task = spawn(titles.give_title(producer.job, producer.provider, written.text, ask=settings.AI_TITLES))
        _titling.add(task)
        task.add_done_callback(_titling.discard)


async def _keep() -> None:
    while True:
        try:
            await _beat()
            ended = await with_rows(generations.sweep)
            if ended:
                log.warning("ended answers that a dead process had left", extra={"count": ended})
        except DatabaseError as error:
            # Whatever it is, leases must not lapse for it.
            log.warning("the database failed; trying again", extra={"reason": type(error).__name__})
        await asyncio.sleep(BEAT)


async def _beat() -> None:
    ids = list(_running)
    if not ids:
        return
    living = await with_rows(generations.beat, ids)
    for generation in set(ids) - living:
        # Its row is gone: the conversation, the message or the account was deleted.
        if generation in _running:
            _running[generation][0].cancel(MessageStatus.INTERRUPTED)
