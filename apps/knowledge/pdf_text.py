"""The text of a PDF. A program of its own, run by `apps.knowledge.pdf`: the file on its standard input, an object in
JSON on its standard output.

PDFs of strangers can drive any reader into loops and into more memory than there is. This process gives itself limits
before it looks at one, and whoever started it waits no longer than a while. Nothing of ours is imported here.
"""

import json
import os
import resource
import signal
import sys
from io import BytesIO
from typing import Any

Answer = dict[str, Any]


def confine(seconds: int, memory: int) -> None:
    """From now on: so much time, on the clock and on the processor, and so many bytes."""
    os.nice(5)
    signal.alarm(seconds)
    for limit, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        try:
            resource.setrlimit(limit, (most, most))
        except (ValueError, OSError):
            # macOS has no limit of memory; a limit that is lower already stays.
            continue


def read(data: bytes, most_pages: int, most_characters: int) -> Answer:
    """`pages`: the text of each, null where it could not be read; or `refused`: why."""
    from pypdf import PasswordType, PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError

    try:
        reader = PdfReader(BytesIO(data))
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            return {"refused": "encrypted"}
        if len(reader.pages) > most_pages:
            return {"refused": "too_many_pages"}
        pages: list[str | None] = []
        characters = 0
        for page in reader.pages:
            text = text_of(page)
            pages.append(text)
            characters += len(text or "")
            if characters > most_characters:
                return {"refused": "too_long"}
    except (DependencyError, FileNotDecryptedError):
        # Its way of encrypting is not known here.
        return {"refused": "encrypted"}
    except (MemoryError, LimitReachedError):
        return {"refused": "too_complex"}
    except Exception:
        # Whatever it was, it came of the file.
        return {"refused": "damaged"}
    if pages and all(text is None for text in pages):
        return {"refused": "damaged"}
    return {"pages": pages}


def text_of(page: Any) -> str | None:
    """None where this page is broken: others may not be."""
    from pypdf.errors import DependencyError, FileNotDecryptedError

    try:
        return str(page.extract_text())
    except (MemoryError, DependencyError, FileNotDecryptedError):
        raise
    except Exception:
        return None


def main() -> None:
    seconds, memory, most_pages, most_characters = map(int, sys.argv[1:])
    confine(seconds, memory)
    json.dump(read(sys.stdin.buffer.read(), most_pages, most_characters), sys.stdout)


if __name__ == "__main__":
    main()
