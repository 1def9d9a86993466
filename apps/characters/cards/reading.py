"""From a file's bytes to a card. The kind of file is told by what is in it, never by its name."""

from typing import Any

from apps.characters.cards import charx, json_text, packed, png
from apps.characters.cards.assets import data_picture, icon_path, is_picture, missing
from apps.characters.cards.books import book_in, normal_book
from apps.characters.cards.card import (
    MAX_CARD,
    MAX_FILES,
    MAX_WHOLE,
    MB,
    Book,
    Card,
    NotACard,
    Warnings,
)
from apps.characters.cards.fields import fields_of, is_card, spec_warnings

JPEG = b"\xff\xd8\xff"


def read(data: bytes) -> Card:
    """The card in a PNG, APNG, JSON, CHARX or a JPEG with a CHARX behind it. Raises NotACard and nothing else."""
    warnings = Warnings()
    _check_size(data)
    if png.is_png(data):
        found = png.texts(data)
        if png.has_card(found):
            return _from_png(data, found, warnings)
    if data.startswith(charx.LOCAL) or (is_picture(data) and charx.has_zip(data)):
        return _from_charx(data, warnings)
    if is_picture(data):
        raise NotACard("no_card", "There is no character card in this picture.")
    return _card(_text(data, warnings), warnings)


def read_json(value: Any) -> Card:
    """The card in JSON that was parsed already."""
    return _card(_dumped(value), Warnings())


def read_book(data: Any) -> Book:
    """The lorebook in a file's bytes, or in JSON that was parsed already: SillyTavern's world info, a book of a V2 or
    V3 card with or without its wrapping, one of NovelAI, Agnai or RisuAI, or a card with a book in it.

    Raises NotACard and nothing else.
    """
    warnings = Warnings()
    if not isinstance(data, bytes):
        text = _dumped(data)
    elif png.is_png(data) and (found := png.texts(data)):
        _check_size(data)
        text, _ = _text_in(found, warnings)
    elif data.startswith(charx.LOCAL) or (is_picture(data) and charx.has_zip(data)):
        _check_size(data)
        text = _card_of(charx.members(data, warnings)[0], warnings)
    elif is_picture(data):
        raise NotACard("no_book", "There is no lorebook in this picture.")
    else:
        _check_size(data)
        text = _text(data, warnings)
    book = book_in(json_text.parse(text))
    if book is None:
        raise NotACard("no_book", "There is no lorebook in it.")
    return Book(normal_book(book, warnings), warnings.told())


def _check_size(data: bytes) -> None:
    if not data:
        raise NotACard("empty", "The file is empty.")
    if len(data) > MAX_WHOLE:
        raise NotACard("too_big", f"The file is larger than {MAX_WHOLE // MB} MB.")


def _from_png(data: bytes, found: dict[str, png.Chunk], warnings: Warnings) -> Card:
    text, root = _text_in(found, warnings)
    files: dict[str, bytes] = {}
    whole = 0
    for keyword, chunk in found.items():
        if not keyword.startswith(png.ASSET):
            continue
        path = keyword.removeprefix(png.ASSET).removeprefix(":")
        charx.check_path(path)
        if path == charx.CARD or path in files:
            warnings.add(f"The asset {path} was passed over: its name is taken.")
            continue
        files[path] = packed.from_base64(png.payload(chunk))
        whole += len(files[path])
        if whole > MAX_WHOLE or len(files) > MAX_FILES:
            raise NotACard("too_big", f"The assets are more than {MAX_FILES:,}, or larger than {MAX_WHOLE // MB} MB.")
    return _card(text, warnings, data, files, root)


def _text_in(found: dict[str, png.Chunk], warnings: Warnings) -> tuple[str, Any]:
    """The JSON of the best chunk, and what it says. A damaged one gives way to the next."""
    broken: NotACard | None = None
    for keyword in png.CARDS:
        if keyword not in found:
            continue
        try:
            payload = png.payload(found[keyword], MAX_CARD)
            text = json_text.text_of(packed.card_json(payload), warnings)
            root = json_text.parse(text)
        except NotACard as error:
            if error.code == "encrypted":
                raise
            broken = broken or error
            continue
        if broken:
            warnings.add(f"The newer card in this picture could not be read ({broken.detail}) The older one was taken.")
        return text, root
    raise broken or NotACard("no_card", "There is no character card in this picture.")


def _from_charx(data: bytes, warnings: Warnings) -> Card:
    files, begin = charx.members(data, warnings)
    text = _card_of(files, warnings)
    # What stands before the zip is a picture only where the whole began as one.
    before = data[:begin] if is_picture(data) else None
    return _card(text, warnings, before, files)


def _card_of(files: dict[str, bytes], warnings: Warnings) -> str:
    if charx.CARD not in files:
        raise NotACard("no_card", "There is no card.json at the root of the archive.")
    return json_text.text_of(files.pop(charx.CARD), warnings)


def _text(data: bytes, warnings: Warnings) -> str:
    """The JSON of a file that is text: as it is, or packed as it would be in a picture."""
    text = json_text.text_of(data, warnings) if len(data) <= 2 * MAX_CARD else ""
    if text.lstrip().startswith(("{", "[")):
        return text
    if len(data) > 2 * MAX_CARD:
        raise NotACard("too_big", f"The card's JSON is longer than {MAX_CARD // MB} MB.")
    try:
        return json_text.text_of(packed.card_json(data), warnings)
    except NotACard as error:
        if error.code == "damaged":
            raise NotACard("not_json", "It is neither a picture, nor an archive, nor JSON.") from None
        raise


def _dumped(value: Any) -> str:
    try:
        return json_text.dumps(value)
    except RecursionError:
        raise json_text.too_deep() from None
    except ValueError:
        raise NotACard("bad_number", "Its JSON has a number that is none, or one of too many digits.") from None


def _card(
    text: str,
    warnings: Warnings,
    picture: bytes | None = None,
    files: dict[str, bytes] | None = None,
    root: Any = None,
) -> Card:
    files = files or {}
    root = json_text.parse(text) if root is None else root
    if not is_card(root):
        if book_in(root) is not None:
            raise NotACard("no_card", "This is a lorebook, not a character: import it into one.")
        raise NotACard("no_card", "Its JSON is no character card.")
    spec_warnings(root, warnings)
    fields = fields_of(root, warnings)
    icon = files.get(icon_path(root, files) or "")
    missing(root, files, warnings)
    if icon is not None and not is_picture(icon):
        warnings.add("The main icon is no PNG, JPEG or WebP and was passed over as the picture.")
        icon = None
    if png.is_png(picture or b"") and not charx_behind(picture):
        icon = None
    return Card(fields, json_text.storable(text), icon or picture or data_picture(root), files, warnings.told())
