"""From a book's JSON to entries. Lenient: what makes no sense counts as not being there, and nothing raises."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import regex

from apps.characters.macros import Macros
from apps.chat.lorebook import decorators
from apps.chat.lorebook.entries import NO_CONDITIONS, Book, Conditions, Entry, Key, Logic, Position, Role
from apps.chat.lorebook.letters import composed

# SillyTavern's: the new turn and what it answers.
SCAN_DEPTH = 2
DEPTH = 4
MOST = 1_000_000
MOST_GROUPS = 10  # of an entry
# Of a book, that are read.
MOST_ENTRIES = 10_000
MOST_KEYS = 50_000

POSITIONS: dict[int, Position] = {
    0: "before_char",
    1: "after_char",
    2: "note_top",
    3: "note_bottom",
    4: "at_depth",
    5: "examples_top",
    6: "examples_bottom",
}
OUTLET = 7
ROLES: dict[int, Role] = {0: "system", 1: "user", 2: "assistant"}

# SillyTavern says `use_regex: true` of every entry that it exports, and takes for a pattern only what is written so. Of
# its settings, which no file holds, those it ships with count: books are made with them.
SILLYTAVERN = ("position", "selectiveLogic", "display_index", "useProbability", "exclude_recursion")
FLAGS = frozenset("dgimsuvy")


def read(book: Mapping[str, Any], macros: Macros | None = None) -> Book:
    """The stored form: that of a card's `character_book`, with SillyTavern's `extensions`. `macros` know the names that
    keys may ask for."""
    entries = book.get("entries") if isinstance(book, Mapping) else None
    if not isinstance(entries, list):
        return Book()
    found: list[Entry] = []
    count = keys = 0
    for place, raw in enumerate(entries[:MOST_ENTRIES]):
        entry = _entry(raw, place, macros) if isinstance(raw, Mapping) else None
        keys += sum(map(len, (entry.keys, entry.secondary, entry.excluded, *entry.required))) if entry else 0
        if keys > MOST_KEYS:
            break
        found += [entry] if entry else []
        count += 1
    return Book(
        entries=tuple(found),
        unread=len(entries) - count,
        scan_depth=_whole(book.get("scan_depth"), SCAN_DEPTH),
        token_budget=_whole(book.get("token_budget"), None),
        recursive=_flag(book.get("recursive_scanning"), any(map(_is_sillytaverns, entries[:MOST_ENTRIES]))),
    )


def _is_sillytaverns(raw: Any) -> bool:
    extensions = raw.get("extensions") if isinstance(raw, Mapping) else None
    return isinstance(extensions, Mapping) and any(name in extensions for name in SILLYTAVERN)


def _entry(raw: Mapping[str, Any], place: int, macros: Macros | None) -> Entry:
    more = raw.get("extensions")
    extensions: Mapping[str, Any] = more if isinstance(more, Mapping) else {}
    decorated, content = decorators.split(_text(raw.get("content")))
    is_sillytaverns = _is_sillytaverns(raw)
    is_v3_pattern = _flag(raw.get("use_regex"), False) and not is_sillytaverns
    cased = _flag(raw.get("case_sensitive"), _flag(extensions.get("case_sensitive"), False))
    words = _flag(extensions.get("match_whole_words"), is_sillytaverns)

    def keys(texts: Iterable[str], *, patterns: bool) -> tuple[Key, ...]:
        found = (_key(text, macros, patterns=patterns, cased=cased, words=words) for text in texts)
        return tuple(key for key in found if key.text)

    written = _texts(raw.get("keys"))
    additional = tuple(keys(texts, patterns=is_v3_pattern) for texts in decorated.get("additional_keys", ()))
    primary = keys(written, patterns=is_v3_pattern)
    selective = _flag(raw.get("selective"), False) and not is_v3_pattern
    logic = extensions.get("selectiveLogic")
    useful = _flag(extensions.get("useProbability"), True)
    return Entry(
        place=place,
        id=own if isinstance(own := raw.get("id"), int | str) else None,
        name=_name(raw, written, place),
        content=content.strip(),
        keys=primary + tuple(itertools.chain(*additional)) if is_v3_pattern else primary,
        secondary=keys(_texts(raw.get("secondary_keys")), patterns=False) if selective else (),
        logic=Logic(logic) if logic in list(Logic) else Logic.AND_ANY,
        enabled=_flag(raw.get("enabled"), True),
        constant=_flag(raw.get("constant"), False) and not is_v3_pattern,
        order=_order(raw.get("insertion_order")),
        priority=_whole(raw.get("priority"), None, least=-MOST),
        ignores_budget=_flag(extensions.get("ignore_budget"), False),
        trimmed_first="ignore_on_max_context" in decorated,
        scan_depth=decorated.get("scan_depth", _whole(extensions.get("scan_depth"), None)),
        position=_position(raw.get("position"), extensions.get("position"), decorated),
        depth=decorated.get("depth", _whole(extensions.get("depth"), DEPTH)),
        role=decorated.get("role", _role(extensions.get("role"))),
        excludes_recursion=_flag(extensions.get("exclude_recursion"), False),
        prevents_recursion=_flag(extensions.get("prevent_recursion"), False),
        recursion_level=_level(extensions.get("delay_until_recursion")),
        probability=_whole(extensions.get("probability"), 100) if useful else 100,
        groups=_groups(_text(extensions.get("group"))),
        group_override=_flag(extensions.get("group_override"), False),
        group_weight=_whole(extensions.get("group_weight"), 100),
        sticky=_whole(extensions.get("sticky"), 0),
        cooldown=_whole(extensions.get("cooldown"), 0),
        delay=_whole(extensions.get("delay"), 0),
        conditions=_conditions(decorated) if decorated else NO_CONDITIONS,
        required=() if is_v3_pattern else additional,
        excluded=() if is_v3_pattern else keys(decorated.get("exclude_keys", ()), patterns=False),
        disables=(decorated["disable_ui_prompt"],) if "disable_ui_prompt" in decorated else (),
    )


def _conditions(decorated: Mapping[str, Any]) -> Conditions:
    keep, out = "keep_activate_after_match" in decorated, "dont_activate_after_match" in decorated
    return Conditions(
        only_after=decorated.get("activate_only_after", 0),
        only_every=decorated.get("activate_only_every", 0),
        greeting=decorated.get("is_greeting"),
        after_match=True if keep else False if out else None,
        always="activate" in decorated,
        never="dont_activate" in decorated,
    )


def _key(written: str, macros: Macros | None, *, patterns: bool, cased: bool, words: bool) -> Key:
    text = composed(written)
    body, slash, flags = text[1:].rpartition("/") if text.startswith("/") else ("", "", "")
    if slash and body and set(flags) <= FLAGS:
        return Key(written, _named(body, macros, regex.escape), is_pattern=True, flags=flags)
    if patterns:
        return Key(written, _named(text, macros, regex.escape), is_pattern=True, flags="" if cased else "i")
    return Key(written, _named(text, macros, str), cased=cased, whole_words=words)


def _named(text: str, macros: Macros | None, quoted: Callable[[str], str]) -> str:
    if macros is None or "{{" not in text:
        return text
    return macros.name(text, quoted=lambda name: quoted(composed(name)))


def _name(raw: Mapping[str, Any], keys: list[str], place: int) -> str:
    named = (_text(raw.get("name")), _text(raw.get("comment")), keys[0] if keys else "")
    return next((name.strip() for name in named if name.strip()), f"entry {place + 1}")[:200]


def _position(written: Any, extended: Any, decorated: Mapping[str, Any]) -> Position | None:
    if "position" in decorated:
        return cast(Position, decorated["position"])
    if "depth" in decorated:
        return "at_depth"
    number = _whole(extended, None)
    if number == OUTLET:
        return None
    if number in POSITIONS:
        return POSITIONS[cast(int, number)]
    return "before_char" if written == "before_char" else "after_char"


def _groups(written: str) -> tuple[str, ...]:
    names = (name.strip() for name in written.split(",", MOST_GROUPS)[:MOST_GROUPS])
    return tuple(dict.fromkeys(name for name in names if name))


def _role(value: Any) -> Role:
    number = _whole(value, None)
    return ROLES.get(number, "system") if number is not None else "system"


def _level(value: Any) -> int:
    return int(value) if isinstance(value, bool) else _whole(value, 0)


def _order(value: Any) -> int:
    order = _whole(value, 100, least=-MOST)
    return order if order is not None else 100


def _whole(value: Any, otherwise: Any, least: int = 0) -> Any:
    """A number as a whole one within bounds; `otherwise` where it is none (NaN too), or one below `least`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
        return otherwise
    # Compared, not converted: an integer may have more digits than any float.
    return MOST if value > MOST else int(max(value, -MOST))


def _flag(value: Any, otherwise: bool) -> bool:
    return value if isinstance(value, bool) else otherwise


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    listed = value.split(",", MOST_KEYS) if isinstance(value, str) else value if isinstance(value, list) else []
    return [text.strip() for text in listed[: MOST_KEYS + 1] if isinstance(text, str) and text.strip()]
