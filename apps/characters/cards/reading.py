"""From a file's bytes to a card. The kind of file is told by what is in it, never by its name."""

from dataclasses import dataclass, field
from typing import Any

from apps.characters.cards import charx, json_text, packed, png
from apps.characters.cards.books import book_in, normal_book
from apps.characters.cards.card import JSON, MAX_CARD, MAX_FILES, MAX_WHOLE, MB, Book, Card, NotACard, Warnings
from apps.characters.cards.fields import data_of, fields_of, is_card

JPEG = b"\xff\xd8\xff"
ZIP = (charx.LOCAL, charx.END)
EMBEDDED = "embeded://"  # as the specification spells it
NEWEST = 3.0


@dataclass(frozen=True, slots=True)
class Unpacked:
    """`text` is JSON that is still to be parsed."""

    text: str
    picture: bytes | None = None
    files: dict[str, bytes] = field(default_factory=dict)


def read(data: bytes) -> Card:
    """The card in a PNG, APNG, JSON, CHARX, or a picture with a CHARX behind it. Raises NotACard and nothing else."""
    warnings = Warnings()
    unpacked = _unpacked(data, png.CARDS[:2], warnings)
    root = json_text.parse(unpacked.text)
    if not is_card(root):
        raise NotACard("no_card", "There is no character card in its JSON.")
    _note_version(root, warnings)
    fields = fields_of(root, warnings)
    if absent := _absent(root, unpacked.files):
        warnings.add(f"Files that the card names did not come along: {absent}.")
    picture = unpacked.picture or _icon(root, unpacked.files, warnings)
    return Card(fields, json_text.storable(unpacked.text), picture, unpacked.files, warnings.told())


def read_book(data: bytes) -> Book:
    """The lorebook in such a file, or in a card. Raises NotACard and nothing else."""
    warnings = Warnings()
    unpacked = _unpacked(data, png.CARDS, warnings)
    book = book_in(json_text.parse(unpacked.text))
    if book is None:
        raise NotACard("no_book", "There is no lorebook in it.")
    return Book(normal_book(book, warnings), warnings.told())


def _unpacked(data: bytes, keywords: tuple[str, ...], warnings: Warnings) -> Unpacked:
    if len(data) > MAX_WHOLE:
        raise NotACard("too_big", f"The file is larger than {MAX_WHOLE // MB} MB.")
    if not data.strip():
        raise NotACard("empty", "The file is empty.")
    if png.is_png(data):
        return _from_png(data, keywords, warnings)
    if data.startswith((JPEG, *ZIP)):
        return _from_zip(data, warnings)
    if data.startswith(packed.ENCRYPTED):
        raise NotACard("encrypted", "The card is encrypted; only the program that made it can read it.")
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        raise NotACard("no_card", "Cards in WebP pictures are not read; use PNG, JSON or CHARX.")
    return Unpacked(json_text.text_of(data, warnings))


def _from_png(data: bytes, keywords: tuple[str, ...], warnings: Warnings) -> Unpacked:
    """The newest form that is whole: one that is broken gives way to an older one with a warning."""
    chunks = png.texts(data)
    broken: NotACard | None = None
    for keyword in keywords:
        if keyword not in chunks:
            continue
        try:
            text = packed.card_json(png.payload(chunks[keyword], MAX_CARD))
            json_text.parse(json_text.text_of(text, Warnings()))
        except NotACard as error:
            broken = broken or error
            continue
        if broken:
            warnings.add(f"The card's newer form could not be read, and an older one was taken. {broken.detail}")
        return Unpacked(json_text.text_of(text, warnings), data, _assets(chunks, warnings))
    if broken:
        raise broken
    if charx.has_zip(data):
        return _from_zip(data, warnings)
    raise NotACard("no_card", "There is no character card in the picture.")


def _assets(chunks: dict[str, png.Chunk], warnings: Warnings) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    size = 0
    for keyword, chunk in chunks.items():
        if not keyword.startswith(png.ASSET):
            continue
        # Older files have no colon before the path.
        path = keyword.removeprefix(png.ASSET).removeprefix(":")
        try:
            charx.check_path(path)
            content = packed.from_base64(png.payload(chunk))
        except NotACard as error:
            warnings.add(f"An asset was left out. {error.detail}")
            continue
        size += len(content)
        if size > MAX_WHOLE:
            raise NotACard("too_big", f"The assets in the picture are larger than {MAX_WHOLE // MB} MB.")
        if len(files) == MAX_FILES:
            raise NotACard("too_many", f"The picture has more than {MAX_FILES:,} assets.")
        files[path] = content
    return files


def _from_zip(data: bytes, warnings: Warnings) -> Unpacked:
    if not charx.has_zip(data):
        kind = "truncated" if data.startswith(ZIP) else "no_card"
        raise NotACard(
            kind, "The archive ends too early." if kind == "truncated" else "There is no card in the picture."
        )
    files, begin = charx.members(data, warnings)
    card = files.pop(charx.CARD, None)
    if card is None:
        raise NotACard("no_card", "There is no card.json in the archive.")
    if card.startswith(packed.ENCRYPTED):
        raise NotACard("encrypted", "The card is encrypted; only the program that made it can read it.")
    picture = data[:begin] if begin and data.startswith((JPEG, png.SIGNATURE)) else None
    return Unpacked(json_text.text_of(card, warnings), picture, files)


def _icon(root: JSON, files: dict[str, bytes], warnings: Warnings) -> bytes | None:
    """The main icon among a card's assets, else the first one, where it came along. Nothing is ever fetched."""
    for asset in icons(root):
        uri = asset["uri"]
        if uri.startswith(EMBEDDED) and uri.removeprefix(EMBEDDED) in files:
            return files[uri.removeprefix(EMBEDDED)]
        if uri.startswith("data:image/") and ";base64," in uri[:100]:
            try:
                return packed.from_base64(uri.partition(",")[2].encode("ascii", "replace"))
            except NotACard as error:
                warnings.add(f"The card's icon was left out. {error.detail}")
        if uri.startswith(("http://", "https://")):
            warnings.add("The card's icon is on another server, and is not fetched.")
    return None


def icons(root: JSON) -> list[JSON]:
    """A card's assets of type icon, the main one first."""
    found = [asset for asset in _named(root) if asset.get("type") == "icon"]
    return sorted(found, key=lambda asset: asset.get("name") != "main")


def _named(root: JSON) -> list[JSON]:
    """A card's assets, as far as they say where they are."""
    assets = (data_of(root) or root).get("assets")
    listed = assets if isinstance(assets, list) else []
    return [asset for asset in listed if isinstance(asset, dict) and isinstance(asset.get("uri"), str)]


def _absent(root: JSON, files: dict[str, bytes]) -> int:
    """How many of the assets that should be in the card's own file are not."""
    paths = [
        uri.removeprefix(beginning)
        for uri in (asset["uri"] for asset in _named(root))
        for beginning in (EMBEDDED, png.NAMED)
        if uri.startswith(beginning)
    ]
    return len(set(paths) - files.keys())


def _note_version(root: JSON, warnings: Warnings) -> None:
    version: Any = root.get("spec_version")
    try:
        newer = version is not None and float(version) > NEWEST
    except (TypeError, ValueError, OverflowError):
        newer = False
    if newer:
        warnings.add(f"The card is of a newer version than {NEWEST}; what is not known here is kept as it is.")
