"""What a process costs while something is asked of it: CPU, memory, threads, database connections."""

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

TICK = 1 / os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """Seconds of CPU that it has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def status(pid: int, field: str) -> int:
    """A number of /proc/PID/status; memory is in KB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [found] = [line for line in lines if line.startswith(f"{field}:")]
    return int(found.split()[1])


class Watch:
    """Looks ten times a second, from `with` to its end; then the figures stand.

    `name` is the application name under which the process connects to the database.
    """

    def __init__(self, pid: int, database_url: str = "", name: str = "") -> None:
        self.pid = pid
        self.database_url = database_url
        self.name = name
        self.cpu = 0.0
        self.grown = 0  # KB, at most
        self.threads = self.connections = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._rss = status(self.pid, "VmRSS")
        self._cpu = cpu(self.pid)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cpu = cpu(self.pid) - self._cpu
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        database = psycopg.connect(self.database_url, autocommit=True) if self.database_url else None
        ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        while not self._over.wait(0.1):
            self.grown = max(self.grown, status(self.pid, "VmRSS") - self._rss)
            self.threads = max(self.threads, status(self.pid, "Threads"))
            if database is not None:
                row = database.execute(ours, [self.name]).fetchone()
                assert row is not None
                self.connections = max(self.connections, row[0])
        if database is not None:
            database.close()
