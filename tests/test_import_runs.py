"""The import as a process: killed midway, told apart by its status, in bounded memory."""

import json
import os
import signal
import subprocess
import sys
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.compat.legacy_data.report import Report
from apps.conversations.models import Conversation, Message
from tests.factories import make_user
from tests.legacy_dumps import ADA, check_heads, counts, dump, run
from tests.online import until
from tests.processes import ROOT, database_url


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_for_who_looks_at_it() -> None:
    terminal, file = Terminal(), StringIO()
    for bar in (terminal, file):
        report = Report(print, bar=bar)
        report.how_far = lambda: 0.5
        report.counts["messages read"] = 1234
        until(lambda report=report, bar=bar: report.progress() or bar.getvalue() or bar is file)
        report.end()
    assert "[###############               ]  50%  1,234 messages" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\033[K")
    assert file.getvalue() == ""


def begin(origin: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "manage.py", "import_legacy", str(origin), "--user", "alice@example.com"]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def many(path: Path, characters: int, each: int, text: str = "words " * 40) -> Path:
    with path.open("w") as file:
        for number in range(characters):
            history = [{"role": "user", "content": f"{number} {turn} {text}"} for turn in range(each)]
            file.write(json.dumps({"id": number, "name": "Ada", "chat_history": history}) + "\n")
    return path


def has_added_to(before: int, process: "subprocess.Popen[str]") -> bool:
    return Message.objects.count() > before or process.poll() is not None


@pytest.mark.django_db(transaction=True)
def test_killed_midway_and_run_again_it_is_whole(tmp_path: Path) -> None:
    make_user("alice@example.com")
    path = many(tmp_path / "old.jsonl", 3, 7_000)
    for _ in range(2):
        before = Message.objects.count()
        process = begin(path)
        until(partial(has_added_to, before, process), 60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        check_heads()
    assert 0 < Message.objects.count() < 21_000
    process = begin(path)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert counts() == (3, 3, 21_000)
    check_heads()
    texts = Message.objects.filter(conversation=Conversation.objects.first()).order_by("id")
    assert [int(text.split()[1]) for text in texts.values_list("content", flat=True)] == list(range(7_000))


@pytest.mark.django_db(transaction=True)
def test_its_status_tells_that_something_was_left_out(tmp_path: Path) -> None:
    make_user("alice@example.com")
    process = begin(dump(tmp_path / "old.json", ADA, {"id": 9}))
    said, _ = process.communicate()
    assert process.returncode == 1
    assert "left out: record 2: The character has no name." in said
    assert "Traceback" not in said
    assert "\r" not in said
    assert Message.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", ["lines", "one history"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, form: str) -> None:
    make_user("alice@example.com")

    def peak(messages: int) -> int:
        path = tmp_path / f"{messages}.jsonl"
        many(path, *((messages // 100, 100) if form == "lines" else (1, messages)), text="x" * 8_000)
        command = [sys.executable, "-m", "tests.peak", "import_legacy", str(path), "--user", "alice@example.com"]
        environ = os.environ | {"DATABASE_URL": database_url()}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
        return int(done.stdout.split("peak")[1])

    few, more = peak(1_000), peak(12_000)
    assert Message.objects.count() == 13_000
    # The larger file has 88 megabytes more.
    assert more - few < 45_000


def test_the_database_is_free_between_the_transactions(alice: User, tmp_path: Path) -> None:
    """Nothing of it is left in the session of whoever ran it."""
    run(dump(tmp_path / "old.json", ADA))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors")
        assert cursor.fetchone()[0] == 0
