"""Chunks to rows: some thousand in one transaction, what is there already left as it is.

A run that is killed has written whole transactions, and the next one goes on from there. Messages that were not there
follow the last one that was imported: where people have gone on from it here, in a branch beside theirs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection, reset_queries, transaction

from apps.accounts.ownership import hold
from apps.characters.models import Character
from apps.compat.legacy_data.copying import copy
from apps.compat.legacy_data.reading import CLIENT_ID
from apps.compat.legacy_data.report import Report
from apps.compat.legacy_data.shapes import FIRST, Chunk, Person, Talk, Turn
from apps.conversations import tree, turns
from apps.conversations.models import Conversation, Message

THERE = """
SELECT conversation_id, client_id FROM unnest(%s::uuid[], %s::text[]) AS asked (conversation_id, client_id)
JOIN conversations_message USING (conversation_id, client_id)
"""

# Of a transaction: messages, characters and conversations together, each some characters long.
AT_ONCE = 2_000
CHARACTERS = 1_000


@dataclass
class Place:
    """A conversation, and the end of what was imported of it."""

    conversation: Conversation
    is_new: bool
    last: Message | None = None
    goes_on: bool = False
    known: set[str] = field(default_factory=set)
    added: list[Message] = field(default_factory=list)


class Writer:
    """`dry`: nothing is written, and the same counted."""

    def __init__(self, report: Report, now: datetime, *, dry: bool) -> None:
        self._report = report
        self._now = now
        self._dry = dry

    def write(self, chunks: Iterable[Chunk]) -> None:
        waiting: list[Chunk] = []
        size = 0
        for chunk in chunks:
            waiting.append(chunk)
            size += 1 + sum(1 + len(turn.content) // CHARACTERS for turn in chunk.turns)
            if size >= AT_ONCE:
                self._flush(waiting)
                waiting, size = [], 0
            self._report.progress()
        self._flush(waiting)

    def _flush(self, chunks: list[Chunk]) -> None:
        with transaction.atomic():
            if not self._dry:
                for user in sorted({chunk.person.user for chunk in chunks}, key=lambda user: user.pk):
                    hold(user)
            self._characters(chunks)
            self._conversations([chunk for chunk in chunks if chunk.talk])
        # With DEBUG, Django remembers every statement.
        reset_queries()

    # ── Characters ───────────────────────────────────────────────────────────────────────────

    def _characters(self, chunks: list[Chunk]) -> None:
        people: dict[UUID, Person] = {chunk.person.pk: chunk.person for chunk in chunks}
        there = set(Character.objects.filter(pk__in=people).values_list("pk", flat=True))
        told = {chunk.person.pk for chunk in chunks if chunk.talk is None}
        new = people.keys() - there
        self._report.counts["characters there already"] += len(told & there)
        self._report.counts["characters"] += len(told & new if self._dry else new)
        if not self._dry:
            Character.objects.bulk_create(self._character(pk, people[pk]) for pk in people if pk in new)

    def _character(self, pk: UUID, person: Person) -> Character:
        return Character(id=pk, user=person.user, created_at=self._sane(person.created_at), **person.fields)

    # ── Conversations ────────────────────────────────────────────────────────────────────────

    def _conversations(self, chunks: list[Chunk]) -> None:
        places = self._places({chunk.talk.pk: chunk.talk for chunk in chunks if chunk.talk})
        self._remember(places, chunks)
        for chunk in chunks:
            assert chunk.talk is not None
            place = places[chunk.talk.pk]
            if chunk.begins:
                self._report.counts["conversations" if place.is_new else "conversations there already"] += 1
            self._add(place, chunk.turns)
        if self._dry:
            return
        copy((message for place in places.values() for message in place.added), Message)
        new = [place for place in places.values() if place.is_new]
        for place in places.values():
            self._move_head(place)
        Conversation.objects.bulk_create(place.conversation for place in new)

    def _places(self, talks: dict[UUID, Talk]) -> dict[UUID, Place]:
        rows = Conversation.objects.select_related("user").filter(pk__in=talks).order_by("pk")
        if not self._dry:
            rows = rows.select_for_update(of=("self",))
        there = {row.pk: Place(row, is_new=False) for row in rows}
        return {pk: there.get(pk) or Place(self._conversation(pk, talk), is_new=True) for pk, talk in talks.items()}

    def _conversation(self, pk: UUID, talk: Talk) -> Conversation:
        person = talk.person
        return Conversation(
            id=pk,
            user=person.user,
            character_id=person.pk,
            character_name=person.fields["name"],
            created_at=self._sane(talk.created_at),
            **talk.fields,
        )

    # ── Messages ─────────────────────────────────────────────────────────────────────────────

    def _remember(self, places: dict[UUID, Place], chunks: list[Chunk]) -> None:
        """Which of the messages are there."""
        asked = [
            (chunk.talk.pk, turn.client_id)
            for chunk in chunks
            if chunk.talk and not places[chunk.talk.pk].is_new
            for turn in chunk.turns
        ]
        if not asked:
            return
        conversations, client_ids = zip(*asked, strict=True)
        with connection.cursor() as cursor:
            cursor.execute(THERE, [list(conversations), list(client_ids)])
            for conversation, client_id in cursor.fetchall():
                places[conversation].known.add(client_id)

    def _add(self, place: Place, said: list[Turn]) -> None:
        for turn in said:
            if turn.client_id in place.known:
                self._report.counts["messages there already"] += 1
                continue
            self._report.counts["messages"] += 1
            place.known.add(turn.client_id)
            if not self._dry:
                self._append(place, turn)

    def _append(self, place: Place, turn: Turn) -> None:
        if not place.added and not place.is_new:
            imported = Message.objects.filter(conversation=place.conversation, client_id__startswith=CLIENT_ID)
            place.last = imported.order_by("-id").first()
            place.goes_on = place.last is not None and tree.ends_branch(place.last)
        message = Message(
            conversation=place.conversation,
            user=place.conversation.user,
            client_id=turn.client_id,
            role=turn.role,
            content=turn.content,
            created_at=turn.created_at,
            extra=turn.extra,
        )
        message.follow(place.last, goes_on=place.goes_on)
        place.last, place.goes_on = message, True
        place.added.append(message)

    def _move_head(self, place: Place) -> None:
        """Tell the conversation what was added. Who has gone on here stays where they are."""
        if not place.added:
            return
        conversation, last = place.conversation, place.added[-1]
        conversation.message_count += len(place.added)
        if conversation.active_leaf_id == place.added[0].parent_id:
            conversation.active_leaf = last
            conversation.last_message_at = last.created_at
            conversation.last_message_preview = turns.preview(last)
        elif conversation.last_message_at is None or conversation.last_message_at < last.created_at:
            conversation.last_message_at = last.created_at
        if not place.is_new:
            turns.save_head(conversation)

    def _sane(self, time: datetime | None) -> datetime:
        return time if time is not None and FIRST <= time <= self._now else self._now
