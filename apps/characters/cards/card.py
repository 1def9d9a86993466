"""What a card is, what it may measure, and how it is refused."""

from dataclasses import dataclass, field
from typing import Any

JSON = dict[str, Any]

MB = 1024 * 1024
MAX_WHOLE = 50 * MB
MAX_CARD = 5 * MB  # the JSON of a card, in bytes
MAX_FILE = 20 * MB
MAX_FILES = 2_000
MAX_PATH = 255

# The columns' own limits (apps/characters/models.py; a test holds the two together).
MAX_TEXT = 200_000
MAX_NAME = 200
MAX_CREATOR = 200
MAX_VERSION = 100
MAX_TAG = 100
MAX_LIST = 100

# What JSONB takes (apps/api/fields.py; a test holds the two together).
MAX_DEPTH = 32
MAX_NUMBER = 10**18

# A card may be deeper than a column: its text is kept, and what is too deep is cut from the column only.
MAX_CARD_DEPTH = 200
# Every value in the JSON counts: five megabytes of `{},` would be a gigabyte of objects.
MAX_VALUES = 250_000
MAX_CHUNKS = 100_000  # of a PNG; programs write its pixels in pieces of 8 kB


@dataclass(frozen=True, slots=True)
class Card:
    """What was read. `fields` has every name of `FIELDS` (fields.py), fit for the columns of that name."""

    fields: JSON
    # The JSON text as it was found; only what PostgreSQL's text cannot hold is written as an escape.
    original: str
    # The picture's file as it was found, not decoded: PNG, APNG, JPEG or WebP by its first bytes.
    picture: bytes | None = None
    # By their paths: what a CHARX held beside `card.json`, or the assets of a PNG.
    files: dict[str, bytes] = field(default_factory=dict)
    # For people: what was cut, cleaned or passed over.
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Book:
    """A lorebook in the form of a card's `character_book`."""

    lorebook: JSON
    warnings: list[str] = field(default_factory=list)


class NotACard(ValueError):
    """`detail` tells people why; `code` is one of: empty, too_big, truncated, damaged, encrypted, bomb, unsafe_path,
    no_card, no_book, not_json, too_deep, bad_number, too_long, too_many, no_name."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Warnings:
    """Each told once, in the order in which it came."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}

    def add(self, text: str) -> None:
        self._told[text] = None

    def told(self) -> list[str]:
        return list(self._told)
