"""Finding keys in texts."""

import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from apps.chat.lorebook import javascript
from apps.chat.lorebook.entries import Entry, Key, Logic
from apps.chat.lorebook.letters import composed, joined, word_end

# A pattern that takes longer does not match, and when all together have taken so long, no more are tried: what a
# stranger wrote may cost a quarter of a second, not more.
SECONDS = 0.05
SECONDS_TOGETHER = 0.25
# Characters of a text that are looked through, the newest.
LONGEST = 200_000
# What all keys that are no patterns may cost: each costs as many characters as are looked through for it, and so many
# more whenever it is looked for, or found within a word. Counted, not timed: the same turn has the same lore.
MOST_WORK = 100_000_000
LOOK = 1_000
WITHIN_A_WORD = 400
# An index costs as much as looking for so many keys; in shorter texts looking is cheaper still.
WORTH_AN_INDEX = 100
LONG_ENOUGH = 2_000
LONGEST_WORD = 30

compiled = lru_cache(maxsize=1024)(javascript.compiled)


class Index:
    """Which three letters in a row a text has: a key that has others need not be looked for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked = 0
        self.grams: set[str] = set()

    def lacks(self, folded: str) -> bool:
        if not self.grams:
            self.asked += 1
            if self.asked < WORTH_AN_INDEX or len(self.text) < LONG_ENOUGH:
                return False
            self.grams = {self.text[at : at + 3] for at in range(len(self.text) - 2)}
        if len(folded) < 3:
            return False
        if folded[:3] not in self.grams or folded[-3:] not in self.grams:
            return True
        return any(folded[at : at + 3] not in self.grams for at in range(1, min(len(folded) - 3, LONGEST_WORD)))


@dataclass(frozen=True, slots=True)
class Text:
    """What is asked for keys: the end of `raw` from `raw_from` on, and of the same in one case."""

    raw: str
    folded: str
    index: Index
    raw_from: int = 0
    folded_from: int = 0


def ends(pieces: Sequence[str]) -> list[Text]:
    """For each of the pieces the text that begins with it, and an empty one at last."""
    left = LONGEST
    kept: list[str] = []
    for piece in reversed(pieces):
        kept.append(composed(piece[-left:]) if left else "")
        left = max(left - len(piece), 0)
    kept.reverse()
    folded = [piece.casefold() for piece in kept]
    raw, lower = "\n".join(kept), "\n".join(folded)
    raws = itertools.accumulate((len(piece) + 1 for piece in kept), initial=0)
    lowers = itertools.accumulate((len(piece) + 1 for piece in folded), initial=0)
    index = Index(lower)
    return [Text(raw, lower, index, *begin) for begin in zip(raws, lowers, strict=True)]


def whole(*pieces: str) -> Text:
    return ends(["\n".join(pieces)])[0]


class Matcher:
    """Of one firing: knows how much time is left for patterns, and how much work for other keys."""

    def __init__(self) -> None:
        self.seconds = SECONDS_TOGETHER
        self.work = MOST_WORK

    @property
    def spent(self) -> bool:
        """Then nothing more is found, and what is not found may be there."""
        return self.work < 0

    def found(self, keys: Iterable[Key], text: Text) -> Key | None:
        """The first of the keys that the text holds."""
        for key in keys:
            if self._matches(key, text) if key.is_pattern else self._holds(key, text):
                return key
        return None

    def _holds(self, key: Key, text: Text) -> bool:
        self.work -= LOOK
        if text.index.lacks(key.folded) or self.work < 0:
            return False
        if key.cased:
            wanted, within, start = key.text, text.raw, text.raw_from
        else:
            wanted, within, start = key.folded, text.folded, text.folded_from
        self.work -= len(within) - start
        at = within.find(wanted, start)
        # As in SillyTavern, a phrase is looked for as it is.
        if at < 0 or not key.whole_words or " " in wanted:
            return at >= 0
        while at >= 0 and self.work >= 0:
            end = at + len(wanted)
            before = at > start and joined(within[at - 1], wanted[0])
            if not before and not (end < len(within) and joined(wanted[-1], within[end])):
                return True
            self.work -= WITHIN_A_WORD + len(wanted)
            # Within the word none begins.
            at = within.find(wanted, max(word_end(within, at), at + 1))
        return False

    def _matches(self, key: Key, text: Text) -> bool:
        if self.seconds <= 0:
            return False
        began = time.monotonic()
        try:
            pattern = compiled(key.text, key.flags)
            if pattern is None:
                return False
            raw = text.raw[text.raw_from :]
            return pattern.search(raw, timeout=min(SECONDS, self.seconds), concurrent=True) is not None
        except TimeoutError:
            return False
        finally:
            self.seconds -= time.monotonic() - began

    def allows(self, entry: Entry, texts: Sequence[Text]) -> bool:
        """Whether what its decorators ask for beside its keys is there, and nothing that they shut out."""
        if any(self.found(entry.excluded, text) for text in texts):
            return False
        there = all(any(self.found(keys, text) for text in texts) for keys in entry.required)
        return there and not (self.spent and entry.excluded)

    def suits(self, entry: Entry, texts: Sequence[Text]) -> bool:
        """Whether the secondary keys are as the entry wants them."""
        if not entry.secondary:
            return True
        there = [any(self.found([key], text) for text in texts) for key in entry.secondary]
        if self.spent:
            return False
        match entry.logic:
            case Logic.AND_ANY:
                return any(there)
            case Logic.NOT_ALL:
                return not all(there)
            case Logic.NOT_ANY:
                return not any(there)
            case Logic.AND_ALL:
                return all(there)
