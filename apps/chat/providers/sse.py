"""Server-sent events as the WHATWG standard reads them, from bytes cut anywhere."""

from collections.abc import Iterator

from .errors import ProviderFailed

_BOM = b"\xef\xbb\xbf"


class Events:
    """Bytes in, the data of each event out. `event:`, `id:`, `retry:` and comments are passed over.

    A line, and the data of one event, may be `max_line` bytes long; more raises `ProviderFailed`.
    """

    __slots__ = ("_after_cr", "_at_start", "_data", "_data_size", "_max_line", "_rest", "_rest_size")

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line
        # An unfinished line stays in pieces, so that a long one costs no copying.
        self._rest: list[bytes] = []
        self._rest_size = 0
        self._data: list[bytes] = []
        self._data_size = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The events that this chunk completes."""
        if self._is_one_event(chunk):
            self._at_start = self._after_cr = False
            yield chunk[6:-2]
            return
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        elif chunk:
            self._after_cr = False
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            if self._rest:
                self._rest.append(line)
                line = b"".join(self._rest)
                self._rest.clear()
                self._rest_size = 0
            if (data := self._line(line)) is not None:
                yield data
        if rest:
            self._rest.append(rest)
            self._rest_size += len(rest)
            if self._rest_size > self._max_line:
                raise ProviderFailed("line too long")

    def _is_one_event(self, chunk: bytes) -> bool:
        """One line of data and its end, between two events: as most of them come while a model speaks."""
        return (
            chunk.startswith(b"data: ")
            and chunk.find(b"\n") == len(chunk) - 2
            and chunk.endswith(b"\n")
            and b"\r" not in chunk
            and len(chunk) <= self._max_line
            and not self._rest
            and not self._data
        )

    def close(self) -> Iterator[bytes]:
        """What the end of the body completes. The standard drops it; servers that forget the blank line are heard."""
        # The last line, unless it was ended, and the blank one.
        for line in (b"".join(self._rest), b""):
            if (data := self._line(line)) is not None:
                yield data
        self._rest.clear()

    def _line(self, line: bytes) -> bytes | None:
        """The event that this line ends."""
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if line.startswith(b"data:"):
            value = line[6:] if line.startswith(b" ", 5) else line[5:]
            self._data.append(value)
            self._data_size += len(line)
            if self._data_size > self._max_line:
                raise ProviderFailed("line too long")
        elif not line:
            if self._data:
                data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                self._data.clear()
                self._data_size = 0
                return data
        elif line == b"data":
            self._data.append(b"")
            self._data_size += 1
        return None
