"""A conversation, as the builtin tools see it."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.api.threads import with_rows
from apps.characters.models import Character
from apps.knowledge import asking, facts
from apps.knowledge.search import Found
from apps.tools.results import Source, ToolFailed


class InConversation:
    """What is found and kept is that of this user with this character, whatever a model asks for."""

    def __init__(self, user: UUID, character: UUID) -> None:
        self._user, self._character = user, character

    async def search(self, query: str, limit: int) -> Sequence[Source]:
        user, character = await with_rows(self._both)
        return [source_of(found) for found in await asking.ask(character, query, user=user, limit=limit)]

    async def remember(self, fact: str) -> str:
        if not fact.strip():
            raise ToolFailed("bad_arguments", "There is no fact in it.")
        try:
            is_new = await with_rows(self._remember, fact.strip())
        except facts.TooMany as error:
            raise ToolFailed("too_many", f"No more than {facts.MOST_FACTS} facts are kept.") from error
        return "It will be remembered." if is_new else "This was known already."

    async def recall(self, query: str) -> Sequence[str]:
        return await with_rows(self._recall, query)

    def _both(self) -> tuple[User, Character]:
        try:
            return User.objects.get(pk=self._user), Character.objects.get(pk=self._character)
        except (User.DoesNotExist, Character.DoesNotExist) as error:
            raise ToolFailed("gone", "The character is gone.") from error

    @transaction.atomic
    def _remember(self, fact: str) -> bool:
        return facts.remember(*self._both(), fact)

    def _recall(self, query: str) -> list[str]:
        return facts.recall(*self._both(), query)


def source_of(found: Found) -> Source:
    """As a message keeps it."""
    title = f"{found.title}: {found.heading}" if found.heading else found.title
    return {"id": str(found.id), "title": title, "text": found.text}
