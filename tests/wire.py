"""The line between a browser and a server of this machine, which may break at the worst moment."""

import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class Wire:
    """`url` leads to the server as long as the wire is whole."""

    def __init__(self, to: str) -> None:
        self._to = ("127.0.0.1", urlsplit(to).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._broken = False
        self._swallows: bytes | None = None
        self.swallowed = threading.Event()

    def breaks(self) -> None:
        """Whatever is on it is cut, and nobody gets through."""
        with self._lock:
            self._broken = True
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def mends(self) -> None:
        self._broken, self._swallows = False, None

    def swallows_the_answer_to(self, request: str) -> None:
        """The next request that begins so arrives; it is answered, but nobody hears that: the wire is broken."""
        self.swallowed.clear()
        self._swallows = request.encode()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.breaks()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                if self._broken:
                    here.close()
                    continue
                there = socket.create_connection(self._to)
                with self._lock:
                    self._open |= {here, there}
                doomed = threading.Event()
                for source, sink in ((here, there), (there, here)):
                    threading.Thread(
                        target=self._pass, args=(source, sink, source is here, doomed), daemon=True
                    ).start()

    def _pass(self, source: socket.socket, sink: socket.socket, asks: bool, doomed: threading.Event) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if asks and self._swallows and data.startswith(self._swallows):
                    self._swallows = None
                    doomed.set()
                elif not asks and doomed.is_set():
                    self.breaks()
                    self.swallowed.set()
                    break
                sink.sendall(data)
        with self._lock:
            self._open -= {source, sink}
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            if not asks:
                each.close()
