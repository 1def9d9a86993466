from collections.abc import Sequence
from dataclasses import dataclass

# By an entry's identity, what it is to remember: `at` as the length of the path when it fired, `sticky` and
# `cooldown` as that at which they end, `matched` as 1. Plain JSON.
State = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a book may look at: `texts` are the newest messages as (role, text), oldest first, the new turn included.

    `length` counts the messages of the whole path, `answers` the character's among them, its greeting too; `greeting`
    is the index of that one, where it is known. All chance comes from `seed`.
    """

    texts: Sequence[tuple[str, str]]
    length: int
    answers: int = 0
    greeting: int | None = None
    seed: str = ""
