"""A locked file that names its owner. The kernel drops the lock when its last holder dies, however it died."""

import fcntl
import os
import time
from pathlib import Path


class OwnerLock:
    """`flock` on a small file whose first line is the owner's pid.

    The lock says whether the owner lives; the pid says who it is. A pid alone proves nothing, since it may by now
    belong to somebody else. A child that inherits `descriptor` holds the lock too, and so do its own children.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor: int | None = None

    def take(self) -> bool:
        """False when somebody holds it."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self.descriptor = descriptor
        return True

    def sign(self, pid: int, note: str = "") -> None:
        """Write the owner down; only after `take`."""
        assert self.descriptor is not None
        # In this order a reader never finds the first line missing.
        length = os.pwrite(self.descriptor, f"{pid}\n{note}\n".encode(), 0)
        os.ftruncate(self.descriptor, length)

    def release(self) -> None:
        """Let go of this process's own hold. A child that inherited the descriptor keeps the lock."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def is_free(self) -> bool:
        if not self.take():
            return False
        self.release()
        return True

    def wait_until_free(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self.is_free():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def owner(self) -> tuple[int | None, str]:
        """The pid and the note that were last signed; no pid when the file is new or was not finished."""
        try:
            pid, note, *_ = [*self.path.read_text().splitlines(), "", ""]
        except FileNotFoundError:
            return None, ""
        return (int(pid) if pid.isdigit() and int(pid) > 1 else None), note
