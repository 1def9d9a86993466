"""Other programs' lorebooks as entries of a `character_book`: SillyTavern's world info, NovelAI, Agnai, RisuAI.

SillyTavern brings the last three into its world info before anything else, and so is it done here. What an entry of
`character_book` has no place for goes into the entry's `extensions`, under the name that SillyTavern gives it there;
keys that nobody knows go there too.
"""

from typing import Any

from apps.characters.cards.card import JSON

# An entry's keys in world info, where `extensions` of a card calls them otherwise.
RENAMED = {
    "excludeRecursion": "exclude_recursion",
    "preventRecursion": "prevent_recursion",
    "delayUntilRecursion": "delay_until_recursion",
    "displayIndex": "display_index",
    "scanDepth": "scan_depth",
    "caseSensitive": "case_sensitive",
    "matchWholeWords": "match_whole_words",
    "useGroupScoring": "use_group_scoring",
    "groupOverride": "group_override",
    "groupWeight": "group_weight",
    "automationId": "automation_id",
    "outletName": "outlet_name",
    "ignoreBudget": "ignore_budget",
    "matchPersonaDescription": "match_persona_description",
    "matchCharacterDescription": "match_character_description",
    "matchCharacterPersonality": "match_character_personality",
    "matchCharacterDepthPrompt": "match_character_depth_prompt",
    "matchScenario": "match_scenario",
    "matchCreatorNotes": "match_creator_notes",
}
# What an entry of `character_book` has a place for, under the same name.
SHARED = ("comment", "content", "constant", "name", "priority")
ORDER = 100  # SillyTavern's default


def is_world_info(entry: JSON) -> bool:
    return "key" in entry and "keys" not in entry


def from_world_info(entry: JSON, place: Any) -> JSON:
    """`place` is the id of an entry that has none."""
    rest = dict(entry)
    uid, position = rest.pop("uid", None), rest.pop("position", 0)
    own = rest.pop("extensions", None)
    book_entry = {
        "id": place if uid is None else uid,
        "keys": rest.pop("key"),
        "secondary_keys": rest.pop("keysecondary", None),
        **{key: value for key in SHARED if (value := rest.pop(key, None)) is not None},
        "insertion_order": rest.pop("order", ORDER),
        "enabled": not rest.pop("disable") if "disable" in rest else rest.pop("enabled", True),
        "position": position if isinstance(position, str) else "after_char" if position else "before_char",
        # As SillyTavern writes it, whose keys are patterns only where they are written /…/.
        "use_regex": True,
    }
    book_entry["selective"] = rest.pop("selective", bool(book_entry["secondary_keys"]))
    book_entry["extensions"] = {
        **(own if isinstance(own, dict) else {}),
        **({} if isinstance(position, str) else {"position": position}),
        **{RENAMED.get(key, key): value for key, value in rest.items()},
    }
    return book_entry


def from_novelai(entry: JSON, place: int) -> JSON:
    rest = dict(entry)
    context = rest.get("contextConfig")
    priority = context.get("budgetPriority") if isinstance(context, dict) else None
    return {
        "uid": place,
        "key": rest.pop("keys", None),
        "content": rest.pop("text", None),
        "comment": rest.pop("displayName", None),
        "constant": rest.pop("forceActivation", False),
        "order": 0 if priority is None else priority,
        "enabled": rest.pop("enabled", True),
        **rest,
    }


def from_agnai(entry: JSON, place: int) -> JSON:
    rest = dict(entry)
    return {
        "uid": place,
        "key": rest.pop("keywords", None),
        "content": rest.pop("entry", None),
        "comment": rest.pop("name", None),
        "order": rest.pop("weight", 0),
        "enabled": rest.pop("enabled", True),
        **rest,
    }


def from_risu(entry: JSON, place: int) -> JSON:
    rest = dict(entry)
    chance = rest.pop("activationPercent", None)
    return {
        "uid": place,
        "key": rest.pop("key", None),
        "keysecondary": rest.pop("secondkey", None),
        "constant": rest.pop("alwaysActive", False),
        "order": rest.pop("insertorder", ORDER),
        **({} if chance is None else {"probability": chance, "useProbability": True}),
        **rest,
    }
