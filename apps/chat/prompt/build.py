"""From what fits to the messages that tell it."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.characters.macros import Macros
from apps.chat.lorebook import Fired, Lore
from apps.chat.prompt import head
from apps.chat.prompt.cast import Cast, Said, Summarised
from apps.chat.prompt.fit import Choice, Dropped, Material, choose
from apps.chat.prompt.head import Piece
from apps.chat.prompt.scale import TOKENS_PER_MESSAGE, Scale

Prompt = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Part:
    """What a share of the prompt's tokens is for; `message` is the first that it is in, as an index."""

    name: str
    tokens: int
    message: int


@dataclass(frozen=True, slots=True)
class Built:
    """A prompt, and its reasons. `kept_from` is the depth of the oldest message in it; None where there is none."""

    messages: Prompt
    parts: list[Part]
    lore: list[Lore]
    dropped: list[Dropped]
    kept_from: int | None

    @property
    def tokens(self) -> int:
        """An estimate."""
        return sum(part.tokens for part in self.parts)

    def tokens_of(self, name: str) -> int:
        return sum(part.tokens for part in self.parts if part.name == name)


def build_prompt(
    cast: Cast,
    history: Sequence[Said],
    *,
    budget: int,
    scale: Scale,
    macros: Macros,
    fired: Fired,
    whole: bool = True,
    summary: Summarised | None = None,
    goes_on: bool = False,
) -> Built:
    """`history` ends with the new turn, and begins with the first unless it is not `whole`; messages without text are
    not in it. `budget` is in tokens, the answer's own already taken off.

    With `goes_on` the history ends with an answer of which more is wanted. What does not fit goes in this order: lore
    that asked to be the first, example dialogue, the oldest history, in whose place the summary comes if there is one.
    The character's fields and the newest turn are always there; where they leave too little room, lore goes too.
    """
    material = Material(
        fields=head.fields(cast, macros, fired.disabled_prompts),
        examples=head.examples(cast, macros),
        lore=fired.lore,
        history=history,
        whole=whole,
        summary=summary,
        last_words=head.last_words(cast, macros, goes_on=goes_on),
    )
    chosen = choose(material, budget, scale)
    told = _told(material, chosen, goes_on=goes_on)
    return Built(
        messages=[{"role": role, "content": "\n\n".join(piece.text for piece in pieces)} for role, pieces in told],
        parts=_parts(told, scale),
        lore=chosen.lore,
        dropped=chosen.dropped,
        kept_from=chosen.history[0].depth if chosen.history else None,
    )


def _told(material: Material, chosen: Choice, *, goes_on: bool) -> list[tuple[str, list[Piece]]]:
    """Messages, as their roles and the pieces that make them."""
    placed = [
        Piece(f"lore_{each.position}", each.content.strip()) for each in chosen.lore if each.position != "at_depth"
    ]
    before = head.in_order([*material.fields, *chosen.examples, *chosen.summary, *placed])
    talk = [(said.role, [Piece("history", said.content)]) for said in chosen.history]
    # From the end up, so that what is put in moves no place that is still to be found.
    deep = [each for each in reversed(chosen.lore) if each.position == "at_depth"]
    for each in sorted(deep, key=lambda each: each.depth):
        # An answer that is gone on with stays last.
        place = max(len(chosen.history) - max(each.depth, int(goes_on)), 0)
        talk.insert(place, (each.role, [Piece("lore_at_depth", each.content)]))
    around = [("system", before), *talk, ("system", material.last_words)]
    return [(role, pieces) for role, pieces in around if pieces]


def _parts(told: list[tuple[str, list[Piece]]], scale: Scale) -> list[Part]:
    tokens: dict[str, int] = {}
    first: dict[str, int] = {}
    for index, (_, pieces) in enumerate(told):
        for place, piece in enumerate(pieces):
            own = scale.tokens(piece.text) + (TOKENS_PER_MESSAGE if place == 0 else 1)
            tokens[piece.name] = tokens.get(piece.name, 0) + own
            first.setdefault(piece.name, index)
    return [Part(name, count, first[name]) for name, count in tokens.items()]
