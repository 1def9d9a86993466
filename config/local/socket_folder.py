"""The closed folder that PostgreSQL's socket is in, which is all that guards the server."""

import os
import re
import socket
import stat
import tempfile
from pathlib import Path

from config.local.children import Account
from config.local.terminal import Refused

PORT = 5432  # Only names the socket: the server listens on no address.
LONGEST = 85  # The system's limit for a socket's path is 104 to 108 bytes, and its own name counts.
# Commas, quotes and their like make libpq or the server read more into a path than a path.
PLAIN = re.compile(rf"[A-Za-z0-9/._+-]{{1,{LONGEST}}}")


class SocketFolder:
    """The data's own folder; where its path is too long or too odd, a short one, remembered in `home`."""

    def __init__(self, home: Path, data: Path, account: Account | None) -> None:
        self.note = home / "postgres.socket"
        self.uid, self.gid = (account.uid, account.gid) if account else (os.geteuid(), os.getegid())
        self.is_short_lived = not PLAIN.fullmatch(str(data))
        self.path = (self._remembered() or self._new()) if self.is_short_lived else data

    def as_host(self) -> str:
        """The path as the host of a URL. Capitals are encoded too: readers of URLs make hosts lower case."""
        return "".join(c if c in "abcdefghijklmnopqrstuvwxyz0123456789-." else f"%{ord(c):02x}" for c in str(self.path))

    def remove(self) -> None:
        if self.is_short_lived:
            self.note.unlink(missing_ok=True)
            if self.path.is_dir() and not any(self.path.iterdir()):
                self.path.rmdir()

    def _remembered(self) -> Path | None:
        if not self.note.exists():
            return None
        path = Path(self.note.read_text().strip())
        try:
            status = path.lstat()
        except OSError:
            return None
        # The folder for temporary files is everybody's: only one that is still ours, and closed, will do.
        is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == self.uid and stat.S_IMODE(status.st_mode) == 0o700
        return path if is_ours else None

    def _new(self) -> Path:
        base = "/tmp" if Path("/tmp").is_dir() else tempfile.gettempdir()
        path = Path(tempfile.mkdtemp(prefix="dramatis-", dir=base))
        os.chown(path, self.uid, self.gid)
        self.note.write_text(f"{path}\n")
        return path


def end_stale_files(data: Path) -> None:
    """Delete what a server that was killed left in its data, once nothing answers there.

    The server would take whatever process has that pid by now, after a reboot for instance, for its predecessor, and
    refuse to start.
    """
    stale = data / "postmaster.pid"
    if not stale.exists():
        return
    lines = [*stale.read_text().splitlines(), *[""] * 8]
    listening = Path(lines[4]) / f".s.PGSQL.{lines[3]}"
    if lines[4] and answers(listening):
        raise Refused(f"Another PostgreSQL (process {lines[0]}) serves the data in {data}: stop it first.")
    stale.unlink()
    if lines[4]:
        listening.with_name(f"{listening.name}.lock").unlink(missing_ok=True)


def answers(listening: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(listening))
        except OSError:
            return False
    return True
