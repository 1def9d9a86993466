"""What is told of a reading: counts, what was wrong and where, and how far it is."""

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TextIO

# Of what was mended, which does no harm; what was left out is told each time.
MOST_MENDED = 100
EVERY_SECONDS = 0.2
WIDTH = 30


class Report:
    """`say` prints a line. `how_far` is from 0 to 1."""

    def __init__(self, say: Callable[[str], None], *, bar: TextIO | None = None) -> None:
        self._say = say
        self._bar = bar if bar and bar.isatty() else None
        self._began = self._drawn = time.monotonic()
        self.counts: Counter[str] = Counter()
        self.how_far: Callable[[], float] = lambda: 0.0

    def left_out(self, place: str, why: object) -> None:
        self.counts["left out"] += 1
        self._line(f"left out: {_printable(place)}: {_printable(str(why))}")

    def mended(self, place: str, what: str) -> None:
        self.counts["mended"] += 1
        if self.counts["mended"] <= MOST_MENDED:
            self._line(f"mended: {_printable(place)}: {_printable(what)}")
        elif self.counts["mended"] == MOST_MENDED + 1:
            self._line("mended: more, which are only counted")

    def note(self, text: str) -> None:
        self._line(_printable(text))

    def progress(self) -> None:
        """Draw the bar anew, where somebody looks at it and some time has passed."""
        now = time.monotonic()
        if self._bar is None or now - self._drawn < EVERY_SECONDS:
            return
        self._drawn = now
        done = min(self.how_far(), 1.0)
        passed = now - self._began
        messages = self.counts["messages read"]
        left = f", {passed / done - passed:,.0f} s left" if done > 0.01 else ""
        drawn = "#" * round(done * WIDTH)
        self._bar.write(
            f"\r[{drawn:{WIDTH}}] {done:4.0%}  {messages:,} messages, {messages / passed:,.0f} a second{left}\033[K"
        )
        self._bar.flush()

    def end(self) -> None:
        if self._bar is not None:
            self._bar.write("\r\033[K")
            self._bar.flush()

    def _line(self, text: str) -> None:
        self.end()
        self._say(text)


def _printable(text: str) -> str:
    """Names from a file neither break lines nor steer a terminal."""
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:300])
    return text.encode(sys.stderr.encoding or "utf-8", "replace").decode(sys.stderr.encoding or "utf-8")
