"""Lorebooks for tests, and what fires of them."""

from typing import Any

from apps.characters.macros import Macros
from apps.chat import lorebook
from apps.chat.lorebook import Fired, Scene

ADA = Macros("Ada", "Robin")
TALK = ["The old lamp is lit.", "Who lit it?", "The keeper did, in the fog."]


def entry(*keys: str, **fields: Any) -> dict[str, Any]:
    """What SillyTavern keeps in `extensions` is given by its name there, and a position by its number."""
    own = {"content", "enabled", "constant", "insertion_order", "priority", "selective", "secondary_keys"}
    own |= {"case_sensitive", "use_regex", "id", "name", "comment"}
    own |= set() if isinstance(fields.get("position"), int) else {"position"}
    return {
        "keys": list(keys),
        "content": "Lore.",
        "enabled": True,
        **{name: value for name, value in fields.items() if name in own},
        "extensions": {name: value for name, value in fields.items() if name not in own},
    }


def fire(
    *entries: dict[str, Any],
    talk: list[str] = TALK,
    budget: int = 1000,
    state: Any = None,
    length: int | None = None,
    macros: Macros = ADA,
    scene: dict[str, Any] | None = None,
    **book: Any,
) -> Fired:
    named = [{"name": str(number), **each} for number, each in enumerate(entries)]
    texts = [("user", text) for text in talk]
    return lorebook.fire(
        lorebook.read({"scan_depth": 3, "entries": named, **book}, macros),
        Scene(texts, len(texts) if length is None else length, **{"seed": "seed", **(scene or {})}),
        budget=budget,
        tokens=lambda text: len(text.split()),
        macros=macros,
        state=state,
    )


def told(fired: Fired) -> list[str]:
    return [lore.name for lore in fired.lore]
