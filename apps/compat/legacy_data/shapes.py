"""What is read, on its way to be written."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apps.accounts.models import User

Row = Mapping[str, Any]

# In which years the time of an id may lie; told by the source, so it never depends on when it is read.
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Bad(ValueError):
    """A record, or a part of one, that cannot be taken over; says why."""


@dataclass(frozen=True, slots=True)
class Person:
    """A character. `key` is what it is called by at the source, `fields` what stands in its row."""

    user: User
    source: str
    key: str
    fields: dict[str, Any]
    created_at: datetime | None
    # Whether it is told of by a record of its own, and as this user's.
    recorded: bool = True

    @property
    def pk(self) -> uuid.UUID:
        return stable_id(self.user, self.source, "character", self.key, self.created_at)


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation with `person`, who may be another user's at the source and is this one's here."""

    person: Person
    key: str
    fields: dict[str, Any]
    created_at: datetime | None

    @property
    def pk(self) -> uuid.UUID:
        return stable_id(self.person.user, self.person.source, "conversation", self.key, self.created_at)


@dataclass(frozen=True, slots=True)
class Turn:
    """A message. Its `client_id` tells it from every other one of its conversation, run after run."""

    client_id: str
    role: str
    content: str
    created_at: datetime
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A character; or a conversation with some of its messages, of which more may follow in further chunks."""

    person: Person
    talk: Talk | None = None
    turns: list[Turn] = field(default_factory=list)
    begins: bool = True


def stable_id(user: User, source: str, kind: str, key: str, created_at: datetime | None) -> uuid.UUID:
    """The same for the same thing, whenever it is read: so that it is found again by the primary key. A UUIDv7 in form,
    its time the source's (that of 1970 where there is none), its chance a digest."""
    told = "\x1f".join((str(user.pk), source, kind, key))
    chance = int.from_bytes(hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=10).digest())
    time = int(created_at.timestamp() * 1000) if created_at and FIRST <= created_at < LAST else 0
    high, low = chance >> 62 & 0xFFF, chance & (1 << 62) - 1
    return uuid.UUID(int=time << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
