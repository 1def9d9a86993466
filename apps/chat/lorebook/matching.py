"""Finding keys in texts."""

import math
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache

import regex

from apps.chat.lorebook.entries import Entry, Key, Logic

# A pattern that takes longer does not match, and when all together have taken so long, no more are tried: what a
# stranger wrote may cost a quarter of a second, not more.
SECONDS = 0.05
SECONDS_TOGETHER = 0.25
LONGEST_PATTERN = 2000
COUNTED = regex.compile(r"\{\s*\d*\s*,?\s*(\d+)\s*,?\s*\}")
MOST_REPEATS = 10_000

FLAGS = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL}

# Scripts that put no spaces between words, or join endings to them: there a word may stand anywhere.
UNSPACED = (
    *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF)),
    *((0xFF66, 0xFF9F), (0x20000, 0x3FFFF)),
)
# Shorter texts are searched at once; the index of longer ones would cost more than it spares.
WORTH_AN_INDEX = range(2_000, 100_000)


class Text:
    """A text that is asked for many keys."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.folded = raw.casefold()
        long = self.folded if len(raw) in WORTH_AN_INDEX else ""
        # Three letters in a row that occur nowhere spare the search for a key that has them.
        self.grams = {long[at : at + 3] for at in range(len(long) - 2)}

    def holds(self, key: Key) -> bool:
        """Of a key that is no pattern."""
        folded = key.folded
        if self.grams and len(folded) > 2 and not (folded[:3] in self.grams and folded[-3:] in self.grams):
            return False
        wanted, within = (key.text, self.raw) if key.cased else (folded, self.folded)
        # As in SillyTavern, a phrase is looked for as it is.
        if not key.whole_words or " " in wanted:
            return wanted in within
        at = within.find(wanted)
        while at >= 0:
            end = at + len(wanted)
            before = at > 0 and _joined(within[at - 1], wanted[0])
            if not before and not (end < len(within) and _joined(wanted[-1], within[end])):
                return True
            at = within.find(wanted, at + 1)
        return False


def _joined(left: str, right: str) -> bool:
    """Whether the two letters are of one word."""
    return all(
        (letter.isalnum() or letter == "_") and not any(low <= ord(letter) <= high for low, high in UNSPACED)
        for letter in (left, right)
    )


@lru_cache(maxsize=1024)
def _compiled(pattern: str, flags: str) -> "regex.Pattern[str] | None":
    # Repeats of repeats are built by the compiler: a short pattern could take all memory there is.
    counts = COUNTED.findall(pattern)
    if len(pattern) > LONGEST_PATTERN or any(len(count) > 7 for count in counts):
        return None
    if math.prod(max(int(count), 1) for count in counts) > MOST_REPEATS:
        return None
    combined = 0
    for flag in flags:
        combined |= FLAGS.get(flag, 0)
    try:
        return regex.compile(pattern, combined)
    except (regex.error, RecursionError, OverflowError, MemoryError, ValueError):
        return None


class Matcher:
    """Of one firing: knows how much time is left for patterns."""

    def __init__(self) -> None:
        self.left = SECONDS_TOGETHER

    def found(self, keys: Iterable[Key], text: Text) -> Key | None:
        """The first of the keys that the text holds."""
        for key in keys:
            if self._matches(key, text) if key.is_pattern else text.holds(key):
                return key
        return None

    def _matches(self, key: Key, text: Text) -> bool:
        pattern = _compiled(key.text, key.flags) if self.left > 0 else None
        if pattern is None:
            return False
        began = time.monotonic()
        try:
            return pattern.search(text.raw, timeout=min(SECONDS, self.left), concurrent=True) is not None
        except TimeoutError:
            return False
        finally:
            self.left -= time.monotonic() - began

    def allows(self, entry: Entry, texts: Sequence[Text]) -> bool:
        """Whether what its decorators ask for beside its keys is there, and nothing that they shut out."""
        if any(self.found(entry.excluded, text) for text in texts):
            return False
        return all(any(self.found(keys, text) for text in texts) for keys in entry.required)

    def suits(self, entry: Entry, texts: Sequence[Text]) -> bool:
        """Whether the secondary keys are as the entry wants them."""
        if not entry.secondary:
            return True
        there = [any(self.found([key], text) for text in texts) for key in entry.secondary]
        match entry.logic:
            case Logic.AND_ANY:
                return any(there)
            case Logic.NOT_ALL:
                return not all(there)
            case Logic.NOT_ANY:
                return not any(there)
            case Logic.AND_ALL:
                return all(there)
