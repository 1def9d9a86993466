"""Between a card's JSON, of whatever version, and a character's fields: one pure function each way.

What a field is follows from the JSON alone. So an export can begin with the JSON as it came and write only what has
changed since: everything else, wrong types and unknown keys included, stays as it was found.
"""

from typing import Any

from apps.characters.cards import fit
from apps.characters.cards.books import normal_book
from apps.characters.cards.card import (
    JSON,
    MAX_CREATOR,
    MAX_NAME,
    MAX_VERSION,
    NotACard,
    Warnings,
)

# A character's field: its key in the `data` of V2 and V3, then what other programs call it.
KEYS: dict[str, tuple[str, ...]] = {
    "name": ("name", "char_name"),
    "nickname": ("nickname",),
    "description": ("description", "char_persona"),
    "personality": ("personality", "char_personality"),
    "scenario": ("scenario", "world_scenario"),
    "system_prompt": ("system_prompt",),
    "first_message": ("first_mes", "char_greeting", "greeting"),
    "alternate_greetings": ("alternate_greetings",),
    "example_dialogue": ("mes_example", "example_dialogue", "sampleChat"),
    "post_history_instructions": ("post_history_instructions",),
    "creator": ("creator",),
    "creator_notes": ("creator_notes", "creatorcomment"),
    "character_version": ("character_version",),
    "tags": ("tags",),
    "lorebook": ("character_book",),
    "extensions": ("extensions",),
}
FIELDS = tuple(KEYS)

SPEC_KEYS = {keys[0] for keys in KEYS.values()} | {
    "group_only_greetings",
    "creator_notes_multilingual",
    "source",
    "creation_date",
    "modification_date",
    "assets",
}
# One of these beside a name tells a card from any other object.
TELLING = {key for name in ("description", "personality", "first_message", "example_dialogue") for key in KEYS[name]}


def is_card(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if str(value.get("spec", "")).startswith("chara_card"):
        return True
    return any({*KEYS["name"]} & place.keys() and TELLING & place.keys() for place in places(value))


def data_of(root: JSON) -> JSON | None:
    """Where V2 and V3 have the fields; None where they stand at the root."""
    data = root.get("data")
    if isinstance(data, dict) and ("spec" in root or SPEC_KEYS & data.keys()):
        return data
    return None


def places(root: JSON) -> list[JSON]:
    """Where a field is looked for: `data` has the last word, though many files repeat some of it at the root."""
    data = data_of(root)
    return [root] if data is None else [data, root]


def fields_of(root: JSON, warnings: Warnings | None = None) -> JSON:
    """Every one of `FIELDS`, fit for its column. Raises NotACard where there is no name, or too much of anything."""
    warnings = Warnings() if warnings is None else warnings
    fields: JSON = {"name": _name(root, warnings)}
    for name, keys in KEYS.items():
        value = found(root, keys)
        match name:
            case "name":
                pass
            case "nickname":
                fields[name] = fit.line(value, MAX_NAME, name, warnings)
            case "creator":
                fields[name] = fit.line(value, MAX_CREATOR, name, warnings)
            case "character_version":
                fields[name] = fit.line(value, MAX_VERSION, name, warnings)
            case "alternate_greetings":
                fields[name] = fit.texts(value, name, warnings)
            case "tags":
                fields[name] = fit.tags(value, warnings)
            case "lorebook":
                fields[name] = normal_book(value, warnings)
            case "extensions":
                fields[name] = _extensions(value, warnings)
            case _:
                fields[name] = fit.text(value, name, warnings)
    return fields


def found(root: JSON, keys: tuple[str, ...]) -> Any:
    return next((place[key] for place in places(root) for key in keys if place.get(key) is not None), None)


def _name(root: JSON, warnings: Warnings) -> str:
    for key in (*KEYS["name"], "nickname"):
        for place in places(root):
            if name := fit.line(place.get(key), MAX_NAME, "name", warnings):
                return name
    raise NotACard("no_name", "The character has no name.")


def _extensions(value: Any, warnings: Warnings) -> JSON:
    if value is None:
        return {}
    if not isinstance(value, dict):
        warnings.add("extensions is no object and was passed over.")
        return {}
    fitting: JSON = fit.tree(value, "extensions", warnings)
    return fitting
