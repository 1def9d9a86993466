"""A client that keeps a copy, and asks what changed since it last looked."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from rest_framework.test import APIClient

from apps.conversations.models import Conversation

CONVERSATIONS = "/api/conversations/"


def messages_of(conversation: Conversation) -> str:
    return f"{CONVERSATIONS}{conversation.pk}/messages/"


def ok(response: Any) -> Any:
    assert response.status_code < 300, response.content
    return response.json() if response.content else None


class Device:
    """A client that keeps a copy of one list, as `docs/sync.md` tells it to."""

    def __init__(self, client: APIClient, address: str, **plain: str) -> None:
        self.client, self.address = client, address
        self.rows: dict[str, Any] = {}
        self._read(plain)

    def _read(self, query: dict[str, str]) -> list[Any]:
        pages = list(self.pages(query))
        self.token = pages[0]["since"]
        for page in pages:
            self.rows |= {row["id"]: row for row in page["results"]}
            for key in page.get("deleted", []):
                self.rows.pop(key, None)
        return pages

    def pages(self, query: dict[str, str]) -> Iterator[Any]:
        link: str | None = self.address
        while link:
            page = ok(self.client.get(link, query))
            yield page
            link = page["next"] and urlsplit(page["next"]).path
            query = dict(parse_qsl(urlsplit(page["next"] or "").query))

    def look(self) -> tuple[list[str], list[str]]:
        """Ids of what changed since the last look, and of what is gone."""
        pages = self._read({"since": self.token})
        changed = [row["id"] for page in pages for row in page["results"]]
        return changed, [key for page in pages for key in page["deleted"]]


def ids(*rows: Any) -> list[str]:
    return sorted(str(row.pk) for row in rows)
