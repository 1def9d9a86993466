"""Prompts that a model refused as too long without telling how much it takes.

Remembered for the one conversation, for a day: a prompt beyond measure is no ground to give everybody else less, and
without a memory every turn would cost a call that is refused.
"""

from uuid import UUID

from django.utils import timezone

from apps.chat.known import ERROR_STANDS
from apps.conversations.models import Conversation


def remember(conversation: UUID, source: str, model: str, most: int) -> None:
    """From now on prompts for that model have at most so many tokens here, as they are estimated."""
    Conversation.objects.filter(pk=conversation).update(
        refused_by=_name(source, model), refused_most=most, refused_at=timezone.now()
    )


def most(conversation: Conversation, source: str, model: str) -> int | None:
    """Tokens that a prompt may have; None where nothing was refused lately."""
    if conversation.refused_at is None or conversation.refused_at < timezone.now() - ERROR_STANDS:
        return None
    return conversation.refused_most if conversation.refused_by == _name(source, model) else None


def _name(source: str, model: str) -> str:
    return f"{source}/{model}"
