"""Documents put into what a character knows, and their text taken out again."""

from uuid import UUID

from django.db import transaction
from django.db.models import Count, Sum
from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.accounts.ownership import hold
from apps.characters.models import Character
from apps.knowledge import headings
from apps.knowledge.models import Document, Kind, Passage
from apps.knowledge.passages import Mark, split
from apps.knowledge.reading import NotReadable, Read

# Of one character. All of its passages are looked at for every question, so there is an end to them.
MAX_DOCUMENTS = 500
MAX_CHARACTERS = 20_000_000

BATCH = 500


def keep(user: User, character: UUID, title: str, read: Read, size: int) -> Document:
    """A new document of this user's character; 404 where there is none, NotReadable where it knows too much already.
    `size` is in bytes, as it was sent."""
    pieces = list(split(read.text, marks_of(read)))
    with transaction.atomic():
        hold(user)
        # Two at once are counted one after the other.
        row = get_object_or_404(Character.objects.owned_by(user).select_for_update(no_key=True), pk=character)
        document = Document(user=user, character=row, title=title, kind=read.kind, size=size)
        document.characters, document.passage_count = len(read.text), len(pieces)
        _refuse_too_much(document)
        document.save(force_insert=True)
        passages = [
            Passage(document=document, user=user, character=row, place=place, heading=piece.heading, text=piece.text)
            for place, piece in enumerate(pieces)
        ]
        Passage.objects.bulk_create(passages, batch_size=BATCH)
    return document


def marks_of(read: Read) -> list[Mark]:
    if read.kind == Kind.PDF:
        return headings.of_pages(read.text)
    return headings.of_markdown(read.text) if read.kind == Kind.MARKDOWN else []


def _refuse_too_much(document: Document) -> None:
    known = Document.objects.filter(character=document.character).aggregate(count=Count("id"), sum=Sum("characters"))
    if known["count"] >= MAX_DOCUMENTS:
        raise NotReadable("too_many", f"A character has at most {MAX_DOCUMENTS} documents.")
    if (known["sum"] or 0) + document.characters > MAX_CHARACTERS:
        raise NotReadable("too_much", f"A character's documents have at most {MAX_CHARACTERS:,} characters together.")


def text_of(document: Document) -> str:
    """As it was read, in full."""
    return "".join(Passage.objects.filter(document=document).order_by("place").values_list("text", flat=True))
