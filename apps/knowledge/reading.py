"""From what somebody sent to a text that can be kept."""

import codecs
import re
import unicodedata
from dataclasses import dataclass

MB = 1024 * 1024
MAX_FILE = 20 * MB
MAX_TEXT = 2_000_000  # characters
MAX_PAGES = 2_000

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Read:
    kind: str  # one of `Kind` (models)
    text: str
    # For people: what was left out.
    warnings: tuple[str, ...] = ()


class NotReadable(ValueError):
    """`detail` tells people why; `code` is one of: empty, too_big, too_long, not_text, bad_encoding, and for PDFs
    encrypted, damaged, no_text, too_many_pages, too_complex."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def read_plain(data: bytes, kind: str) -> Read:
    """A file of text. Raises NotReadable."""
    return Read(kind, checked(_decoded(data)))


def checked(text: str) -> str:
    """The text, clean. Raises NotReadable."""
    text = clean(text)
    if not text.strip():
        raise NotReadable("empty", "There is no text in it.")
    if len(text) > MAX_TEXT:
        raise NotReadable("too_long", f"The text has more than {MAX_TEXT:,} characters.")
    return text


def clean(text: str) -> str:
    """Without NUL and other control characters, without lone surrogates; lines end by a line feed, and letters with
    their marks are one character where there is one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Two halves side by side become one character; a half alone becomes U+FFFD.
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return unicodedata.normalize("NFC", CONTROLS.sub("", text))


def _decoded(data: bytes) -> str:
    if data.startswith(b"{\\rtf"):
        raise NotReadable("not_text", "This is RTF. Save it as plain text, Markdown or PDF.")
    if data.startswith(UTF16) and not data.startswith(UTF32):
        text = data.decode("utf-16", "replace" if len(data) % 2 else "surrogatepass")
    else:
        try:
            text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            if b"\0" in data:
                raise _no_text() from error
            raise NotReadable("bad_encoding", "The text is not in UTF-8, nor in UTF-16 with its mark.") from error
    # Numbers in bytes may happen to be UTF-8.
    if len(CONTROLS.findall(text)) * 10 > len(text):
        raise _no_text()
    return text


def _no_text() -> NotReadable:
    return NotReadable("not_text", "This is no text. Plain text, Markdown and PDF are read here.")
