"""What it takes to import an older application's messages: rows a second, and the most memory.

    .venv/bin/python -m bench.legacy [--messages 1000000] [--form jsonl|json|sqlite|history|postgresql]

Starts a PostgreSQL of its own and makes a source of so many messages, 200 a character (`history`: all in one
character's JSON). `manage.py import_legacy` reads it in a process of its own, once, and once again, when everything is
there already.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.ground import WORDS, application

EACH = 200
EMAIL = "ada@example.com"
FORMS = ("jsonl", "json", "sqlite", "postgresql", "history")


def entries(character: int, count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        role = "assistant" if number % 2 else "user"
        yield {"role": role, "content": f"{number}. {WORDS}", "timestamp": 1_700_000_000 + character * EACH + number}


def source(form: str, messages: int, folder: Path) -> str:
    path = folder / f"legacy.{form}"
    if form == "sqlite":
        database = sqlite3.connect(path)
        fill(database, messages, "?")
        database.close()
    elif form == "postgresql":
        import psycopg

        url = os.environ["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as database:
            database.execute("CREATE DATABASE legacy")
        url = url.replace("/dramatis", "/legacy")
        with psycopg.connect(url) as database:
            fill(database, messages, "%s")
        return url
    elif form == "history":
        with path.open("w") as file:
            file.write('[{"id": 1, "name": "Ada", "chat_history": [')
            for number, entry in enumerate(entries(1, messages)):
                file.write((", " if number else "") + json.dumps(entry))
            file.write("]}]")
    else:
        with path.open("w") as file:
            file.write("[" if form == "json" else "")
            for character in range(messages // EACH):
                record = {"id": character, "name": "Ada", "chat_history": list(entries(character, EACH))}
                file.write((",\n" if character and form == "json" else "") + json.dumps(record))
                file.write("\n" if form == "jsonl" else "")
            file.write("]" if form == "json" else "")
    return str(path)


def fill(database: Any, messages: int, mark: str) -> None:
    cursor = database.cursor()
    cursor.execute("CREATE TABLE chat_threads (id integer PRIMARY KEY, title text)")
    columns = "id integer PRIMARY KEY, thread_id integer, role text, content text, created_at text"
    cursor.execute(f"CREATE TABLE chat_messages ({columns})")
    for thread in range(messages // EACH):
        cursor.execute(f"INSERT INTO chat_threads VALUES ({mark}, {mark})", (thread, f"Thread {thread}"))
        rows = [
            (thread * EACH + number, thread, entry["role"], entry["content"], str(entry["timestamp"]))
            for number, entry in enumerate(entries(thread, EACH))
        ]
        cursor.executemany(f"INSERT INTO chat_messages VALUES ({mark}, {mark}, {mark}, {mark}, {mark})", rows)
    database.commit()


def run(origin: str) -> tuple[float, float]:
    """Seconds, and the most megabytes, of one import."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "tests.peak", "import_legacy", origin, "--user", EMAIL]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - began, int(done.stdout.split("peak")[1]) / 1024


def main(messages: int, form: str) -> None:
    from apps.accounts.models import User
    from apps.conversations.models import Message

    User.objects.create_user(EMAIL, "analytical engine")
    with tempfile.TemporaryDirectory() as folder:
        print(f"{form}: making {messages:,} messages", flush=True)
        origin = source(form, messages, Path(folder))
        first, peak = run(origin)
        assert Message.objects.count() == messages
        again, peak_again = run(origin)
        assert Message.objects.count() == messages
    print(f"{'':14}{'seconds':>10}{'rows a second':>16}{'peak memory':>14}")
    print(f"{'first run':14}{first:>10.1f}{messages / first:>16,.0f}{peak:>11,.0f} MB")
    print(f"{'second run':14}{again:>10.1f}{messages / again:>16,.0f}{peak_again:>11,.0f} MB")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--messages", type=int, default=1_000_000)
    arguments.add_argument("--form", choices=FORMS, default="jsonl")
    given = arguments.parse_args()
    with application():
        main(given.messages, given.form)
