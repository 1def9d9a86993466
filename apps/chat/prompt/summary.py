"""How a model is asked to sum up what its context has no room for."""

from collections.abc import Iterable

from apps.chat.prompt.scale import Scale

INSTRUCTION = (
    "Below is a part of a conversation between {user} and {char}, after a summary of what came before it where there "
    "is one. Write one new summary of all of it, in the language of the conversation and in at most {words} words. "
    "Keep names, facts, promises, feelings and what is still open; leave out small talk. Answer with the summary alone."
)
BEFORE = "Summary of what came before:\n"

# Tokens for the instruction and for what joins the rest.
AROUND = 200
# So that the answer is not cut off: a word is about this many tokens, and models count badly.
TOKENS_PER_WORD = 2


def ask_for_summary(char: str, user: str, before: str, lines: list[str], length: int) -> list[dict[str, str]]:
    """`before` is the summary so far, or blank; `length` what the answer may have, in tokens."""
    told = [BEFORE + before] if before else []
    instruction = INSTRUCTION.format(char=char, user=user, words=length // TOKENS_PER_WORD)
    return [{"role": "system", "content": instruction}, {"role": "user", "content": "\n\n".join([*told, *lines])}]


def lines_that_fit(lines: Iterable[str], room: int, scale: Scale) -> list[str]:
    """As many as fit in `room` tokens, from the first; of a first one that is too long alone, its two ends."""
    fitting: list[str] = []
    for line in lines:
        size = scale.message(line)
        if size > room:
            return fitting or [_both_ends(line, room / size)]
        room -= size
        fitting.append(line)
    return fitting


def _both_ends(line: str, share: float) -> str:
    half = max(int(len(line) * share / 2) - 1, 0)
    return f"{line[:half]}…{line[len(line) - half :]}"
