"""Conversations and messages.

A message's parent is the turn it follows; siblings are the swipes. The **active path** is the ancestors of the
conversation's `active_leaf`. What lists show of a conversation (counts, last message) is kept on its row, by whoever
adds or removes a message, in the same transaction and under the lock of that row.

Foreign keys between these tables are DO_NOTHING for Django where PostgreSQL itself is the guard: so a conversation of
any length is deleted in one statement instead of being read first.

Conversations, messages and tombstones have one more column, `changed`, that no model knows: see `changes`.
"""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.accounts.ownership import OwnedQuerySet
from apps.api.rows import Row, new_id
from apps.characters.macros import Macros
from apps.characters.models import Character, ModelSettings

MAX_CONTENT = 200_000
PREVIEW = 200


class Conversation(ModelSettings, Row):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations", db_index=False
    )
    character = models.ForeignKey(Character, null=True, on_delete=models.SET_NULL, related_name="conversations")
    character_name = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=200, blank=True)
    topic = models.TextField(blank=True, max_length=20_000)
    persona_name = models.CharField(max_length=100, blank=True)
    persona_description = models.TextField(blank=True, max_length=20_000)
    # Null: the character's own. An empty list: none.
    stop = ArrayField(models.CharField(max_length=200), null=True, blank=True, size=16)
    active_leaf = models.ForeignKey("Message", null=True, on_delete=models.DO_NOTHING, related_name="+")
    generating = models.ForeignKey("Message", null=True, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    message_count = models.PositiveIntegerField(default=0)
    last_message_at = models.DateTimeField(null=True)
    last_message_preview = models.CharField(max_length=PREVIEW, blank=True)
    pinned = models.BooleanField(default=False)
    archived = models.BooleanField(default=False)
    # What an imported file said of it that has no place of its own here.
    extra = models.JSONField(default=dict, blank=True)
    # A model, by source and name, that refused a prompt of this conversation as too long, and how many tokens are
    # tried since.
    refused_by = models.CharField(max_length=301, blank=True, editable=False)
    refused_most = models.PositiveIntegerField(null=True, editable=False)
    refused_at = models.DateTimeField(null=True, editable=False)
    # What lists are sorted by: the last message's time, the conversation's own before there is one.
    sort_at = models.GeneratedField(
        expression=Coalesce("last_message_at", "created_at"), output_field=models.DateTimeField(), db_persist=True
    )

    objects = OwnedQuerySet["Conversation"].as_manager()

    if TYPE_CHECKING:
        user_id: object
        character_id: object
        active_leaf_id: object
        generating_id: object

    class Meta:
        indexes = (
            models.Index(fields=["user", "-sort_at", "-id"], name="conversation_owner_latest"),
            # Few are pinned, and they are asked for by themselves.
            models.Index(
                fields=["user", "-sort_at", "-id"], name="conversation_owner_pinned", condition=models.Q(pinned=True)
            ),
            # For the check of the key when a message is deleted.
            models.Index(
                fields=["generating"], name="conversation_generating", condition=models.Q(generating__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return self.title or f"{self.character_name} {self.created_at:%Y-%m-%d}"

    @property
    def persona(self) -> str:
        """What the character calls the user here."""
        return self.persona_name or self.user.name

    def macros(self, character: Character, *, seed: str, now: datetime) -> Macros:
        """What macros stand for in the character's texts, here."""
        texts = {"persona": self.persona_description, **character.named_texts()}
        return Macros(character.called, self.persona, texts, seed, now)


class Role(models.TextChoices):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class MessageStatus(models.TextChoices):
    COMPLETE = "complete"
    GENERATING = "generating"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class Message(Row):
    # The migrations give this key ON DELETE CASCADE: PostgreSQL removes the messages when the conversation is gone.
    conversation = models.ForeignKey(
        Conversation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="messages"
    )
    # The conversation's user again, so that whose a message is can be asked of it alone.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    parent = models.ForeignKey("self", null=True, on_delete=models.DO_NOTHING, related_name="children", db_index=False)
    role = models.CharField(max_length=10, choices=Role.choices)
    content = models.TextField(blank=True)
    reasoning = models.TextField(blank=True)
    tool_calls = models.JSONField(default=list, blank=True)
    sources = models.JSONField(default=list, blank=True)
    extra = models.JSONField(default=dict, blank=True)
    client_id = models.CharField(max_length=128, null=True, blank=True)
    depth = models.PositiveIntegerField(default=0)
    # The tree cut into straight pieces: the first message that follows another goes on in its branch, each further one
    # begins a branch of its own. So a path is read piece by piece, however long it is.
    branch = models.UUIDField(editable=False)  # the id of the branch's first message
    fork = models.UUIDField(null=True, editable=False)  # at a branch's first message: the branch that it left
    status = models.CharField(max_length=12, choices=MessageStatus.choices, default=MessageStatus.COMPLETE)
    error = models.JSONField(null=True)
    model = models.CharField(max_length=200, blank=True)
    finish_reason = models.CharField(max_length=20, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    rating = models.SmallIntegerField(null=True, blank=True)
    edited_at = models.DateTimeField(null=True)
    # What the lorebook is to remember after this answer; null: nothing that was ever to be remembered.
    lore = models.JSONField(null=True, editable=False)

    objects = OwnedQuerySet["Message"].as_manager()

    # The ids of all that follow the same parent, this one included, oldest first; where rows are shown.
    sibling_ids: list[UUID]

    if TYPE_CHECKING:
        conversation_id: object
        parent_id: object

    class Meta:
        indexes = (
            models.Index(fields=["conversation", "id"], name="message_order"),
            models.Index(fields=["parent", "id"], name="message_siblings"),
            models.Index(fields=["conversation", "id"], name="message_roots", condition=models.Q(parent__isnull=True)),
            models.Index(fields=["fork", "depth"], name="message_forks", condition=models.Q(fork__isnull=False)),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["conversation", "client_id"],
                name="message_client_id_once",
                condition=models.Q(client_id__isnull=False),
            ),
            models.CheckConstraint(
                condition=models.Q(rating__in=[-1, 1]) | models.Q(rating__isnull=True), name="message_rating"
            ),
            models.UniqueConstraint(fields=["branch", "depth"], name="message_branch_step"),
        )

    def __str__(self) -> str:
        return f"{self.role} {self.id}"

    def follow(self, parent: "Message | None", *, goes_on: bool) -> None:
        """Take a place under `parent`, before being saved. `goes_on`: nothing else has followed it yet."""
        self.parent = parent
        self.depth = parent.depth + 1 if parent else 0
        self.branch = parent.branch if parent and goes_on else self.id
        self.fork = parent.branch if parent and not goes_on else None


class Summary(Row):
    """What was said on the path down to `message`, in short, for prompts that have no room for all of it.

    Made from the messages, which stay as they are; an edit of one of those that it covers removes it. The migrations
    give both keys ON DELETE CASCADE.
    """

    conversation = models.ForeignKey(
        Conversation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="summaries"
    )
    message = models.OneToOneField(Message, on_delete=models.DO_NOTHING, db_constraint=False, related_name="summary")
    depth = models.PositiveIntegerField()  # the message's
    text = models.TextField()
    model = models.CharField(max_length=200)

    class Meta:
        verbose_name_plural = "summaries"
        indexes = (models.Index(fields=["conversation", "depth"], name="summary_depth"),)

    def __str__(self) -> str:
        return f"down to {self.depth}"


class Tombstone(models.Model):
    """A message that was deleted, or, without `conversation`, a conversation: its id, for clients who still have it.

    Triggers write it, see the migrations, and remove it with its conversation and its user; `changes.prune` does
    when no client can ask for it any more.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    deleted_at = models.DateTimeField(default=timezone.now)

    objects = OwnedQuerySet["Tombstone"].as_manager()

    class Meta:
        indexes = (models.Index(fields=["deleted_at"], name="tombstone_age"),)

    def __str__(self) -> str:
        return str(self.id)
