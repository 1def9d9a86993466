"""The texts in a PNG's chunks. Its pixels are never looked at, and of foreign chunks only the length."""

import base64
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from apps.characters.cards.card import MAX_CHUNKS, MAX_FILE, NotACard
from apps.characters.cards.packed import inflate

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# `naidata`: where NovelAI keeps a lorebook.
CARDS = ("ccv3", "chara", "naidata")
ASSET = "chara-ext-asset_"
# How a card's JSON names one.
NAMED = "__asset:"
LONGEST_KEYWORD = 400


@dataclass(frozen=True, slots=True)
class Chunk:
    kind: bytes
    body: memoryview
    whole: memoryview  # with its length and its CRC

    def is_sound(self) -> bool:
        return zlib.crc32(self.body, zlib.crc32(self.kind)) == int.from_bytes(self.whole[-4:], "big")

    def keyword(self) -> str:
        """Blank where it has none that we want: a foreign chunk is not read further than this."""
        if self.kind not in TEXTS:
            return ""
        keyword, end, _ = bytes(self.body[:LONGEST_KEYWORD]).partition(b"\0")
        # The names of assets are told apart by case; all else is not.
        text = keyword.decode("utf-8", "replace")
        known = text[: len(ASSET)].lower()
        return (ASSET + text[len(ASSET) :] if known == ASSET else text.lower() if text.lower() in CARDS else "") * len(
            end
        )


def is_png(data: bytes) -> bool:
    return data.startswith(SIGNATURE)


def chunks(png: bytes) -> Iterator[Chunk]:
    """Up to IEND; what stands behind it is none of the picture's."""
    data = memoryview(png)
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(data):
            raise NotACard("truncated", "The picture ends too early.")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise NotACard("truncated", "The picture ends too early.")
        yield Chunk(kind, data[at + 8 : end - 4], data[at:end])
        if kind == b"IEND":
            return
        at = end
    raise NotACard("too_many", f"The picture has more than {MAX_CHUNKS:,} chunks.")


def texts(png: bytes) -> dict[str, Chunk]:
    """The chunks with a card, a lorebook or an asset in them, by their keywords. The first of a keyword counts."""
    found: dict[str, Chunk] = {}
    for chunk in chunks(png):
        if keyword := chunk.keyword():
            found.setdefault(keyword, chunk)
    return found


def payload(chunk: Chunk, most: int = MAX_FILE) -> bytes:
    """The text of one of `texts`, unpacked to `most` bytes."""
    if not chunk.is_sound():
        raise NotACard("damaged", "The chunk with the card in it is damaged: its checksum is wrong.")
    # base64 takes four bytes for three.
    most = most * 3 // 2
    if len(chunk.body) > most + LONGEST_KEYWORD:
        raise NotACard("too_big", "The chunk with the card in it is too large.")
    _, _, rest = bytes(chunk.body).partition(b"\0")
    if chunk.kind == b"zTXt":
        return inflate(rest[1:], most)
    if chunk.kind == b"iTXt":
        _, _, text = rest[2:].partition(b"\0")
        _, _, text = text.partition(b"\0")
        return inflate(text, most) if rest[:1] == b"\1" else text
    return rest


def with_texts(png: bytes, new: Iterable[tuple[str, bytes]]) -> bytes:
    """The picture with these texts, in base64, before its end; cards and assets that were in it are gone."""
    kept = [chunk for chunk in chunks(png) if not chunk.keyword()]
    end = kept.pop()
    return b"".join([SIGNATURE, *(chunk.whole for chunk in kept), *(_text(*each) for each in new), end.whole])


def _text(keyword: str, value: bytes) -> bytes:
    body = keyword.encode() + b"\0" + base64.b64encode(value)
    return struct.pack(">I4s", len(body), b"tEXt") + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(b"tEXt")))
