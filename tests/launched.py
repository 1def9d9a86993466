"""`python -m config.local` as people run it, in a data folder of its own: `run(**environ)` starts it, once or again."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from config.local.lock import OwnerLock
from config.local.model import EmbeddedModel
from config.local.placement import far_data
from config.local.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent
# Bounded, and far from what it takes: a slow machine is no failure.
PATIENCE = 120
ADA = {"email": "ada@example.com", "password": "analytical engine", "display_name": "Ada"}
# Somewhere that nobody listens on: most of these runs need no model.
NO_MODEL = {"AI_BASE_URL": "http://127.0.0.1:9/v1", "AI_MODEL": "none"}


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.005)


def lives(process: psutil.Process) -> bool:
    """Not so for one that has ended and was not collected by its parent: init does not everywhere."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Run:
    """One start in a data folder, with an environment of its own. Its output goes to a file beside the data."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self.data_dir = data_dir
        self.output = Path(tempfile.mkstemp(dir=data_dir.parent, suffix=".out")[1])
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.local"],
                cwd=ROOT,
                env=inherited | {"DATA_DIR": str(data_dir), "PORT": "0"} | environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # The tests themselves may be run by `nohup`, which a start would respect.
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def url(self) -> str:
        """Waits for the last block that a start prints."""
        until(lambda: "is ready: " in self.said or self.process.poll() is not None, "the server is ready")
        assert "is ready: " in self.said, self.said
        return self.said.partition("is ready: ")[2].split()[0]

    def get(self, path: str) -> int:
        return self.request(urllib.request.Request(f"{self.url}{path}"))

    def post(self, path: str, body: object) -> int:
        headers = {"Content-Type": "application/json"}
        return self.request(urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode(), headers))

    def request(self, request: urllib.request.Request) -> int:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    def family(self) -> list[psutil.Process]:
        launcher = psutil.Process(self.process.pid)
        return [launcher, *launcher.children(recursive=True)]

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send the signal, wait, and see that nothing is left."""
        family = self.family()
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        assert not any(map(lives, family)), self.said
        assert self.held_locks() == []
        assert "Traceback" not in self.said, self.said
        return status

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def held_locks(self) -> list[str]:
        """A child holds its lock as long as it, or a child of it, lives."""
        return [path.name for path in self.data_dir.glob("*.lock") if not OwnerLock(path).is_free()]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Where the server's user can reach it, which pytest's own folder is not for root."""
    home = Path(tempfile.mkdtemp(prefix="dramatis-run-"))
    home.chmod(0o755)
    data_dir = home / "data"
    yield data_dir
    if data_dir.exists():
        EmbeddedPostgres(data_dir).child.end_orphan()
        EmbeddedModel(data_dir).child.end_orphan()
    shutil.rmtree(far_data(data_dir), ignore_errors=True)
    shutil.rmtree(home)


@pytest.fixture
def run(data_dir: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(**environ: str) -> Run:
        runs.append(Run(data_dir, **environ))
        return runs[-1]

    yield start
    for each in runs:
        each.kill()
