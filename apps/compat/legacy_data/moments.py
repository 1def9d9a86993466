"""Times, as programs have written them. Those without a zone are taken for UTC."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from apps.conversations.documents import dates

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,12})?")
# Up to where a number of seconds, milliseconds, microseconds and nanoseconds since 1970 is taken for one.
UNITS = ((10**11, 1), (10**14, 10**3), (10**17, 10**6), (10**20, 10**9))


def read(value: Any) -> datetime | None:
    """The time in UTC; None where it cannot be told."""
    try:
        return _read(value)
    except (ValueError, OverflowError, TypeError):
        return None


def _read(value: Any) -> datetime | None:
    match value:
        case bool() | None:
            return None
        case datetime():
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        case int() | float():
            return _since_1970(value)
        case {"$date": inner} | {"$numberLong": inner}:  # MongoDB's
            return read(inner)
        case {"seconds": int() | float() as seconds} | {"_seconds": int() | float() as seconds}:  # Firestore's
            return _since_1970(seconds)
        case str():
            return _text(value.strip())
    return None


def _text(text: str) -> datetime | None:
    if NUMBER.fullmatch(text):
        return _since_1970(float(text) if "." in text else int(text))
    if len(text) > 100:
        return None
    if (found := dates.read(text)) or (found := dates.read(text.replace("/", "-"))):
        return found
    return _read(parsedate_to_datetime(text))  # Mon, 01 Jan 2024 10:00:00 GMT


def _since_1970(number: float) -> datetime | None:
    for end, unit in UNITS:
        if abs(number) < end:
            # Whole numbers stay whole: a float would lose microseconds.
            microseconds = number * 10**6 // unit if isinstance(number, int) else round(number * 10**6 / unit)
            return EPOCH + timedelta(microseconds=microseconds)
    return None
