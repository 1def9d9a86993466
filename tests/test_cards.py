"""What is read as a card, and what is refused, by its cause. Nothing here needs a row."""

import base64
import io
import json
import stat
import struct
import zipfile
import zlib
from typing import Any

import pytest

from apps.api.fields import MAX_JSON_DEPTH, MAX_JSON_NUMBER
from apps.characters import cards
from apps.characters.cards import card as limits
from apps.characters.models import MAX_TEXT, Character
from tests.cards import ADA, JPEG, as_json, charx, chunk, png, text, v2, v3

PACKED = as_json(v2())
BASE64 = base64.b64encode(PACKED)

READ: dict[str, bytes] = {
    "V1": as_json(ADA),
    "V2": as_json(v2()),
    "V3": as_json(v3()),
    "V3 without data": as_json({"spec": "chara_card_v3", **ADA}),
    "a byte order mark": b"\xef\xbb\xbf" + as_json(v2()),
    "UTF-16": json.dumps(v2()).encode("utf-16"),
    "Pygmalion": as_json({"char_name": "Ada", "char_persona": ADA["description"], "char_greeting": ADA["first_mes"]}),
    "root repeats data": as_json({**v2(), "name": "Old", "description": "Old.", "first_mes": "Old."}),
    "PNG": png(text("chara", v2())),
    "APNG": png(text("chara", v2()), animated=True),
    "keyword in capitals": png(text("Chara", v2())),
    "V3 wins": png(text("chara", v2(description="Old.")), text("ccv3", v3())),
    "the first of two": png(text("chara", v2()), text("chara", v2(description="Second."))),
    "a foreign chunk that is damaged": png(text("chara", v2()), chunk(b"tEXt", b"x\0y")[:-1] + b"?"),
    "zTXt": png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(BASE64))),
    "iTXt": png(chunk(b"iTXt", b"chara\0\0\0en\0\0" + BASE64)),
    "iTXt, packed": png(chunk(b"iTXt", b"chara\0\1\0\0\0" + zlib.compress(BASE64))),
    "zlib within base64": png(text("chara", base64.b64encode(zlib.compress(PACKED)))),
    "no base64": png(text("chara", PACKED)),
    "sloppy base64": png(text("chara", base64.urlsafe_b64encode(PACKED).rstrip(b"=").replace(b"J", b"J\r\n "))),
    "CHARX": charx(v3()),
    "JPEG with a CHARX": JPEG + charx(v3()),
    "PNG with a CHARX": png() + charx(v3()),
}


@pytest.mark.parametrize("name", READ)
def test_read(name: str) -> None:
    card = cards.read(READ[name])
    assert set(card.fields) == set(cards.FIELDS)
    assert {key: card.fields[key] for key in ("name", "description", "first_message")} == {
        "name": "Ada",
        "description": ADA["description"],
        "first_message": ADA["first_mes"],
    }
    assert card.warnings == []


def zipped(path: str, content: bytes = b"x", **about: Any) -> bytes:
    info = zipfile.ZipInfo("x" * len(path))
    for key, value in about.items():
        setattr(info, key, value)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("card.json", as_json(v3()))
        archive.writestr(info, content)
    # Python would not write such a path.
    return file.getvalue().replace(b"x" * len(path), path.encode())


def zip_of_lies() -> bytes:
    """A directory that declares ten bytes, and ten million packed."""
    data = zipped("big", b"\0" * 10_000_000, compress_type=zipfile.ZIP_DEFLATED)
    return data.replace(struct.pack("<I", 10_000_000), struct.pack("<I", 10))


REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "blanks": (b" \n", "empty"),
    "no JSON": (b"Good evening.", "not_json"),
    "half of JSON": (as_json(v2())[:-5], "not_json"),
    "another object": (b'{"name": "left-pad", "version": "1"}', "no_card"),
    "a list": (b"[1]", "no_card"),
    "a number": (b"1", "no_card"),
    "no name": (as_json({"spec": "chara_card_v2", "data": {"description": "x", "name": " "}}), "no_name"),
    "NaN": (b'{"spec": "chara_card_v2", "data": {"name": "Ada", "x": NaN}}', "bad_number"),
    "infinite": (b'{"spec": "chara_card_v2", "data": {"name": "Ada", "x": 1e999}}', "bad_number"),
    "digits": (b'{"spec": "chara_card_v2", "data": {"name": "Ada", "x": 1' + b"0" * 5000 + b"}}", "bad_number"),
    "deep": (b'{"name": "Ada", "description": ' + b"[" * 300 + b"]" * 300 + b"}", "too_deep"),
    "very deep": (b"[" * 100_000, "too_deep"),
    "long JSON": (b'"' + b"x" * limits.MAX_CARD + b'"', "too_big"),
    "large": (b"\0" * (limits.MAX_WHOLE + 1), "too_big"),
    "a long text": (as_json(v2(scenario="x" * (MAX_TEXT + 1))), "too_long"),
    "a long greeting": (as_json(v2(alternate_greetings=["x" * (MAX_TEXT + 1)])), "too_long"),
    "many greetings": (as_json(v2(alternate_greetings=["x"] * 101)), "too_many"),
    "encrypted": (png(text("ccv3", b"rcc||AAAA||BBBB")), "encrypted"),
    "a picture alone": (png(), "no_card"),
    "a JPEG alone": (JPEG, "no_card"),
    "WebP": (b"RIFF\0\0\0\0WEBPVP8 ", "no_card"),
    "cut within a chunk": (png(text("chara", v2()))[:-40], "truncated"),
    "cut before the end": (png(text("chara", v2()))[:-12], "truncated"),
    "a chunk of four gigabytes": (png()[:33] + b"\xff\xff\xff\xfftEXtchara\0", "truncated"),
    "a wrong checksum": (png(text("chara", v2())[:-1] + b"?"), "damaged"),
    "no base64 at all": (png(text("chara", b"!!!")), "damaged"),
    "broken zTXt": (png(chunk(b"zTXt", b"chara\0\0junk")), "damaged"),
    "half of zTXt": (png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(BASE64)[:-9])), "truncated"),
    "a bomb in zTXt": (png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(b"\0" * 60_000_000))), "bomb"),
    "a bomb in base64": (png(text("chara", base64.b64encode(zlib.compress(b"\0" * 60_000_000)))), "bomb"),
    "many chunks": (png(chunk(b"tIME") * limits.MAX_CHUNKS), "too_many"),
    "many assets": (
        png(*(text(f"chara-ext-asset_:{n}", b"eA==") for n in range(2_001)), text("chara", v2())),
        "too_many",
    ),
    "many values": (b'{"name": "Ada", "description": "", "x": [' + b"0," * limits.MAX_VALUES + b"0]}", "too_many"),
    "no card.json": (charx(None, {"a/card.json": PACKED}), "no_card"),
    "a zip cut off": (charx(v3())[:-30], "truncated"),
    "a file without a name": (zipped("\0a"), "unsafe_path"),
    "an absolute path": (zipped("/etc/passwd"), "unsafe_path"),
    "a path upwards": (zipped("a/../../b"), "unsafe_path"),
    "a backslash": (zipped("..\\b"), "unsafe_path"),
    "a drive": (zipped("C:/b"), "unsafe_path"),
    "a NUL in a path": (zipped("a\0.png"), "unsafe_path"),
    "a long path": (zipped("a/" * 150 + "b"), "unsafe_path"),
    "a link": (zipped("a", external_attr=(stat.S_IFLNK | 0o777) << 16), "unsafe_path"),
    "lies of its size": (zip_of_lies(), "damaged"),
    "a large file": (charx(v3(), {"a": b"\0" * (limits.MAX_FILE + 1)}), "too_big"),
    "a zip bomb": (charx(v3(), {str(n): b"\0" * limits.MAX_FILE for n in range(3)}), "bomb"),
    "many files": (charx(v3(), {str(n): b"" for n in range(limits.MAX_FILES)}), "too_many"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    data, code = REFUSED[name]
    with pytest.raises(cards.NotACard) as refusal:
        cards.read(data)
    assert refusal.value.code == code
    assert refusal.value.detail.endswith(".")


ODD: dict[str, tuple[dict[str, Any], str, Any, bool]] = {
    "null": ({"description": None}, "description", "", False),
    "a number": ({"character_version": 1.5}, "character_version", "1.5", False),
    "lines": ({"scenario": ["Fog.", "Night."]}, "scenario", "Fog.\nNight.", True),
    "an object": ({"scenario": {"fog": 1}}, "scenario", '{"fog": 1}', True),
    "NUL": ({"scenario": "a\0b"}, "scenario", "ab", True),
    "half a pair": ({"scenario": "a\ud83d"}, "scenario", "a\ufffd", True),
    "tags in a text": ({"tags": "calm, fog,,"}, "tags", ["calm", "fog"], False),
    "tags null": ({"tags": None}, "tags", [], False),
    "an odd tag": ({"tags": ["calm", None, 3]}, "tags", ["calm", "3"], False),
    "a long tag": ({"tags": ["x" * 101]}, "tags", ["x" * 100], True),
    "many tags": ({"tags": ["x"] * 101}, "tags", ["x"] * 100, True),
    "one greeting": ({"alternate_greetings": "Hello."}, "alternate_greetings", ["Hello."], True),
    "a long creator": ({"creator": "x" * 201}, "creator", "x" * 200, True),
    "no book": ({"character_book": None}, "lorebook", {}, False),
    "extensions in a list": ({"extensions": [1]}, "extensions", {}, True),
    "a great number": ({"extensions": {"id": 10**19}}, "extensions", {"id": str(10**19)}, True),
    "a name from a nickname": ({"name": "", "nickname": "Keeper"}, "name", "Keeper", False),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_types_are_read_and_told_where_something_is_lost(name: str) -> None:
    more, field, value, told = ODD[name]
    card = cards.read(as_json(v2(**more)))
    assert card.fields[field] == value
    assert bool(card.warnings) == told
    # PostgreSQL takes the text, which says no less than the file did.
    assert "\0" not in card.original
    assert card.original.encode()
    assert json.loads(card.original) == v2(**more)


def test_the_older_card_is_taken_where_the_newer_is_broken() -> None:
    card = cards.read(png(text("ccv3", b"!!!"), text("chara", v2())))
    assert card.fields["name"] == "Ada"
    assert card.warnings


def test_a_newer_version_is_told() -> None:
    assert cards.read(as_json({**v3(), "spec_version": "3.5"})).warnings


def test_files_come_along() -> None:
    icon = {"type": "icon", "name": "main", "ext": "png", "uri": "embeded://i.png"}
    card = cards.read(charx(v3(assets=[icon]), {"i.png": png(), "x_meta/0.json": b"{}"}))
    assert card.files == {"i.png": png(), "x_meta/0.json": b"{}"}
    assert card.picture == png()
    asset = chunk(b"tEXt", b"chara-ext-asset_:7\0" + base64.b64encode(b"sound"))
    assert cards.read(png(text("ccv3", v3()), asset)).files == {"7": b"sound"}
    assert cards.read(JPEG + charx(v3())).picture == JPEG


def test_limits_are_those_of_the_columns() -> None:
    assert (limits.MAX_TEXT, limits.MAX_DEPTH, limits.MAX_NUMBER) == (MAX_TEXT, MAX_JSON_DEPTH, MAX_JSON_NUMBER)
    columns = {"name": limits.MAX_NAME, "creator": limits.MAX_CREATOR, "character_version": limits.MAX_VERSION}
    assert {name: Character._meta.get_field(name).max_length for name in columns} == columns
    for name in ("tags", "alternate_greetings"):
        assert Character._meta.get_field(name).size == limits.MAX_LIST
