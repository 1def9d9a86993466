"""One row a call of the model."""

from typing import TYPE_CHECKING

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


class GenerationQuerySet(OwnedQuerySet["Generation"]):
    owner = "conversation__user"


class Generation(Row):
    """A lease: while `status` is running, the process that runs it moves `heartbeat` on. One that stands still
    belonged to a process that died, and whoever looks next ends it."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="generations", db_index=False)
    # The migration gives this key ON DELETE CASCADE, so that deleting messages never asks for generations first.
    message = models.ForeignKey(Message, on_delete=models.DO_NOTHING, db_constraint=False, related_name="generations")
    status = models.CharField(max_length=12, choices=GenerationStatus.choices, default=GenerationStatus.RUNNING)
    heartbeat = models.DateTimeField(db_default=Now())
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)
    provider = models.CharField(max_length=100)
    model = models.CharField(max_length=200)
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    first_token_ms = models.PositiveIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=100, blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = GenerationQuerySet.as_manager()

    if TYPE_CHECKING:
        conversation_id: object
        message_id: object

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["conversation"], name="one_running_generation", condition=models.Q(status="running")
            ),
            models.UniqueConstraint(fields=["conversation", "idempotency_key"], name="idempotency_key_counts_once"),
        )
        indexes = (models.Index(fields=["heartbeat"], name="generation_leases", condition=models.Q(status="running")),)

    def __str__(self) -> str:
        return f"{self.status} {self.id}"
