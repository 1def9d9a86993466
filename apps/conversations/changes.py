"""What changed since a client last looked.

A token holds a snapshot of PostgreSQL's: which transactions were over when it was given out. A row has changed since
when the transaction that last wrote it (its column `changed`) was not. A clock, or the highest number so far, would
miss what was written before the token was given out and committed after.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Self, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, Model, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError

from apps.api.pagination import decode_cursor, encode_cursor
from apps.api.statements import Statement
from apps.conversations.models import Tombstone

M = TypeVar("M", bound=Model)

DAY = 24 * 60 * 60

# xmin:xmax:those under way in between. Numbers of less than 64 bits.
SNAPSHOT = re.compile(r"([1-9][0-9]{0,17}):([1-9][0-9]{0,17}):((?:[1-9][0-9]{0,17})(?:,[1-9][0-9]{0,17})*)?")

# A token is a part of addresses, which must not grow long.
MAX_SNAPSHOT = 1_000

# Which database this is, as it was last recovered, so that numbers of one are not taken for those of another.
NAMED = "(SELECT ROW(system_identifier, timeline_id)::text FROM pg_control_system(), pg_control_checkpoint())"

_NAME = Statement(f"SELECT {NAMED}")
_NOW = Statement(f"SELECT pg_current_snapshot()::text, {NAMED}")

# PostgreSQL reads files to tell. A token that a process gives out under an old name, after another server has taken
# over, is refused like those from before.
NAME_SECONDS = 10.0

# The first two conditions are for the index. A row brought here from another database may be from this one's future.
CHANGED = """
    changed >= %s::xid8 AND changed < pg_snapshot_xmax(pg_current_snapshot())
    AND NOT pg_visible_in_snapshot(changed, %s::pg_snapshot)
"""


class SyncExpired(APIException):
    status_code = status.HTTP_410_GONE
    default_code = "sync_expired"
    default_detail = "This was too long ago to tell what changed since. Load everything anew."


def broken_token() -> ValidationError:
    return ValidationError({"since": ["This is no token that was given out here."]}, code="invalid")


@dataclass(frozen=True, slots=True)
class Token:
    """A moment of this database, as clients keep it."""

    issued: int  # seconds since 1970
    days: int  # how long what was deleted was remembered then
    database: str
    snapshot: str

    @classmethod
    def now(cls) -> Self:
        """Rows that are read after this are as new as the token, or newer."""
        snapshot, name = _NOW.rows()[0]
        return cls(int(time.time()), settings.SYNC_RETENTION_DAYS, _mark(name), short(snapshot))

    @classmethod
    def of(cls, snapshot: str) -> Self:
        """The same, where the rows were read by the statement that told the snapshot."""
        return cls(int(time.time()), settings.SYNC_RETENTION_DAYS, _mark(_database_name()), short(snapshot))

    @classmethod
    def read(cls, text: str, broken: Callable[[], ValidationError] = broken_token) -> Self:
        """What `str` made; what `broken` makes is raised where it did not."""
        issued, days, database, snapshot = decode_cursor(text, length=4, broken=broken)
        sound = (
            all(type(number) is int and 0 <= number < 10**12 for number in (issued, days))
            and all(isinstance(part, str) and len(part) <= MAX_SNAPSHOT for part in (database, snapshot))
            and _is_snapshot(snapshot)
        )
        if not sound:
            raise broken()
        return cls(issued, days, database, snapshot)

    def __str__(self) -> str:
        return encode_cursor([self.issued, self.days, self.database, self.snapshot])

    @property
    def xmin(self) -> int:
        return int(self.snapshot.split(":")[0])

    @property
    def xmax(self) -> int:
        return int(self.snapshot.split(":")[1])

    def check(self, now: "Token") -> None:
        """Refuse a token from before what is remembered, from another database, or from a future that was undone."""
        age = now.issued - self.issued
        # Processes' clocks differ a little.
        known = -DAY <= age <= min(self.days, now.days) * DAY
        if not known or self.database != now.database or self.xmax > now.xmax:
            raise SyncExpired()

    def changed(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Those of `rows`, of one table that has the column, that changed since."""
        return rows.filter(RawSQL(CHANGED, (str(self.xmin), self.snapshot), BooleanField()))  # noqa: S611


def _mark(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:12]


def _database_name() -> str:
    """As it was within the last moments."""
    global _known
    known_until, name = _known
    if (now := time.monotonic()) > known_until:
        name = _NAME.rows()[0][0]
        _known = (now + NAME_SECONDS, name)
    return name


_known = (0.0, "")


def short(snapshot: str) -> str:
    """The snapshot, or one from before it where too many transactions were under way to name them: then everything
    since the oldest of them is told, some of it twice."""
    oldest = snapshot.partition(":")[0]
    return snapshot if len(snapshot) <= MAX_SNAPSHOT else f"{oldest}:{oldest}:"


def _is_snapshot(text: str) -> bool:
    """Whether PostgreSQL would take it for one."""
    match = SNAPSHOT.fullmatch(text)
    if match is None:
        return False
    xmin, xmax = int(match[1]), int(match[2])
    running = [int(number) for number in match[3].split(",")] if match[3] else []
    return xmin <= xmax and running == sorted(running) and all(xmin <= number < xmax for number in running)


@transaction.atomic
def prune(limit: int = 10_000) -> int:
    """Forget what no token can ask for any more: at most `limit` tombstones. How many there were."""
    # A day more than tokens live: for clocks that differ, and for deletions that were long in committing.
    age = timedelta(days=settings.SYNC_RETENTION_DAYS + 1)
    old = Tombstone.objects.filter(deleted_at__lt=timezone.now() - age).select_for_update(skip_locked=True)
    doomed: list[Any] = list(old.values_list("pk", flat=True)[:limit])
    return Tombstone.objects.filter(pk__in=doomed).delete()[0]
