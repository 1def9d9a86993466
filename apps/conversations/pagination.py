"""Pages of conversations and of messages."""

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.api.pagination import CursorLinks, NewestFirst, as_uuid, broken_cursor, decode_cursor, page_size
from apps.conversations import tree
from apps.conversations.change_pages import Synced
from apps.conversations.changes import Token
from apps.conversations.latest_rows import Wish, page_of
from apps.conversations.models import Conversation, Message
from apps.conversations.path_rows import page_to
from apps.conversations.serializers import render_messages

M = TypeVar("M", bound=Model)


class SyncedRows(Synced, NewestFirst[M]):
    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self.note_when(request)
        return super().paginate_queryset(queryset, request, view)


class LatestFirst(SyncedRows[Conversation]):
    """Conversations by their last message."""

    sort = "sort_at"

    def shown(self, request: Request, user: User, wish: Wish) -> Any:
        """The page as the API's list shows it."""
        self.request = request
        text = request.query_params.get("cursor")
        forward, edge = self._edge(text) if text is not None else (True, None)
        page = page_of(user, wish, edge, later=not forward, size=page_size(request))
        if edge is None:
            self.since = Token.of(page.snapshot)
        if page.positions:
            self._link(page.positions[0], page.positions[-1], forward, page.more, edge)
        return page.shown


class OldestFirst(SyncedRows[Message]):
    """The whole tree, in the order in which it grew."""

    descending = False


class PathPages(CursorLinks):
    """The active path, newest first. A cursor names the leaf whose path it belongs to, so that switching the branch
    meanwhile does not tear the listing."""

    def paginate(self, conversation: Conversation, request: Request) -> list[Message]:
        self.request = request
        size, (direction, leaf, edge) = page_size(request), self._place(request)
        if direction == "p":
            return self._newer(conversation, leaf, edge, size)
        leaf, start = leaf or conversation.active_leaf_id, edge or conversation.active_leaf_id
        found = tree.path_to(start, conversation, limit=size + 1) if start else []
        self._link([message.pk for message in found], leaf, edge, size)
        return found[:size]

    def _place(self, request: Request) -> tuple[str, UUID | None, UUID | None]:
        """Towards the root ("n") or the leaf ("p"), the path's leaf, and where on it; None: the active leaf."""
        text = request.query_params.get("cursor")
        if text is None:
            return "n", None, None
        direction, *ids = decode_cursor(text, length=3)
        leaf, edge = (UUID(as_uuid(part)) for part in ids)
        if direction not in ("n", "p"):
            raise broken_cursor()
        return direction, leaf, edge

    def _link(self, found: list[UUID], leaf: Any, edge: UUID | None, size: int) -> None:
        """`found`: one more than the page has, where there are as many."""
        if len(found) > size:
            self.next = self.link(["n", leaf, found[size]])
        if found and edge not in (None, leaf):
            self.previous = self.link(["p", leaf, found[0]])

    def _newer(self, conversation: Conversation, leaf: Any, end: Any, size: int) -> list[Message]:
        found = tree.path_after(end, leaf, conversation, limit=size + 1)
        page = found[-size:]
        if page:
            self.next = self.link(["n", leaf, end])
        if len(found) > size:
            self.previous = self.link(["p", leaf, page[0].pk])
        return page


class ActivePath(Synced, PathPages):
    """The same as the API's list shows it, with when it is from."""

    def shown(self, request: Request, user: User, conversation: UUID) -> Any:
        """The page's messages; 404 where the conversation is not this user's."""
        self.request = request
        size, (direction, leaf, edge) = page_size(request), self._place(request)
        if direction == "p":
            mine = get_object_or_404(Conversation.objects.owned_by(user), pk=conversation)
            return render_messages(self._newer(mine, leaf, edge, size))
        page = page_to(edge, conversation, user, size=size)
        if page is None:
            raise NotFound()
        if edge is None:
            self.since = Token.of(page.snapshot)
        self._link(page.ids, leaf or page.active_leaf, edge, size)
        return page.shown
