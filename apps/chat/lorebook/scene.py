from collections.abc import Sequence
from dataclasses import dataclass

# By an entry's identity, what it is to remember: `sticky` and `cooldown` as the length of the path at which they end,
# `matched` as 1. Plain JSON.
State = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a book may look at: `texts` are the newest messages as (role, text), oldest first, the new turn included.

    `length` counts the messages of the whole path, `answers` the character's among them, its greeting too; `greeting`
    is the index of that one. All chance comes from `seed`.
    """

    texts: Sequence[tuple[str, str]]
    length: int
    answers: int = 0
    greeting: int | None = None
    seed: str = ""
