"""Macros of character cards, `{{like this}}`. Pure: chance comes from a seed and time from an argument.

The set is that of the Character Card V3 specification, and of SillyTavern's what depends on texts and time alone. An
unknown macro stays as it is written.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from apps.characters.chance import drawn

# What all macros of one text may insert, in characters: a text that names a long one again and again stays finite.
MOST_INSERTED = 1_000_000
DEEPEST = 8
# Macros within macros: what is written within them all is read once for each.
MOST_OPEN = 30
MOST_SIDES = 1_000_000_000
# What one text may have evaluated: texts named within it again and again, and dice.
MOST_WORK = 5_000

MARK = re.compile(r"\{\{|\}\}|<BOT>|<CHAR>|<USER>", re.IGNORECASE | re.ASCII)
OLD_NAMES = {"<bot>": "char", "<char>": "char", "<user>": "user"}
SEPARATOR = re.compile(r"::|(?<!\\),")
DICE = re.compile(r"(\d{0,3})d(\d{1,10})|(\d{1,10})", re.IGNORECASE)
CALL = re.compile(r"\s*(//|[a-z_]+)\s*(?:::|:|\s)?\s*(.*)", re.IGNORECASE | re.DOTALL)
SILENT = frozenset({"//", "comment", "noop", "original"})
NAME = re.compile(r"\{\{\s*(char|user)\s*\}\}", re.IGNORECASE | re.ASCII)
# Stand for hidden keys while a text is filled. No text of ours has a lone surrogate: neither UTF-8 nor PostgreSQL can.
HIDDEN = range(0xD800, 0xE000)
MARKS = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Macros:
    """What the macros of one prompt stand for.

    `texts` may hold more that has a name, as `persona` or `scenario`: in lower case; macros in them are filled too. The
    same seed gives the same chances. Without `now` the macros of time stay as they are.
    """

    char: str
    user: str
    texts: Mapping[str, str] = field(default_factory=dict)
    seed: str = ""
    now: datetime | None = None

    def fill(self, text: str, of: str = "", *, most: int = MOST_INSERTED) -> str:
        """`of` says which text of the prompt it is: each draws for itself, though they were alike. `most`: characters
        that may be inserted; what goes beyond them is left out."""
        return self.fill_hiding(text, of, most=most)[0]

    def fill_hiding(self, text: str, of: str = "", *, most: int = MOST_INSERTED) -> tuple[str, list[str]]:
        """Filled, and what its `{{hidden_key:…}}` say, which is not in it."""
        if "{{" not in text and "<" not in text:
            return text, []
        filling = _Filling(self, of, most)
        return filling.parted(filling.fill(text))

    def name(self, text: str, quoted: Callable[[str], str] = str) -> str:
        """Only `{{char}}` and `{{user}}` filled, each name as it is `quoted`."""
        return NAME.sub(lambda macro: quoted(self.user if macro[1].lower() == "user" else self.char), text)


class _Filling:
    """One text on its way: counts what it inserts, and the macros of chance that it meets."""

    def __init__(self, macros: Macros, of: str, most: int) -> None:
        self.macros, self.of = macros, of
        self.hidden: list[str] = []
        self.left = most
        self.chances = 0
        self.work = MOST_WORK

    def fill(self, text: str, depth: int = 0) -> str:
        # One list for each macro that is open; what closes it is evaluated once, and never read again.
        open_: list[list[str]] = [[]]
        at = 0
        for mark in MARK.finditer(text):
            open_[-1].append(text[at : mark.start()])
            at = mark.end()
            if mark[0] == "{{" and len(open_) > MOST_OPEN:
                open_[-1].append("{{")
            elif mark[0] == "{{":
                open_.append([])
            elif mark[0] != "}}":
                open_[-1].append(self._inserted(self._name(OLD_NAMES[mark[0].lower()])))
            elif len(open_) > 1:
                inner = "".join(open_.pop())
                open_[-1].append(self._value(inner, depth))
            else:
                open_[-1].append("}}")
        open_[-1].append(text[at:])
        return "{{".join("".join(pieces) for pieces in open_)

    def parted(self, filled: str) -> tuple[str, list[str]]:
        """The text, and the hidden keys that are left in it: not those of options that were not taken."""
        if not self.hidden:
            return filled, []
        keys = dict(zip(map(chr, HIDDEN), self.hidden, strict=False))
        return MARKS.sub("", filled), [keys[mark] for mark in MARKS.findall(filled) if mark in keys]

    def _hide(self, key: str) -> str:
        if len(self.hidden) == len(HIDDEN):
            return ""
        self.hidden.append(MARKS.sub("", key))
        return chr(HIDDEN[len(self.hidden) - 1])

    def _value(self, inner: str, depth: int) -> str:
        call = CALL.fullmatch(inner)
        name, told = (call[1].lower(), call[2]) if call else ("", "")
        match name:
            case "char" | "user":
                value: str | None = self._name(name)
            case "random" | "pick":
                value = self._picked(name, told)
            case "roll":
                value = self._rolled(told)
            case "reverse":
                value = told[::-1]
            case "newline":
                value = "\n"
            case "isodate" | "isotime" | "date" | "time" | "weekday":
                value = self._time(name)
            case "hidden_key":
                value = self._hide(told)
            case _ if name in SILENT:
                value = ""
            case _ if name in self.macros.texts and not told and depth < DEEPEST and self._may(50) and self.left > 0:
                value = self.fill(self.macros.texts[name], depth + 1)
            case _:
                value = None
        return "{{" + inner + "}}" if value is None else self._inserted(value)

    def _may(self, work: int) -> bool:
        self.work -= work
        return self.work >= 0

    def _inserted(self, value: str) -> str:
        self.left -= len(value)
        return value if self.left >= 0 else ""

    def _name(self, name: str) -> str:
        return self.macros.char if name == "char" else self.macros.user

    def _picked(self, name: str, told: str) -> str:
        # A comma that is meant is written `\,`.
        options = [option.strip().replace("\\,", ",") for option in SEPARATOR.split(told)]
        # `random` is drawn anew at each place; `pick` is the same wherever the same is written.
        return options[self._chance(told, at_this_place=name == "random") % len(options)]

    def _rolled(self, told: str) -> str | None:
        dice = DICE.fullmatch(told.strip())
        count = int(dice[1] or 1) if dice else 0
        sides = int(dice[2] or dice[3]) if dice else 0
        if not 0 < sides <= MOST_SIDES or not self._may(count):
            return None
        return str(sum(self._chance(told, at_this_place=True) % sides + 1 for _ in range(count)))

    def _chance(self, told: str, *, at_this_place: bool) -> int:
        self.chances += at_this_place
        place = (self.of, str(self.chances)) if at_this_place else ("",)
        return drawn(self.macros.seed, *place, told)

    def _time(self, name: str) -> str | None:
        now = self.macros.now
        if now is None:
            return None
        form = {"isodate": "%Y-%m-%d", "isotime": "%H:%M", "date": "%B %-d, %Y", "time": "%-I:%M %p", "weekday": "%A"}
        return now.strftime(form[name])
