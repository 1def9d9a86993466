"""Tables that came as lists in a JSON file, in no order: put into a file of SQLite's that is gone with us."""

import json
import sqlite3
import weakref
from collections.abc import Iterator

from apps.compat.legacy_data.names import Names
from apps.compat.legacy_data.reading import key_of
from apps.compat.legacy_data.shapes import Row

KINDS = {"characters": "character", "conversations": "conversation", "messages": "message"}
BIGGEST = 2**63

TABLE = """
CREATE TABLE kept (kind TEXT, id TEXT, conversation TEXT, place TEXT, position INTEGER, record TEXT);
CREATE INDEX kept_ids ON kept (kind, id);
CREATE INDEX kept_order ON kept (kind, conversation, position);
"""


class Spool:
    """See `tables.Tables`. Characters are kept here to be looked up; who read them has told of them."""

    unique = False

    def __init__(self, names: Names) -> None:
        self._names = names
        # An empty name: a temporary file, which SQLite itself takes away.
        self._connection = sqlite3.connect("", isolation_level=None)
        weakref.finalize(self, self._connection.close)
        self._connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + TABLE)
        self._count = self._read = 0
        self.has_talks = False

    def keep(self, kind: str, place: str, record: Row) -> None:
        """`kind`: one of `KINDS`."""
        self._count += 1
        self.has_talks |= kind == "conversations"
        value = self._names.value
        own, position = key_of(value(KINDS[kind], "id", record)), self._count
        conversation = None
        if kind == "messages":
            conversation = key_of(value("message", "conversation", record))
            for told in (value("message", "order", record), value("message", "id", record)):
                if type(told) is int and abs(told) < BIGGEST:
                    position = told
                    break
        row = (kind, _text(own), _text(conversation), place, position, json.dumps(record))
        self._connection.execute("INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?)", row)

    def how_far(self) -> float:
        return self._read / max(self._count, 1)

    def people(self) -> Iterator[tuple[str, Row]]:
        yield from ()

    def person(self, key: str) -> Row | None:
        return self._find("characters", key)

    def talk(self, key: str) -> Row | None:
        return self._find("conversations", key)

    def silent_talks(self) -> Iterator[tuple[str, Row]]:
        yield from self._rows(
            "SELECT place, record FROM kept AS talk WHERE kind = 'conversations' AND NOT EXISTS"
            " (SELECT 1 FROM kept WHERE kind = 'messages' AND conversation = talk.id) ORDER BY rowid"
        )

    def messages(self) -> Iterator[tuple[str, Row]]:
        yield from self._rows(
            "SELECT place, record FROM kept WHERE kind = 'messages' ORDER BY conversation, position, rowid"
        )

    def _rows(self, statement: str) -> Iterator[tuple[str, Row]]:
        for place, record in self._connection.execute(statement):
            self._read += 1
            yield place, json.loads(record)

    def _find(self, kind: str, key: str) -> Row | None:
        found = self._connection.execute("SELECT record FROM kept WHERE kind = ? AND id = ?", (kind, _text(key)))
        row = found.fetchone()
        found.close()
        return None if row is None else json.loads(row[0])


def _text(text: str | None) -> str | None:
    """SQLite refuses lone surrogates."""
    return text if text is None else text.encode("utf-8", "backslashreplace").decode()
