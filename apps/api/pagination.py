"""Keyset pages: `{"next", "previous", "results"}`, `?page_size=` up to 100, a cursor instead of a number.

A page costs the same at any depth, and a row that is added or removed meanwhile neither repeats nor hides another.
"""

import base64
import binascii
import json
import uuid
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import orjson
from django.db.models import Model, Q
from django.utils.dateparse import parse_datetime
from django.utils.encoding import escape_uri_path
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

M = TypeVar("M", bound=Model)

DEFAULT_SIZE = 50
MAX_SIZE = 100


def broken_cursor() -> ValidationError:
    return ValidationError({"cursor": ["This cursor is broken; start again from the first page."]}, code="invalid")


def encode_cursor(value: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


def decode_cursor(text: str, *, length: int, broken: Callable[[], ValidationError] = broken_cursor) -> list[Any]:
    """The list that was encoded; what `broken` makes is raised where it is not a list of `length`."""
    try:
        value = json.loads(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise broken() from error
    if not isinstance(value, list) or len(value) != length:
        raise broken()
    return value


def page_size(request: Request) -> int:
    text = request.query_params.get("page_size")
    if text is None:
        return DEFAULT_SIZE
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_SIZE):
        raise ValidationError({"page_size": [f"A whole number from 1 to {MAX_SIZE}."]}, code="invalid")
    return int(text)


class CursorLinks(BasePagination):
    """The envelope, its schema and its links; subclasses find the rows and set `next` and `previous`."""

    next: str | None = None
    previous: str | None = None
    request: Request

    def link(self, cursor: list[Any]) -> str:
        """The request's own address with another cursor, at the host that the client itself used."""
        request = self.request
        others = [item for item in request.query_params.lists() if item[0] != "cursor"]
        query = urlencode([*others, ("cursor", encode_cursor(cursor))], doseq=True)
        return f"{request.scheme}://{request.get_host()}{escape_uri_path(request.path)}?{query}"

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next, "previous": self.previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        size = {"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": DEFAULT_SIZE}
        cursor = {"type": "string"}
        about_cursor = "Where to go on: take it from `next` or `previous` of a page as it is."
        return [
            {"name": "page_size", "in": "query", "required": False, "description": "Rows a page.", "schema": size},
            {"name": "cursor", "in": "query", "required": False, "description": about_cursor, "schema": cursor},
        ]

    def to_html(self) -> str:
        return ""


class NewestFirst(CursorLinks, Generic[M]):
    """Pages of a queryset, newest first, by a column of time (`sort`) and the id; by the id alone without `sort`.

    Ids are UUIDv7, so the id alone is already the order of making.
    """

    sort: str | None = None
    descending = True

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self.request = request
        size = page_size(request)
        text = request.query_params.get("cursor")
        forward, edge = self._edge(text) if text is not None else (True, None)
        minus = "-" if forward == self.descending else ""
        order = [minus + name for name in ([self.sort] if self.sort else []) + ["id"]]
        rows = queryset.order_by(*order)
        if edge is not None:
            rows = rows.filter(self._beyond(edge, forward))
        found = list(rows[: size + 1])
        more, found = len(found) > size, found[:size]
        if not forward:
            found.reverse()
        if found:
            self._link(self._position(found[0]), self._position(found[-1]), forward, more, edge)
        return found

    def _link(self, first: list[str], last: list[str], forward: bool, more: bool, edge: Any) -> None:
        """To what is before the first and after the last that are shown. Where we came from has rows in any case, else
        there would be no cursor to come with."""
        if more if forward else edge is not None:
            self.next = self.link(["n", *last])
        if more if not forward else edge is not None:
            self.previous = self.link(["p", *first])

    def _position(self, row: M) -> list[str]:
        return ([getattr(row, self.sort).isoformat()] if self.sort else []) + [str(row.pk)]

    def _edge(self, text: str) -> tuple[bool, list[Any]]:
        direction, *position = decode_cursor(text, length=3 if self.sort else 2)
        if direction not in ("n", "p") or not all(isinstance(part, str) for part in position):
            raise broken_cursor()
        identity = as_uuid(position[-1])
        if not self.sort:
            return direction == "n", [identity]
        try:
            moment = parse_datetime(position[0])
        except ValueError as error:
            raise broken_cursor() from error
        if moment is None or moment.tzinfo is None:
            raise broken_cursor()
        return direction == "n", [moment, identity]

    def _beyond(self, edge: list[Any], forward: bool) -> Q:
        side = "lt" if forward == self.descending else "gt"
        if not self.sort:
            return Q(**{f"id__{side}": edge[0]})
        moment, identity = edge
        # The first condition is implied by the second; it is what lets PostgreSQL use the index.
        return Q(**{f"{self.sort}__{side}e": moment}) & (
            Q(**{f"{self.sort}__{side}": moment}) | Q(**{f"id__{side}": identity})
        )


def as_uuid(text: Any) -> str:
    """A UUID in its canonical spelling; a broken cursor otherwise."""
    try:
        return str(uuid.UUID(text))
    except (ValueError, AttributeError, TypeError) as error:
        raise broken_cursor() from error
