"""What may be sent. Pure."""

import re
from collections.abc import Iterable

from .errors import RequestRefused

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# Who could write these could speak to another host than the address names, or put a second request behind the first.
OWN = {
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_MOST_BYTES = 32_000
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]*")


def is_own(name: str) -> bool:
    """Whether this header is the client's to set."""
    return name.lower() in OWN or name.lower().startswith("proxy-")


def check(method: str, headers: Iterable[tuple[str, str]]) -> None:
    """Raises `RequestRefused`, which names a header but repeats no value."""
    if method not in METHODS:
        raise RequestRefused(f"The method is none of {', '.join(sorted(METHODS))}.")
    size = 0
    for name, value in headers:
        size += len(name.encode(errors="replace")) + len(value.encode(errors="replace"))
        if size > _MOST_BYTES:
            raise RequestRefused(f"The headers are longer than {_MOST_BYTES} bytes.")
        if not _NAME.fullmatch(name):
            raise RequestRefused("A header's name has a character that no header's name can have.")
        if is_own(name):
            raise RequestRefused(f"The header {name} cannot be set: it is made with the request.")
        if not _VALUE.fullmatch(value):
            raise RequestRefused(f"The header {name} has a character that no header can carry.")
