"""Pages of conversations and of messages."""

from typing import Any, TypeVar

from django.db.models import Model
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.api.pagination import CursorLinks, NewestFirst, as_uuid, broken_cursor, decode_cursor, page_size
from apps.conversations import tree
from apps.conversations.change_pages import Synced
from apps.conversations.models import Conversation, Message

M = TypeVar("M", bound=Model)


class SyncedRows(Synced, NewestFirst[M]):
    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self.note_when(request)
        return super().paginate_queryset(queryset, request, view)


class LatestFirst(SyncedRows[Conversation]):
    """Conversations by their last message."""

    sort = "sort_at"


class OldestFirst(SyncedRows[Message]):
    """The whole tree, in the order in which it grew."""

    descending = False


class PathPages(CursorLinks):
    """The active path, newest first. A cursor names the leaf whose path it belongs to, so that switching the branch
    meanwhile does not tear the listing."""

    def paginate(self, conversation: Conversation, request: Request) -> list[Message]:
        self.request = request
        size = page_size(request)
        text = request.query_params.get("cursor")
        if text is None:
            return self._older(conversation, conversation.active_leaf_id, conversation.active_leaf_id, size)
        direction, *ids = decode_cursor(text, length=3)
        leaf, edge = (as_uuid(part) for part in ids)
        if direction == "n":
            return self._older(conversation, leaf, edge, size)
        if direction == "p":
            return self._newer(conversation, leaf, edge, size)
        raise broken_cursor()

    def _older(self, conversation: Conversation, leaf: Any, start: Any, size: int) -> list[Message]:
        found = tree.path_to(start, conversation, limit=size + 1) if start else []
        if len(found) > size:
            self.next = self.link(["n", leaf, found[size].pk])
        if found and str(start) != str(leaf):
            self.previous = self.link(["p", leaf, found[0].pk])
        return found[:size]

    def _newer(self, conversation: Conversation, leaf: Any, end: Any, size: int) -> list[Message]:
        found = tree.path_after(end, leaf, conversation, limit=size + 1)
        page = found[-size:]
        if page:
            self.next = self.link(["n", leaf, end])
        if len(found) > size:
            self.previous = self.link(["p", leaf, page[0].pk])
        return page


class ActivePath(Synced, PathPages):
    """The same, which says from when it is."""
