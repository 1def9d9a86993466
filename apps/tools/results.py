"""What comes of running a tool."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Protocol, Self, TypedDict
from urllib.parse import quote, quote_plus

from apps.api.outbound.errors import AddressRefused, OutboundError, RequestRefused, TooBig, TooLong

# Of what a tool says, in characters; the rest is cut off.
MOST_TEXT = 20_000

# What the way out leaves as it is in the query of an address.
IN_QUERIES = "/?:@!$'()*,"


class Source(TypedDict):
    """Where something is from, as a message keeps it."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """`text` is what the model is told, `raw` what a person who tries the tool is shown: plain JSON."""

    text: str
    raw: Any = None
    sources: Sequence[Source] = field(default_factory=list)


def without(secrets: Mapping[str, str], text: str) -> str:
    """What came from outside, as the database can hold it, and without secrets that it may echo."""
    text = text.replace("\0", "").encode("utf-8", "replace").decode()
    written = {form for secret in secrets.values() for form in _forms(secret)}
    for form in sorted(written, key=len, reverse=True):
        text = text.replace(form, "•••")
    return text


def _forms(secret: str) -> Iterator[str]:
    """As servers may repeat it: as it is, in JSON, in an address, in HTML."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield json.dumps(secret)[1:-1].replace("/", r"\/")
    for safe in ("", "/", IN_QUERIES):
        yield quote(secret, safe=safe)
        yield quote_plus(secret, safe=safe)
    yield escape(secret)


class ToolFailed(Exception):
    """`code` is for programs, `detail` for people and models; what the tool answered, if it did, is in `raw`."""

    def __init__(self, code: str, detail: str, raw: Any = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.raw = code, detail, raw

    @classmethod
    def outside(cls, error: OutboundError) -> Self:
        """What was asked for elsewhere did not come."""
        match error:
            case TooLong():
                code = "timeout"
            case TooBig():
                code = "too_big"
            case AddressRefused() | RequestRefused():
                code = "refused"
            case _:
                code = "unreachable"
        return cls(code, str(error))


class Scene(Protocol):
    """The conversation in which a tool runs: what builtin ones may ask of it. Raises ToolFailed where there is none."""

    async def search(self, query: str, limit: int) -> Sequence[Source]:
        """Passages of the character's knowledge, the best first."""
        ...

    async def remember(self, fact: str) -> str:
        """Keep something about the user; what there is to say of it."""
        ...

    async def recall(self, query: str) -> Sequence[str]:
        """What is kept about the user, the newest first; with a query, what suits it."""
        ...


class Nowhere:
    """For trials, outside of any conversation."""

    async def search(self, query: str, limit: int) -> Sequence[Source]:
        raise self._missing()

    async def remember(self, fact: str) -> str:
        raise self._missing()

    async def recall(self, query: str) -> Sequence[str]:
        raise self._missing()

    @staticmethod
    def _missing() -> ToolFailed:
        return ToolFailed("needs_conversation", "This tool works in a conversation only.")
