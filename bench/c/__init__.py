"""What stands on both sides of a server that streams, in C: a model, and many readers. Compiled when first needed."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Read:
    """What readers report; times in microseconds."""

    delay: dict[str, int]  # of tokens: median, p99, most
    streams: list[dict[str, int]]  # status, tokens, first, took, bytes, done, failed

    @property
    def tokens(self) -> int:
        return sum(each["tokens"] for each in self.streams)


class Programs:
    """Both, compiled into a folder that is gone afterwards; the model runs meanwhile."""

    def __enter__(self) -> Self:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise SystemExit("There is no C compiler. Try: apt-get install gcc libc6-dev")
        self._home = Path(tempfile.mkdtemp(prefix="dramatis-bench-c-"))
        try:
            for name in ("model", "readers"):
                subprocess.run([compiler, "-O2", "-o", self._home / name, HERE / f"{name}.c"], check=True)
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._model = subprocess.Popen([self._home / "model"], text=True, **pipes)
        except BaseException:
            shutil.rmtree(self._home)
            raise
        assert self._model.stdout is not None
        self.port = int(self._model.stdout.readline())
        self.model_url = f"http://127.0.0.1:{self.port}/v1"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._model.kill()
        self._model.wait()
        shutil.rmtree(self._home)

    def read(
        self, port: int, requests: Sequence[bytes], *, ramp: float, deadline: float, gone: int = 0, gone_after: int = 0
    ) -> Read:
        """Send these, evenly over `ramp` seconds, and read what is answered. `gone` of them leave early."""
        arguments = [port, round(ramp * 1000), round(deadline), gone, gone_after]
        done = subprocess.run(
            [self._home / "readers", *map(str, arguments)],
            input=b"".join(b"%d\n%b" % (len(each), each) for each in requests),
            stdout=subprocess.PIPE,
            timeout=deadline + 30,
            check=True,
        )
        return Read(**json.loads(done.stdout))


def post(path: str, body: dict[str, Any], **headers: str) -> bytes:
    """A request as it goes over the wire."""
    data = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"content-length: {len(data)}", "", ""]).encode() + data
