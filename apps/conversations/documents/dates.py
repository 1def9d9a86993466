"""The times in SillyTavern's files, of which there are five forms. Those without a zone are taken for UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)

# June 19, 2023 2:20pm
WORDS = re.compile(
    r"(?P<month>[A-Za-z]+)\s+(?P<day>[0-9]{1,2}),?\s+(?P<year>[0-9]{4})\s+"
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?\s*(?P<half>[AaPp])\.?[Mm]\.?"
)
# 2024-07-12@01h31m37s123ms and 2023-6-19 @14h 20m 50s 682ms
UNITS = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})\s*@\s*"
    r"(?P<hour>[0-9]{1,2})h\s*(?P<minute>[0-9]{1,2})m\s*(?P<second>[0-9]{1,2})s(?:\s*(?P<ms>[0-9]{1,3})ms)?"
)
MILLISECONDS = re.compile(r"-?[0-9]{1,17}")


def read(value: Any) -> datetime | None:
    """The time in UTC; None where it cannot be told."""
    try:
        return _read(value)
    except (ValueError, OverflowError):  # there is no such day, or it is too far away
        return None


def _read(value: Any) -> datetime | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return EPOCH + timedelta(milliseconds=value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if MILLISECONDS.fullmatch(text):
        return EPOCH + timedelta(milliseconds=int(text))
    if match := UNITS.fullmatch(text):
        return _time(match, int(match["month"]), int(match["hour"])) + timedelta(milliseconds=int(match["ms"] or 0))
    if match := WORDS.fullmatch(text):
        month, hour = _month(match["month"]), int(match["hour"])
        if month is None or not 1 <= hour <= 12:
            return None
        return _time(match, month, hour % 12 + (12 if match["half"] in "Pp" else 0))
    when = datetime.fromisoformat(text)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _time(match: re.Match[str], month: int, hour: int) -> datetime:
    year, day, minute, second = (int(match[name] or 0) for name in ("year", "day", "minute", "second"))
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _month(name: str) -> int | None:
    """By its English name, or the beginning of it."""
    found = [place for place, month in enumerate(MONTHS, 1) if len(name) >= 3 and month.startswith(name.lower())]
    return found[0] if found else None
