"""Character cards: bytes to a card and back. Pure: no rows, no clock, no network.

card = cards.read(upload)             # or cards.NotACard, with a code and a detail for people
cards.write_png(picture, card.original, card.fields, now=now)
"""

from apps.characters.cards.assets import elsewhere, icons, is_elsewhere, path_of
from apps.characters.cards.books import merge_books
from apps.characters.cards.card import Book, Card, NotACard
from apps.characters.cards.fields import FIELDS
from apps.characters.cards.json_text import dumps, parse
from apps.characters.cards.reading import read, read_book
from apps.characters.cards.writing import write_charx, write_json, write_png

__all__ = [
    "FIELDS",
    "Book",
    "Card",
    "NotACard",
    "dumps",
    "elsewhere",
    "icons",
    "is_elsewhere",
    "merge_books",
    "parse",
    "path_of",
    "read",
    "read_book",
    "write_charx",
    "write_json",
    "write_png",
]
