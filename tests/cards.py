"""Character cards made in code."""

import base64
import io
import json
import struct
import zipfile
import zlib
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n"

V1 = {
    "name": "Ada",
    "description": "{{char}} repairs clocks.",
    "personality": "patient",
    "scenario": "Fog.",
    "first_mes": "Come in.",
    "mes_example": "<START>\n{{user}}: Hm?\n{{char}}: Hm.",
}

BOOK = {
    "name": "The lighthouse",
    "scan_depth": 4,
    "extensions": {"kept": True},
    "entries": [
        {
            "id": 7,
            "keys": ["lamp"],
            "content": "The lamp is lit at dusk.",
            "extensions": {"position": 4, "unheard_of": [1]},
            "enabled": True,
            "insertion_order": 10,
            "use_regex": False,
            "strange": "kept",
        }
    ],
}

V2: dict[str, Any] = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        **V1,
        "creator_notes": "For foggy evenings.",
        "system_prompt": "{{original}} Be brief.",
        "post_history_instructions": "Stay in the tower.",
        "creator": "Robin",
        "character_version": "1.2",
        "alternate_greetings": ["You are late.", "Tea?"],
        "tags": ["calm", "sea"],
        "extensions": {"depth_prompt": {"prompt": "x", "depth": 4}, "fav": False},
        "character_book": BOOK,
    },
}

V3: dict[str, Any] = {
    "spec": "chara_card_v3",
    "spec_version": "3.0",
    "data": {
        **V2["data"],
        "nickname": "Lady of the lamp",
        "group_only_greetings": ["All of you, come in."],
        "creator_notes_multilingual": {"de": "Für neblige Abende."},
        "source": ["https://example.com/ada"],
        "creation_date": 1_700_000_000,
        "assets": [{"type": "icon", "uri": "ccdefault:", "name": "main", "ext": "png"}],
    },
}


def json_of(card: Any) -> bytes:
    return json.dumps(card).encode()


def v2(**more: Any) -> dict[str, Any]:
    """With little in it but what is given."""
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": {**V1, **more}}


def v3(**more: Any) -> dict[str, Any]:
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": {**V1, "group_only_greetings": [], **more}}


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def text(keyword: str, value: Any) -> bytes:
    """Bytes as they are, all else as JSON in base64."""
    return chunk(b"tEXt", keyword.encode() + b"\0" + (value if isinstance(value, bytes) else packed(value)))


def packed(card: Any) -> bytes:
    return base64.b64encode(json_of(card))


def png(*chunks: bytes, late: bytes = b"", size: int = 2, frames: int = 1) -> bytes:
    """A picture of one colour, with chunks before its pixels, and `late` after them."""
    row = b"\0" + b"\x20\x40\x60" * size
    pixels = zlib.compress(row * size)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0))
    control = struct.pack(">IIIIHHBB", size, size, 0, 0, 1, 10, 0, 0)
    animation, more = b"", b""
    if frames > 1:
        animation = chunk(b"acTL", struct.pack(">II", frames, 0)) + chunk(b"fcTL", struct.pack(">I", 0) + control)
        for number in range(1, frames):
            more += chunk(b"fcTL", struct.pack(">I", number * 2 - 1) + control)
            more += chunk(b"fdAT", struct.pack(">I", number * 2) + pixels)
    return PNG + header + animation + b"".join(chunks) + chunk(b"IDAT", pixels) + more + late + chunk(b"IEND", b"")


def png_card(card: Any, keyword: str = "chara", **more: Any) -> bytes:
    return png(text(keyword, packed(card)), **more)


def charx(card: Any = None, files: dict[str, bytes] | None = None) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        if card is not None:
            archive.writestr("card.json", json_of(card))
        for path, content in (files or {}).items():
            archive.writestr(path, content)
    return target.getvalue()


def chunk_of(picture: bytes, keyword: str) -> Any:
    """The card in a chunk of a PNG, as the specification has it."""
    at = len(PNG)
    while at < len(picture):
        length, kind = struct.unpack_from(">I4s", picture, at)
        body = picture[at + 8 : at + 8 + length]
        if kind == b"tEXt" and body.startswith(keyword.encode() + b"\0"):
            return json.loads(base64.b64decode(body.partition(b"\0")[2]))
        at += 12 + length
    raise KeyError(keyword)
