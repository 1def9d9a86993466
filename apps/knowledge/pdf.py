"""PDFs of strangers, read at arm's length: see `pdf_text`, which runs as a process of its own."""

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

from apps.knowledge.headings import PAGE
from apps.knowledge.reading import MAX_PAGES, MAX_TEXT, NotReadable, Read, clean

PROGRAM = Path(__file__).with_name("pdf_text.py")

SECONDS = 30
MEMORY = 512 * 1024 * 1024
# For it to start, and for its answer to be read.
SPARE = 5

REASONS = {
    "encrypted": "The PDF is encrypted. Save it without a password first.",
    "too_many_pages": f"The PDF has more than {MAX_PAGES:,} pages.",
    "too_long": f"The PDF has more than {MAX_TEXT:,} characters of text.",
    "too_complex": "Reading the PDF takes more time or memory than is given to one. Save it anew, or in parts.",
    "damaged": "The PDF is damaged, or made in a way that is not known here.",
    "no_text": "There is no text in the PDF. Where its pages are scanned, let a program recognise their text first.",
}

# What fonts draw as one, and nobody searches for.
LIGATURES = str.maketrans({chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)})


def is_one(data: bytes) -> bool:
    # Readers take it with something before its head.
    return b"%PDF-" in data[:1024]


def read(data: bytes, *, seconds: int = SECONDS, memory: int = MEMORY) -> Read:
    """The text, a form feed between two pages. Raises NotReadable."""
    pages = _pages(data, seconds, memory)
    texts = [clean(page or "").replace(PAGE, " ").translate(LIGATURES).strip() for page in pages]
    if not any(texts):
        raise _refused("no_text")
    text = PAGE.join(texts)
    if len(text) > MAX_TEXT:
        raise _refused("too_long")
    warnings = []
    if unread := pages.count(None):
        warnings.append(f"{unread} of {len(pages)} pages could not be read, and were left out.")
    if blank := texts.count("") - unread:
        warnings.append(f"{blank} of {len(pages)} pages have no text. If they are scanned, nothing of them is known.")
    return Read("pdf", text, tuple(warnings))


def _pages(data: bytes, seconds: int, memory: int) -> list[str | None]:
    limits = [str(limit) for limit in (seconds, memory, MAX_PAGES, MAX_TEXT)]
    # Isolated, without our environment: no module beside it, no variable and no secret is of any use to it.
    command = [sys.executable, "-I", str(PROGRAM), *limits]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds + SPARE,
            env={},
            cwd="/",
            check=False,
        )
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        # Killed by one limit or another before it could say so.
        raise _refused("too_complex") from error
    if reason := answer.get("refused"):
        raise _refused(reason)
    pages: list[str | None] = answer["pages"]
    return pages


def _refused(code: str) -> NotReadable:
    return NotReadable(code, REASONS[code])
