"""The application as its operators run it: server processes of their own, on the tests' database, to be killed."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60


def database_url() -> str:
    """Of the database that this test runs in, in the form that a setting has."""
    named = connection.settings_dict
    head, mark, query = os.environ["DATABASE_URL"].partition("?")
    return f"{head.rpartition('/')[0]}/{named['NAME']}{mark}{query}"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def manage(*arguments: str, **environ: str) -> None:
    """`manage.py`, in a process of its own."""
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=os.environ | environ, check=True)


class ServerProcess:
    """`uvicorn config.asgi:application`, as the README says. `environ` is added to that of the tests."""

    def __init__(self, *, grace: int = 1, **environ: str) -> None:
        self.grace = grace
        self.environ = environ if "DATABASE_URL" in environ else {"DATABASE_URL": database_url(), **environ}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path(tempfile.mkstemp(prefix="dramatis-server-", suffix=".log")[1])
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start it, without waiting."""
        options = ["--lifespan", "on", "--no-proxy-headers", "--no-access-log"]
        options += ["--host", "127.0.0.1", "--port", str(self.port), "--timeout-graceful-shutdown", str(self.grace)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "config.asgi:application", *options],
                cwd=ROOT,
                env=os.environ | self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Return once it answers."""
        assert self.process is not None
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.ConnectionError:
            return False

    def start(self) -> None:
        self.begin()
        self.wait()

    def terminate(self) -> int:
        """SIGTERM, as every orchestrator does, and its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """SIGKILL: nothing of it runs another line."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)

    def remove(self) -> None:
        self.kill()
        self.log.unlink()


def start_all(*servers: ServerProcess) -> None:
    """At once, which takes about as long as one."""
    for server in servers:
        server.begin()
    for server in servers:
        server.wait()
