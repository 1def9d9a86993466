"""The processes that a start brings to life, and those that an earlier one left behind."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from config.local.lock import OwnerLock
from config.local.signals import held
from config.local.terminal import Refused

LARGEST_LOG = 5_000_000


class Account(NamedTuple):
    """A system user that a child runs as."""

    name: str
    uid: int
    gid: int


class Child:
    """One long-lived process with a log and a lock that it holds as long as it, or a child of it, lives."""

    def __init__(self, title: str, home: Path, name: str, *, asks: signal.Signals) -> None:
        """`name` gives `name.lock` and `name.log` in `home`; `asks` is the signal that ends it in good order."""
        self.title = title
        self.log = home / f"{name}.log"
        self.lock = OwnerLock(home / f"{name}.lock")
        self.asks = asks
        self.process: subprocess.Popen[bytes] | None = None

    def start(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, account: Account | None = None
    ) -> None:
        """Start it in a session of its own: a terminal's Ctrl-C is for the launcher, which then stops it in order."""
        if not self.lock.take():
            raise Refused(f"{self.lock.path} is still held by {self.title} of an earlier run.")
        assert self.lock.descriptor is not None
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".old.log"))
        with held(), open(self.log, "ab", opener=private) as log:
            try:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env=env,
                    start_new_session=True,
                    pass_fds=[self.lock.descriptor],
                    user=account.uid if account else None,
                    group=account.gid if account else None,
                    extra_groups=[] if account else None,
                )
                self.lock.sign(self.process.pid)
            finally:
                self.lock.release()

    @property
    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def last_words(self) -> str:
        """The end of its log, for a sentence that says why it did not start."""
        lines = self.log.read_bytes()[-2000:].decode(errors="replace").split("\n") if self.log.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    def ask(self) -> None:
        """Ask it to end, without waiting."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.asks)

    def stop(self, seconds: float = 15) -> None:
        """Ask, wait, and at last kill."""
        if self.process is None:
            return
        self.ask()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def forget(self) -> None:
        """Delete its files, once it has stopped."""
        for path in (self.log, self.log.with_suffix(".old.log"), self.lock.path):
            path.unlink(missing_ok=True)

    def end_orphan(self) -> int | None:
        """End the process of an earlier run that was killed, if it still lives, and tell its pid.

        Only the launcher that holds the home's own lock may call this: then a held child's lock means an orphan.
        """
        if self.lock.is_free():
            return None
        pid, _ = self.lock.owner()
        for number, seconds in ((self.asks, 20.0), (signal.SIGKILL, 10.0)):
            if pid is not None and leads_a_session(pid):
                os.kill(pid, number)
            if self.lock.wait_until_free(seconds):
                return pid
        raise Refused(f"Process {pid} ({self.title} of an earlier run) cannot be ended; it holds {self.lock.path}.")


def private(path: str, flags: int) -> int:
    """How a log is opened: what people write may be in it."""
    return os.open(path, flags, 0o600)


def leads_a_session(pid: int) -> bool:
    """True of every process that `Child` started: a second proof, beside the lock, that a pid was not given away."""
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False
