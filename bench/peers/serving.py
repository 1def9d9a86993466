"""Servers to be measured, all run alike, and `wrk`, which asks them."""

import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil
import requests

from tests.programs import Program

OPTIONS = "--loop uvloop --http httptools --no-access-log --no-proxy-headers --log-level warning --host 127.0.0.1"

# Each request goes to the next of a list of paths.
POST = """
local paths, at = {%s}, 0
wrk.method, wrk.body, wrk.headers["Content-Type"] = "POST", %s, "application/json"
request = function()
  at = at %% #paths + 1
  return wrk.format(nil, paths[at])
end
"""


class Served(Program):
    """One uvicorn of one process; in the environment are the database and the key of the tokens."""

    def __init__(self, name: str, application: str) -> None:
        super().__init__(name.replace(" ", "-").lower())
        self.name, self.application = name, application
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.run([sys.executable, "-m", "uvicorn", self.application, "--port", str(self.port), *OPTIONS.split()])

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/api/auth/users/me/", timeout=5).status_code < 500
        except requests.ConnectionError:
            return False

    @property
    def last_words(self) -> str:
        time.sleep(0.2)  # which follow the answer
        return (self.home / "output").read_text()[-1500:]

    def cpu(self) -> float:
        """Seconds so far."""
        assert self.process is not None
        return spent(psutil.Process(self.process.pid))


@dataclass(frozen=True)
class Ask:
    """What is asked for, by whom, on how many connections: a path, or what is posted to many in turn."""

    path: str
    token: str
    connections: int = 16
    posted_to: tuple[str, ...] = ()
    body: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}


@dataclass(frozen=True)
class Measured:
    rate: float  # answers a second
    cpu: float  # µs of the server's an answer
    database: float  # µs of PostgreSQL's an answer


def find_wrk() -> str:
    if found := shutil.which("wrk"):
        return found
    raise SystemExit("Not installed: wrk. Try: apt-get install wrk")


def spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def postgres_cpu(postmaster: int) -> float:
    """Of all who are connected; nobody comes or goes while it is measured."""
    return sum(spent(backend) for backend in psutil.Process(postmaster).children())


def drive(server: Served, ask: Ask, seconds: int, postmaster: int, paths: tuple[str, ...] = ()) -> Measured:
    """`paths`: those of `posted_to` that are this server's."""
    command = [find_wrk(), "-t1", f"-c{ask.connections}", f"-d{seconds}s", "--timeout", "10s"]
    for name, value in ask.headers.items():
        command += ["-H", f"{name}: {value}"]
    if paths:
        script = server.home / "post.lua"
        script.write_text(POST % (", ".join(json.dumps(path) for path in paths), json.dumps(ask.body)))
        command += ["-s", str(script)]
    before, database, began = server.cpu(), postgres_cpu(postmaster), time.perf_counter()
    done = subprocess.run([*command, server.url + ask.path], capture_output=True, text=True, timeout=seconds + 30)
    took = time.perf_counter() - began
    cpu, database = server.cpu() - before, postgres_cpu(postmaster) - database
    found = re.search(r"(\d+) requests in", done.stdout)
    if done.returncode or not found or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(f"{server.name}, {ask.path}: wrk says\n{done.stdout}{done.stderr}")
    count = int(found[1])
    if not count:
        raise SystemExit(f"{server.name}, {ask.path}: no answer in {took:.1f} s")
    return Measured(count / took, cpu / count * 1e6, database / count * 1e6)
