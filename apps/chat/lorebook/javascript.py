"""JavaScript's regular expressions, told anew for the module `regex`.

What is no pattern in JavaScript is none here, and so nothing gets through that only `regex` knows: recursion, fuzzy
matching and the like. `\\w`, `\\d` and `\\b` know ASCII alone, `$` is the very end, a group that took no part in the
match is empty where it is named.
"""

import re

import regex

LONGEST = 2_000
# Parts that the compiler builds, repeats multiplied, and groups in groups: it cannot be interrupted.
MOST_BUILT = 10_000
MOST_TOLD = 20_000  # characters
DEEPEST = 50

FLAGS = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL}

COUNT = re.compile(r"\{(\d+)(,(\d*))?\}", re.ASCII)
GROUP = re.compile(r"\((\?(?::|=|!|<=|<!|<([^\W\d]\w*)>))?")
# Whatever is no group's beginning, though it has a parenthesis.
PASSED = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\((?!\?)|\(\?<([^\W\d]\w*)>", re.DOTALL)
PROPERTY = re.compile(r"[pP]\{[A-Za-z_]+(?:=[A-Za-z0-9_]+)?\}")
CODES = {"u": re.compile(r"u([0-9a-fA-F]{4})"), "x": re.compile(r"x([0-9a-fA-F]{2})")}
LONG_CODE = re.compile(r"u\{0*([0-9a-fA-F]{1,6})\}")
CONTROLS = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

SPACE = r"\t-\r\x20\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
NO_SPACE = (
    r"\x00-\x08\x0e-\x1f\x21-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff"
    r"\u3001-\ufefe\uff00-\U0010ffff"
)
SETS = {
    "d": "0-9",
    "D": r"\x00-/:-\U0010ffff",
    "w": "0-9A-Z_a-z",
    "W": r"\x00-/:-@\x5b-\x5e\x60\x7b-\U0010ffff",
    "s": SPACE,
    "S": NO_SPACE,
}
A_WORD = "[0-9A-Z_a-z]"
EDGES = {
    "b": f"(?:(?<={A_WORD})(?!{A_WORD})|(?<!{A_WORD})(?={A_WORD}))",
    "B": f"(?:(?<={A_WORD})(?={A_WORD})|(?<!{A_WORD})(?!{A_WORD}))",
}
NEVER, ANY, LINE = "(?!)", r"(?s:.)", r"[^\n\r\u2028\u2029]"


class Refused(ValueError):
    """It is no pattern, or one that would take too much to build."""


def compiled(pattern: str, flags: str) -> "regex.Pattern[str] | None":
    """None for what is no pattern."""
    try:
        reader = _Reader(pattern, flags)
        told = reader.told()
        combined = 0
        for flag in flags:
            combined |= FLAGS.get(flag, 0)
        return regex.compile(told, combined | (regex.ASCII if reader.is_ascii else 0))
    except (Refused, regex.error, RecursionError, OverflowError, MemoryError, ValueError):
        return None


class _Reader:
    def __init__(self, pattern: str, flags: str) -> None:
        if len(pattern) > LONGEST:
            raise Refused(pattern)
        self.pattern = pattern
        self.strict = "u" in flags or "v" in flags
        self.lines, self.dots = "m" in flags, "s" in flags
        # Then case, words and digits of `regex` are JavaScript's, and fast.
        self.is_ascii = pattern.isascii() and not re.search(r"\\[uxpPcsS\d]", pattern)
        self.names: dict[str, int] = {}
        self.groups = 0
        for found in PASSED.finditer(pattern):
            if found[0].startswith("("):
                self.groups += 1
                if found[1]:
                    self.names.setdefault(found[1], self.groups)
        self.at = 0
        # How much is built of each group that is open, and of what a quantifier would repeat (0: there is nothing).
        self.built = [0]
        self.last = 0

    def told(self) -> str:
        pieces = []
        while self.at < len(self.pattern):
            pieces.append(self._piece())
            if self.built[-1] > MOST_BUILT:
                raise Refused(self.pattern)
        told = "".join(pieces)
        if len(self.built) > 1 or len(told) > MOST_TOLD:
            raise Refused(self.pattern)
        return told

    def _piece(self) -> str:
        letter = self.pattern[self.at]
        match letter:
            case "(":
                return self._group()
            case ")":
                return self._close()
            case "*" | "+" | "?":
                return self._repeat(letter, 1)
            case "{" if found := COUNT.match(self.pattern, self.at):
                if found[3] and int(found[3]) < int(found[1]):
                    raise Refused(self.pattern)
                return self._repeat(found[0], int(found[3] or found[1]))
            case "|":
                return self._mark("|")
            case "^":
                return self._mark("^")
            case "$":
                return self._mark("$" if self.lines else r"\Z")
        self.last = 1
        self.built[-1] += 1
        match letter:
            case "\\":
                return self._escape()
            case "[":
                return self._set()
        self.at += 1
        return (ANY if self.dots else LINE) if letter == "." else _quoted(letter)

    def _mark(self, told: str, length: int = 1) -> str:
        """What is no part that could be repeated."""
        self.at += length
        self.last = 0
        return told

    def _repeat(self, written: str, times: int) -> str:
        if not self.last:
            raise Refused(self.pattern)
        self.built[-1] += self.last * max(times - 1, 0)
        lazy = self.pattern.startswith("?", self.at + len(written))
        return self._mark(written + "?" * lazy, len(written) + lazy)

    def _group(self) -> str:
        found = GROUP.match(self.pattern, self.at)
        if not found or self.pattern.startswith("?", found.end()) or len(self.built) > DEEPEST:
            raise Refused(self.pattern)
        self.built.append(1)
        return self._mark("(" if found[2] else found[0], len(found[0]))

    def _close(self) -> str:
        if len(self.built) == 1:
            raise Refused(self.pattern)
        size = self.built.pop()
        self._mark(")")
        self.built[-1] += size
        self.last = size
        return ")"

    def _escape(self) -> str:
        """Outside of a set."""
        letter = self.pattern[self.at + 1 : self.at + 2]
        if letter in ("b", "B"):
            return self._mark(rf"\{letter}" if self.is_ascii else EDGES[letter], 2)
        if letter == "k" and (self.names or self.strict):
            named = re.compile(r"<(\w+)>").match(self.pattern, self.at + 2)
            if not named or named[1] not in self.names:
                raise Refused(self.pattern)
            self.at = named.end()
            return _again(self.names[named[1]])
        number = re.compile(r"[1-9][0-9]{0,2}").match(self.pattern, self.at + 1)
        if number and int(number[0]) <= self.groups:
            self.at = number.end()
            return _again(int(number[0]))
        told, code = self._letter()
        return told if code is not None or letter not in SETS or self.is_ascii else f"[{told}]"

    def _letter(self) -> tuple[str, int | None]:
        """An escape that means the same within a set: as it is told there, and its code where it is one letter."""
        letter = self.pattern[self.at + 1 : self.at + 2]
        rest = self.at + 1
        self.at += 2
        if not letter:
            raise Refused(self.pattern)
        if letter in SETS:
            return (rf"\{letter}" if self.is_ascii else SETS[letter]), None
        if letter in "pP" and self.strict:
            found = PROPERTY.match(self.pattern, rest)
            if not found:
                raise Refused(self.pattern)
            self.at = found.end()
            return "\\" + found[0], None
        code = self._code(letter, rest)
        if code is None:
            # Any other letter means itself, but where JavaScript is strict.
            if self.strict and letter.isalnum():
                raise Refused(self.pattern)
            code = ord(letter)
        return _quoted(chr(code)), code

    def _code(self, letter: str, rest: int) -> int | None:
        """Of an escape that gives a letter's code or means a control character; moves behind it."""
        if letter in CONTROLS:
            return ord(CONTROLS[letter])
        if letter == "c" and (control := re.compile(r"c([A-Za-z])").match(self.pattern, rest)):
            self.at = control.end()
            return ord(control[1]) % 32
        if octal := re.compile(r"0(?!\d)" if self.strict else r"[0-3]?[0-7]{1,2}").match(self.pattern, rest):
            self.at = octal.end()
            return int(octal[0], 8)
        if self.strict and (found := LONG_CODE.match(self.pattern, rest)):
            self.at = found.end()
            if int(found[1], 16) > 0x10FFFF:
                raise Refused(self.pattern)
            return int(found[1], 16)
        if letter in CODES and (found := CODES[letter].match(self.pattern, rest)):
            self.at = found.end()
            return self._paired(int(found[1], 16))
        return None

    def _paired(self, code: int) -> int:
        """Two halves of one letter are that letter."""
        second = CODES["u"].match(self.pattern, self.at + 1) if self.pattern.startswith("\\", self.at) else None
        low = int(second[1], 16) if second else 0
        if second and 0xD800 <= code < 0xDC00 <= low < 0xE000:
            self.at = second.end()
            return 0x10000 + ((code - 0xD800) << 10) + low - 0xDC00
        return code

    def _set(self) -> str:
        self.at += 1
        shut_out = self.pattern.startswith("^", self.at)
        self.at += shut_out
        items: list[str] = []
        while not self.pattern.startswith("]", self.at):
            told, first = self._member()
            if self.pattern.startswith("-", self.at) and not self.pattern.startswith("]", self.at + 1):
                self.at += 1
                upto, last = self._member()
                if first is not None and last is not None:
                    if first > last:
                        raise Refused(self.pattern)
                    items.append(f"{told}-{upto}")
                    continue
                if self.strict:
                    raise Refused(self.pattern)
                told += rf"\-{upto}"
            items.append(told)
        self.at += 1
        if not items:
            return ANY if shut_out else NEVER
        return f"[{'^' * shut_out}{''.join(items)}]"

    def _member(self) -> tuple[str, int | None]:
        letter = self.pattern[self.at : self.at + 1]
        if not letter:
            raise Refused(self.pattern)
        if letter != "\\":
            self.at += 1
            return _quoted(letter), ord(letter)
        if self.pattern.startswith("b", self.at + 1):
            self.at += 2
            return r"\x08", 8
        return self._letter()


def _quoted(letter: str) -> str:
    return letter if letter.isalnum() or ord(letter) > 127 else f"\\x{ord(letter):02x}"


def _again(group: int) -> str:
    return rf"(?({group})\g<{group}>)"
