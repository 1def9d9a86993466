"""Cards that are taken along: what came comes back, and what was changed here is in it."""

import base64
import json
import struct
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.api.long_work import AT_ONCE
from apps.characters import pictures
from apps.characters.card_views import working
from apps.characters.models import Character
from apps.characters.shelf import FORMS
from tests.card_files import DATA, FIELDS, as_charx, as_json, as_png, v1, v2, v3
from tests.factories import make_character, make_picture
from tests.refusals import refused
from tests.test_avatars import put
from tests.test_card_imports import ASSETS, BESIDE, CONTAINERS, brought, files_of

pytestmark = pytest.mark.django_db


def exported(client: APIClient, character: Any, form: str = "") -> bytes:
    response = client.get(f"/api/characters/{character['id']}/export/", {"as": form} if form else {})
    assert response.status_code == 200, response.content
    return bytes(response.content)


def texts(png: bytes) -> dict[str, Any]:
    found, place = {}, 8
    while place < len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        if kind == b"tEXt":
            name, _, text = png[place + 8 : place + 8 + length].partition(b"\0")
            found[name.decode()] = json.loads(base64.b64decode(text))
        place += length + 12
    return found


def card_in(data: bytes) -> Any:
    """The card of version 3, or the only one, in an export of any form."""
    if data.startswith(b"PK"):
        with ZipFile(BytesIO(data)) as archive:
            return json.loads(archive.read("card.json"))
    return texts(data)["ccv3"] if data.startswith(b"\x89PNG") else json.loads(data)


def pixel(png: bytes) -> Any:
    return Image.open(BytesIO(png)).convert("RGB").getpixel((1, 1))


