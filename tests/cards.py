"""Cards for the pure tests, byte by byte: what other programs write, and what nobody should."""

import base64
import io
import json
import struct
import zipfile
import zlib
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
ADA: dict[str, Any] = {"name": "Ada", "description": "Keeps a lighthouse.", "first_mes": "Good evening."}


def v2(**more: Any) -> dict[str, Any]:
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": {**ADA, **more}}


def v3(**more: Any) -> dict[str, Any]:
    return {"spec": "chara_card_v3", "spec_version": "3.0", "data": {**ADA, "group_only_greetings": [], **more}}


def as_json(card: Any) -> bytes:
    return json.dumps(card).encode()


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def text(keyword: str, card: Any) -> bytes:
    """A chunk as most programs write it. Bytes are taken as they are, all else as JSON in base64."""
    value = card if isinstance(card, bytes) else base64.b64encode(as_json(card))
    return chunk(b"tEXt", keyword.encode() + b"\0" + value)


def png(*chunks: bytes, animated: bool = False) -> bytes:
    """A picture of one pixel."""
    frames = [chunk(b"acTL", struct.pack(">2I", 1, 0)), chunk(b"fcTL", b"\0" * 26)] if animated else []
    head = chunk(b"IHDR", struct.pack(">2I5B", 1, 1, 8, 0, 0, 0, 0))
    return b"".join([PNG, head, *frames, chunk(b"IDAT", zlib.compress(b"\0\0")), *chunks, chunk(b"IEND")])


def charx(card: Any, files: dict[str, bytes] | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in [*({} if card is None else {"card.json": as_json(card)}).items(), *(files or {}).items()]:
            archive.writestr(path, content)
    return file.getvalue()
