"""Lists that tell what changed since a client last looked. `docs/sync.md` explains them to those who write one."""

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.pagination import CursorLinks, as_uuid, broken_cursor, decode_cursor, page_size
from apps.api.statements import Statement
from apps.conversations.changes import Token
from apps.conversations.models import Tombstone

M = TypeVar("M", bound=Model)

SNAPSHOT = Statement("SELECT pg_current_snapshot()::text")

ABOUT_SINCE = (
    "Only what changed since: by id, that of all branches, and in `deleted` the ids of what is gone. Take it from the"
    " `since` of an earlier answer. Not together with filters. 410 `sync_expired`: load everything anew."
)
ABOUT_NEXT_SINCE = (
    "What to ask with as `?since=` next time. Null on further pages of a plain list: keep that of the first."
)
ABOUT_DELETED = "With `?since=` alone: ids of what was deleted since, all of them on the first page."


class Synced(CursorLinks):
    """A plain list whose first page says from when it is."""

    since: Token | None = None

    def note_when(self, request: Request) -> None:
        """To be called before anything of the answer is read: what changes meanwhile is then told next time."""
        if "cursor" not in request.query_params:
            self.since = Token.of(SNAPSHOT.rows()[0][0])

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        response.data["since"] = self.since and str(self.since)
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        page["required"].append("since")
        page["properties"]["since"] = {"type": ["string", "null"], "description": ABOUT_NEXT_SINCE}
        ids = {"type": "array", "items": {"type": "string", "format": "uuid"}}
        page["properties"]["deleted"] = {**ids, "description": ABOUT_DELETED}
        return page

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        since = {"name": "since", "in": "query", "required": False, "description": ABOUT_SINCE}
        return [*super().get_schema_operation_parameters(view), {**since, "schema": {"type": "string"}}]


class Changes(Synced):
    """Pages of what changed since the token in `?since=`, by id, each with the token for the next time.

    That token stands in the cursor: what changes while the pages are read is on a later one, or told next time.
    """

    deleted: list[str]

    def paginate(
        self, rows: QuerySet[M], tombstones: QuerySet[Tombstone], request: Request, *, filters: set[str]
    ) -> list[M]:
        """`filters`: the list's parameters that cannot be asked for together with this."""
        self.request = request
        if both := sorted(filters & set(request.query_params)):
            told = f"Everything that changed is told, so this does not go together with {both[0]}."
            raise ValidationError({"since": [told]}, code="not_with_filters")
        size = page_size(request)
        old, now = Token.read(request.query_params["since"]), Token.now()
        old.check(now)
        found = old.changed(rows).order_by("id")
        text = request.query_params.get("cursor")
        if text is None:
            self.since = now
            # Before the rows: one that is deleted in between is in neither, and told next time.
            self.deleted = [str(key) for key in old.changed(tombstones).order_by("id").values_list("id", flat=True)]
        else:
            edge, self.since = self._place(text)
            self.deleted = []
            found = found.filter(id__gt=edge)
        page = list(found[: size + 1])
        if len(page) > size:
            self.next = self.link(["since", str(page[size - 1].pk), str(self.since)])
        return page[:size]

    def _place(self, text: str) -> tuple[str, Token]:
        kind, edge, token = decode_cursor(text, length=3)
        if kind != "since" or not isinstance(token, str):
            raise broken_cursor()
        return as_uuid(edge), Token.read(token, broken_cursor)

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        response.data["deleted"] = self.deleted
        return response
