"""Character cards as they are found in the wild: read, refused, and written."""

import base64
import io
import json
import struct
import zipfile
import zlib
from typing import Any

import pytest

from apps.characters import cards
from apps.characters.cards import card as limits
from apps.characters.models import MAX_TEXT, Character
from tests.cards import (
    BOOK,
    PNG,
    V1,
    V2,
    V3,
    charx,
    chunk,
    chunk_of,
    json_of,
    packed,
    png,
    png_card,
    text,
)

NOW = 1_800_000_000
JPEG = b"\xff\xd8\xff\xe0 picture \xff\xd9"
FLAT_V3 = {"spec": "chara_card_v3", "spec_version": "3.0", **V3["data"]}
PYGMALION = {
    "char_name": "Ada",
    "char_persona": "{{char}} repairs clocks.",
    "char_greeting": "Come in.",
    "world_scenario": "Fog.",
    "example_dialogue": "<START>\n{{user}}: Hm?\n{{char}}: Hm.",
}


def itxt(keyword: str, value: bytes, *, compressed: bool) -> bytes:
    body = zlib.compress(value) if compressed else value
    return chunk(b"iTXt", keyword.encode() + b"\0" + bytes([compressed]) + b"\0en\0\0" + body)


FOUND = {
    "V1 JSON": json_of(V1),
    "V2 JSON": json_of(V2),
    "V3 JSON": json_of(V3),
    "with a byte order mark": b"\xef\xbb\xbf" + json_of(V2),
    "UTF-16": json.dumps(V2).encode("utf-16"),
    "V3 without data": json_of(FLAT_V3),
    "Pygmalion": json_of(PYGMALION),
    "SillyTavern's V2, with the fields at the root too": json_of({**V1, "description": "old", "fav": True, **V2}),
    "V1 PNG": png_card(V1),
    "V2 PNG": png_card(V2),
    "V3 PNG": png_card(V3, "ccv3"),
    "APNG": png_card(V2, frames=3),
    "after the pixels": png(late=text("chara", packed(V2))),
    "both, the newer wins": png(text("chara", packed({**V1, "name": "Old"})), text("ccv3", packed(V3))),
    "in capitals": png(text("Chara", packed(V2))),
    "zTXt": png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(packed(V2)))),
    "iTXt": png(itxt("chara", packed(V2), compressed=False)),
    "iTXt, compressed": png(itxt("ccv3", packed(V3), compressed=True)),
    "base64 of zlib": png(text("chara", base64.b64encode(zlib.compress(json_of(V2))))),
    "not base64 at all": png(text("chara", json_of(V2))),
    "base64 for addresses, in lines, unpadded": png(
        text(
            "chara",
            b"\n".join(base64.urlsafe_b64encode(json_of(V2)).rstrip(b"=")[n : n + 76] for n in range(0, 9999, 76)),
        )
    ),
    "beside a large foreign chunk": png(chunk(b"tEXt", b"workflow\0" + b"x" * 3_000_000), text("chara", packed(V2))),
    "beside a foreign chunk with a bad checksum": png(
        chunk(b"tEXt", b"other\0x")[:-1] + b"!", text("chara", packed(V2))
    ),
    "CHARX": charx(V3),
    "behind a JPEG": JPEG + charx(V3),
    "behind a PNG": png() + charx(V3),
}


@pytest.mark.parametrize("kind", FOUND)
def test_what_is_found_in_the_wild(kind: str) -> None:
    card = cards.read(FOUND[kind])
    assert set(card.fields) == set(cards.FIELDS)
    told = {
        name: card.fields[name] for name in ("name", "description", "first_message", "scenario", "example_dialogue")
    }
    assert told == {
        "name": "Ada",
        "description": "{{char}} repairs clocks.",
        "first_message": "Come in.",
        "scenario": "Fog.",
        "example_dialogue": "<START>\n{{user}}: Hm?\n{{char}}: Hm.",
    }
    if "V1" not in kind and kind != "Pygmalion":
        assert card.fields["alternate_greetings"] == ["You are late.", "Tea?"]
        assert card.fields["lorebook"] == BOOK
        assert card.fields["extensions"] == V2["data"]["extensions"]
    assert card.warnings == []
    data = FOUND[kind]
    if data.startswith(PNG):
        assert card.picture
        assert card.picture.startswith(PNG)
    assert bool(card.picture) == data.startswith((PNG, JPEG))


OVERLAPPING = bytearray(charx(V3, {"a": b"1", "b": b"2"}))
_at = OVERLAPPING.rfind(b"PK\x01\x02")
struct.pack_into("<L", OVERLAPPING, _at + 42, 0)


