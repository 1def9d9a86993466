"""From a file's bytes to a card. The kind of file is told by what is in it, never by its name."""

from typing import Any

from apps.characters.cards import json_text
from apps.characters.cards.card import MAX_WHOLE, Book, Card, NotACard, Warnings
from apps.characters.cards.fields import fields_of, is_card


def read(data: bytes) -> Card:
    """The card in a PNG, APNG, JSON, CHARX or JPEG with a CHARX behind it. Raises NotACard and nothing else."""
    if len(data) > MAX_WHOLE:
        raise NotACard("too_big", f"The file is larger than {MAX_WHOLE // 2**20} MB.")
    warnings = Warnings()
    return _card(json_text.text_of(data, warnings), warnings)


def read_json(value: Any) -> Card:
    """The card in JSON that was parsed already."""
    warnings = Warnings()
    try:
        text = json_text.dumps(value)
    except RecursionError:
        raise json_text.too_deep() from None
    except ValueError:
        raise NotACard("bad_number", "A number in its JSON is none.") from None
    return _card(text, warnings)


def read_book(data: Any) -> Book:
    """The lorebook in a file's bytes, or in JSON that was parsed already."""
    raise NotACard("no_book", "There is no lorebook in it.")


def _card(text: str, warnings: Warnings, picture: bytes | None = None, files: dict[str, bytes] | None = None) -> Card:
    root = json_text.parse(text)
    if not is_card(root):
        raise NotACard("no_card", "The JSON is no character card.")
    fields = fields_of(root, warnings)
    return Card(fields, json_text.storable(text), picture, files or {}, warnings.told())
