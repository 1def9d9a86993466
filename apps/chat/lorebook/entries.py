"""A book as it is understood, whatever form it was written in."""

import hashlib
import json
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

Position = Literal[
    "before_char",
    "after_char",
    "note_top",
    "note_bottom",
    "at_depth",
    "examples_top",
    "examples_bottom",
    "before_desc",
    "after_desc",
    "personality",
    "scenario",
]

Role = Literal["system", "user", "assistant"]
Rank = tuple[bool, int, int, int]


class Logic(IntEnum):
    """What secondary keys must be like, by SillyTavern's numbers."""

    AND_ANY = 0
    NOT_ALL = 1
    NOT_ANY = 2
    AND_ALL = 3


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the decorators of an entry ask for beside its keys."""

    only_after: int = 0
    only_every: int = 0
    greeting: int | None = None
    # Whether one match is for ever: True keeps the entry, False keeps it out.
    after_match: bool | None = None
    always: bool = False
    never: bool = False
    exclude_keys: tuple[str, ...] = ()


NO_CONDITIONS = Conditions()


# Not frozen, as the others are: a book has thousands, made anew each turn, and that would double what reading it takes.
@dataclass(slots=True)
class Key:
    """`text` is searched for as it is, or is a pattern in JavaScript's manner with `flags`."""

    written: str
    text: str
    is_pattern: bool = False
    flags: str = ""
    cased: bool = False
    whole_words: bool = False
    folded: str = field(init=False)

    def __post_init__(self) -> None:
        self.folded = self.text.casefold()


@dataclass(slots=True)
class Entry:
    """`place` is the entry's in its book, `id` its own where it has one."""

    place: int
    id: int | str | None
    name: str
    content: str
    keys: tuple[Key, ...]
    secondary: tuple[Key, ...] = ()
    logic: Logic = Logic.AND_ANY
    enabled: bool = True
    constant: bool = False
    order: int = 100
    priority: int | None = None
    ignores_budget: bool = False
    trimmed_first: bool = False
    scan_depth: int | None = None
    position: Position | None = "after_char"  # None: it is told nowhere, and may set off others
    depth: int = 4
    role: Role = "system"
    excludes_recursion: bool = False
    prevents_recursion: bool = False
    recursion_level: int = 0  # from which round of recursion on it may fire; 0: at once
    probability: float = 100
    groups: tuple[str, ...] = ()
    group_override: bool = False
    group_weight: int = 100
    sticky: int = 0
    cooldown: int = 0
    delay: int = 0
    conditions: Conditions = NO_CONDITIONS
    required: tuple[tuple[Key, ...], ...] = ()  # one of each is to be found too
    excluded: tuple[Key, ...] = ()
    disables: tuple[str, ...] = ()
    known_as: str = field(default="", init=False)

    @property
    def is_looked_for(self) -> bool:
        """Whether any text is asked for it."""
        return bool((self.keys and not self.constant) or self.required or self.excluded) and not self.conditions.always

    @property
    def identity(self) -> str:
        """The same as long as id, keys and content are, wherever it stands."""
        if not self.known_as:
            told = json.dumps([self.id, [key.written for key in self.keys], self.content])
            self.known_as = hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
        return self.known_as

    @property
    def rank(self) -> Rank:
        """Where there is no room for all, the lowest goes first: those that offer themselves, then the lowest priority,
        or insertion order where there is no priority."""
        worth = self.priority if self.priority is not None else self.order
        return (not self.trimmed_first, worth, self.order, -self.place)

    @property
    def remembers(self) -> bool:
        return bool(self.sticky or self.cooldown) or self.conditions.after_match is not None


@dataclass(frozen=True, slots=True)
class Book:
    """`unread` entries at its end are too many. The last three say what its entries depend on, so that nobody looks it
    up in vain."""

    entries: tuple[Entry, ...] = ()
    unread: int = 0
    scan_depth: int = 2
    token_budget: int | None = None
    recursive: bool = False

    @property
    def remembers(self) -> bool:
        return any(entry.remembers for entry in self.entries)

    @property
    def counts_answers(self) -> bool:
        return any(entry.conditions.only_after or entry.conditions.only_every for entry in self.entries)

    @property
    def asks_greeting(self) -> bool:
        return any(entry.conditions.greeting is not None for entry in self.entries)
