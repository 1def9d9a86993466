"""Asking for an answer: what is committed before the model is called. Each function is one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from apps.accounts.models import User
from apps.api.errors import Conflict
from apps.api.saving import insert
from apps.chat import known, refusals
from apps.chat.assembly import ANSWER_TOKENS, Assembled, assemble
from apps.chat.keys import Earlier, Key, earlier
from apps.chat.models import Generation
from apps.chat.past import Moment
from apps.chat.providers import ContextTooLong, Request
from apps.chat.steps import not_among
from apps.conversations import turns
from apps.conversations.access import GenerationInProgress, held, parent_of, refuse_known_client_id, still_here
from apps.conversations.models import Conversation, Message, MessageStatus, Role
from apps.tools.functions import Function

# What is left of a prompt that its model refused as too long, where it did not tell by how much; and of what it told.
LESS = 0.6
CAUTION = 0.9


class CharacterUnavailable(Conflict):
    default_code = "character_unavailable"
    default_detail = "This character is gone or no longer shown to you. The conversation can be read, not continued."


@dataclass(frozen=True, slots=True)
class Job:
    """A generation that was committed and is to be run. What has a default is what its message has already."""

    generation: UUID
    user: UUID
    conversation: UUID
    character: UUID
    message: UUID
    source: str
    request: Request
    tokens: int  # of the request, as estimated
    first_words: str
    wants_title: bool
    # Tokens of the newest history that a summary is to leave out; None: none is wanted. Half of what the prompt had
    # room for, so that the next turns find it done.
    sum_up_but: int | None
    # What the model may call, by name; tokens that there are for what comes of it, and how long one is.
    functions: Mapping[str, Function]
    room: int
    bytes_per_token: float
    text: str = ""
    reasoning: str = ""
    completion_tokens: int | None = None
    edited_at: datetime | None = None
    calls: Sequence[dict[str, Any]] = ()
    sources: Sequence[dict[str, Any]] = ()


Ask = Callable[[Conversation, str], Message]


def say(user: User, conversation_id: Any, key: Key | None, turn: dict[str, Any]) -> Job | Earlier:
    """Save the user's turn and the row of the answer to come.

    `turn` holds `content`, and may hold `parent` (a message or None) and `client_id`.
    """

    def ask(conversation: Conversation, model: str) -> Message:
        refuse_known_client_id(conversation, turn.get("client_id"), "id")
        parent = parent_of(conversation, turn)
        return _said_and_answered(conversation, parent, model, turn)

    return _begin(user, conversation_id, key, ask)


def say_instead(
    user: User, conversation_id: Any, key: Key | None, message: Message, content: str, client_id: str
) -> Job | Earlier:
    """Save what the user says in place of `message`, beside it. `client_id` names this one from now on: who edits goes
    on calling it by the same name."""

    def ask(conversation: Conversation, model: str) -> Message:
        parent = still_here(message, "message").parent
        Message.objects.filter(conversation=conversation, client_id=client_id).update(
            client_id=None, updated_at=timezone.now()
        )
        return _said_and_answered(conversation, parent, model, {"content": content, "client_id": client_id})

    return _begin(user, conversation_id, key, ask)


def regenerate(user: User, conversation_id: Any, key: Key | None, message: Message | None) -> Job | Earlier:
    """Another answer beside `message`, or below it where it is the user's; the leaf where None is named."""

    def ask(conversation: Conversation, model: str) -> Message:
        target = conversation.active_leaf if message is None else still_here(message, "message")
        if target is None:
            raise _refused("nothing_to_answer", "There is nothing to answer yet.")
        if target.role == Role.USER:
            return _answer_to(conversation, target, model)
        if target.role != Role.ASSISTANT:
            raise _refused("not_an_answer", "Only an answer can be made anew, or a message of yours answered.")
        if target.parent is None:
            raise _refused("greeting", "A greeting is not generated: choose another one by `active_leaf`.")
        return _answer_to(conversation, target.parent, model)

    return _begin(user, conversation_id, key, ask)


def go_on(user: User, conversation_id: Any, key: Key | None) -> Job | Earlier:
    """More of the answer that is the active leaf, in the same row."""

    def ask(conversation: Conversation, model: str) -> Message:
        # Locked: a process that was taken for dead may be saving more of it.
        leaf = conversation.active_leaf
        if leaf is not None:
            leaf.refresh_from_db(from_queryset=Message.objects.select_for_update())
        if leaf is None or leaf.role != Role.ASSISTANT or not leaf.content.strip():
            raise ValidationError("The last message is no answer that could go on.", code="nothing_to_continue")
        leaf.generations.update(superseded=True)
        turns.forget_summaries(conversation, leaf)
        leaf.status = MessageStatus.GENERATING
        leaf.error, leaf.finish_reason, leaf.model = None, "", model
        leaf.save(update_fields=["status", "error", "finish_reason", "model", "updated_at"])
        return leaf

    return _begin(user, conversation_id, key, ask)


