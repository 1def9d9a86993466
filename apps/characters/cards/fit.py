"""A card's values, whatever their types, made fit for a column. What is changed on the way is told in a warning."""

import json
from typing import Any

from apps.characters.cards.card import MAX_DEPTH, MAX_LIST, MAX_NUMBER, MAX_TAG, MAX_TEXT, NotACard, Warnings
from apps.characters.cards.json_text import SURROGATE


def clean(text: str, name: str, warnings: Warnings) -> str:
    """Without NUL and lone surrogates, which PostgreSQL cannot hold."""
    if "\0" in text or SURROGATE.search(text):
        warnings.add(f"{name}: characters that cannot be stored were taken out.")
        return SURROGATE.sub("\ufffd", text.replace("\0", ""))
    return text


def text(value: Any, name: str, warnings: Warnings) -> str:
    """Text for a column of MAX_TEXT. Longer is an error: half a text is worse than none."""
    found = clean(as_text(value, name, warnings), name, warnings)
    if len(found) > MAX_TEXT:
        raise NotACard("too_long", f"{name} has {len(found):,} characters; at most {MAX_TEXT:,} can be kept.")
    return found


def line(value: Any, longest: int, name: str, warnings: Warnings) -> str:
    """One of the short texts, trimmed, and cut where it is too long."""
    found = clean(as_text(value, name, warnings), name, warnings).strip()
    if len(found) > longest:
        warnings.add(f"{name} was cut to {longest} characters.")
        return found[:longest].strip()
    return found


def texts(value: Any, name: str, warnings: Warnings) -> list[str]:
    """A list of texts; a single text is a list of one. Too many are an error."""
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        warnings.add(f"{name} is no list; it was read as a list of one.")
        value = [value]
    if len(value) > MAX_LIST:
        raise NotACard("too_many", f"{name} has {len(value):,} texts; at most {MAX_LIST} can be kept.")
    return [text(item, name, warnings) for item in value]


def tags(value: Any, warnings: Warnings) -> list[str]:
    """A list, or the tags in one text with commas between. Blank ones go, and those beyond MAX_LIST."""
    if isinstance(value, str):
        value = value.split(",")
    if value is not None and not isinstance(value, list):
        warnings.add("tags is no list and was passed over.")
    if not isinstance(value, list):
        return []
    found = [tag for tag in (line(each, MAX_TAG, "tags", warnings) for each in value) if tag]
    if len(found) > MAX_LIST:
        warnings.add(f"tags: the first {MAX_LIST} of {len(found):,} were taken.")
    return found[:MAX_LIST]


def tree(value: Any, name: str, warnings: Warnings, depth: int = 1) -> Any:
    """Any JSON as JSONB holds it: what is nested too deep is null, a number too great is its digits as text."""
    match value:
        case str():
            return clean(value, name, warnings)
        case int() | float() if not abs(value) <= MAX_NUMBER:
            warnings.add(f"{name}: a number too great to be stored was read as text.")
            return str(value)
        case list() | dict() if depth >= MAX_DEPTH:
            warnings.add(f"{name}: what is nested deeper than {MAX_DEPTH} levels was left out.")
            return None
        case list():
            return [tree(item, name, warnings, depth + 1) for item in value]
        case dict():
            return {clean(key, name, warnings): tree(item, name, warnings, depth + 1) for key, item in value.items()}
    return value


def as_text(value: Any, name: str, warnings: Warnings) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            warnings.add(f"{name} is no text; it was read as {str(value).lower()}.")
            return str(value).lower()
        case int() | float():
            return str(value)
        case list() if all(isinstance(item, str) for item in value):
            warnings.add(f"{name} is a list; it was read as its lines.")
            return "\n".join(value)
    warnings.add(f"{name} is no text; it was read as JSON.")
    return json.dumps(value, ensure_ascii=False)
