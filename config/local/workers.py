"""Several processes that serve one socket: started, replaced when one is killed, and drained at a stop."""

import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

from config.local.lock import OwnerLock
from config.local.options import ROOT
from config.local.signals import held, stops_call
from config.local.terminal import say

LOOK_SECONDS = 0.1
# Beside the grace and the draining of a worker that ends in good order.
SLACK_SECONDS = 10.0


class Workers:
    """Each is in a session of its own, so that a terminal's Ctrl-C reaches the launcher alone, holds `lock` as long as
    it lives, and ends when the launcher is gone (`config.local.worker`)."""

    def __init__(self, bound: socket.socket, count: int, lock: OwnerLock, *, drain_seconds: float) -> None:
        self.bound, self.count, self.lock = bound, count, lock
        self.longest = drain_seconds + SLACK_SECONDS
        self.processes: list[subprocess.Popen[bytes]] = []
        self.stops = 0
        # The launcher's end is nobody else's: no child inherits what is not passed to it.
        self.workers_end, self.launchers_end = os.pipe()

    def serve(self, hint: str) -> bool:
        """Until a stop signal comes; then `hint` is said. Whether no worker ended before that by itself."""
        stops_call(self.note_stop)
        try:
            for _ in range(self.count):
                self.start()
            while not self.stops:
                time.sleep(LOOK_SECONDS)
                if not self.replace_killed():
                    return False
            return True
        finally:
            say(f"stopping {self.count} workers; {hint}")
            self.drain()

    def note_stop(self, number: int, frame: FrameType | None) -> None:
        self.stops += 1

    def start(self) -> None:
        assert self.lock.descriptor is not None
        passed = [self.bound.fileno(), self.workers_end, self.lock.descriptor]
        command = [sys.executable, "-m", "config.local.worker", str(passed[0]), str(passed[1]), str(self.longest)]
        with held():
            self.processes.append(
                subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=ROOT, start_new_session=True, pass_fds=passed)
            )

    def replace_killed(self) -> bool:
        """False where one has failed: another would, too."""
        for process in [each for each in self.processes if each.poll() is not None]:
            self.processes.remove(process)
            if process.returncode >= 0:
                say(f"a worker (process {process.pid}) has ended with status {process.returncode}; stopping")
                return False
            say(f"a worker (process {process.pid}) was killed by signal {-process.returncode}; starting another")
            self.start()
        return True

    def drain(self) -> None:
        """Ask all to end, without delay after one more stop signal, and kill those that do not."""
        heard, deadline = self.stops, time.monotonic() + self.longest
        self.send(signal.SIGTERM)
        while self.living() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            if self.stops > heard:
                heard = self.stops
                self.send(signal.SIGINT)  # Uvicorn's word for: now
        self.send(signal.SIGKILL)
        for process in self.processes:
            process.wait()

    def send(self, number: signal.Signals) -> None:
        for process in self.living():
            process.send_signal(number)

    def living(self) -> list[subprocess.Popen[bytes]]:
        return [process for process in self.processes if process.poll() is None]
