"""JSON of any length, read value by value; what is broken is passed over where its end can be found."""

import json
import re
import tempfile
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from apps.compat.legacy_data.names import plain

# Of one value: a message, a column, a history that is text.
MAX_VALUE = 2**28
IN_MEMORY = 500
# What is deeper is refused here, so that nothing that comes after can run out of stack.
MAX_DEPTH = 300

DECODER = json.JSONDecoder(strict=False)
SPACE = re.compile(r"[ \t\r\n]*")
MARK = re.compile(r'["\[\]{},]')
IN_TEXT = re.compile(r'["\\]')
# How near to the end of what was read an error is none yet: `-Infinit`, half an escape.
CUT = 16


class Broken(ValueError):
    """This is no JSON. `fatal`: nor can what follows be told from it."""

    def __init__(self, why: str, *, fatal: bool = False) -> None:
        super().__init__(why)
        self.fatal = fatal


class Scanner:
    """`more` gives the next piece of text, an empty one at the end."""

    def __init__(self, more: Callable[[], str]) -> None:
        self._more = more
        self._text = ""
        self._at = 0
        self.depth = 0

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            found = SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._grow():
                return ""

    def take(self, expected: str) -> None:
        if (found := self.peek()) != expected:
            raise Broken(f"{expected} was expected" if found else "it ends too early", fatal=not found)
        self._at += 1
        self.depth += 1 if expected in "[{" else -1 if expected in "]}" else 0

    def value(self) -> Any:
        if not self.peek():
            raise Broken("it ends too early", fatal=True)
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - CUT
                if not cut:
                    raise Broken(error.msg) from None
                if not self._grow():
                    raise Broken("it ends too early", fatal=True) from None
            except RecursionError:
                raise Broken("it is nested too deeply") from None
            except ValueError:  # Python's limit to the digits of an integer
                raise Broken("a number has too many digits") from None
            else:
                # More digits may follow.
                if end == len(self._text) and self._grow():
                    continue
                if self._brackets(end) > MAX_DEPTH and _is_deep(value):
                    raise Broken("it is nested too deeply")
                self._at = end
                return value

    def _brackets(self, end: int) -> int:
        return self._text.count("[", self._at, end) + self._text.count("{", self._at, end)

    def elements(self) -> Iterator[Broken | None]:
        """Once at the beginning of each element of a list, which is then read; a `Broken` where there was none."""
        self.take("[")
        depth = self.depth
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield None
            if self.peek() not in (",", "]"):
                yield self.skip(depth, "a comma was expected")
            if self.peek() == "]":
                self.take("]")
                return
            self.take(",")
            if self.peek() == "]":
                self.take("]")
                return

    def skip(self, depth: int, why: str) -> Broken:
        """Go on to the comma or bracket at `depth` that follows. The error to tell."""
        while self.peek():
            found = MARK.search(self._text, self._at)
            if found is None:
                self._at = len(self._text)
                continue
            self._at = found.end()
            mark = found[0]
            if mark == '"':
                self._skip_text()
            elif mark in "[{":
                self.depth += 1
            elif self.depth == depth:
                self._at = found.start()
                return Broken(why)
            elif mark in "]}":
                self.depth -= 1
        raise Broken("it ends too early", fatal=True)

    def _skip_text(self) -> None:
        while True:
            found = IN_TEXT.search(self._text, self._at)
            self._at = found.end() if found else len(self._text)
            if found and found[0] == '"':
                return
            if self._at >= len(self._text) and not self._grow():
                return
            if found:
                self._at += 1

    def _grow(self) -> bool:
        """Read about as much again as there is, so that a long value is not tried at every piece."""
        rest = self._text[self._at :]
        if len(rest) > MAX_VALUE:
            raise Broken(f"it is longer than {MAX_VALUE >> 20} million characters")
        pieces, length = [rest], 0
        while length <= len(rest) and (piece := self._more()):
            pieces.append(piece)
            length += len(piece)
        self._text, self._at = "".join(pieces), 0
        return length > 0


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for one in level
            if isinstance(one, dict | list)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
    return any(isinstance(one, dict | list) for one in level)


class Unreadable(NamedTuple):
    """Stands in the place of an element that was broken."""

    why: str


class Entries:
    """A list of any length: its end is on disk where it is long."""

    def __init__(self) -> None:
        self._first: list[Any] = []
        self._rest: Any = None

    def __del__(self) -> None:
        if self._rest is not None:
            self._rest.close()

    def append(self, entry: Any) -> None:
        if len(self._first) < IN_MEMORY:
            self._first.append(entry)
            return
        if self._rest is None:
            self._rest = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115  # lives as long as the list
        broken = isinstance(entry, Unreadable)
        self._rest.write(("!" if broken else "=") + json.dumps(entry.why if broken else entry) + "\n")

    def __iter__(self) -> Iterator[Any]:
        yield from self._first
        if self._rest is not None:
            self._rest.seek(0)
            for line in self._rest:
                entry = json.loads(line[1:])
                yield Unreadable(entry) if line[0] == "!" else entry
            self._rest.seek(0, 2)


def entries(scanner: Scanner) -> Entries:
    """The list that begins here."""
    found = Entries()
    for broken in scanner.elements():
        found.append(Unreadable(str(broken)) if broken else element(scanner))
    return found


def element(scanner: Scanner) -> Any:
    """The element of a list that begins here, else `Unreadable`, and what is behind it comes next."""
    depth = scanner.depth
    try:
        return scanner.value()
    except Broken as error:
        if error.fatal:
            raise
        return Unreadable(str(scanner.skip(depth, str(error))))


def record(scanner: Scanner, long: Collection[str]) -> dict[str, Any]:
    """The object that begins here. Lists under a key whose plain name is in `long` are `Entries`."""
    found: dict[str, Any] = {}
    for key in members(scanner):
        listed = plain(key) in long and scanner.peek() == "["
        found[key] = entries(scanner) if listed else scanner.value()
    return found


def members(scanner: Scanner) -> Iterator[str]:
    """The keys of the object that begins here; after each, its value is to be read."""
    scanner.take("{")
    if scanner.peek() == "}":
        scanner.take("}")
        return
    while True:
        if scanner.peek() != '"':
            raise Broken("a key was expected")
        key = str(scanner.value())
        scanner.take(":")
        yield key
        if scanner.peek() == "}":
            scanner.take("}")
            return
        scanner.take(",")
