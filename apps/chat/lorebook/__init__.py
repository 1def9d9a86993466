"""Lorebooks: from a book and the texts of a conversation to what is told of it, and why. `docs/lorebooks.md`.

Pure: no rows, no clock, no network; chance comes from a seed. `reading` makes sense of the JSON, `decorators` of what
stands at the head of an entry's content, `matching` finds keys, `gates` asks what else an entry depends on, `firing`
puts it together.
"""

from apps.chat.lorebook.entries import Book, Entry, Position
from apps.chat.lorebook.firing import Fired, Lore, fire
from apps.chat.lorebook.reading import read
from apps.chat.lorebook.scene import Scene, State

__all__ = ["Book", "Entry", "Fired", "Lore", "Position", "Scene", "State", "fire", "read"]