def _refused(code: str, detail: str) -> ValidationError:
    return ValidationError({"message": [detail]}, code=code)


def _said_and_answered(conversation: Conversation, parent: Message | None, model: str, turn: dict[str, Any]) -> Message:
    _, answer = turns.append_all(conversation, parent, {"role": Role.USER, **turn}, _to_come(model))
    return answer


def _answer_to(conversation: Conversation, asked: Message, model: str) -> Message:
    return turns.append(conversation, asked, **_to_come(model))


def _to_come(model: str) -> dict[str, Any]:
    return {"role": Role.ASSISTANT, "status": MessageStatus.GENERATING, "model": model}


@transaction.atomic
def _begin(user: User, conversation_id: Any, key: Key | None, ask: Ask) -> Job | Earlier:
    """`ask` makes, or takes, the row that the answer of the named model goes into."""
    conversation = held(conversation_id, "user", "character")
    if before := earlier(conversation, key):
        return before
    if conversation.generating_id:
        raise GenerationInProgress()
    character = conversation.character
    if character is None or not character.visible_to(user):
        raise CharacterUnavailable()
    source, model = settings.AI_OFFER.find(conversation.model or character.model)
    answer = ask(conversation, model)
    conversation.generating = answer
    turns.save_head(conversation, "generating")
    assembled = assemble(conversation, character, _moment(conversation, answer, goes_on=bool(answer.content.strip())))
    found = not_among(answer.sources, assembled.sources)
    if assembled.remember is not None or found:
        answer.lore = assembled.remember if assembled.remember is not None else answer.lore
        answer.sources = [*answer.sources, *found]
        answer.save(update_fields=["lore", "sources"])
    generation = Generation(
        user=user,
        conversation=conversation,
        message=answer,
        provider=source.name,
        model=model,
        idempotency_key=key.text if key else None,
        fingerprint=key.fingerprint if key else "",
    )
    insert(generation)
    return Job(
        generation=generation.pk,
        user=user.pk,
        conversation=conversation.pk,
        character=character.pk,
        message=answer.pk,
        source=source.name,
        **_asked(assembled),
        first_words=answer.parent.content if answer.parent else "",
        wants_title=not conversation.title,
        text=answer.content,
        reasoning=answer.reasoning,
        completion_tokens=answer.completion_tokens,
        edited_at=answer.edited_at,
        calls=answer.tool_calls,
        sources=answer.sources,
    )


def _asked(assembled: Assembled) -> dict[str, Any]:
    return {
        "request": assembled.request,
        "tokens": assembled.tokens,
        "functions": assembled.functions,
        "room": max(assembled.budget - assembled.tokens, 0),
        "bytes_per_token": assembled.scale.bytes_per_token,
        "sum_up_but": assembled.built.tokens_of("history") // 2
        if assembled.uncovered and settings.AI_SUMMARIES
        else None,
    }


def shorter(job: Job, refusal: ContextTooLong) -> Job | None:
    """The same once more, with less, for a model that refused it as too long; None where there is no less."""
    known.refused(job.source, job.request.model, window=refusal.window)
    rows = Message.objects.select_related("parent", "conversation__user", "conversation__character")
    answer = rows.filter(pk=job.message, status=MessageStatus.GENERATING).first()
    if answer is None or answer.conversation.character is None:
        return None
    moment = _moment(answer.conversation, answer, goes_on=bool(job.text.strip()))
    most = less_than(job.tokens, job.request, refusal)
    assembled = assemble(answer.conversation, answer.conversation.character, moment, most=most)
    if assembled.tokens >= job.tokens:
        return None
    if not (refusal.window and refusal.tokens):
        refusals.remember(job.conversation, job.source, job.request.model, most)
    if assembled.remember is not None:
        Message.objects.filter(pk=answer.pk).update(lore=assembled.remember)
    return replace(job, **_asked(assembled))


def note(job: Job, refusal: ContextTooLong) -> None:
    """For the next turn: what a model refused that had begun with this one already."""
    known.refused(job.source, job.request.model, window=refusal.window)
    if not refusal.window:
        refusals.remember(job.conversation, job.source, job.request.model, int(job.tokens * LESS))


def less_than(tokens: int, request: Request, refusal: ContextTooLong) -> int:
    """Tokens for the next try, on the scale of the estimate, `tokens`, that was too low."""
    if not (refusal.window and refusal.tokens):
        return int(tokens * LESS)
    room = max(refusal.window - (request.max_tokens or ANSWER_TOKENS), refusal.window // 2)
    return int(tokens * min(room / refusal.tokens, 1) * CAUTION)


def _moment(conversation: Conversation, answer: Message, *, goes_on: bool) -> Moment:
    """What an answer's row is to be filled from."""
    return Moment(conversation, answer if goes_on else answer.parent, goes_on=goes_on)
