"""npm packages for tests: the other side of what is spoken here, as people run it."""

import fcntl
import hashlib
import subprocess
from functools import cache
from pathlib import Path

FOLDERS = Path(__file__).parent / "node"


@cache
def installed(name: str) -> Path:
    """The folder `tests/node/{name}` with what its `package-lock.json` pins; installed where it is not yet."""
    folder = FOLDERS / name
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".installed"
    with open(folder / ".installing", "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != lock:
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=folder, check=True, timeout=300)
            stamp.write_text(lock)
    return folder


def node(name: str, script: str, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a script of that folder; what it printed and how it ended are the caller's to look at."""
    folder = installed(name)
    return subprocess.run(
        ["node", script, *arguments], cwd=folder, capture_output=True, text=True, timeout=timeout, check=False
    )
