"""Cards that are brought in over HTTP: each container, each refusal by its name, and all or nothing."""

import json
import random
import resource
import struct
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.api.long_work import AT_ONCE
from apps.characters.card_views import working
from apps.characters.models import Character, CharacterFile
from tests.card_files import DATA, FIELDS, SAID_AS, as_charx, as_json, as_png, v1, v2, v3, world_info
from tests.factories import make_character, make_picture
from tests.online import Person
from tests.refusals import refused

IMPORT = "/api/characters/import/"

pytestmark = pytest.mark.django_db


def upload(client: APIClient, data: bytes, address: str = IMPORT) -> Any:
    return client.post(address, {"file": SimpleUploadedFile("whatever.txt", data)}, format="multipart")


def brought(client: APIClient, data: bytes) -> Any:
    response = upload(client, data)
    assert response.status_code == 201, response.content
    return response.json()


def files_of(character: Any) -> dict[str, bytes]:
    rows = CharacterFile.objects.filter(character=character["id"]).values_list("kind", "path", "content")
    return {path if kind == "asset" else kind: bytes(content) for kind, path, content in rows}


ICON = make_picture("blue", size=(8, 12))
ASSETS = [
    {"type": "icon", "uri": "embeded://assets/icon/images/main.png", "name": "main", "ext": "png"},
    {"type": "x_sound", "uri": "embeded://assets/other/audio/bell.mp3", "name": "bell", "ext": "mp3"},
]
BESIDE = {"assets/icon/images/main.png": ICON, "assets/other/audio/bell.mp3": b"ID3 ding"}

