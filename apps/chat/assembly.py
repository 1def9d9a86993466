"""What a model is sent: the one way from a conversation's rows to a prompt, whether it is sent or shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.characters.models import Character
from apps.chat import known, lorebook, offers, refusals
from apps.chat.lorebook import Fired
from apps.chat.past import Past
from apps.chat.prompt import Built, Cast, Said, Scale, build_prompt
from apps.chat.providers import Request
from apps.chat.scene import source_of
from apps.conversations.models import Conversation, Role
from apps.knowledge import search
from apps.knowledge.search import Found
from apps.tools.functions import Function
from apps.tools.results import Source

# Tokens kept free for the answer where neither character nor conversation says how long it may be.
ANSWER_TOKENS = 512
# How much of a prompt lore may be; a book's own budget may say less.
LORE_SHARE = 0.25
# What the passages of a character's knowledge may be, and how many they are at most.
KNOWLEDGE_SHARE = 0.2
PASSAGES = 4
# And what a model is told of tools; and tokens that are kept for what these say, at most.
TOOLS_SHARE = 0.3
MOST_FOR_RESULTS = 4096


@dataclass(frozen=True, slots=True)
class Assembled:
    """A prompt ready to be sent to `source`. `remember` is for the answer's row: None where the book notes nothing.

    `uncovered`: messages are left out of the prompt that no summary tells of. `sources` are the passages of
    the character's knowledge that the prompt has. `functions` is what the model may call,
    by name, `dropped_tools` what there was no room to tell it of.
    """

    source: str
    request: Request
    built: Built
    fired: Fired
    budget: int
    remember: Mapping[str, Any] | None
    uncovered: bool
    sources: list[Source]
    functions: Mapping[str, Function]
    tool_tokens: int
    dropped_tools: list[str]
    scale: Scale

    @property
    def tokens(self) -> int:
        """Of all of it, an estimate."""
        return self.built.tokens + self.tool_tokens


def assemble(conversation: Conversation, character: Character, past: Past, *, most: int | None = None) -> Assembled:
    """What the model would be sent after that: in as many tokens as its window has room for, and at `most`."""
    source, model = settings.AI_OFFER.find(conversation.model or character.model)
    of_model = known.model(source.name, model)
    scale = Scale(of_model.bytes_per_token)
    # Providers refuse a wish for an answer that their window could not hold beside the prompt.
    longest = of_model.window // 2
    wished = _setting(conversation, character, "max_tokens")
    max_tokens = min(wished, longest) if wished else None
    budget = of_model.window - (max_tokens or min(ANSWER_TOKENS, longest))
    budget = min(budget, most or refusals.most(conversation, source.name, model) or budget)

    functions, tool_tokens, dropped_tools = _tools(conversation, character, past, budget, scale)
    # What tools say has to fit, too.
    room = budget - tool_tokens - (min(budget // 4, MOST_FOR_RESULTS) if functions else 0)
    # No more of it is read than could fit.
    history, whole = past.history(characters=int(room * scale.bytes_per_token) + 1)
    cast = _cast(conversation, character)
    macros = conversation.macros(character, seed=past.seed, now=past.time)
    book = lorebook.read(character.lorebook, macros)
    state = past.remembered(book)
    fired = lorebook.fire(
        book,
        past.scene(book, history),
        state=state,
        budget=int(room * LORE_SHARE),
        tokens=scale.tokens,
        macros=macros,
    )
    summary = past.summary()
    sources = _sources(conversation, character, history, int(room * KNOWLEDGE_SHARE), scale)
    built = build_prompt(
        cast,
        history,
        budget=room,
        scale=scale,
        macros=macros,
        fired=fired,
        whole=whole,
        summary=summary,
        knowledge=[(source["title"], source["text"]) for source in sources],
        goes_on=past.goes_on,
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
            tools=tuple(map(offers.offer, functions.values())),
        ),
        built=built,
        fired=fired,
        budget=budget,
        remember=fired.state if book.remembers or state else None,
        uncovered=cut and (built.kept_from or 0) > (summary.depth + 1 if summary else 0),
        sources=sources,
        functions=functions,
        tool_tokens=tool_tokens,
        dropped_tools=dropped_tools,
        scale=scale,
    )


def _sources(
    conversation: Conversation, character: Character, history: Sequence[Said], room: int, scale: Scale
) -> list[Source]:
    """What the character knows about what the user said last, by its words: as many passages as have room."""
    asked = next((said.content for said in reversed(history) if said.role == Role.USER), "")
    kept: list[Source] = []
    for found in _found(conversation, character, asked):
        source = source_of(found)
        room -= scale.message(source["title"] + source["text"])
        if room < 0:
            break
        kept.append(source)
    return kept


def _found(conversation: Conversation, character: Character, asked: str) -> list[Found]:
    if not asked.strip():
        return []
    return search.find(character, asked, user=conversation.user, limit=PASSAGES, in_passing=True)


def _tools(
    conversation: Conversation, character: Character, past: Past, budget: int, scale: Scale
) -> tuple[dict[str, Function], int, list[str]]:
    """What the model is offered, how long that is, and what there is no room for."""
    kept: dict[str, Function] = {}
    dropped: list[str] = []
    total = 0
    for name, function in (offers.of(conversation, character) if past.has_tools else {}).items():
        size = scale.message(offers.size(function))
        if total + size <= budget * TOOLS_SHARE:
            kept[name] = function
            total += size
        else:
            dropped.append(name)
    return kept, total, dropped


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
