"""Answers in one piece that wait on the model, readers that leave, models that fail: every turn is saved, and the pool
of database connections is whole afterwards."""

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
import requests

from bench.watching import Watch

if TYPE_CHECKING:
    from bench.streams import Field, Table

CHATS = 200
GONE = 100
FAILING = 20
SERVER = "dramatis-bench-server"


def json_chats(field: "Field", table: "Table") -> None:
    """Chats that wait two seconds on the model, all at once."""
    from bench.streams import unsaved

    talks = field.people.talks(CHATS)
    asked = field.people.requests(talks, "first=2000 rate=1000 count=20", accept="application/json")
    with Watch(field._pid(field.dramatis), os.environ["DATABASE_URL"], SERVER) as watch:
        read = field.programs.read(field.dramatis.port, asked, ramp=0, deadline=60)
    statuses = {each["status"] for each in read.streams}
    assert statuses == {201}, statuses
    table.add(f"{CHATS} JSON chats: turns not saved", unsaved(talks, 20), 0, "")
    table.add(
        f"{CHATS} JSON chats that wait 2 s: the last one", max(each["took"] for each in read.streams) / 1e6, 3.5, "s"
    )
    table.add(f"{CHATS} JSON chats: database connections", watch.connections, 10, "")


def left_and_failed(field: "Field", table: "Table") -> None:
    """Readers that leave, and models that hang up, mid-stream."""
    from bench.streams import unsaved

    talks = field.people.talks(GONE)
    asked = field.people.requests(talks, "rate=20 count=60")
    read = field.programs.read(field.dramatis.port, asked, ramp=1, deadline=30, gone=GONE, gone_after=10)
    assert all(each["tokens"] == 10 and not each["done"] for each in read.streams), read.streams[:3]
    table.add(f"{GONE} readers left mid-stream: turns not saved", unsaved(talks, 60), 0, "")

    talks = field.people.talks(FAILING)
    asked = field.people.requests(talks, "rate=20 count=60 fail=30")
    read = field.programs.read(field.dramatis.port, asked, ramp=1, deadline=30)
    told = {(each["status"], each["tokens"], each["done"], each["failed"]) for each in read.streams}
    assert told == {(200, 30, 1, 1)}, told
    table.add(f"{FAILING} models failed mid-stream: turns not saved", unsaved(talks, 30, "failed"), 0, "")
    table.add("connections that the pool has lost by then", threads() - busy_at_once(field), 0, "")


def threads() -> int:
    from django.conf import settings

    most: int = settings.WEB_THREADS
    return most


def busy_at_once(field: "Field") -> int:
    """How many connections the server can use at once: as many requests as it has threads wait for one locked table."""
    from apps.conversations.models import Conversation

    url = os.environ["DATABASE_URL"]
    statuses: list[int] = []

    def ask(number: int) -> None:
        headers = {"Authorization": field.people.bearer(number)}
        found: Any = requests.get(f"{field.dramatis.url}/api/conversations/", headers=headers, timeout=30)
        statuses.append(found.status_code)

    asking = [threading.Thread(target=ask, args=[number]) for number in range(threads())]
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
    most, until = 0, time.monotonic() + 10
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as looker:
        holder.execute(f"LOCK TABLE {Conversation._meta.db_table} IN ACCESS EXCLUSIVE MODE")
        for thread in asking:
            thread.start()
        while most < threads() and time.monotonic() < until:
            row = looker.execute(waiting, [SERVER]).fetchone()
            assert row is not None
            most = max(most, row[0])
            time.sleep(0.05)
        holder.rollback()
    for thread in asking:
        thread.join()
    assert statuses == [200] * threads(), statuses
    return most
