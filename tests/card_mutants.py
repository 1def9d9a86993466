"""Files that were cards once: cut, flipped, doubled, with lengths and numbers that lie."""

import base64
import json
import random
import struct
import zlib
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from tests.cards import BOOK, V1, V2, V3, charx, chunk, json_of, packed, png, text

ODD: list[Any] = [
    *(None, True, 0, -1, 10**30, 1.5, "", "x", "\0", "\ud800", [], {}, [None], {"a": []}, "rcc||", "{{char}}" * 50),
    *([{"keys": 1}], {"entries": {"0": {"key": None}}}, {"entries": [1, {"keys": "a,b"}]}, "data:image/png;base64,!"),
]
WORLD = {"entries": {"0": {"uid": 0, "key": ["lamp"], "content": "Lit.", "order": 5, "disable": False}}}
ICONS = [{"type": "icon", "uri": "embeded://assets/icon/images/main.png", "name": "main", "ext": "png"}]
WITH_ICON = {**V3, "data": {**V3["data"], "assets": ICONS}}

SEEDS = [
    png(text("chara", packed(V2)), text("ccv3", packed(V3))),
    png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(packed(V2))), size=4, frames=3),
    png(text("chara", base64.b64encode(zlib.compress(json_of(V1))))),
    charx(WITH_ICON, {"assets/icon/images/main.png": png(size=3), "x.json": b"{}"}),
    b"\xff\xd8\xff\xe0 \xff\xd9" + charx(V3),
    json_of(V1),
    json_of(V2),
    json_of(V3),
    json_of(WORLD),
    json_of({"spec": "lorebook_v3", "data": BOOK}),
]
MARKS = [b"IHDR", b"IDAT", b"IEND", b"tEXt", b"chara\0", b"PK\x01\x02", b"PK\x05\x06", b"PK\x03\x04", b"{", b'"', b"\0"]


def mutants(seed: int, count: int) -> Iterator[bytes]:
    draw = random.Random(seed)
    for number in range(count):
        yield odd_json(draw) if number % 4 == 0 else mutated(draw, draw.choice(SEEDS))


def mutated(draw: random.Random, data: bytes) -> bytes:
    for _ in range(draw.choice((1, 1, 2, 5))):
        data = draw.choice(WAYS)(draw, data)
    return data


def odd_json(draw: random.Random) -> bytes:
    """JSON that is whole, with values where they do not belong; packed in one of the ways."""
    root = json.loads(draw.choice([json_of(each) for each in (V1, V2, V3, WITH_ICON, WORLD)]))
    for _ in range(draw.randint(1, 6)):
        places = list(_places(root))
        place, key = draw.choice(places)
        place[key] = deepcopy(draw.choice(ODD))
        if not any(True for _ in _places(root)):
            break
    data = json_of(root)
    return draw.choice([data, png(text("ccv3", base64.b64encode(data))), charx(root, {"a.png": png()})])


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _flip(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        if changed:
            changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _cut(draw: random.Random, data: bytes) -> bytes:
    return data[: draw.randint(0, len(data))]


def _without(draw: random.Random, data: bytes) -> bytes:
    begin = draw.randint(0, len(data))
    return data[:begin] + data[begin + draw.randint(1, 60) :]


def _doubled(draw: random.Random, data: bytes) -> bytes:
    begin, place = draw.randint(0, len(data)), draw.randint(0, len(data))
    return data[:place] + data[begin : begin + draw.randint(1, 200)] + data[place:]


def _marked(draw: random.Random, data: bytes) -> bytes:
    place = draw.randint(0, len(data))
    return data[:place] + draw.choice(MARKS) + data[place:]


def _lies(draw: random.Random, data: bytes) -> bytes:
    """A number of four bytes near a mark, most likely a length or an offset."""
    at = data.find(draw.choice(MARKS))
    place = max(0, min(len(data) - 4, at + draw.randint(-8, 46)))
    number = draw.choice((0, 1, 255, 65_535, 2**31 - 1, 2**32 - 1, draw.randrange(2**32)))
    return data[:place] + struct.pack(draw.choice("<>") + "I", number) + data[place + 4 :]


WAYS = [_flip, _cut, _without, _doubled, _marked, _lies]