@pytest.mark.parametrize(
    ("form", "kind", "ending"),
    [
        ("", "image/png", "png"),
        ("png", "image/png", "png"),
        ("json-v2", "application/json", "json"),
        ("json-v3", "application/json", "json"),
        ("charx", "application/zip", "charx"),
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html,*/*;q=0.8", "image/png", "application/zip"])
def test_each_form_is_a_file(
    form: str, kind: str, ending: str, accept: str, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    query = {"as": form} if form else {}
    response = as_alice.get(f"/api/characters/{alices.character.pk}/export/", query, HTTP_ACCEPT=accept)
    assert (response.status_code, response["Content-Type"], response["Cache-Control"]) == (200, kind, "no-store")
    assert response["Content-Disposition"] == f'attachment; filename="Ada.{ending}"'
    assert card_in(response.content)["data"]["name"] == "Ada"


@pytest.mark.parametrize("name", ["../../x", "時計", 'a"b\r\nc', "\u202egnp.exe"])
def test_any_name_becomes_one_of_a_file(name: str, alice: User, as_alice: APIClient) -> None:
    character = make_character(alice, name=name)
    said = as_alice.get(f"/api/characters/{character.pk}/export/", {"as": "json-v3"})["Content-Disposition"]
    assert set(said.partition("filename=")[2]) <= set('"abcdefghijklmnopqrstuvwxyz-.')


def test_a_png_holds_both_versions_and_the_picture(as_alice: APIClient) -> None:
    png = exported(as_alice, brought(as_alice, as_png(v3(), "ccv3", "blue")))
    found = texts(png)
    assert {name: card["spec"] for name, card in found.items()} == {
        "chara": "chara_card_v2",
        "ccv3": "chara_card_v3",
    }
    assert pixel(png) == (0, 0, 255)


def test_who_has_no_picture_is_exported_with_a_plain_one(as_alice: APIClient) -> None:
    png = exported(as_alice, brought(as_alice, as_json(v2())))
    assert Image.open(BytesIO(png)).size == pictures.PLAIN


def test_a_photograph_becomes_a_png(alice: User, as_alice: APIClient) -> None:
    character = make_character(alice)
    put(as_alice, character, make_picture("red", "JPEG"))
    red, green, blue = pixel(exported(as_alice, {"id": character.pk}, "png"))
    assert (red > 240, green < 15, blue < 15) == (True, True, True)


def same(card: Any) -> Any:
    """Without what an export sets itself."""
    return {name: part for name, part in card["data"].items() if name not in {"modification_date", "assets"}}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CONTAINERS)
def test_nothing_is_lost_on_the_way(name: str, form: str, as_alice: APIClient) -> None:
    first = brought(as_alice, CONTAINERS[name])
    card = exported(as_alice, first, form)
    again = brought(as_alice, card)
    # A picture and JSON have no room for the files of a CHARX.
    assert [warning[:5] for warning in again["warnings"]] == (["Files"] if "CHARX" in name and form != "charx" else [])
    fields = (*FIELDS, "nickname", "lorebook")
    assert {each: again[each] for each in fields} == {each: first[each] for each in fields}
    assert same(card_in(exported(as_alice, again, form))) == same(card_in(card))
    if "V1" not in name:
        assert card_in(card)["data"]["a_field_of_nobody"] == {"kept": True}
        assert card_in(card)["data"]["extensions"] == DATA["extensions"]
    if form == "charx" and "CHARX" in name:
        kept = files_of(again)
        assert {path: kept[path] for path in BESIDE} == BESIDE


@pytest.mark.parametrize("form", FORMS)
def test_what_was_changed_here_is_in_it(form: str, as_alice: APIClient) -> None:
    character = brought(as_alice, as_png(v2()))
    changed = {"name": "Augusta", "nickname": "Gus", "first_message": "Hm.", "tags": ["new"], "lorebook": {}}
    address = f"/api/characters/{character['id']}/"
    assert as_alice.patch(address, changed, format="json").status_code == 200
    data = card_in(exported(as_alice, character, form))["data"]
    assert (data["name"], data["nickname"], data["first_mes"], data["tags"]) == ("Augusta", "Gus", "Hm.", ["new"])
    assert not data.get("character_book", {}).get("entries")
    assert data["a_field_of_nobody"] == {"kept": True}


def test_a_charx_has_the_picture_that_was_chosen_since(as_alice: APIClient) -> None:
    character = brought(as_alice, as_charx(v3(assets=ASSETS), BESIDE))
    put(as_alice, SimpleNamespace(pk=character["id"]), make_picture("lime", size=(8, 12)))
    again = brought(as_alice, exported(as_alice, character, "charx"))
    assert pixel(as_alice.get(again["avatar"]).content) == (0, 255, 0)
    assert files_of(again)["assets/other/audio/bell.mp3"] == BESIDE["assets/other/audio/bell.mp3"]


def test_a_shown_prompt_is_anybodys_to_take_along(alice: User, as_bob: APIClient) -> None:
    character = make_character(alice, visibility="public", prompt_visible=True)
    for form in FORMS:
        assert card_in(exported(as_bob, {"id": character.pk}, form))["data"]["description"] == character.description


def test_exports_do_not_take_every_thread(alice: User, as_alice: APIClient) -> None:
    address = f"/api/characters/{make_character(alice).pk}/export/"
    for _ in range(AT_ONCE):
        working.acquire()
    try:
        refused(as_alice.get(address), 429, "throttled")
    finally:
        working.release(AT_ONCE)
    assert as_alice.get(address).status_code == 200


def test_files_cost_one_query(as_alice: APIClient) -> None:
    def cost(files: int) -> int:
        beside = {f"assets/{number}.bin": b"x" for number in range(files)}
        character = brought(as_alice, as_charx(v3(), beside))
        with CaptureQueriesContext(connection) as queries:
            exported(as_alice, character, "charx")
        return len(queries)

    assert cost(1) == cost(50)


def test_the_archive_of_an_account_has_cards(as_alice: APIClient) -> None:
    character = brought(as_alice, as_charx(v3(assets=ASSETS), BESIDE))
    bare = make_character(Character.objects.get().user)
    response: Any = as_alice.get("/api/auth/users/me/export/")
    with ZipFile(BytesIO(response.getvalue())) as archive:
        names = {name for name in archive.namelist() if name.startswith("characters/")}
        card = archive.read(f"characters/Ada-{character['id']}.charx")
    assert names == {
        f"characters/Ada-{character['id']}.json",
        f"characters/Ada-{character['id']}.charx",
        f"characters/Ada-{bare.pk}.json",
    }
    again = brought(as_alice, card)
    assert {path: files_of(again)[path] for path in BESIDE} == BESIDE
    assert card_in(card)["data"]["a_field_of_nobody"] == {"kept": True}


def test_an_import_is_a_card_of_version_1_too(as_alice: APIClient) -> None:
    card = json.loads(exported(as_alice, brought(as_alice, as_json(v1())), "json-v2"))
    assert card["spec"] == "chara_card_v2"
    assert v1().items() <= card["data"].items()
