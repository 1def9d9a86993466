"""Lorebooks in the form of a card's `character_book`, whatever form they came in."""

from typing import Any

from apps.characters.cards import fit
from apps.characters.cards.card import JSON, Warnings


def normal_book(value: Any, warnings: Warnings) -> JSON:
    """{} where there is none."""
    if not isinstance(value, dict):
        return {}
    fitting: JSON = fit.tree(value, "character_book", warnings)
    return fitting


def merge_books(old: JSON, new: JSON) -> JSON:
    """Both books' entries in one."""
    return {**new, **old, "entries": [*old.get("entries", []), *new.get("entries", [])]}
