"""From a character and a conversation to what the model is sent. Pure: no rows, no clock, no network."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.conversations.turns import fill_names

Prompt = list[dict[str, str]]

# Measured on English prose with common tokenizers; in bytes, so that scripts of three bytes a letter count about one
# token a letter, which is what tokenizers make of them.
BYTES_PER_TOKEN = 3.5
TOKENS_PER_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the active path, as the model is told of it."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything but the history. Texts are as the card has them, names not yet filled in."""

    char: str
    user: str
    default_system_prompt: str
    system_prompt: str = ""
    persona: str = ""
    description: str = ""
    personality: str = ""
    scenario: str = ""
    topic: str = ""
    example_dialogue: str = ""
    post_history_instructions: str = ""


# Few models go on with a message of their own unless they are told to.
GO_ON = "Continue {{char}}'s last message exactly where it stops. Repeat nothing of it."


def build_prompt(cast: Cast, history: Sequence[Said], budget: int, *, goes_on: bool = False) -> Prompt:
    """`history` ends with the new turn; `budget` is in tokens, the answer's own already taken off.

    With `goes_on` the history ends with an answer of which more is wanted.

    The character's fields stand in the order that the card formats prescribe, then the newest turns that fit, then
    the post-history instructions. The fields and the new turn are always there, whatever the budget.
    """
    head = _system(cast)
    last_words = [with_original(cast.post_history_instructions, ""), GO_ON if goes_on else ""]
    tail = _filled(cast, "\n\n".join(text for text in last_words if text.strip()))
    told = [said for said in history if said.content.strip()]
    left = budget - sum(tokens(text) for text in (head, tail) if text)
    kept = _newest_that_fit(told, left)
    prompt = [{"role": "system", "content": head}] if head else []
    prompt += [{"role": said.role, "content": said.content} for said in kept]
    if tail:
        prompt.append({"role": "system", "content": tail})
    return prompt


def tokens(text: str) -> int:
    """An estimate, of a message of its own."""
    return int(len(text.encode()) / BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE


def with_original(text: str, original: str) -> str:
    """`{{original}}` is what the text replaces: at its first place, and nothing at later ones."""
    before, found, after = text.partition("{{original}}")
    return before + original + after.replace("{{original}}", "") if found else text


def _system(cast: Cast) -> str:
    own = cast.system_prompt.strip()
    parts = [
        with_original(own, cast.default_system_prompt) if own else cast.default_system_prompt,
        f"{{{{user}}}}: {cast.persona}" if cast.persona.strip() else "",
        cast.description,
        f"{{{{char}}}}'s personality: {cast.personality}" if cast.personality.strip() else "",
        f"Scenario: {cast.scenario}" if cast.scenario.strip() else "",
        f"This conversation is about: {cast.topic}" if cast.topic.strip() else "",
        *_examples(cast.example_dialogue),
    ]
    return _filled(cast, "\n\n".join(part.strip() for part in parts if part.strip()))


def _examples(text: str) -> Iterable[str]:
    """Blocks of example dialogue, each opened by `<START>`."""
    blocks = (block.strip() for block in text.replace("<start>", "<START>").split("<START>"))
    return [f"Example of how {{{{char}}}} talks:\n{block}" for block in blocks if block]


def _filled(cast: Cast, text: str) -> str:
    return fill_names(text, cast.char, cast.user)


def _newest_that_fit(told: Sequence[Said], budget: int) -> list[Said]:
    kept: list[Said] = []
    for said in reversed(told):
        budget -= tokens(said.content)
        if kept and budget < 0:
            break
        kept.append(said)
    return kept[::-1]
