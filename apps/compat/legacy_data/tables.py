"""Characters, conversations and messages in tables of their own, wherever those are."""

from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import chain, groupby
from typing import Any, Protocol

from apps.compat.legacy_data.reading import Reader, for_user, key_of
from apps.compat.legacy_data.shapes import Bad, Chunk, Person, Row


class Tables(Protocol):
    """Rows, each with its place for people. None of these reads a table into memory."""

    # Whether every message has an id that no other has.
    unique: bool
    # Whether there is a table of conversations; else messages alone tell of them.
    has_talks: bool

    def people(self) -> Iterator[tuple[str, Row]]: ...

    def person(self, key: str) -> Row | None: ...

    def talk(self, key: str) -> Row | None: ...

    def silent_talks(self) -> Iterator[tuple[str, Row]]:
        """Conversations that no message names."""

    def messages(self) -> Iterator[tuple[str, Row]]:
        """Those of a conversation together, in their order."""


def chunks(tables: Tables, reader: Reader) -> Iterator[Chunk]:
    for place, row in tables.people():
        yield from reader.character_with_history(place, row)
    partners = Partners(tables, reader)
    conversation = partial(reader.names.value, "message", "conversation")
    for key, found in groupby(tables.messages(), lambda each: key_of(conversation(each[1]))):
        first = next(found)
        rows = chain([first], found)  # noqa: B031  # that is once
        try:
            row = _talk_of(tables, key, first[1])
            person = partners.of(row)
        except Bad as error:
            for place, _ in rows:
                reader.report.left_out(place, error)
            continue
        yield from partners.introduced(person)
        place = f"conversation {key}"
        talk = reader.talk(place, place, row if tables.has_talks else {}, person)
        yield from reader.turns(talk, rows, unique=tables.unique)
    for place, row in tables.silent_talks():
        try:
            if (key := key_of(reader.names.value("conversation", "id", row))) is None:
                raise Bad("it has no id")
            person = partners.of(row)
        except Bad as error:
            reader.report.left_out(place, error)
            continue
        yield from partners.introduced(person)
        yield from reader.talk_with_history(place, reader.talk(place, f"conversation {key}", row, person), row)


def _talk_of(tables: Tables, key: str | None, message: Row) -> Row:
    """Without a table of conversations, a message tells of its own."""
    if key is None:
        raise Bad("it names no conversation")
    row = tables.talk(key) if tables.has_talks else message
    if row is None:
        raise Bad(f"there is no conversation {key}")
    return row


class Partners:
    """The characters that conversations are with."""

    def __init__(self, tables: Tables, reader: Reader) -> None:
        self._tables = tables
        self._reader = reader
        self._known = lru_cache(maxsize=1000)(self._find)
        self._introduced: set[Any] = set()

    def of(self, talk: Row) -> Person:
        """Raises Bad."""
        value = partial(self._reader.names.value, "conversation")
        owner, key, name = value("owner", talk), key_of(value("character", talk)), value("character_name", talk)
        if key is not None and (person := self._known(key)):
            return person if owner is None else for_user(person, self._reader.owner(owner))
        name = name.strip() if isinstance(name, str) else ""
        return self._reader.named(name or self._reader.character, self._reader.owner(owner))

    def introduced(self, person: Person) -> Iterator[Chunk]:
        """Before the first conversation with one that is no record of the table, or that becomes another user's."""
        if not person.recorded and person.pk not in self._introduced:
            self._introduced.add(person.pk)
            yield Chunk(person)

    def _find(self, key: str) -> Person | None:
        row = self._tables.person(key)
        return None if row is None else self._reader.person(f"character {key}", row, again=True)
