"""What fits into a model's context."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal

from apps.chat.lorebook import Lore
from apps.chat.prompt.cast import Said, Summarised
from apps.chat.prompt.head import Piece
from apps.chat.prompt.scale import TOKENS_PER_MESSAGE, Scale

SUMMARY = "What happened before, in short:\n"

NO_ROOM = "the context is full"
TO_GO_FIRST = "it asks to be the first to go when the context is full"
FOR_HISTORY = "example dialogue makes room for the history"
SUMMED_UP = "the summary tells of them"


@dataclass(frozen=True, slots=True)
class Material:
    """All that could be told. `history` ends with the newest turn; `whole`: whether it begins with the first."""

    fields: list[Piece]
    examples: list[Piece]
    lore: list[Lore]
    history: Sequence[Said]
    whole: bool
    summary: Summarised | None
    last_words: list[Piece]


@dataclass(frozen=True, slots=True)
class Dropped:
    what: Literal["lore", "examples", "history", "summary"]
    name: str
    why: str


@dataclass(slots=True)
class Choice:
    """What is told; `summary` is empty or the one piece of it."""

    lore: list[Lore]
    examples: list[Piece] = field(default_factory=list)
    history: list[Said] = field(default_factory=list)
    summary: list[Piece] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)


def choose(material: Material, budget: int, scale: Scale) -> Choice:
    """Whole, where all fits in `budget` tokens; else less, in the order that `build_prompt` tells."""
    sizes = _Sizes(scale)
    newest, older = list(material.history[-1:]), list(material.history[:-1])
    room = budget - TOKENS_PER_MESSAGE * 2
    room -= sum(map(sizes.piece, [*material.fields, *material.last_words])) + sum(map(sizes.said, newest))
    talk = sum(map(sizes.said, older))
    examples = sum(map(sizes.piece, material.examples))
    chosen = Choice(list(material.lore))

    # The lowest rank first: the rule that keeps a book within a budget of its own.
    rank = attrgetter("rank")
    trimmed_first = sorted((each for each in chosen.lore if each.trimmed_first), key=rank)
    lore = _drop_lore(chosen, trimmed_first, room - talk - examples if material.whole else 0, TO_GO_FIRST, sizes)
    if material.whole and talk + lore <= room:
        chosen.examples = _first_that_fit(material.examples, room - talk - lore, sizes)
        chosen.history = [*older, *newest]
    else:
        room -= _drop_lore(chosen, sorted(chosen.lore, key=rank), room, NO_ROOM, sizes)
        chosen.summary = _first_that_fit(_summary(material.summary), room, sizes)
        room -= sum(map(sizes.piece, chosen.summary))
        chosen.history = [*newest_that_fit(older, room, scale), *newest]
    chosen.dropped += _lost(material, chosen)
    return chosen


@dataclass(frozen=True, slots=True)
class _Sizes:
    """In tokens, with what joins a piece to the next one, or a message to the next one."""

    scale: Scale

    def piece(self, piece: Piece) -> int:
        return self.scale.tokens(piece.text) + 1

    def said(self, said: Said) -> int:
        return self.scale.message(said.content)

    def lore(self, lore: Lore) -> int:
        return self.scale.message(lore.content) if lore.position == "at_depth" else self.scale.tokens(lore.content) + 1


def _drop_lore(chosen: Choice, doomed: Sequence[Lore], room: int, why: str, sizes: _Sizes) -> int:
    """Drop of `doomed`, the first of them first, until what is left fits; how long that is."""
    size = sum(map(sizes.lore, chosen.lore))
    gone = set()
    for each in doomed:
        if size <= room:
            break
        size -= sizes.lore(each)
        # By which it is: two entries may be alike.
        gone.add(id(each))
        chosen.dropped.append(Dropped("lore", each.name, why))
    chosen.lore = [each for each in chosen.lore if id(each) not in gone]
    return size


def _summary(summary: Summarised | None) -> list[Piece]:
    return [Piece("summary", SUMMARY + summary.text.strip())] if summary else []


def _first_that_fit(pieces: Sequence[Piece], room: int, sizes: _Sizes) -> list[Piece]:
    fitting = []
    for piece in pieces:
        room -= sizes.piece(piece)
        if room < 0:
            break
        fitting.append(piece)
    return fitting


def newest_that_fit(history: Sequence[Said], room: int, scale: Scale) -> list[Said]:
    """The end of `history` that is no longer than `room` tokens."""
    first = len(history)
    while first and (room := room - scale.message(history[first - 1].content)) >= 0:
        first -= 1
    return list(history[first:])


def _lost(material: Material, chosen: Choice) -> list[Dropped]:
    lost = []
    if examples := len(material.examples) - len(chosen.examples):
        lost.append(Dropped("examples", f"{examples} of {len(material.examples)}", FOR_HISTORY))
    if material.whole and len(chosen.history) == len(material.history):
        return lost
    begin = chosen.history[0].depth if chosen.history else 0
    covered = min(material.summary.depth + 1, begin) if material.summary and chosen.summary else 0
    if material.summary and not chosen.summary:
        lost.append(Dropped("summary", "", NO_ROOM))
    if covered:
        lost.append(Dropped("history", f"the first {covered} messages", SUMMED_UP))
    if begin > covered:
        lost.append(Dropped("history", f"{begin - covered} messages before the oldest that is told", NO_ROOM))
    return lost
