"""Dice as players write them: `3d6+2`, `2d20kh1`, `d100`, `4d6kl3-1`."""

import re
from collections.abc import Callable

# The game's are up to a hundred; these only bound the work.
MOST_DICE = 100
MOST_SIDES = 1_000_000
MOST_TERMS = 20

TERM = re.compile(r"([+-]?)(?:(\d{0,4})d(\d{1,7}|%)(?:(k[hl])(\d{1,4}))?|(\d{1,9}))", re.IGNORECASE | re.ASCII)


class BadDice(ValueError):
    pass


def roll(expression: str, below: Callable[[int], int]) -> tuple[int, list[list[int]]]:
    """The total, and each group of dice as it fell. `below(n)` draws from 0 to n - 1. Raises BadDice."""
    # 3d6 2 is not 3d62.
    text = "" if re.search(r"\d\s+\d", expression) else "".join(expression.split())
    total, at, rolls = 0, 0, list[list[int]]()
    for number, term in enumerate(TERM.finditer(text)):
        sign, count, sides, keep, kept, constant = term.groups()
        if term.start() != at or (number and not sign) or number == MOST_TERMS:
            break
        at = term.end()
        if constant:
            value = int(constant)
        else:
            rolls.append(_dice(int(count or 1), 100 if sides == "%" else int(sides), below))
            value = _kept(rolls[-1], keep, kept)
        total += -value if sign == "-" else value
    if not text or at != len(text):
        raise BadDice(f"{expression[:50]!r} is no dice: write them as 3d6+2, d20 or 2d20kh1.")
    return total, rolls


def _dice(count: int, sides: int, below: Callable[[int], int]) -> list[int]:
    if not (1 <= count <= MOST_DICE and 1 <= sides <= MOST_SIDES):
        raise BadDice(f"At most {MOST_DICE} dice of {MOST_SIDES:,} sides, and at least one of each.")
    return [below(sides) + 1 for _ in range(count)]


def _kept(dice: list[int], keep: str | None, kept: str | None) -> int:
    if not keep or not kept:
        return sum(dice)
    if not 1 <= int(kept) <= len(dice):
        raise BadDice("No more dice can be kept than are rolled, and no fewer than one.")
    return sum(sorted(dice, reverse=keep.lower() == "kh")[: int(kept)])
