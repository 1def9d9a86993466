"""What people would write instead: FastAPI in front of the model, which checks who asks and saves nothing."""

import os
import sys

import requests

from tests.programs import Program


class PeerProcess(Program):
    """One of them, under uvicorn as Dramatis is. `environ` is added to our own."""

    def __init__(self, name: str, **environ: str) -> None:
        super().__init__(name)
        self.module = f"bench.stream_peers.{name}"
        self.environ = environ

    def start(self) -> None:
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--no-proxy-headers", "--no-access-log"]
        os.environ |= self.environ
        self.run([sys.executable, "-m", "uvicorn", f"{self.module}:app", *options])

    def answers(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/openapi.json", timeout=5).ok
        except requests.ConnectionError:
            return False
