from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

State = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Scene:
    texts: Sequence[tuple[str, str]]
    length: int
    answers: int
    greeting: int | None = None
    seed: str = ""
    full: bool = False


@dataclass(frozen=True, slots=True)
class Lore:
    name: str
    content: str
    fired_by: str
    through: str
    position: str
    depth: int = 4
    role: str = "system"
    order: int = 100
    tokens: int = 0
    trimmed_first: bool = False


@dataclass(frozen=True, slots=True)
class Fired:
    lore: list[Lore] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    state: State = field(default_factory=dict)
    disabled_prompts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Book:
    entries: Sequence[Any] = ()
    remembers: bool = False
    counts_answers: bool = False
    asks_greeting: bool = False


def read(book: Mapping[str, Any]) -> Book:
    return Book()


def fire(
    book: Book,
    scene: Scene,
    *,
    state: State = {},
    budget: int,
    tokens: Callable[[str], int],
    fill: Callable[[str], str],
) -> Fired:
    return Fired()
