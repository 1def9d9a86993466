"""JSON files, in one document or one record a line, read as they stream by."""

import codecs
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.compat.legacy_data import tables
from apps.compat.legacy_data.json_stream import Broken, Entries, Scanner, Unreadable, element, entries, members, record
from apps.compat.legacy_data.names import plain
from apps.compat.legacy_data.reading import Reader
from apps.compat.legacy_data.shapes import Chunk
from apps.compat.legacy_data.spool import Spool

PIECE = 2**16
LINES = (".jsonl", ".ndjson", ".jsonlines")


class JsonFile:
    def __init__(self, path: Path, reader: Reader) -> None:
        self._path = path
        self._reader = reader
        self._names = reader.names
        self._spool = Spool(self._names)
        self._spooled = self._passed_over = 0
        self._long = self._names.history_keys()

    def chunks(self) -> Iterator[Chunk]:
        with self._path.open("rb") as raw:
            size = self._path.stat().st_size
            if size:
                self._reader.report.how_far = lambda: raw.tell() / size
            encoding = _encoding(raw.read(4))
            raw.seek(0)
            errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
            text = io.TextIOWrapper(raw, encoding, errors, newline="\n")
            in_lines = self._path.suffix.lower() in LINES or _in_lines(text)
            text.seek(0)
            try:
                yield from self._lines(text) if in_lines else self._document(Scanner(lambda: text.read(PIECE)))
            except Broken as error:
                self._reader.report.left_out("the rest of the file", error)
            if self._passed_over:
                self._reader.report.note(f"passed over: {self._passed_over:,} records of other kinds")
        if self._spooled:
            self._reader.report.how_far = self._spool.how_far
            yield from tables.chunks(self._spool, self._reader)

    def _lines(self, text: io.TextIOWrapper) -> Iterator[Chunk]:
        for number, scanner in _each_line(text):
            place = f"line {number}"
            try:
                if not scanner.peek():
                    continue
                found = record(scanner, self._long) if scanner.peek() == "{" else scanner.value()
                if scanner.peek():
                    raise Broken("there is more than one value in it")
            except Broken as error:
                self._reader.report.left_out(place, error)
                continue
            yield from self._record(place, found)

    def _document(self, scanner: Scanner) -> Iterator[Chunk]:
        number = 0
        while first := scanner.peek():
            number += 1
            if first == "[":
                yield from self._list(scanner, "record")
            elif first == "{":
                yield from self._object(scanner, f"object {number}")
            else:
                raise Broken("it is neither a list nor an object", fatal=True)

    def _list(self, scanner: Scanner, called: str, kind: str = "") -> Iterator[Chunk]:
        for number, broken in enumerate(scanner.elements(), 1):
            place = f"{called} {number}"
            found: Any = Unreadable(str(broken))
            if broken is None and scanner.peek() == "{":
                depth = scanner.depth
                try:
                    found = record(scanner, self._long)
                except Broken as error:
                    if error.fatal:
                        self._reader.report.left_out(place, error)
                        raise
                    found = Unreadable(str(scanner.skip(depth, str(error))))
            elif broken is None:
                found = element(scanner)
            yield from self._record(place, found, kind)

    def _object(self, scanner: Scanner, place: str) -> Iterator[Chunk]:
        """A character, or lists of what tables hold, by the tables' names."""
        found: dict[str, Any] = {}
        listed = False
        for key in members(scanner):
            if scanner.peek() != "[":
                found[key] = scanner.value()
            elif self._names.is_called("characters", key):
                listed = True
                yield from self._list(scanner, f"{key},", "characters")
            elif plain(key) in self._long or self._kind_of_table(key):
                found[key] = entries(scanner)
            else:
                found[key] = scanner.value()
        if self._names.value("character", "name", found) is not None:
            yield from self._record(place, found)
            return
        for key, value in found.items():
            if isinstance(value, Entries) and (kind := self._kind_of_table(key)):
                listed = True
                for number, each in enumerate(value, 1):
                    yield from self._record(f"{key}, {number}", each, kind)
        if not listed:
            self._reader.report.left_out(place, "it is no character, and holds no table that is known")

    def _record(self, place: str, found: Any, kind: str = "") -> Iterator[Chunk]:
        report = self._reader.report
        if isinstance(found, Unreadable):
            report.left_out(place, found.why)
            return
        if not isinstance(found, dict):
            report.left_out(place, "it is no object")
            return
        if isinstance(found.get("model"), str) and isinstance(found.get("fields"), dict):  # Django's dumpdata
            kind = self._kind_of_table(found["model"].rpartition(".")[2]) or "other"
            found = {"id": found.get("pk"), **found["fields"]}
        kind = kind or self._kind_of(found)
        if kind == "other":
            self._passed_over += 1
        elif kind == "characters":
            rest = found.items()
            short = {k: v for k, v in rest if plain(k) not in self._long and not isinstance(v, Entries)}
            if self._names.value("character", "id", found) is not None:
                self._spool.keep(kind, place, short)
            yield from self._reader.character_with_history(place, found)
        else:
            self._spooled += 1
            unrolled = {key: list(value) if isinstance(value, Entries) else value for key, value in found.items()}
            self._spool.keep(kind, place, unrolled)

    def _kind_of(self, found: dict[str, Any]) -> str:
        """Of a record that does not say: messages have a text and name a conversation."""
        places = self._names.places("message", found)
        if {"content", "conversation"} <= places.keys() and "history" not in self._names.places("character", found):
            return "messages"
        return "characters"

    def _kind_of_table(self, name: str) -> str:
        kinds = ("messages", "conversations", "characters")
        return next((kind for kind in kinds if self._names.is_called(kind, name)), "")


def _encoding(first: bytes) -> str:
    return "utf-8-sig" if first.startswith(codecs.BOM_UTF8) else json.detect_encoding(first) if first else "utf-8"


def _in_lines(text: io.TextIOWrapper) -> bool:
    """Whether the first line is an object of its own and others follow."""
    first = text.readline(PIECE * 256)
    if not first.lstrip().startswith("{") or not text.read(PIECE).strip():
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


class Line:
    """A line of any length, piece by piece."""

    def __init__(self, text: io.TextIOWrapper, first: str) -> None:
        self._text = text
        self._waiting = first
        self._ended = False

    def more(self) -> str:
        if self._ended:
            return ""
        piece = self._waiting or self._text.readline(PIECE)
        self._waiting = ""
        self._ended = not piece or piece.endswith("\n")
        return piece


def _each_line(text: io.TextIOWrapper) -> Iterator[tuple[int, Scanner]]:
    """A scanner that ends where its line does. What it did not read is passed over."""
    number = 0
    while first := text.readline(PIECE):
        number += 1
        line = Line(text, first)
        yield number, Scanner(line.more)
        while line.more():
            pass
