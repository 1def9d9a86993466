"""What stands around the history, in the order that the card formats prescribe."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from apps.characters.macros import Macros
from apps.chat.prompt.cast import Cast

ORIGINAL = re.compile(r"\{\{\s*original\s*\}\}", re.IGNORECASE)
START = re.compile(r"<START>", re.IGNORECASE)

# Names of texts and places of lore. Where a name is both, the lore follows the text. The topic is what other programs
# call the author's note, which lore can surround.
ORDER = (
    "system_prompt",
    "before_char",
    "persona",
    "before_desc",
    "description",
    "after_desc",
    "personality",
    "scenario",
    "after_char",
    "note_top",
    "topic",
    "note_bottom",
    "examples_top",
    "examples",
    "examples_bottom",
    "summary",
)

BEFORE = {
    "persona": "{{user}}: ",
    "personality": "{{char}}'s personality: ",
    "scenario": "Scenario: ",
    "topic": "This conversation is about: ",
}

# Few models go on with a message of their own unless they are told to.
GO_ON = "Continue {{char}}'s last message exactly where it stops. Repeat nothing of it."


class Piece(NamedTuple):
    """A part of a message, by the name that the prompt's preview gives it."""

    name: str
    text: str


def fields(cast: Cast, macros: Macros, disabled: frozenset[str]) -> list[Piece]:
    """The texts that are always told. `disabled`: which of our own prompts the lore has turned off."""
    default = "" if "system_prompt" in disabled else cast.default_system_prompt
    own = cast.system_prompt.strip()
    texts: Mapping[str, str] = {
        "system_prompt": with_original(own, default) if own else default,
        "persona": cast.persona,
        "description": cast.description,
        "personality": cast.personality,
        "scenario": cast.scenario,
        "topic": cast.topic,
    }
    there = {name: BEFORE.get(name, "") + text.strip() for name, text in texts.items() if text.strip()}
    filled = (Piece(name, macros.fill(text, of=name)) for name, text in there.items())
    return [piece for piece in filled if piece.text.strip()]


def examples(cast: Cast, macros: Macros) -> list[Piece]:
    """Blocks of example dialogue, each opened by `<START>`."""
    blocks = (block.strip() for block in START.split(cast.example_dialogue))
    texts = (f"Example of how {{{{char}}}} talks:\n{block}" for block in blocks if block)
    return [Piece("examples", macros.fill(text, of=f"example {number}")) for number, text in enumerate(texts)]


def last_words(cast: Cast, macros: Macros, *, goes_on: bool) -> list[Piece]:
    """What follows the history."""
    instructions = with_original(cast.post_history_instructions.strip(), "")
    texts = {"post_history_instructions": instructions, "go_on": GO_ON if goes_on else ""}
    found = [Piece(name, macros.fill(text, of=name)) for name, text in texts.items()]
    return [piece for piece in found if piece.text.strip()]


def in_order(texts: Iterable[Piece]) -> list[Piece]:
    """A stable sort: what has the same name stays as it stands."""
    return sorted(texts, key=lambda piece: ORDER.index(piece.name.removeprefix("lore_")))


def with_original(text: str, original: str) -> str:
    """`{{original}}` is what the text replaces: at its first place, and nothing at later ones."""
    before, *after = ORIGINAL.split(text)
    return before + original + "".join(after) if after else text