def bomb() -> bytes:
    return charx(V3, {f"assets/{n}": b"\0" * 19_000_000 for n in range(3)})


def declares(path: str, size: int) -> bytes:
    """A zip whose directory tells of a file another size than it has."""
    data = bytearray(charx(V3, {path: b"x" * 10}))
    struct.pack_into("<L", data, data.rfind(b"PK\x01\x02") + 24, size)
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(charx(V3))
    struct.pack_into("<H", data, data.rfind(b"PK\x01\x02") + 8, 1)
    return bytes(data)


def linked() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("card.json", json_of(V3))
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return target.getvalue()


def nested(levels: int) -> bytes:
    return b'{"name": "Ada", "description": "x", "extensions": ' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


REFUSED: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "empty"),
    "white space": (b" \n ", "empty"),
    "no JSON": (b"Hello.", "not_json"),
    "half of it": (json_of(V2)[:200], "not_json"),
    "some other JSON": (b'{"name": "Ada"}', "no_card"),
    "a list": (b"[1, 2]", "no_card"),
    "no name": (json_of({**V1, "name": " "}), "no_name"),
    "a picture without a card": (png(), "no_card"),
    "a JPEG without a card": (JPEG, "no_card"),
    "a WebP": (b"RIFF\0\0\0\0WEBPVP8 ", "no_card"),
    "a PNG cut off": (png_card(V2)[:-20], "truncated"),
    "a PNG with a broken card": (png_card(V2).replace(packed(V2)[:9], packed(V2)[:8] + b"~"), "damaged"),
    "a chunk that is no base64": (png(text("chara", b"****")), "damaged"),
    "encrypted": (png(text("chara", b"rcc||abcd")), "encrypted"),
    "encrypted within": (png(text("ccv3", base64.b64encode(b"rcc||abcd"))), "encrypted"),
    "a bomb in a chunk": (png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(b"A" * 30_000_000))), "bomb"),
    "a bomb in base64": (png(text("chara", base64.b64encode(zlib.compress(b"A" * 30_000_000)))), "bomb"),
    "compressed and cut off": (png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(packed(V2))[:-9])), "truncated"),
    "JSON too long": (json_of({**V1, "x": "x" * 6_000_000}), "too_big"),
    "a text too long": (json_of({**V1, "description": "x" * (MAX_TEXT + 1)}), "too_long"),
    "too many greetings": (json_of({**V2, "data": {**V2["data"], "alternate_greetings": ["x"] * 101}}), "too_many"),
    "too deep": (nested(300), "too_deep"),
    "much too deep": (nested(200_000), "too_deep"),
    "no number": (b'{"name": "Ada", "description": "x", "n": NaN}', "bad_number"),
    "too large a number": (b'{"name": "Ada", "description": "x", "n": 1e999}', "bad_number"),
    "a number without end": (b'{"name": "Ada", "description": "x", "n": ' + b"9" * 5000 + b"}", "bad_number"),
    "a zip without a card": (charx(None, {"readme.txt": b"x"}), "no_card"),
    "a zip cut off": (charx(V3)[:-30], "truncated"),
    "a zip with a way out": (charx(V3, {"../../etc/passwd": b"x"}), "unsafe_path"),
    "a zip with an absolute path": (charx(V3, {"/etc/passwd": b"x"}), "unsafe_path"),
    "a zip with a drive": (charx(V3, {"C:\\x": b"x"}), "unsafe_path"),
    "a zip with a link": (linked, "unsafe_path"),
    "a zip of too many files": (lambda: charx(V3, {f"a/{n}": b"" for n in range(2001)}), "too_many"),
    "a zip that unpacks to too much": (bomb, "bomb"),
    "a zip with too large a file": (lambda: charx(V3, {"a": b"\0" * 21_000_000}), "too_big"),
    "a zip that lies": (lambda: declares("a", 5), "damaged"),
    "an encrypted zip": (encrypted, "encrypted"),
    "a wrong checksum": (png(text("chara", V2)[:-1] + b"?"), "damaged"),
    "a chunk of four gigabytes": (png()[:33] + b"\xff\xff\xff\xfftEXtchara\0", "truncated"),
    "too many chunks": (lambda: png(chunk(b"tIME") * limits.MAX_CHUNKS), "too_many"),
    "too many assets": (
        lambda: png(*(text(f"chara-ext-asset_:{n}", b"eA==") for n in range(2_001)), text("chara", V2)),
        "too_many",
    ),
    "too many values": (
        lambda: b'{"name": "Ada", "description": "", "x": [' + b"0," * limits.MAX_VALUES + b"0]}",
        "too_many",
    ),
    "a path with NUL in it": (lambda: charx(V3, {"abc": b"x"}).replace(b"abc", b"a\0c"), "unsafe_path"),
    "a file without a name": (lambda: charx(V3, {"abc": b"x"}).replace(b"abc", b"\0bc"), "unsafe_path"),
    "a zip whose files overlap": (bytes(OVERLAPPING), "bomb"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_is_told_why(kind: str) -> None:
    data, code = REFUSED[kind]
    with pytest.raises(cards.NotACard) as caught:
        cards.read(data() if callable(data) else data)
    assert caught.value.code == code
    assert caught.value.detail.endswith(".")


@pytest.mark.parametrize(
    ("given", "field", "read", "warned"),
    [
        ({"description": None}, "description", "", False),
        ({"description": 7}, "description", "7", False),
        ({"description": ["a", "b"]}, "description", "a\nb", True),
        ({"description": "a\0b"}, "description", "ab", True),
        ({"tags": "calm, sea"}, "tags", ["calm", "sea"], False),
        ({"tags": None}, "tags", [], False),
        ({"tags": ["", " x "]}, "tags", ["x"], False),
        ({"alternate_greetings": "Tea?"}, "alternate_greetings", ["Tea?"], True),
        ({"character_book": None}, "lorebook", {}, False),
        ({"character_book": "none"}, "lorebook", {}, True),
        ({"extensions": None}, "extensions", {}, False),
        ({"extensions": []}, "extensions", {}, True),
        ({"extensions": {"n": 10**30}}, "extensions", {"n": "1" + "0" * 30}, True),
        ({"creator": "x" * 300}, "creator", "x" * 200, True),
        ({"spec_version": "3.7"}, "name", "Ada", True),
        ({"spec_version": "nonsense"}, "name", "Ada", False),
    ],
)
def test_what_is_odd_is_read_all_the_same(given: dict[str, Any], field: str, read: Any, warned: bool) -> None:
    root = {**V2, **{key: given[key] for key in given.keys() & {"spec_version"}}}
    card = cards.read(json_of({**root, "data": {**V2["data"], **given}}))
    assert card.fields[field] == read
    assert bool(card.warnings) is warned


def test_a_broken_newer_card_gives_way_to_the_older_one() -> None:
    card = cards.read(png(text("ccv3", b"****"), text("chara", packed(V2))))
    assert card.fields["name"] == "Ada"
    assert len(card.warnings) == 1


def test_assets_and_the_icon_come_along() -> None:
    icon = png(size=3)
    assets = [
        {"type": "emotion", "uri": "embeded://assets/emotion/images/joy.png", "name": "joy", "ext": "png"},
        {"type": "icon", "uri": "embeded://assets/icon/images/other.png", "name": "other", "ext": "png"},
        {"type": "icon", "uri": "embeded://assets/icon/images/main.png", "name": "main", "ext": "png"},
        {"type": "background", "uri": "https://example.com/a.png", "name": "sea", "ext": "png"},
    ]
    files = {
        "assets/emotion/images/joy.png": b"joy",
        "assets/icon/images/other.png": b"other",
        "assets/icon/images/main.png": icon,
        "risu.json": b"{}",
    }
    given = {**V3, "data": {**V3["data"], "assets": assets}}
    card = cards.read(charx(given, files))
    assert card.files == files
    assert card.picture == icon
    again = cards.read(cards.write_charx(card.original, card.fields, card.files, icon, now=NOW))
    assert (again.files, again.picture, again.fields) == (files, icon, card.fields)
    changed = cards.read(cards.write_charx(card.original, card.fields, card.files, png(size=4), now=NOW, new_icon=True))
    assert changed.picture == png(size=4)
    assert changed.files.items() > files.items()


def test_assets_in_a_picture_are_read_and_a_charx_has_them() -> None:
    assets = [{"type": "x_song", "uri": "__asset:songs/1.ogg", "name": "song", "ext": "ogg"}]
    given = {**V3, "data": {**V3["data"], "assets": assets}}
    song = text("chara-ext-asset_:songs/1.ogg", base64.b64encode(b"OggS"))
    bad = text("chara-ext-asset_../x", base64.b64encode(b"x"))
    card = cards.read(png(text("ccv3", packed(given)), song, bad))
    assert card.files == {"songs/1.ogg": b"OggS"}
    assert len(card.warnings) == 1
    packed_up = cards.write_charx(card.original, card.fields, card.files, None, now=NOW)
    with zipfile.ZipFile(io.BytesIO(packed_up)) as archive:
        assert archive.read("songs/1.ogg") == b"OggS"
        uris = [asset["uri"] for asset in json.loads(archive.read("card.json"))["data"]["assets"]]
    assert uris == ["embeded://songs/1.ogg"]


@pytest.mark.parametrize("uri", ["embeded://a.png", "__asset:a.png"])
def test_files_that_a_card_names_and_does_not_have_are_told(uri: str) -> None:
    assets = [{"type": "icon", "uri": each, "name": "x", "ext": "png"} for each in (uri, uri, "ccdefault:")]
    card = cards.read(json_of({**V3, "data": {**V3["data"], "assets": assets}}))
    assert card.warnings == ["Files that the card names did not come along: 1."]


def test_an_icon_may_be_in_the_json() -> None:
    uri = "data:image/png;base64," + base64.b64encode(png()).decode()
    assets = [{"type": "icon", "uri": uri, "name": "main", "ext": "png"}]
    assert cards.read(json_of({**V3, "data": {**V3["data"], "assets": assets}})).picture == png()
    far = [{"type": "icon", "uri": "https://example.com/a.png", "name": "main", "ext": "png"}]
    card = cards.read(json_of({**V3, "data": {**V3["data"], "assets": far}}))
    assert card.picture is None
    assert "not fetched" in card.warnings[0]


def test_a_picture_is_written_with_both_forms_and_without_old_ones() -> None:
    card = cards.read(png(text("chara", packed(V1)), text("ccv3", packed(V3)), text("Comment", b"mine")))
    assert card.picture
    written = cards.write_png(card.picture, card.original, card.fields, now=NOW)
    assert written.count(b"chara\0") == written.count(b"ccv3\0") == 1
    assert b"Comment\0mine" in written
    older, newer = chunk_of(written, "chara"), chunk_of(written, "ccv3")
    assert (older["spec"], older["spec_version"]) == ("chara_card_v2", "2.0")
    assert (newer["spec"], newer["spec_version"]) == ("chara_card_v3", "3.0")
    assert newer["data"] == {**V3["data"], "modification_date": NOW}
    assert written.index(b"ccv3\0") < written.index(b"IEND")
    assert cards.write_png(written, card.original, card.fields, now=NOW) == written


def test_what_was_changed_is_written_and_the_rest_stays() -> None:
    root = {"fav": True, "description": "old", "first_mes": "old", **V2}
    card = cards.read(json_of(root))
    fields = {**card.fields, "description": "New.", "tags": ["new"], "nickname": "A", "lorebook": {}}
    written = cards.write_json(card.original, fields, 2, now=NOW)
    assert written["fav"] is True
    data = dict(V2["data"])
    del data["character_book"]
    assert written["data"] == {**data, "description": "New.", "tags": ["new"], "nickname": "A"}
    assert cards.read(cards.dumps(written).encode()).fields == fields


def test_what_postgresql_cannot_hold_is_not_lost() -> None:
    odd = {**V2, "data": {**V2["data"], "description": "a\0b\ud800c", "creator": "x" * 300, "tags": "a,b"}}
    card = cards.read(json_of(odd))
    assert card.fields["description"] == "ab�c"
    assert "\0" not in card.original
    assert card.original.encode()
    written = cards.write_json(card.original, card.fields, 2, now=NOW)["data"]
    assert (written["description"], written["creator"]) == ("a\0b\ud800c", "x" * 300)
    # Strict in what is written: a list is a list.
    assert written["tags"] == ["a", "b"]


def test_a_card_of_a_character_that_was_made_here() -> None:
    fields = {**cards.read(json_of(V1)).fields, "name": "Basil"}
    older = cards.write_json(None, fields, 2, now=NOW)
    assert set(older["data"]) == {*V2["data"], "character_book"} - {"character_book"}
    newer = cards.write_json(None, fields, 3, now=NOW)["data"]
    assert (newer["creation_date"], newer["modification_date"], newer["group_only_greetings"]) == (NOW, NOW, [])
    assert cards.read(cards.write_png(png(), None, fields, now=NOW)).fields == fields
    made = cards.read(cards.write_charx(None, fields, {}, png(), now=NOW))
    assert (made.fields, made.picture) == (fields, png())


def test_the_limits_are_the_columns() -> None:
    def longest(name: str) -> int | None:
        return Character._meta.get_field(name).max_length

    assert limits.MAX_TEXT == MAX_TEXT
    assert longest("name") == longest("nickname") == limits.MAX_NAME
    assert longest("creator") == limits.MAX_CREATOR
    assert longest("character_version") == limits.MAX_VERSION
    from apps.api import fields

    assert (fields.MAX_JSON_DEPTH, fields.MAX_JSON_NUMBER) == (limits.MAX_DEPTH, limits.MAX_NUMBER)
