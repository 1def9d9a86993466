"""How a card's JSON, or a file, is packed into text: base64, sometimes compressed, sometimes neither. All of it
bounded: nothing is unpacked beyond what is allowed."""

import base64
import binascii
import re
import zlib

from apps.characters.cards.card import MAX_CARD, MAX_FILE, MB, NotACard

BLANK = re.compile(rb"\s+")
ENCRYPTED = b"rcc||"
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
RAW = -zlib.MAX_WBITS


def card_json(payload: bytes) -> bytes:
    """The JSON in base64, in base64 of zlib, or as it is. Raises NotACard where it is neither."""
    payload = payload.strip().removeprefix(b"\xef\xbb\xbf")
    if payload[: len(ENCRYPTED)].lower() == ENCRYPTED:
        raise NotACard("encrypted", "The card is encrypted; only the program that made it can read it.")
    if not payload.startswith((b"{", b"[")):
        payload = from_base64(payload, MAX_CARD)
        if payload.startswith(ENCRYPTED):
            raise NotACard("encrypted", "The card is encrypted; only the program that made it can read it.")
        if payload.startswith((b"\x78", b"\x1f\x8b")):
            payload = inflate(payload, MAX_CARD, GZIP_OR_ZLIB)
    if len(payload) > MAX_CARD:
        raise NotACard("too_big", f"The card's JSON is longer than {MAX_CARD // MB} MB.")
    return payload


def from_base64(text: bytes, most: int = MAX_FILE) -> bytes:
    """Base64 as it is seen in the wild: of either alphabet, with white space, without its padding."""
    text = BLANK.sub(b"", text).rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    if len(text) * 3 // 4 > most:
        raise NotACard("too_big", f"A part of the card is larger than {most // MB} MB.")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise NotACard("damaged", "The card's data is no valid base64.") from None


def inflate(data: bytes | memoryview, most: int, window: int = zlib.MAX_WBITS) -> bytes:
    """At most `most` bytes: more is a bomb, and is not unpacked to the end."""
    unpacker = zlib.decompressobj(window)
    try:
        found = unpacker.decompress(data, most + 1)
    except zlib.error:
        raise NotACard("damaged", "Its compressed data is damaged.") from None
    if len(found) > most:
        raise NotACard("bomb", f"Its compressed data unpacks to more than {most // MB} MB.")
    if not unpacker.eof:
        raise NotACard("truncated", "Its compressed data ends too early.")
    return found
