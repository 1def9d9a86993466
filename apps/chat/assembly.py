"""What a model is sent: the one way from a conversation's rows to a prompt, whether it is sent or shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.characters.models import Character
from apps.chat import known, lorebook, refusals
from apps.chat.lorebook import Book, Fired, Scene
from apps.chat.prompt import Built, Cast, Said, Scale, Summarised, build_prompt
from apps.chat.providers import Request
from apps.conversations import tree
from apps.conversations.models import Conversation, Message, Role

# Tokens kept free for the answer where neither character nor conversation says how long it may be.
ANSWER_TOKENS = 512
# How much of a prompt lore may be; a book's own budget may say less.
LORE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Assembled:
    """A prompt ready to be sent to `source`. `remember` is for the answer's row: None where the book notes nothing.

    `uncovered`: messages are left out of the prompt that no summary tells of.
    """

    source: str
    request: Request
    built: Built
    fired: Fired
    budget: int
    remember: Mapping[str, Any] | None
    uncovered: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in a conversation a prompt is made: after the message `at` (None: at the beginning), with `said` as a turn
    that is not saved. With `goes_on`, `at` is an answer of which more is wanted."""

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

    def seed(self, conversation: Conversation) -> str:
        """Of all chance. What the turn follows has its id before the turn is saved: so a preview shows the same."""
        before = self.turn.parent_id if self.turn else self.asked and self.asked.pk
        return str(before or conversation.pk)

    @property
    def time(self) -> datetime:
        return self.turn.created_at if self.turn else timezone.now()

    @property
    def length(self) -> int:
        """Messages on the path, the turn included, the answer not."""
        return (self.asked.depth + 1 if self.asked else 0) + (self.said is not None)


def assemble(conversation: Conversation, character: Character, moment: Moment, *, most: int | None = None) -> Assembled:
    """What the model would be sent at that moment: in as many tokens as its window has room for, and at `most`."""
    source, model = settings.AI_OFFER.find(conversation.model or character.model)
    of_model = known.model(source.name, model)
    scale = Scale(of_model.bytes_per_token)
    # Providers refuse a wish for an answer that their window could not hold beside the prompt.
    longest = of_model.window // 2
    wished = _setting(conversation, character, "max_tokens")
    max_tokens = min(wished, longest) if wished else None
    budget = of_model.window - (max_tokens or min(ANSWER_TOKENS, longest))
    budget = min(budget, most or refusals.most(conversation, source.name, model) or budget)

    history, whole = _history(conversation, moment, characters=int(budget * scale.bytes_per_token) + 1)
    cast = _cast(conversation, character)
    macros = conversation.macros(character, seed=moment.seed(conversation), now=moment.time)
    book = lorebook.read(character.lorebook, macros)
    state = _remembered(conversation, moment, book)
    fired = lorebook.fire(
        book,
        _scene(conversation, moment, book, history),
        state=state,
        budget=int(budget * LORE_SHARE),
        tokens=scale.tokens,
        macros=macros,
    )
    summary = _summary(conversation, moment)
    built = build_prompt(
        cast,
        history,
        budget=budget,
        scale=scale,
        macros=macros,
        fired=fired,
        whole=whole,
        summary=summary,
        goes_on=moment.goes_on,
    )
    cut = built.kept_from is not None and bool(history) and (not whole or built.kept_from > history[0].depth)
    return Assembled(
        source=source.name,
        request=Request(
            model=model,
            messages=built.messages,
            temperature=_setting(conversation, character, "temperature"),
            top_p=_setting(conversation, character, "top_p"),
            max_tokens=max_tokens,
            stop=tuple(_setting(conversation, character, "stop")),
        ),
        built=built,
        fired=fired,
        budget=budget,
        remember=fired.state if book.remembers or state else None,
        uncovered=cut and (built.kept_from or 0) > (summary.depth + 1 if summary else 0),
    )


def _setting(conversation: Conversation, character: Character, name: str) -> Any:
    own = getattr(conversation, name)
    return own if own is not None else getattr(character, name)


def _cast(conversation: Conversation, character: Character) -> Cast:
    return Cast(
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


def _history(conversation: Conversation, moment: Moment, *, characters: int) -> tuple[list[Said], bool]:
    """No more of it is read than could fit."""
    rows, whole = tree.history(moment.at.pk, conversation, characters=characters) if moment.at else ([], True)
    history = [Said(*row) for row in rows]
    if moment.said is not None:
        history.append(Said(Role.USER, moment.said, moment.length - 1))
    return history, whole


def _summary(conversation: Conversation, moment: Moment) -> Summarised | None:
    found = tree.summary(moment.at.pk, conversation) if moment.at else None
    return Summarised(*found) if found else None


def _remembered(conversation: Conversation, moment: Moment, book: Book) -> Any:
    # An answer that is gone on with has noted already what its own turn fired.
    return tree.remembered(moment.asked.pk, conversation) if book.remembers and moment.asked else None


def _scene(conversation: Conversation, moment: Moment, book: Book, history: list[Said]) -> Scene:
    """An answer that is gone on with has the scene of its own turn, of which it is a part."""
    texts = [(said.role, said.content) for said in history]
    if moment.goes_on and len(texts) > 1:
        (role, turn), (_, answer) = texts[-2:]
        texts[-2:] = [(role, f"{turn}\n{answer}")]
    return Scene(
        texts=texts,
        length=moment.length,
        answers=tree.answers(moment.asked.pk, conversation) if book.counts_answers and moment.asked else 0,
        greeting=_greeting(conversation, moment) if book.asks_greeting else None,
        seed=moment.seed(conversation),
    )


def _greeting(conversation: Conversation, moment: Moment) -> int | None:
    found = tree.first(moment.at.pk, conversation).extra.get("greeting") if moment.at else None
    return found if isinstance(found, int) else None
