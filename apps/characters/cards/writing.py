"""From a character back to a card's file. `now` is the time of the export, in seconds since 1970 (UTC)."""

from apps.characters.cards.card import JSON


def write_json(original: str | None, fields: JSON, version: int, *, now: int) -> JSON:
    """The card's JSON of version 2 or 3. Send it as `dumps(...)` makes it: it may hold what UTF-8 cannot."""
    raise NotImplementedError


def write_png(picture: bytes, original: str | None, fields: JSON, *, now: int) -> bytes:
    """`picture`, a PNG, with the card in it, as V2 and as V3."""
    raise NotImplementedError


def write_charx(
    original: str | None,
    fields: JSON,
    files: dict[str, bytes],
    icon: bytes | None,
    *,
    now: int,
    new_icon: bool = False,
) -> bytes:
    """A zip of `card.json` (V3) and `files`, at their paths. `icon` is a PNG.

    It becomes the main icon where the original has none of its own among the files, and with `new_icon` in any case:
    for a picture that was chosen since the import.
    """
    raise NotImplementedError
