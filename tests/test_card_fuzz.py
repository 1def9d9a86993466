"""Broken bytes: a card, a book or NotACard, and nothing else; in bounded memory.

`test_card_imports.py` sends such files over HTTP; here there are more of them, and `read_book` too.
"""

import base64
import random
import resource
import struct
import zlib

from apps.characters import cards
from tests.cards import JPEG, as_json, charx, chunk, png, text, v2, v3

BOOK = {"entries": [{"keys": ["bell"], "content": "It is cracked.", "extensions": {"depth": 4}}]}
SEEDS = [
    as_json(v2(character_book=BOOK, tags=["fog"], extensions={"a": [1, {"b": None}]})),
    as_json({"entries": {"0": {"uid": 0, "key": ["bell"], "content": "x", "order": 5, "disable": False}}}),
    png(text("chara", v2()), text("ccv3", v3(character_book=BOOK))),
    png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(base64.b64encode(as_json(v2()))))),
    png(chunk(b"iTXt", b"ccv3\0\1\0\0\0" + zlib.compress(as_json(v3()))), text("chara-ext-asset_:7", b"eA==")),
    charx(v3(assets=[{"type": "icon", "uri": "embeded://i.png", "name": "main", "ext": "png"}]), {"i.png": png()}),
    JPEG + charx(v3(character_book=BOOK), {"a/b.json": b"{}"}),
]
WORDS = [b"\0", b"\xff" * 4, b"PK\x05\x06", b"{", b"]", b'"', b"null", b"1e999", b"NaN", b"\\ud800", b"IEND", b"9" * 30]


def mutated(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(7):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + chance.randint(1, 40)]
            case 2:
                data[at:at] = chance.choice(WORDS)
            case 3:
                data[at : at + 4] = struct.pack(chance.choice("<>") + "I", chance.choice([0, 1, 2**31, 2**32 - 1]))
            case 4:
                data[at:at] = data[at : at + chance.randint(1, 60)]
            case 5:
                data = data[: max(1, at)]
            case 6:
                data[at : at + 2] = chance.randbytes(2)
    return mended(bytes(data)) if chance.random() < 0.5 else bytes(data)


def mended(data: bytes) -> bytes:
    """With the checksums that its chunks should have, so that what is broken lies deeper."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    at, parts = 8, [data[:8]]
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + length > len(data):
            break
        parts.append(chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return b"".join([*parts, data[at:]])


def read(data: bytes) -> int:
    """How much of it was read: any other exception than NotACard fails the test."""
    found = 0
    try:
        card = cards.read(data)
        found += 1
        card.original.encode()
        cards.write_charx(card.original, card.fields, card.files, None, now=0)
    except cards.NotACard:
        pass
    try:
        cards.merge_books({}, cards.read_book(data).lorebook)
        found += 1
    except cards.NotACard:
        pass
    return found


def fuzz(cases: int, seed: int) -> None:
    chance = random.Random(seed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = sum(read(mutated(chance)) for _ in range(cases))
    # The control: the files are not so broken that nothing is ever read.
    assert cases / 40 < found < cases * 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kilobytes


def test_ten_thousand_broken_files() -> None:
    fuzz(10_000, seed=1)
