"""From a character back to a card's file. `now` is the time of the export, in seconds since 1970 (UTC).

An export begins with the JSON as it was found. What has changed since is written anew, and so is what has not the type
that the specification gives it: strict in what is written. All else stays.
"""

import copy
from typing import Any

from apps.characters.cards import charx, json_text, png
from apps.characters.cards.books import is_normal, normal_book
from apps.characters.cards.card import JSON, Warnings
from apps.characters.cards.fields import KEYS, data_of, fields_of
from apps.characters.cards.reading import EMBEDDED, icons

ICON = "assets/icon/images/main.png"
# Of a card's field, only these may be missing.
OPTIONAL = {"nickname", "lorebook"}
SPECS = {2: ("chara_card_v2", "2.0"), 3: ("chara_card_v3", "3.0")}


def write_json(original: str | None, fields: JSON, version: int, *, now: int) -> JSON:
    """The card's JSON of version 2 or 3. Send it as `dumps(...)` makes it: it may hold what UTF-8 cannot."""
    root: JSON = json_text.parse(original) if original else {}
    before = fields_of(root) if original else {}
    data = data_of(root)
    # A card of version 1 has its fields at the root, and all that it says goes into `data`.
    around = {} if data is None else {key: item for key, item in root.items() if key != "data"}
    data = copy.deepcopy(root if data is None else data)
    for key in ("spec", "spec_version"):
        around.pop(key, None)
        data.pop(key, None)
    for name, value in fields.items():
        _write(data, name, value, changed=name not in before or before[name] != value)
        if name in before and before[name] != value:
            # Many programs repeat some fields at the root.
            around |= {key: copy.deepcopy(value) for key in KEYS[name] if key in around}
    if data.get("character_book"):
        data["character_book"] = _book(data["character_book"], version)
    if version == 3:
        if not isinstance(data.get("group_only_greetings"), list):
            data["group_only_greetings"] = []
        data["modification_date"] = now
        if not original:
            data["creation_date"] = now
    spec, spec_version = SPECS[version]
    return {"spec": spec, "spec_version": spec_version, **around, "data": data}


def _write(data: JSON, name: str, value: Any, *, changed: bool) -> None:
    key, *others = KEYS[name]
    if changed and name == "lorebook":
        # The API takes any object for one; a card's has a form.
        value = normal_book(value, Warnings())
    if not changed and _is_as_specified(name, data.get(key)):
        return
    # An empty book is none.
    if not value and name in OPTIONAL:
        data.pop(key, None)
    else:
        data[key] = copy.deepcopy(value)
    for other in others:
        if changed:
            data.pop(other, None)


def _is_as_specified(name: str, value: Any) -> bool:
    match name:
        case "lorebook":
            return bool(value) and is_normal(value)
        case "extensions":
            return isinstance(value, dict)
        case "alternate_greetings" | "tags":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, str)


def _book(book: JSON, version: int) -> JSON:
    """With what the specifications require, where it is missing."""
    entries = [
        {
            **entry,
            **{name: default for name, default in _required(version) if name not in entry},
        }
        if isinstance(entry, dict)
        else entry
        for entry in book.get("entries", [])
    ]
    return {"extensions": {}, **book, "entries": entries}


def _required(version: int) -> list[tuple[str, Any]]:
    always: list[tuple[str, Any]] = [("keys", []), ("content", ""), ("extensions", {}), ("enabled", True)]
    return [*always, ("insertion_order", 0), *([("use_regex", False)] if version == 3 else [])]


def write_png(picture: bytes, original: str | None, fields: JSON, *, now: int) -> bytes:
    """`picture`, a PNG, with the card in it, as V2 and as V3. Files of the character's have no place in it; the card
    still names them."""
    cards = [("chara", 2), ("ccv3", 3)]
    texts = [
        (keyword, json_text.dumps(write_json(original, fields, version, now=now)).encode())
        for keyword, version in cards
    ]
    return png.with_texts(picture, texts)


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
    card = write_json(original, fields, 3, now=now)
    files = {path: content for path, content in files.items() if path != charx.CARD}
    data = card["data"]
    assets = data.get("assets")
    for asset in assets if isinstance(assets, list) else []:
        uri = asset.get("uri") if isinstance(asset, dict) else None
        if isinstance(uri, str) and uri.startswith(png.NAMED) and uri.removeprefix(png.NAMED) in files:
            asset["uri"] = EMBEDDED + uri.removeprefix(png.NAMED)
    has_icon = any(asset["uri"].removeprefix(EMBEDDED) in files for asset in icons(card))
    if icon is not None and (new_icon or not has_icon):
        path = _free_path(files)
        files[path] = icon
        others = [asset for asset in (assets if isinstance(assets, list) else []) if not _is_main_icon(asset)]
        data["assets"] = [{"type": "icon", "uri": EMBEDDED + path, "name": "main", "ext": "png"}, *others]
    return charx.write(json_text.dumps(card).encode(), files)


def _is_main_icon(asset: Any) -> bool:
    return isinstance(asset, dict) and asset.get("type") == "icon" and asset.get("name") == "main"


def _free_path(files: dict[str, bytes]) -> str:
    path, number = ICON, 1
    while path in files:
        number += 1
        path = ICON.replace("main", f"main-{number}")
    return path
