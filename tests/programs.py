"""Programs of the machine's own that tests and benchmarks start, each in a folder of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from config.local.children import Account


class Program(ABC):
    """One process with a folder of its own; started by `with`, gone after it."""

    def __init__(self, name: str, account: Account | None = None) -> None:
        self.account = account
        self.home = Path(tempfile.mkdtemp(prefix=f"dramatis-{name}-"))
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port: int = found.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, name: str, text: str) -> Path:
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)
        if self.account:
            for each in (self.home, path):
                os.chown(each, self.account.uid, self.account.gid)
        return path

    def run(self, command: Sequence[str]) -> None:
        with (self.home / "output").open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
            )
        deadline = time.monotonic() + 20
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[0]} did not start:\n{(self.home / 'output').read_text()}")
            time.sleep(0.05)

    @abstractmethod
    def answers(self) -> bool:
        """Whether it can be used."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
        shutil.rmtree(self.home)
