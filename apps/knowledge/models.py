"""Documents, and the passages that they are cut into.

A document is its passages: put together they are its text, so nothing is kept twice. The key between the two, and that
of a document to its character, are DO_NOTHING for Django, and a migration gives them ON DELETE CASCADE: they go along
without being read first.

Passages have three more columns, which no model knows, so that no SELECT of Django's drags them along: `search`, their
words (`apps.api.words`), and `embedding` with `embedding_model`, see `embeddings`.
"""

from django.conf import settings
from django.db import models

from apps.accounts.ownership import OwnedQuerySet
from apps.api.rows import Row, new_id
from apps.characters.models import Character
from apps.knowledge.headings import MAX_PATH


class Kind(models.TextChoices):
    TEXT = "text"
    MARKDOWN = "markdown"
    PDF = "pdf"


MAX_FACT = 1_000

# What may be sent as a text of its own, without a file.
WRITTEN = [(kind.value, kind.label) for kind in (Kind.TEXT, Kind.MARKDOWN)]


class Document(Row):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="documents")
    character = models.ForeignKey(
        Character, on_delete=models.DO_NOTHING, related_name="documents", db_index=False, db_constraint=False
    )
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    size = models.PositiveIntegerField()  # bytes, as it was sent
    characters = models.PositiveIntegerField()  # of its text
    passage_count = models.PositiveIntegerField()

    objects = OwnedQuerySet["Document"].as_manager()

    class Meta:
        indexes = (models.Index(fields=["character", "-id"], name="document_newest"),)

    def __str__(self) -> str:
        return self.title


class Passage(models.Model):
    # Made in their order, so that ids sort as places do.
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    document = models.ForeignKey(
        Document, on_delete=models.DO_NOTHING, related_name="passages", db_index=False, db_constraint=False
    )
    # The document's user and character again: whose a passage is can be asked of it alone, and so can what a character
    # knows.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    character = models.ForeignKey(
        Character, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    place = models.PositiveIntegerField()
    heading = models.CharField(max_length=MAX_PATH, blank=True)
    text = models.TextField()

    objects = OwnedQuerySet["Passage"].as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["document", "place"], name="passage_place"),)

    def __str__(self) -> str:
        return f"{self.place} of {self.document_id}"


class Fact(Row):
    """Something that a character keeps about a user, for their later conversations. It is the user's, whoever wrote the
    character."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="facts", db_index=False)
    character = models.ForeignKey(Character, on_delete=models.CASCADE, related_name="facts")
    text = models.CharField(max_length=MAX_FACT)

    objects = OwnedQuerySet["Fact"].as_manager()

    class Meta:
        indexes = (models.Index(fields=["user", "character", "-id"], name="fact_newest"),)

    def __str__(self) -> str:
        return self.text[:50]
