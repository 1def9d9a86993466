"""Lorebooks in the form of a card's `character_book`, whatever form they came in.

In that form a book is {} or has `extensions` and `entries`, a list, and an entry has `keys`, `content`, `extensions`,
`enabled`, `insertion_order` and `use_regex`, each of its own type. All else is as it was found.
"""

from collections.abc import Callable
from typing import Any

from apps.characters.cards import fit
from apps.characters.cards.card import JSON, Warnings
from apps.characters.cards.world_info import from_agnai, from_novelai, from_risu, from_world_info, is_world_info

FLAGS = ("constant", "selective", "case_sensitive")
WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}


def normal_book(value: Any, warnings: Warnings) -> JSON:
    """{} where there is none."""
    if isinstance(value, list):
        value = {"entries": value}
    if not isinstance(value, dict):
        if value is not None:
            warnings.add("The lorebook is no object and was passed over.")
        return {}
    book: JSON = fit.tree(value, "lorebook", warnings)
    if not book:
        return {}
    if book.pop("originalData", None) is not None:
        warnings.add("The lorebook's own copy of an earlier form of it (originalData) was left out.")
    entries = []
    for place, entry in _placed(book.get("entries"), warnings):
        if isinstance(entry, dict):
            entries.append(normal_entry(entry, place, warnings))
        else:
            warnings.add("lorebook: an entry that is no object was left out.")
    return {**book, "extensions": _object(book.get("extensions"), warnings), "entries": entries}


def normal_entry(entry: JSON, place: Any, warnings: Warnings) -> JSON:
    """`place` is the entry's key where the entries are an object."""
    if is_world_info(entry):
        entry = from_world_info(entry, place)
    elif isinstance(place, int | str) and "id" not in entry:
        entry = {"id": place, **entry}
    normal = {
        **entry,
        "keys": _keys(entry.get("keys"), warnings),
        "content": fit.as_text(entry.get("content"), "lorebook: content", warnings),
        "extensions": _object(entry.get("extensions"), warnings),
        "enabled": _flag(entry.get("enabled"), True),
        "insertion_order": _number(entry.get("insertion_order"), warnings),
        "use_regex": _flag(entry.get("use_regex"), False),
    }
    if "secondary_keys" in entry:
        normal["secondary_keys"] = _keys(entry["secondary_keys"], warnings)
    for name in FLAGS:
        if entry.get(name) is not None:
            normal[name] = _flag(entry[name], False)
    return normal


def is_normal(value: Any) -> bool:
    """Whether its entries have their places, so that nothing need be turned round to write it into a card."""
    if not isinstance(value, dict) or not isinstance(value.get("entries", []), list):
        return False
    return not any(isinstance(entry, dict) and is_world_info(entry) for entry in value.get("entries", []))


def book_in(value: Any) -> JSON | None:
    """The book that is meant where somebody hands in a book: itself, or that of a card. None where there is none."""
    if isinstance(value, list):
        return {"entries": value} if value and all(map(_is_entry, value)) else None
    if not isinstance(value, dict):
        return None
    data = value.get("data")
    for place in (data, value):
        if isinstance(place, dict) and place.get("character_book"):
            return normal_shape(place["character_book"])
    if value.get("spec") == "lorebook_v3" and isinstance(data, dict):
        return data
    if value.get("lorebookVersion") is not None:
        return _foreign(value, "entries", from_novelai)
    if value.get("kind") == "memory":
        return _foreign(value, "entries", from_agnai)
    if value.get("type") == "risu":
        return _foreign(value, "data", from_risu)
    return value if isinstance(value.get("entries"), dict | list) else None


def normal_shape(value: Any) -> JSON | None:
    return {"entries": value} if isinstance(value, list) else value if isinstance(value, dict) else None


def merge_books(old: JSON, new: JSON) -> JSON:
    """The old book with the new one's entries behind its own, but for those it has: the same keys and content.

    Where both say something of the whole book, the old one's word stands. An id that is taken is given anew.
    """
    unheard = Warnings()
    old, new = normal_book(old, unheard), normal_book(new, unheard)
    known = {_identity(entry) for entry in old.get("entries", [])}
    taken = {str(entry["id"]) for entry in old.get("entries", []) if entry.get("id") is not None}
    free = 0
    added = []
    for entry in new.get("entries", []):
        if _identity(entry) in known:
            continue
        known.add(_identity(entry))
        if entry.get("id") is not None:
            if str(entry["id"]) in taken:
                while str(free) in taken:
                    free += 1
                entry = {**entry, "id": free}
            taken.add(str(entry["id"]))
        added.append(entry)
    settings = {name: value for name, value in old.items() if value is not None and value != ""}
    merged = {**new, **settings, "entries": [*old.get("entries", []), *added]}
    if isinstance(old.get("extensions"), dict) and isinstance(new.get("extensions"), dict):
        merged["extensions"] = {**new["extensions"], **old["extensions"]}
    return merged


def _placed(entries: Any, warnings: Warnings) -> list[tuple[Any, Any]]:
    """The entries with their keys; as JavaScript has it, numbers come first and in order."""
    if isinstance(entries, dict):
        numbered = [(int(key), entry) for key, entry in entries.items() if _is_number(key)]
        named = [(key, entry) for key, entry in entries.items() if not _is_number(key)]
        return [*sorted(numbered, key=lambda each: each[0]), *named]
    if isinstance(entries, list):
        return [(None, entry) for entry in entries]
    if entries is not None:
        warnings.add("The lorebook's entries are no list and were passed over.")
    return []


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdecimal() and len(key) <= 15


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and ("keys" in value or "key" in value)


def _foreign(value: JSON, name: str, convert: Callable[[JSON, int], JSON]) -> JSON | None:
    """Another program's book; what it says beside its entries goes into the book's `extensions`."""
    entries = value.get(name)
    if not isinstance(entries, list):
        return None
    about = {key: value[key] for key in ("name", "description") if isinstance(value.get(key), str)}
    rest = {key: item for key, item in value.items() if key != name and key not in about}
    found = [convert(entry, place) if isinstance(entry, dict) else entry for place, entry in enumerate(entries)]
    return {**about, "extensions": rest, "entries": found}


def _identity(entry: JSON) -> tuple[tuple[str, ...], str]:
    return tuple(entry["keys"]), entry["content"]


def _keys(value: Any, warnings: Warnings) -> list[str]:
    """Keys in one text have commas between them."""
    if isinstance(value, str):
        value = [key.strip() for key in value.split(",")]
    if value is not None and not isinstance(value, list):
        warnings.add("lorebook: keys that are no list were passed over.")
    if not isinstance(value, list):
        return []
    keys = (fit.as_text(key, "lorebook: a key", warnings) for key in value)
    # A blank one would be found everywhere. Blanks around a key may be meant.
    return [key for key in keys if key.strip()]


def _object(value: Any, warnings: Warnings) -> JSON:
    if isinstance(value, dict):
        return value
    if value is not None:
        warnings.add("lorebook: extensions that are no object were passed over.")
    return {}


def _flag(value: Any, default: bool) -> bool:
    match value:
        case bool():
            return value
        case int() | float():
            return bool(value)
        case str():
            return WORDS.get(value.strip().lower(), default)
    return default


def _number(value: Any, warnings: Warnings) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _is_number(value.strip().removeprefix("-")):
        return int(value)
    if value is not None:
        warnings.add("lorebook: an insertion order that is no number was read as 0.")
    return 0