CONTAINERS = {
    "V1 in JSON": as_json(v1()),
    "V2 in JSON": as_json(v2()),
    "V3 in JSON": as_json(v3()),
    "V2 in PNG": as_png(v2()),
    "V3 in PNG": as_png(v3(), "ccv3"),
    "V2 in APNG": as_png(v2(), frames=3),
    "V3 in CHARX": as_charx(v3(assets=ASSETS), BESIDE),
    "V2 in JSON with a byte order mark": b"\xef\xbb\xbf" + as_json(v2()),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_container_is_read(name: str, as_alice: APIClient) -> None:
    character = brought(as_alice, CONTAINERS[name])
    assert character["warnings"] == []
    assert (character["mine"], character["visibility"], character["prompt_visible"]) == (True, "private", False)
    said = v1() if name.startswith("V1") else DATA
    assert {each: character[each] for each in FIELDS if SAID_AS.get(each, each) in said} == {
        each: said[SAID_AS.get(each, each)] for each in FIELDS if SAID_AS.get(each, each) in said
    }
    assert character["nickname"] == ("Keeper" if "V3" in name else "")
    if "V1" not in name:
        [entry] = character["lorebook"]["entries"]
        assert (entry["keys"], entry["content"]) == (["clock"], "It runs backwards.")
        assert entry["extensions"] == {"odd": {"depth": 4}}
    assert as_alice.get(f"/api/characters/{character['id']}/").json().items() <= character.items()

    files = files_of(character)
    assert json.loads(files.pop("original")) == json.loads(
        as_json(v1() if "V1" in name else v3(assets=ASSETS) if "CHARX" in name else v3() if "V3" in name else v2())
    )
    assert (character["avatar"] is not None) == ("avatar" in files) == ("JSON" not in name)
    files.pop("avatar", None)
    assert files == (BESIDE if "CHARX" in name else {})


@pytest.mark.parametrize("card", [v1(), v2(), v3()], ids=["V1", "V2", "V3"])
def test_a_card_may_be_the_body(card: Any, as_alice: APIClient) -> None:
    response = as_alice.post(IMPORT, card, format="json")
    assert (response.status_code, response.json()["name"]) == (201, "Ada")
    assert json.loads(files_of(response.json())["original"]) == card


def test_the_picture_is_kept_without_the_card_in_it(as_alice: APIClient) -> None:
    character = brought(as_alice, as_png(v2(), colour="green"))
    shown = as_alice.get(character["avatar"])
    assert shown["Content-Type"] == "image/png"
    assert b"tEXt" not in shown.content


def test_the_same_file_twice_makes_two(as_alice: APIClient) -> None:
    assert brought(as_alice, CONTAINERS["V2 in PNG"])["id"] != brought(as_alice, CONTAINERS["V2 in PNG"])["id"]


def test_what_was_mended_is_told(as_alice: APIClient) -> None:
    character = brought(as_alice, as_json(v2(name="x" * 300, tags="calm", description=12)))
    assert len(character["name"]) == 200
    assert character["warnings"]
    assert all(isinstance(each, str) and each for each in character["warnings"])


def test_a_picture_that_cannot_be_read_is_left_out_with_a_warning(as_alice: APIClient) -> None:
    # Sound in its chunks, and larger than is decoded.
    wide = make_picture(size=(5000, 2))
    said = as_png(v2())
    start = said.index(b"tEXt") - 4
    [length] = struct.unpack_from(">I", said, start)
    end = wide.index(b"IDAT") - 4
    character = brought(as_alice, wide[:end] + said[start : start + length + 12] + wide[end:])
    assert (character["name"], character["avatar"]) == ("Ada", None)
    [warning] = character["warnings"]
    assert "picture" in warning


BAD = {
    "nothing": (b"", "empty"),
    "no card": (b'{"hello": "world"}', "no_card"),
    "a picture without one": (make_picture(), "no_card"),
    "a zip without one": (as_charx({}).replace(b"card.json", b"cart.json"), "no_card"),
    "no JSON": (b"nonsense", "not_json"),
    "a card without a name": (as_json(v2(name="")), "no_name"),
    "cut off": (as_png(v2())[:-30], "truncated"),
    "a zip cut off": (as_charx(v3(), BESIDE)[:-60], "truncated"),
    "encrypted": (b"rcc||rccv1||aGVsbG8=", "encrypted"),
    "out of its folder": (as_charx(v3(), {"../../etc/passwd": b"x"}), "unsafe_path"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_card_is_refused_by_its_cause(name: str, as_alice: APIClient) -> None:
    data, code = BAD[name]
    refused(upload(as_alice, data), 400, code, "file")
    assert not Character.objects.exists()
    assert not CharacterFile.objects.exists()


def test_a_form_needs_a_file(as_alice: APIClient) -> None:
    refused(as_alice.post(IMPORT, {}, format="multipart"), 400, "required", "file")
    refused(as_alice.post(IMPORT, {"file": "text"}, format="multipart"), 400, "invalid", "file")


def test_few_bring_theirs_at_once(as_alice: APIClient) -> None:
    for _ in range(AT_ONCE):
        working.acquire()
    try:
        response = upload(as_alice, CONTAINERS["V2 in JSON"])
        refused(response, 429, "throttled")
    finally:
        working.release(AT_ONCE)
    for _ in range(AT_ONCE + 1):
        refused(upload(as_alice, b"nonsense"), 400, "not_json", "file")
    brought(as_alice, CONTAINERS["V2 in JSON"])


def test_a_large_card_is_taken(alice_online: Person) -> None:
    data = as_charx(v3(), {"assets/other/audio/song.mp3": random.Random(1).randbytes(5_000_000)})
    response = alice_online.request("POST", IMPORT, files={"file": data})
    assert response.status_code == 201, response.text
    body = as_json(v2(alternate_greetings=["x" * 150_000] * 20))
    response = alice_online.request("POST", IMPORT, data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 201, response.text


# ── Lorebooks ────────────────────────────────────────────────────────────────────────────────


BOOKS = {
    "alone": {"spec": "lorebook_v3", "data": {"entries": [{**DATA["character_book"]["entries"][0], "keys": ["bell"]}]}},
    "world info": world_info(),
    "of a card": v2(character_book={"entries": [{**DATA["character_book"]["entries"][0], "keys": ["bell"]}]}),
}


@pytest.mark.parametrize("how", ["file", "body"])
@pytest.mark.parametrize("name", BOOKS)
def test_a_lorebook_is_added_or_put_in_place(name: str, how: str, alice: User, as_alice: APIClient) -> None:
    character = make_character(alice, lorebook=DATA["character_book"])

    def bring(mode: str = "") -> list[list[str]]:
        address = f"/api/characters/{character.pk}/lorebook/{mode}"
        book = BOOKS[name]
        response = (
            as_alice.post(address, book, format="json") if how == "body" else upload(as_alice, as_json(book), address)
        )
        assert response.status_code == 201, response.content
        assert response.json()["warnings"] == []
        return [each["keys"] for each in response.json()["lorebook"]["entries"]]

    assert bring() == [["clock"], ["bell"]]
    assert bring("?mode=replace") == [["bell"]]
    # What is there already is not added again.
    assert bring("?mode=add") == [["bell"]]


def test_what_is_no_lorebook_is_refused(alice: User, as_alice: APIClient) -> None:
    character = make_character(alice, lorebook=DATA["character_book"])
    address = f"/api/characters/{character.pk}/lorebook/"
    refused(upload(as_alice, b'{"hello": "world"}', address), 400, "no_book", "file")
    refused(upload(as_alice, as_json(world_info()), f"{address}?mode=maybe"), 400, "invalid_choice", "mode")
    character.refresh_from_db()
    assert character.lorebook == DATA["character_book"]


# ── Anything at all ──────────────────────────────────────────────────────────────────────────


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Some bytes of it changed, cut out, repeated, or put elsewhere."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        place, length = chance.randrange(len(found) + 1), chance.choice((1, 1, 2, 4, 30, 300))
        piece = found[place : place + length]
        match chance.randrange(6):
            case 0:
                found[place : place + length] = chance.randbytes(len(piece))
            case 1:
                del found[place : place + length]
            case 2:
                found[place:place] = piece * chance.randint(1, 20)
            case 3:
                found[place : place + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\1"))
            case 4:
                found[place:place] = chance.choice(
                    (b"\0", b'"', b"[" * 300, b"\\ud800", b"1e999", b"{}", b"PK\5\6", b"IEND")
                )
            case _:
                del found[chance.randrange(len(found) + 1) :]
        if not found:
            return b""
    return bytes(found)


def fuzz(client: APIClient, cases: int) -> None:
    chance = random.Random(4)
    seeds = list(CONTAINERS.values())
    for number in range(cases):
        data = mutated(chance.choice(seeds), chance)
        response = upload(client, data)
        assert response.status_code in {201, 400}, (number, data[:200], response.content[:500])
        if response.status_code == 400:
            assert {error["attr"] for error in response.json()["errors"]} == {"file"}, number
    # Half-saved is nothing.
    assert CharacterFile.objects.filter(kind="original").count() == Character.objects.count()
    pictured = Character.objects.exclude(avatar_sha256="").count()
    assert CharacterFile.objects.filter(kind="avatar").count() == pictured


def test_anything_is_a_card_or_none(as_alice: APIClient) -> None:
    fuzz(as_alice, 200)


@pytest.mark.slow
def test_ten_thousand_things_are_cards_or_none_within_bounded_memory(as_alice: APIClient) -> None:
    fuzz(as_alice, 500)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fuzz(as_alice, 10_000)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200 * 1024, f"{grown // 1024} MB more"
