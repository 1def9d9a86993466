"""Decorators of the Character Card V3 specification: lines `@@name value` at the head of an entry's content.

An unknown or invalid one counts for nothing, and the `@@@name value` right after it, its fallback, is read instead. Of
a name that is given twice the first counts, but all `additional_keys` do: as a tuple for each.
"""

from collections.abc import Callable
from typing import Any

MOST = 1_000_000
# Lines that are read, and keys of one.
MOST_LINES = 100
MOST_KEYS = 100


def number(value: str) -> int:
    found = int(value) if value.isascii() and value.isdigit() and len(value) < 8 else MOST + 1
    if found > MOST:
        raise ValueError(value)
    return found


def positive(value: str) -> int:
    if number(value) == 0:
        raise ValueError(value)
    return number(value)


def one_of(*values: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in values:
            raise ValueError(value)
        return value

    return read


def keys(value: str) -> tuple[str, ...]:
    found = tuple(key.strip() for key in value.split(",", MOST_KEYS)[:MOST_KEYS] if key.strip())
    if not found:
        raise ValueError(value)
    return found


def bare(value: str) -> bool:
    return True


READERS: dict[str, Callable[[str], Any]] = {
    "activate_only_after": positive,
    "activate_only_every": positive,
    "keep_activate_after_match": bare,
    "dont_activate_after_match": bare,
    "depth": number,
    "role": one_of("system", "user", "assistant"),
    "scan_depth": number,
    "is_greeting": number,
    "position": one_of("before_desc", "after_desc", "personality", "scenario"),
    "ignore_on_max_context": bare,
    "additional_keys": keys,
    "exclude_keys": keys,
    "activate": bare,
    "dont_activate": bare,
    "disable_ui_prompt": one_of("system_prompt", "post_history_instructions"),
}


def split(content: str) -> tuple[dict[str, Any], str]:
    """The decorators by name, and the content without them."""
    found: dict[str, Any] = {}
    applied = True
    at = lines = 0
    while content.startswith("@@", at):
        end = content.find("\n", at)
        end = len(content) if end < 0 else end
        line = content[at:end]
        at = end + 1
        lines += 1
        if lines > MOST_LINES or (line.startswith("@@@") and applied):
            continue
        name, _, value = line.lstrip("@").strip().partition(" ")
        applied = _apply(found, name.strip(), value.strip())
    return found, content[at:]


def _apply(found: dict[str, Any], name: str, value: str) -> bool:
    try:
        read = READERS[name](value)
    except (KeyError, ValueError):
        return False
    if name == "additional_keys":
        found[name] = (*found.get(name, ()), read)
    else:
        found.setdefault(name, read)
    return True
