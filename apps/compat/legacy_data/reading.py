"""Records, as they stand at the source, to characters, conversations and messages. What is wrong is reported, with its
place, and left out."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from apps.accounts.models import User
from apps.characters.cards.card import NotACard, Warnings
from apps.characters.cards.fields import KEYS, fields_of
from apps.compat.legacy_data import moments
from apps.compat.legacy_data.json_stream import Broken, Entries, Scanner, Unreadable, element, entries
from apps.compat.legacy_data.names import Names, plain
from apps.compat.legacy_data.report import Report
from apps.compat.legacy_data.shapes import FIRST, Bad, Chunk, Person, Row, Talk, Turn
from apps.compat.legacy_data.speech import Listener, Said
from apps.conversations.documents.lines import storable

# Of a chunk: messages, and characters in them.
AT_ONCE = 500
CHARACTERS_AT_ONCE = 500_000
MARK = "legacy"
CLIENT_ID = "legacy"
# Of what is kept beside, in characters of JSON.
MOST_KEPT = 20_000
# Columns that hold a list or an object may hold it as text.
STRUCTURED = ("alternate_greetings", "tags", "lorebook", "extensions")


@dataclass(frozen=True)
class Reader:
    """`owner`: whose a record is that names an e-mail address, None for one that names nobody; raises Bad."""

    source: str
    names: Names
    report: Report
    owner: Callable[[Any], User]
    now: datetime
    # Who those are with that name no character.
    character: str
    _named: dict[tuple[Any, str], Person] = field(default_factory=dict)
    _nameless: Counter[str] = field(default_factory=Counter)

    # ── Characters ───────────────────────────────────────────────────────────────────────────

    def character_with_history(self, place: str, row: Row) -> Iterator[Chunk]:
        try:
            person = self.person(place, row)
        except Bad as error:
            self.report.left_out(place, error)
            return
        yield Chunk(person)
        history = self.names.value("character", "history", row)
        if history is None:
            return
        key = f"history of {person.key}"
        yield from self._history(place, person, key, {}, person.created_at, history)

    def person(self, place: str, row: Row, *, again: bool = False) -> Person:
        """Raises Bad. `again`: what had to be mended has been told."""
        names = self.names
        owner = self.owner(names.value("character", "owner", row))
        card = {}
        for name, keys in KEYS.items():
            value = self._open(name, names.value("character", name, row))
            card[keys[0]] = storable(value) if name in ("lorebook", "extensions") else value
        warnings = Warnings()
        try:
            fields = fields_of(card, warnings)
        except NotACard as error:
            raise Bad(error.detail) from None
        except RecursionError:
            raise Bad("it is nested too deeply") from None
        if not fields["name"]:
            raise Bad("The character has no name.")
        for warning in [] if again else warnings.told():
            self.report.mended(place, warning)
        key = key_of(names.value("character", "id", row))
        if key is None:
            # By its name, and which of that name it is.
            self._nameless[fields["name"]] += 1
            key = f"{fields['name']}\x1f{self._nameless[fields['name']]}"
        kept = self._kept(place, row, names.places("character", row))
        fields["extensions"] = {**fields["extensions"], MARK: {"source": self.source, "id": key[:200], **kept}}
        return Person(owner, self.source, key, storable(fields), self._begun(place, "character", row))

    def named(self, name: str, user: User) -> Person:
        """Whom nothing is known of but the name."""
        if (user.pk, name) not in self._named:
            mark = {MARK: {"source": self.source}}
            fields = {"name": storable(name).strip()[:200] or self.character, "extensions": mark}
            self._named[user.pk, name] = Person(user, self.source, f"named\x1f{name}", fields, None, recorded=False)
        return self._named[user.pk, name]

    def _open(self, name: str, value: Any) -> Any:
        if name not in STRUCTURED or not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value if name in ("tags", "alternate_greetings") else None

    # ── Conversations ────────────────────────────────────────────────────────────────────────

    def talk(self, place: str, key: str, row: Row, person: Person) -> Talk:
        names = self.names
        title = names.value("conversation", "title", row)
        fields: dict[str, Any] = {}
        if isinstance(title, str):
            fields["title"] = " ".join(storable(title).split())[:200]
        kept = self._kept(place, row, names.places("conversation", row))
        fields["extra"] = {MARK: {"source": self.source, "id": key[:200], **kept}}
        return Talk(person, key, storable(fields), self._begun(place, "conversation", row))

    def talk_with_history(self, place: str, talk: Talk, row: Row) -> Iterator[Chunk]:
        history = self.names.value("conversation", "history", row)
        if history is None:
            yield Chunk(talk.person, talk)
            return
        said: Iterable[Any] = self._entries(place, history)
        yield from self._chunks(talk, ((f"{place}, message {n}", entry) for n, entry in enumerate(said, 1)))

    def turns(self, talk: Talk, rows: Iterable[tuple[str, Any]], *, unique: bool) -> Iterator[Chunk]:
        """A conversation whose messages are records of their own, in their order, each with its place. `unique`: each
        has an id that no other has, which need not be remembered to know."""
        yield from self._chunks(talk, rows, unique=unique)

    def _history(
        self, place: str, person: Person, key: str, fields: dict[str, Any], begun: datetime | None, history: Any
    ) -> Iterator[Chunk]:
        """All in one conversation; but entries that are conversations in one each."""
        mark = {MARK: {"source": self.source, "id": key[:200]}}
        talk = Talk(person, key, storable({"extra": mark, **fields}), begun)
        said = self._entries(place, history)
        plain_ones = (
            (f"{place}, message {number}", entry) for number, entry in enumerate(said, 1) if not self._is_session(entry)
        )
        yield from self._chunks(talk, plain_ones, even_if_empty=False)
        for number, session in enumerate(said, 1):
            if not self._is_session(session):
                continue
            own = key_of(self.names.value("conversation", "id", session))
            inner = self.talk(place, f"{key}: {number if own is None else own}", session, person)
            yield from self.talk_with_history(f"{place}, conversation {number}", inner, session)

    def _is_session(self, entry: Any) -> bool:
        if not isinstance(entry, Mapping):
            return False
        inner = self.names.value("conversation", "history", entry)
        return isinstance(inner, list) and not self.names.places("message", entry).keys() & {"role", "content"}

    def _entries(self, place: str, history: Any) -> Iterable[Any]:
        try:
            return entries_of(history)
        except (Bad, Broken) as error:
            self.report.left_out(f"{place}, its history", error)
            return ()

    # ── Messages ─────────────────────────────────────────────────────────────────────────────

    def _chunks(
        self, talk: Talk, found: Iterable[tuple[str, Any]], *, even_if_empty: bool = True, unique: bool = False
    ) -> Iterator[Chunk]:
        chunk, characters = Chunk(talk.person, talk), 0
        for turn in self._turns(talk, found, None if unique else Counter()):
            chunk.turns.append(turn)
            characters += len(turn.content)
            if len(chunk.turns) == AT_ONCE or characters > CHARACTERS_AT_ONCE:
                yield chunk
                chunk, characters = Chunk(talk.person, talk, begins=False), 0
        if chunk.turns or (chunk.begins and even_if_empty):
            yield chunk

    def _turns(self, talk: Talk, found: Iterable[tuple[str, Any]], seen: Counter[str] | None) -> Iterator[Turn]:
        listener = Listener(self.names, str(talk.person.fields["name"]))
        clock: datetime | None = talk.created_at if self._is_sane(talk.created_at) else None
        for place, entry in found:
            self.report.counts["messages read"] += 1
            try:
                if isinstance(entry, Unreadable):
                    raise Bad(entry.why)
                said = listener.hear(entry)
            except Bad as error:
                self.report.left_out(place, error)
                continue
            for number, each in enumerate(said):
                clock = self._time(place, each.when, clock)
                yield self._turn(place, each, f"{number or ''}", clock or self.now, seen)

    def _turn(self, place: str, said: Said, half: str, when: datetime, seen: Counter[str] | None) -> Turn:
        content = storable(said.content)
        if content != said.content:
            self.report.mended(place, "characters that cannot be stored were replaced")
        rest = self._fit(place, said.rest)
        own = key_of(said.id)
        name = own if own is not None and len(own) <= 64 and storable(own) == own else _digest(said, own)
        name += f"-{half}" if half else ""
        again: int | str = ""
        if seen is not None:
            # Two that are called the same are two all the same.
            seen[name] += 1
            again = seen[name] if seen[name] > 1 else ""
        return Turn(f"{CLIENT_ID}{again}:{name}", said.role.value, content, when, {MARK: rest} if rest else {})

    def _time(self, place: str, told: Any, clock: datetime | None) -> datetime | None:
        """That of the one before where none is told, or one that cannot be."""
        if told in (None, ""):
            return clock
        found = moments.read(told)
        if self._is_sane(found):
            return found
        self.report.mended(place, f"its time ({str(told)[:40]}) cannot be; the one before it was taken")
        return clock

    def _is_sane(self, time: datetime | None) -> bool:
        return time is not None and FIRST <= time <= self.now + timedelta(days=1)

    def _begun(self, place: str, kind: str, row: Row) -> datetime | None:
        told = self.names.value(kind, "created_at", row)
        found = moments.read(told)
        if told not in (None, "") and not self._is_sane(found):
            self.report.mended(place, f"its time ({str(told)[:40]}) cannot be")
        return found

    # ── What has no place of its own here ────────────────────────────────────────────────────

    def _kept(self, place: str, row: Row, places: Mapping[str, list[str]]) -> dict[str, Any]:
        told = {key for keys in places.values() for key in keys}
        rest = {key: value for key, value in row.items() if key not in told and value not in (None, "", [], {})}
        fit = self._fit(place, rest)
        return {"kept": fit} if fit else {}

    def _fit(self, place: str, rest: dict[str, Any]) -> dict[str, Any]:
        if not rest:
            return rest
        shown = {key: value for key, value in rest.items() if not isinstance(value, bytes | Entries)}
        fit: dict[str, Any] = storable(shown)
        if len(json.dumps(fit)) > MOST_KEPT:
            self.report.mended(place, "fields that have no place here were too long to be kept")
            return {}
        return fit


def entries_of(history: Any) -> Iterable[Any]:
    """The entries of a history in whatever form; raises Bad or Broken."""
    match history:
        case Entries() | list():
            return history
        case bytes() | bytearray() | memoryview():
            return entries_of(bytes(history).decode("utf-8", "surrogateescape"))
        case str():
            return _entries_in(history)
        case dict():
            for key, value in history.items():
                if plain(key) in ("messages", "history", "chathistory", "turns", "conversation", "visible"):
                    return entries_of(value)
        case None:
            return ()
    raise Bad("it is no list of messages")


def _entries_in(text: str) -> Iterable[Any]:
    pieces = iter((text,))
    scanner = Scanner(lambda: next(pieces, ""))
    match scanner.peek():
        case "":
            return ()
        case "[":
            return entries(scanner)
        case "{" | '"':
            first = scanner.value()
            if not scanner.peek():
                return entries_of(first)
            # One a line, without brackets.
            found = [first]
            while scanner.peek():
                found.append(element(scanner))
            return found
    raise Bad("it is no list of messages")


def key_of(value: Any) -> str | None:
    """An id, as text; None where there is none."""
    match value:
        case {"$oid": str() as inner}:
            return inner
        case bool() | None | "" | dict() | list() | bytes():
            return None
        case float() if value.is_integer():
            return str(int(value))
    return str(value)


def _digest(said: Said, own: str | None) -> str:
    """What tells it from others where it has no id that can be kept."""
    told = json.dumps([own, said.role.value, said.content, str(said.when)])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def for_user(person: Person, user: User) -> Person:
    return person if person.user.pk == user.pk else replace(person, user=user, recorded=False)
