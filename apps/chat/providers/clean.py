"""Text that a database and a browser can hold: no NUL, no lone surrogates. The one place that makes it so."""

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def _is_high(char: str) -> bool:
    return "\ud800" <= char <= "\udbff"


class Cleaner:
    """Cleans text that comes in pieces; the pieces add up to `clean(whole)` however the whole was cut."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        # The first half of a surrogate pair, until its other half is here.
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be said now; "" where nothing can."""
        if "\0" in text:
            text = text.replace("\0", "")
        if not text or (text.isascii() and not self._held):
            return text
        if self._held:
            text, self._held = self._held + text, ""
        if not _SURROGATE.search(text):
            return text
        if _is_high(text[-1]):
            text, self._held = text[:-1], text[-1]
        # Two halves side by side become one character in UTF-16; a half alone becomes U+FFFD.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def flush(self) -> str:
        """What is left when no more comes: U+FFFD for half a character, else ""."""
        held, self._held = self._held, ""
        return "\ufffd" if held else ""


def clean(text: str) -> str:
    """The whole text, cleaned."""
    cleaner = Cleaner()
    return cleaner.feed(text) + cleaner.flush()
