"""The part of a process that writes answers: started and stopped with the server, on its event loop.

Its keeper moves the heartbeats of what is written here, and ends what processes that died have left behind.
"""

import asyncio
import logging
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError

from apps.api import metrics
from apps.api.threads import spawn, with_rows
from apps.chat import generations, sources, titles
from apps.chat.generations import BEAT, Job, Written
from apps.chat.live import Live
from apps.chat.producer import Producer
from apps.conversations.models import MessageStatus

log = logging.getLogger("dramatis.chat")

Running = tuple[Producer, asyncio.Task[Written]]

_loop: asyncio.AbstractEventLoop | None = None
_keeper: asyncio.Task[None] | None = None
_running: dict[UUID, Running] = {}


async def start() -> None:
    global _loop, _keeper
    _loop = asyncio.get_running_loop()
    _keeper = spawn(_keep())


async def stop() -> None:
    """Let what is being written go on for a while, then save it as interrupted."""
    global _loop, _keeper
    tasks = [task for _, task in _running.values()]
    if tasks:
        await asyncio.wait(tasks, timeout=settings.DRAIN_SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if _keeper is not None:
        _keeper.cancel()
        await asyncio.gather(_keeper, return_exceptions=True)
    await sources.close()
    _loop = _keeper = None


def launch(job: Job) -> Live:
    """Begin to write a committed answer. Called from any thread; nobody needs to stay to read it."""
    if _loop is None:
        raise RuntimeError("The server runs without ASGI's lifespan; start it with `uvicorn --lifespan on`.")
    live = Live()
    _loop.call_soon_threadsafe(_begin, job, live)
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
        spawn(titles.give_title(producer.job, producer.provider, written.text, ask=settings.AI_TITLES))


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
            _running[generation][1].cancel()
