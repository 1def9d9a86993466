"""The rows of a generation while it runs, and its one end. Synchronous; each function is one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from apps.accounts.models import User
from apps.api.lookups import Lookup
from apps.api.saving import update
from apps.api.statements import Statement
from apps.chat.asking import Job
from apps.chat.models import Generation, GenerationStatus, Purpose
from apps.chat.outcomes import DELETED, GONE, INTERRUPTED, Outcome, error_of, render_turn
from apps.chat.providers import Usage
from apps.chat.steps import leave_off
from apps.conversations import turns
from apps.conversations.models import Conversation, Message, MessageStatus

# How long a heartbeat may stand still until its process counts as dead.
LEASE = timedelta(seconds=15)

MOST_TOKENS = 2**31 - 1  # that the column can hold

_PATIENT = Statement("SELECT set_config('lock_timeout', '5s', true)")
_WITH_MESSAGES = Lookup(lambda generation: Generation.objects.select_related("message__parent").filter(pk=generation))


@dataclass(frozen=True, slots=True)
class Written:
    """What the model has said so far, and how it ended if it did."""

    text: str
    reasoning: str = ""
    status: MessageStatus = MessageStatus.GENERATING
    finish_reason: str = ""
    model: str = ""
    usage: Usage | None = None
    error: str = ""
    retry_after: int | None = None
    first_token_ms: int | None = None
    latency_ms: int | None = None
    # None: as they are saved already.
    calls: Sequence[dict[str, Any]] | None = None
    sources: Sequence[dict[str, Any]] | None = None


def _of_tools(written: Written) -> dict[str, Any]:
    return {"tool_calls": written.calls, "sources": written.sources}


@transaction.atomic
def end(job: Job, written: Written) -> Outcome:
    """Save how it ended, and render it.

    Overwrites `interrupted`: a sweep may have given up on a generation whose process lost the database for a while.
    One that somebody stopped meanwhile stays stopped.
    """
    # Whoever holds the rows for long is not waited for in a thread of the pool; the next try is.
    _PATIENT.rows()
    conversation = _locked(job.conversation)
    generation = _WITH_MESSAGES.first(generation=job.generation)
    if generation is None:
        return GONE
    message = generation.message
    if conversation is None or message is None:
        _save_end(generation, written, GenerationStatus.STOPPED, DELETED)
        return GONE
    status, error = written.status, written.error
    if generation.status == GenerationStatus.STOPPED or (
        status == MessageStatus.INTERRUPTED and generation.stop_requested
    ):
        status, error = MessageStatus.STOPPED, ""
    if generation.superseded or message.edited_at != job.edited_at:
        _save_end(generation, written, GenerationStatus(generation.status), generation.error)
        return Outcome(render_turn(conversation, message), generation.status, generation.error)
    _save_message(message, written, status, error, job.completion_tokens)
    _save_end(generation, written, GenerationStatus(status), error)
    _no_longer_generating(conversation, message)
    return Outcome(render_turn(conversation, message), status, error, written.retry_after)


def _locked(conversation_id: object) -> Conversation | None:
    try:
        return turns.locked(conversation_id)
    except Conversation.DoesNotExist:
        return None


def _save_message(message: Message, written: Written, status: MessageStatus, error: str, before: int | None) -> None:
    """`before`: the tokens of the text that this generation went on with."""
    usage = written.usage or Usage(None, None)
    message.content, message.reasoning = written.text, written.reasoning
    for name, value in _of_tools(written).items():
        if value is not None:
            setattr(message, name, value)
    message.status = status
    message.finish_reason = written.finish_reason
    message.error = error_of(error, written.retry_after)
    message.model = written.model or message.model
    message.prompt_tokens = usage.prompt_tokens
    counts = [count for count in (before, usage.completion_tokens) if count is not None]
    message.completion_tokens = min(sum(counts), MOST_TOKENS) if counts else None
    update(
        message,
        *["content", "reasoning", "tool_calls", "sources", "status", "finish_reason", "error"],
        *["model", "prompt_tokens", "completion_tokens", "updated_at"],
    )


def _save_end(generation: Generation, written: Written, status: GenerationStatus, error: str) -> None:
    usage = written.usage or Usage(None, None)
    generation.status, generation.error, generation.retry_after = status, error, written.retry_after
    generation.model = written.model or generation.model
    generation.prompt_tokens, generation.completion_tokens = usage.prompt_tokens, usage.completion_tokens
    generation.first_token_ms, generation.latency_ms = written.first_token_ms, written.latency_ms
    update(
        generation,
        *["status", "error", "retry_after", "model", "prompt_tokens", "completion_tokens"],
        *["first_token_ms", "latency_ms"],
        ended_at="statement_timestamp()",
        updated_at="statement_timestamp()",
    )


def _no_longer_generating(conversation: Conversation, message: Message) -> None:
    changed = ["updated_at"]
    if conversation.generating_id == message.pk:
        conversation.generating = None
        changed.append("generating")
    if conversation.active_leaf_id == message.pk:
        conversation.last_message_preview = turns.preview(message)
        changed.append("last_message_preview")
    update(conversation, *changed)


def running(conversation: Conversation) -> UUID | None:
    """The generation that writes in this conversation now."""
    rows = Generation.objects.filter(conversation=conversation, status=GenerationStatus.RUNNING, message__isnull=False)
    return rows.values_list("pk", flat=True).first()


class Watched(NamedTuple):
    """What a process learns of its generations: whose end was asked for, and whose message is gone."""

    to_stop: set[UUID]
    gone: set[UUID]


def watch(generations: Collection[UUID]) -> Watched:
    found = {
        key: (message, stop)
        for key, message, stop in Generation.objects.filter(pk__in=generations).values_list(
            "pk", "message_id", "stop_requested"
        )
    }
    return Watched(
        to_stop={key for key, (_, stop) in found.items() if stop},
        gone={key for key in generations if key not in found or found[key][0] is None},
    )


@transaction.atomic
def beat(generations: Collection[UUID]) -> None:
    """Move the heartbeats of these on."""
    # What is locked is about to end or to be deleted, and is not waited for: it can spare a beat.
    rows = Generation.objects.filter(pk__in=generations, status=GenerationStatus.RUNNING)
    free = rows.select_for_update(skip_locked=True).values_list("pk", flat=True)
    Generation.objects.filter(pk__in=list(free)).update(heartbeat=Now())


def ask_to_stop(generation_id: UUID) -> None:
    """Leave word for whichever process writes it."""
    Generation.objects.filter(pk=generation_id).update(stop_requested=True)


def stop_anyway(generation_id: UUID) -> None:
    """End one whose process does not answer, with the text that was saved. Should it live, it saves the rest yet."""
    _end_for(Generation.objects.filter(pk=generation_id), GenerationStatus.STOPPED, "")


def sweep(spare: Collection[UUID] = ()) -> int:
    """End what dead processes left running, with the text that was saved: as interrupted, or as stopped where that was
    asked for. How many there were. `spare`: what the caller itself writes, however late its heartbeats are."""
    stale = Generation.objects.filter(heartbeat__lt=Now() - LEASE, status=GenerationStatus.RUNNING).exclude(
        pk__in=spare
    )
    ended = 0
    for key, stop in stale.values_list("pk", "stop_requested"):
        how = (GenerationStatus.STOPPED, "") if stop else (GenerationStatus.INTERRUPTED, INTERRUPTED)
        ended += _end_for(stale.filter(pk=key), *how)
    return ended


@transaction.atomic
def _end_for(generations: QuerySet[Generation], status: GenerationStatus, error: str) -> bool:
    """For another process: end the one generation of these, if it runs and still is one of them under the lock."""
    generation = generations.first()
    if generation is None:
        return False
    # Its end, too, takes this lock first.
    conversation = _locked(generation.conversation_id)
    ended = generations.filter(status=GenerationStatus.RUNNING)
    if not ended.update(status=status, error=error, ended_at=Now(), updated_at=Now()):
        return False
    message = Message.objects.filter(generations=generation.pk).select_related("parent").first()
    if conversation is not None and message is not None:
        message.status = MessageStatus(status)
        message.error = error_of(error)
        leave_off(message.tool_calls)
        message.save(update_fields=["status", "error", "tool_calls", "updated_at"])
        _no_longer_generating(conversation, message)
    return True


@transaction.atomic
def record_call(job: Job, purpose: Purpose, model: str, usage: Usage | None, error: str, latency_ms: int) -> None:
    """What a call beside the turns cost, for the account of what was used."""
    if _locked(job.conversation) is None:  # deleted meanwhile, and maybe its user too
        return
    usage = usage or Usage(None, None)
    Generation.objects.create(
        user_id=job.user,
        conversation_id=job.conversation,
        purpose=purpose,
        status=GenerationStatus.FAILED if error else GenerationStatus.COMPLETE,
        error=error,
        provider=job.source,
        model=model,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        latency_ms=latency_ms,
        ended_at=timezone.now(),
    )


@transaction.atomic
def record_unkept(user: User, source: str, model: str, written: Written) -> None:
    """What an answer cost that nobody keeps. Of `written`, the text is left out."""
    with connection.cursor() as cursor:
        # Whether the user is there, and stays until this is saved. No other lock on the row is waited for but that of
        # its deletion, and not for long: threads of the pool are few.
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        cursor.execute(f"SELECT 1 FROM {User._meta.db_table} WHERE id = %s FOR KEY SHARE", [user.pk])  # noqa: S608
        if cursor.fetchone() is None:
            return
    generation = Generation(user=user, purpose=Purpose.COMPLETION, provider=source, model=model)
    generation.save(force_insert=True)
    _save_end(generation, written, GenerationStatus(written.status), written.error)


def save_title(conversation_id: UUID, title: str) -> None:
    """Only while there is none: a title that the user gave is never overwritten."""
    Conversation.objects.filter(pk=conversation_id, title="").update(title=title, updated_at=timezone.now())
