"""One row a call of the model."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from apps.accounts.ownership import OwnedQuerySet
from apps.api.rows import Row
from apps.conversations.models import Conversation, Message


class GenerationStatus(models.TextChoices):
    RUNNING = "running"
    COMPLETE = "complete"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class Purpose(models.TextChoices):
    TURN = "turn"
    TITLE = "title"
    SUMMARY = "summary"
    # Of messages that somebody brought along, in no conversation.
    COMPLETION = "completion"


class Generation(Row):
    """A lease: while `status` is running, the process that runs it moves `heartbeat` on. One that stands still
    belonged to a process that died, and whoever looks next ends it.

    It outlives its message and its conversation, since what it cost stays spent; it goes with its user. The
    migrations give those two keys ON DELETE SET NULL: deleting messages never asks for generations first.
    """

    # Unchecked by the database: it is made under the lock of the conversation, which an account's deletion takes too. A
    # check would lock the user's row, and the two would wait for each other.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    conversation = models.ForeignKey(
        Conversation,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="generations",
    )
    message = models.ForeignKey(
        Message, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="generations"
    )
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.TURN)
    status = models.CharField(max_length=12, choices=GenerationStatus.choices, default=GenerationStatus.RUNNING)
    heartbeat = models.DateTimeField(db_default=Now())
    stop_requested = models.BooleanField(default=False)
    # Another one goes on with its message, which it may no longer write.
    superseded = models.BooleanField(default=False)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)
    # Of the request that came with the key: its route and its body as sent.
    fingerprint = models.CharField(max_length=64, blank=True)
    provider = models.CharField(max_length=100)
    model = models.CharField(max_length=200)
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    first_token_ms = models.PositiveIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=100, blank=True)
    retry_after = models.PositiveIntegerField(null=True)  # seconds, as the provider asked
    ended_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet["Generation"].as_manager()

    if TYPE_CHECKING:
        conversation_id: object
        message_id: Any

    class Meta:
        constraints = (
            # One whose message was deleted is about to end, and holds nobody up.
            models.UniqueConstraint(
                fields=["conversation"],
                name="one_running_generation",
                condition=models.Q(status="running", message__isnull=False),
            ),
            models.UniqueConstraint(fields=["conversation", "idempotency_key"], name="idempotency_key_counts_once"),
        )
        indexes = (
            # Without the heartbeat, so that moving it on touches no index: those that run are few.
            models.Index(fields=["id"], name="generation_running", condition=models.Q(status="running")),
            models.Index(fields=["user", "created_at"], name="generation_usage"),
        )

    def __str__(self) -> str:
        return f"{self.status} {self.id}"


class WindowFrom(models.TextChoices):
    PROVIDER = "provider"
    ERROR = "error"


class KnownModel(Row):
    """What was learned of a model of one source. It belongs to no user; see `known`."""

    source = models.CharField(max_length=100)
    # As its source calls it.
    model = models.CharField(max_length=200)
    # Tokens, the prompt and its answer together; null where nobody has told.
    window = models.PositiveIntegerField(null=True)
    window_from = models.CharField(max_length=10, choices=WindowFrom.choices, blank=True)
    window_at = models.DateTimeField(null=True)
    # Bytes of UTF-8 to a token: how many answers it was learned from, their mean, and their mean distance from it.
    samples = models.PositiveIntegerField(default=0)
    mean = models.FloatField(null=True)
    deviation = models.FloatField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "model"], name="a_model_is_known_once"),)

    def __str__(self) -> str:
        return f"{self.source}/{self.model}"
