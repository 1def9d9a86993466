"""How a generation ended, read from its rows."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.chat.models import Generation, GenerationStatus
from apps.chat.providers import ContextTooLong, ProviderBusy, ProviderFailed, ProviderTimeout
from apps.conversations.models import Conversation, Message, Role
from apps.conversations.serializers import ConversationSerializer, render_messages

INTERRUPTED = "interrupted"
UNFORESEEN = "internal_error"
DELETED = "deleted"
LEAVING = "shutting_down"

# What people are told, by the code that programs are.
DETAILS = {
    **{error.code: error.detail for error in (ProviderFailed, ProviderBusy, ProviderTimeout, ContextTooLong)},
    INTERRUPTED: "The answer was interrupted. What had been written is kept.",
    UNFORESEEN: "Something went wrong on this server.",
    DELETED: "This answer was deleted.",
    LEAVING: "This server is about to stop. The answer is written elsewhere: come back to it.",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """`turn` holds the rendered rows; None where the message, or all of the conversation, is gone."""

    turn: dict[str, Any] | None
    status: str
    error: str = ""
    retry_after: int | None = None

    @property
    def detail(self) -> str:
        return DETAILS.get(self.error, "")


GONE = Outcome(None, GenerationStatus.STOPPED, DELETED)
# No more is coming, and the rows do not say yet how it ended.
UNSAVED = Outcome(None, GenerationStatus.INTERRUPTED, INTERRUPTED)
ELSEWHERE = Outcome(None, GenerationStatus.INTERRUPTED, LEAVING)


def error_of(code: str, retry_after: int | None = None) -> dict[str, Any] | None:
    """As a message keeps it."""
    when = {} if retry_after is None else {"retry_after": retry_after}
    return {"code": code, "detail": DETAILS[code], **when} if code else None


def read(generation_id: UUID) -> Outcome | None:
    """None while it runs."""
    rows = Generation.objects.select_related("message__parent", "message__conversation__user")
    generation = rows.filter(pk=generation_id).first()
    if generation is None:
        return GONE
    if generation.status == GenerationStatus.RUNNING:
        return None
    message = generation.message
    turn = render_turn(message.conversation, message) if message else None
    return Outcome(turn, generation.status, generation.error, generation.retry_after)


def render_turn(conversation: Conversation, answer: Message) -> dict[str, Any]:
    """`user_message` is what was answered; null where that is no message of the user's."""
    asked = answer.parent if answer.parent is not None and answer.parent.role == Role.USER else None
    rendered = render_messages([answer, *([asked] if asked else [])])
    return {
        "user_message": rendered[1] if asked else None,
        "assistant_message": rendered[0],
        "conversation": ConversationSerializer.show(conversation),
    }
