"""What a prompt follows: a place in a conversation's rows, or messages that somebody brought along."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from django.utils import timezone

from apps.chat.lorebook import Book, Scene
from apps.chat.prompt import Said, Summarised
from apps.conversations import tree
from apps.conversations.models import Conversation, Message, Role


class Past(Protocol):
    """With `goes_on` it ends with an answer of which more is wanted."""

    @property
    def goes_on(self) -> bool: ...

    @property
    def has_tools(self) -> bool:
        """Whether the model may call any now."""
        ...

    @property
    def seed(self) -> str:
        """Of all chance."""
        ...

    @property
    def time(self) -> datetime: ...

    def history(self, *, characters: int) -> tuple[list[Said], bool]:
        """What was said, oldest first, and whether that is all of it: of a long one it is the end, as soon as it
        exceeds `characters`."""
        ...

    def summary(self) -> Summarised | None: ...

    def remembered(self, book: Book) -> Any:
        """What the lorebook noted last."""
        ...

    def scene(self, book: Book, history: Sequence[Said]) -> Scene: ...


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in a conversation: after the message `at` (None: at the beginning), with `said` as a turn that is not
    saved. With `goes_on`, `at` is the answer of which more is wanted."""

    conversation: Conversation
    at: Message | None
    said: str | None = None
    goes_on: bool = False

    @property
    def asked(self) -> Message | None:
        """What the answer follows, whether it was begun already or not."""
        return self.at.parent if self.at and self.goes_on else self.at

    @property
    def turn(self) -> Message | None:
        """The message that is answered, where it is saved."""
        asked = self.asked
        return asked if asked and asked.role == Role.USER and self.said is None else None

    @property
    def has_tools(self) -> bool:
        """An answer that is gone on with is only told on."""
        return not self.goes_on

    @property
    def seed(self) -> str:
        """What the turn follows has its id before the turn is saved: so a preview shows the same."""
        before = self.turn.parent_id if self.turn else self.asked and self.asked.pk
        return str(before or self.conversation.pk)

    @property
    def time(self) -> datetime:
        return self.turn.created_at if self.turn else timezone.now()

    @property
    def length(self) -> int:
        """Messages on the path, the turn included, the answer not."""
        return (self.asked.depth + 1 if self.asked else 0) + (self.said is not None)

    def history(self, *, characters: int) -> tuple[list[Said], bool]:
        rows, whole = tree.history(self.at.pk, self.conversation, characters=characters) if self.at else ([], True)
        history = [Said(*row) for row in rows]
        if self.said is not None:
            history.append(Said(Role.USER, self.said, self.length - 1))
        return history, whole

    def summary(self) -> Summarised | None:
        found = tree.summary(self.at.pk, self.conversation) if self.at else None
        return Summarised(*found) if found else None

    def remembered(self, book: Book) -> Any:
        # An answer that is gone on with has noted already what its own turn fired.
        return tree.remembered(self.asked.pk, self.conversation) if book.remembers and self.asked else None

    def scene(self, book: Book, history: Sequence[Said]) -> Scene:
        counts = book.counts_answers and self.asked
        return Scene(
            texts=_texts(history, goes_on=self.goes_on),
            length=self.length,
            answers=tree.answers(self.asked.pk, self.conversation) if counts and self.asked else 0,
            greeting=self._greeting() if book.asks_greeting else None,
            seed=self.seed,
        )

    def _greeting(self) -> int | None:
        found = tree.first(self.at.pk, self.conversation).extra.get("greeting") if self.at else None
        return found if isinstance(found, int) else None


@dataclass(frozen=True, slots=True)
class Given:
    """Messages that are nobody's rows, each with a text; `time` is now. Nothing is remembered of earlier turns, and no
    tool is called: some of them keep what they are told."""

    messages: Sequence[Said]
    time: datetime
    goes_on: bool = False
    has_tools: bool = False

    @property
    def seed(self) -> str:
        """The same messages have the same chances, however often they are answered."""
        asked = self.messages[: len(self.messages) - 1 - self.goes_on]
        return sha256(repr([(said.role, said.content) for said in asked]).encode()).hexdigest()

    def history(self, *, characters: int) -> tuple[list[Said], bool]:
        first, size = len(self.messages), 0
        while first and size < characters:
            first -= 1
            size += len(self.messages[first].content)
        return list(self.messages[first:]), first == 0

    def summary(self) -> Summarised | None:
        return None

    def remembered(self, book: Book) -> Any:
        return None

    def scene(self, book: Book, history: Sequence[Said]) -> Scene:
        asked = self.messages[: len(self.messages) - self.goes_on]
        return Scene(
            texts=_texts(history, goes_on=self.goes_on),
            length=len(asked),
            answers=sum(said.role == Role.ASSISTANT for said in asked),
            seed=self.seed,
        )


def _texts(history: Sequence[Said], *, goes_on: bool) -> list[tuple[str, str]]:
    """An answer that is gone on with has the scene of its own turn, of which it is a part."""
    texts = [(said.role, said.content) for said in history]
    if goes_on and len(texts) > 1:
        (role, turn), (_, answer) = texts[-2:]
        texts[-2:] = [(role, f"{turn}\n{answer}")]
    return texts
