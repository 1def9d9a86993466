"""The rows of a generation, from its beginning to its one end. Synchronous; each function is one transaction."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from apps.accounts.models import User
from apps.api.errors import Conflict
from apps.characters.models import Character
from apps.chat.models import Generation, GenerationStatus
from apps.chat.prompt import Cast, Prompt, Said, build_prompt
from apps.chat.providers import Request, Usage
from apps.conversations import tree, turns
from apps.conversations.access import GenerationInProgress, held, parent_of, refuse_known_client_id
from apps.conversations.models import Conversation, Message, MessageStatus, Role
from apps.conversations.serializers import ConversationSerializer, render_messages

# A process moves its generations' heartbeats every BEAT seconds; LEASE without one, and the process is dead.
BEAT = 2.0
LEASE = timedelta(seconds=15)

# Tokens kept free for the answer where neither character nor conversation says how long it may be.
ANSWER_TOKENS = 512


class CharacterUnavailable(Conflict):
    default_code = "character_unavailable"
    default_detail = "This character is gone or no longer shown to you. The conversation can be read, not continued."


@dataclass(frozen=True, slots=True)
class Job:
    """A generation that was committed and is to be run."""

    generation: UUID
    conversation: UUID
    user_message: UUID
    message: UUID
    source: str
    request: Request
    first_words: str
    wants_title: bool


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
    detail: str = ""
    first_token_ms: int | None = None
    latency_ms: int | None = None


@transaction.atomic
def begin(user: User, conversation_id: Any, turn: dict[str, Any]) -> Job:
    """Save the user's turn and the row of the answer to come.

    `turn` holds `content`, and may hold `parent` (a message or None) and `client_id`.
    """
    conversation = held(conversation_id)
    if conversation.generating_id:
        raise GenerationInProgress()
    character = conversation.character
    if character is None or not character.visible_to(user):
        raise CharacterUnavailable()
    source, model = settings.AI_OFFER.find(conversation.model or character.model)
    refuse_known_client_id(conversation, turn.get("client_id"), "id")
    parent = parent_of(conversation, turn)
    asked = turns.append(conversation, parent, role=Role.USER, **turn)
    answer = turns.append(conversation, asked, role=Role.ASSISTANT, status=MessageStatus.GENERATING, model=model)
    conversation.generating = answer
    turns.save_head(conversation, "generating")
    generation = Generation.objects.create(
        user=user, conversation=conversation, message=answer, provider=source.name, model=model
    )
    return Job(
        generation=generation.pk,
        conversation=conversation.pk,
        user_message=asked.pk,
        message=answer.pk,
        source=source.name,
        request=_request(conversation, character, model, asked),
        first_words=asked.content,
        wants_title=not conversation.title,
    )


def _request(conversation: Conversation, character: Character, model: str, leaf: Message) -> Request:
    def setting(name: str) -> Any:
        own = getattr(conversation, name)
        return own if own is not None else getattr(character, name)

    max_tokens = setting("max_tokens")
    budget = settings.AI_CONTEXT_TOKENS - min(max_tokens or ANSWER_TOKENS, settings.AI_CONTEXT_TOKENS // 2)
    return Request(
        model=model,
        messages=prompt_for(conversation, character, leaf, budget),
        temperature=setting("temperature"),
        top_p=setting("top_p"),
        max_tokens=max_tokens,
        stop=tuple(setting("stop")),
    )


def prompt_for(conversation: Conversation, character: Character, leaf: Message, budget: int) -> Prompt:
    """The prompt for an answer to `leaf`. Reads no more of the history than could fit."""
    path = tree.path_to(leaf.pk, conversation, characters=budget * 4)
    history = [Said(message.role, message.content) for message in reversed(path) if message.role != Role.TOOL]
    cast = Cast(
        char=character.name,
        user=conversation.persona,
        default_system_prompt=settings.AI_SYSTEM_PROMPT,
        system_prompt=character.system_prompt,
        persona=conversation.persona_description,
        description=character.description,
        personality=character.personality,
        scenario=character.scenario,
        topic=conversation.topic,
        example_dialogue=character.example_dialogue,
        post_history_instructions=character.post_history_instructions,
    )
    return build_prompt(cast, history, budget)


def checkpoint(job: Job, written: Written) -> bool:
    """Save the text so far. False where the message is gone, and with it the reason to go on."""
    rows = Message.objects.filter(pk=job.message, status__in=[MessageStatus.GENERATING, MessageStatus.INTERRUPTED])
    return bool(rows.update(content=written.text, reasoning=written.reasoning, updated_at=timezone.now()))


@transaction.atomic
def end(job: Job, written: Written) -> dict[str, Any] | None:
    """Save how it ended; the rendered turn, or None where the conversation or the message is gone.

    Overwrites `interrupted`: a sweep may have given up on a generation whose process lost the database for a while.
    """
    try:
        conversation = turns.locked(job.conversation)
        message = Message.objects.get(pk=job.message)
    except (Conversation.DoesNotExist, Message.DoesNotExist):
        return None
    usage = written.usage or Usage(None, None)
    message.content, message.reasoning = written.text, written.reasoning
    message.status = written.status
    message.finish_reason = written.finish_reason
    message.error = {"code": written.error, "detail": written.detail} if written.error else None
    message.model = written.model or message.model
    message.prompt_tokens, message.completion_tokens = usage.prompt_tokens, usage.completion_tokens
    message.save(
        update_fields=[
            *["content", "reasoning", "status", "finish_reason", "error"],
            *["model", "prompt_tokens", "completion_tokens", "updated_at"],
        ]
    )
    Generation.objects.filter(pk=job.generation).update(
        status=written.status,
        error=written.error,
        model=message.model,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        first_token_ms=written.first_token_ms,
        latency_ms=written.latency_ms,
        ended_at=Now(),
        updated_at=Now(),
    )
    _no_longer_generating(conversation, message)
    return _render_turn(conversation, job, message)


def _no_longer_generating(conversation: Conversation, message: Message) -> None:
    changed = ["updated_at"]
    if conversation.generating_id == message.pk:
        conversation.generating = None
        changed.append("generating")
    if conversation.active_leaf_id == message.pk:
        conversation.last_message_preview = turns.preview(message)
        changed.append("last_message_preview")
    conversation.save(update_fields=changed)


def _render_turn(conversation: Conversation, job: Job, message: Message) -> dict[str, Any]:
    asked = Message.objects.get(pk=job.user_message)
    user_message, assistant_message = render_messages([asked, message])
    return {
        "user_message": user_message,
        "assistant_message": assistant_message,
        "conversation": ConversationSerializer(conversation).data,
    }


@transaction.atomic
def beat(generations: list[UUID]) -> set[UUID]:
    """Move the heartbeats of these on; those that are still there are returned."""
    rows = Generation.objects.filter(pk__in=generations)
    # What is locked is about to end or to be deleted, and is not waited for: it can spare a beat.
    free = rows.filter(status=GenerationStatus.RUNNING).select_for_update(skip_locked=True)
    Generation.objects.filter(pk__in=list(free.values_list("pk", flat=True))).update(heartbeat=Now())
    return set(rows.values_list("pk", flat=True))


def sweep() -> int:
    """End what dead processes left running, as interrupted and with the text that was saved. How many there were."""
    stale = Generation.objects.filter(status=GenerationStatus.RUNNING, heartbeat__lt=Now() - LEASE)
    return sum(_interrupt(generation) for generation in stale)


@transaction.atomic
def _interrupt(generation: Generation) -> bool:
    try:
        conversation = turns.locked(generation.conversation_id)
        message = Message.objects.get(pk=generation.message_id)
    except (Conversation.DoesNotExist, Message.DoesNotExist):
        return False
    # Under the lock: its process may have come back, or another one may have swept it.
    stale = Generation.objects.filter(pk=generation.pk, status=GenerationStatus.RUNNING, heartbeat__lt=Now() - LEASE)
    if not stale.update(status=GenerationStatus.INTERRUPTED, error=INTERRUPTED, ended_at=Now(), updated_at=Now()):
        return False
    message.status = MessageStatus.INTERRUPTED
    message.error = {"code": INTERRUPTED, "detail": INTERRUPTED_DETAIL}
    message.save(update_fields=["status", "error", "updated_at"])
    _no_longer_generating(conversation, message)
    return True


INTERRUPTED = "interrupted"
INTERRUPTED_DETAIL = "The answer was interrupted. What had been written is kept."


def save_title(conversation_id: UUID, title: str) -> None:
    """Only while there is none: a title that the user gave is never overwritten."""
    Conversation.objects.filter(pk=conversation_id, title="").update(title=title, updated_at=timezone.now())
