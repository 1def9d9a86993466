"""Pictures and assets that are on other servers: fetched for who asks, cleaned, kept, and given back in exports."""

import json
import threading
from collections.abc import Iterator
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.characters import cards, fetching, shelf
from apps.characters.cards import charx
from apps.characters.cards.card import MAX_PATH
from apps.characters.models import Character, CharacterFile
from tests.card_files import as_charx, as_png, v3
from tests.elsewhere import Elsewhere
from tests.factories import make_file, make_picture
from tests.online import Person, until
from tests.refusals import refused

RED, BLUE = (make_picture(colour, size=(8, 12)) + b"what nobody asked for" for colour in ("red", "blue"))


@pytest.fixture
def elsewhere(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    with Elsewhere() as there:
        yield there.allow(settings, monkeypatch)


def asset(uri: str, kind: str = "icon", name: str = "main", ext: str = "png") -> dict[str, str]:
    return {"type": kind, "uri": uri, "name": name, "ext": ext}


def brought(person: Person, data: bytes) -> Any:
    response = person.request("POST", "/api/characters/import/", files={"file": data})
    assert response.status_code == 201, response.text
    return response.json()


def card(*assets: Any) -> bytes:
    return json.dumps(v3(assets=list(assets))).encode()


def fetch(person: Person, character: Any) -> Any:
    response = person.post(f"/api/characters/{character['id']}/assets/fetch/")
    assert response.status_code == 200, response.text
    return response.json()


def avatar(character: Any) -> str:
    return f"/api/characters/{character.pk}/avatar/"


def named(person: Person, character: Any, url: Any) -> Any:
    return person.request("PUT", avatar(character), json={"url": url})


def files_of(character: Any) -> dict[str, bytes]:
    rows = CharacterFile.objects.filter(character=character["id"]).values_list("kind", "path", "content")
    return {path if kind == "asset" else kind: bytes(content) for kind, path, content in rows}


def archive_of(person: Person, character: Any) -> tuple[bytes, Any, dict[str, bytes]]:
    data = person.get(f"/api/characters/{character['id']}/export/", params={"as": "charx"}).content
    with ZipFile(BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return data, json.loads(files.pop("card.json")), files


# ── A picture by its address ─────────────────────────────────────────────────────────────────


def test_a_picture_is_fetched_and_nothing_but_its_pixels_is_kept(
    alices: SimpleNamespace, alice_online: Person, elsewhere: Elsewhere
) -> None:
    elsewhere.at["/ada.png"] = RED
    before = alice_online.get(avatar(alices.character)).content
    put = named(alice_online, alices.character, elsewhere.url("/ada.png"))
    assert (put.status_code, put.json()["warnings"]) == (200, [])
    shown = alice_online.get(put.json()["avatar"])
    assert shown.headers["Content-Type"] == "image/png"
    assert shown.content != before
    assert b"nobody" not in shown.content
    assert elsewhere.asked == ["/ada.png"]


REFUSED = {
    "nothing there": ("/none", "bad_status"),
    "nothing allowed": ("/forbidden", "bad_status"),
    "elsewhere again": ("/moved", "redirected"),
    "a page": ("/page", "a_page"),
    "a text": ("/text", "not_a_picture"),
    "empty": ("/empty", "not_a_picture"),
    "too many pixels": ("/wide", "too_many_pixels"),
    "too many bytes": ("/large", "too_big"),
}


def test_what_is_no_picture_is_a_400_and_changes_nothing(
    alices: SimpleNamespace, alice_online: Person, elsewhere: Elsewhere
) -> None:
    elsewhere.at |= {
        "/forbidden": (403, {}),
        "/moved": (302, {"Location": elsewhere.url("/ada.png")}),
        "/ada.png": RED,
        "/page": b"<html>",
        "/text": b"hello",
        "/empty": b"",
        "/wide": make_picture(size=(5_000, 1)),
        "/large": b"x" * (20 * 2**20 + 1),
    }
    elsewhere.kinds["/page"] = "text/html; charset=utf-8"
    before = alice_online.get(avatar(alices.character)).content
    for name, (path, code) in REFUSED.items():
        response = named(alice_online, alices.character, elsewhere.url(path))
        assert response.status_code == 400, (name, response.text)
        refused(response, 400, code, "url")
    refused(
        named(alice_online, alices.character, elsewhere.url("/").replace("inner", "other")), 400, "not_public", "url"
    )
    refused(named(alice_online, alices.character, "http://inner.example:22/"), 400, "bad_url", "url")
    assert alice_online.get(avatar(alices.character)).content == before
    assert "/ada.png" not in elsewhere.asked


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ({"url": None}, "null"),
        ({"url": ""}, "blank"),
        ({"url": 12}, "invalid"),
        ({"url": "ada.png"}, "bad_url"),
        ({"url": "ftp://pictures.example/ada.png"}, "bad_url"),
        ({"url": "http://a:b@pictures.example/ada.png"}, "bad_url"),
        ({"url": "http://pictures.example/" + "a" * 2_000}, "max_length"),
    ],
    ids=str,
)
def test_what_is_no_address_is_refused_at_once(
    body: Any, code: str, alices: SimpleNamespace, alice_online: Person
) -> None:
    refused(alice_online.request("PUT", avatar(alices.character), json=body), 400, code, "url")


def test_an_address_of_two_megabytes_is_too_large(alices: SimpleNamespace, alice_online: Person) -> None:
    response = named(alice_online, alices.character, "http://pictures.example/" + "a" * 3_000_000)
    refused(response, 413, "body_too_large")


def test_others_cannot_have_it_fetched(alices: SimpleNamespace, bob_online: Person, elsewhere: Elsewhere) -> None:
    for visibility in ("private", "public"):
        Character.objects.filter(pk=alices.character.pk).update(visibility=visibility)
        refused(named(bob_online, alices.character, elsewhere.url("/ada.png")), 404, "not_found")
        response = bob_online.post(f"/api/characters/{alices.character.pk}/assets/fetch/")
        refused(response, 404, "not_found")
    assert elsewhere.asked == []


def test_a_character_that_is_gone_meanwhile_is_not_there(
    alices: SimpleNamespace, alice_online: Person, elsewhere: Elsewhere
) -> None:
    elsewhere.at["/ada.png"] = RED
    elsewhere.goes_on.clear()
    other = Person(alice_online.url)
    other.session.headers.update(alice_online.session.headers)
    answers: list[Any] = []
    asking = threading.Thread(
        target=lambda: answers.append(named(alice_online, alices.character, elsewhere.url("/ada.png")))
    )
    asking.start()
    until(lambda: elsewhere.asked)
    # One at a time; and the others are not kept waiting.
    busy = named(other, alices.character, elsewhere.url("/ada.png"))
    refused(busy, 429, "throttled")
    assert other.request("DELETE", f"/api/characters/{alices.character.pk}/").status_code == 204
    elsewhere.goes_on.set()
    asking.join(20)
    refused(answers[0], 404, "not_found")
    assert not CharacterFile.objects.exists()
    assert not fetching._busy


# ── What a card names ────────────────────────────────────────────────────────────────────────


def test_an_import_fetches_nothing_and_says_how_to(alice_online: Person, elsewhere: Elsewhere) -> None:
    character = brought(alice_online, card(asset(elsewhere.url("/ada.png"))))
    assert (elsewhere.asked, character["avatar"]) == ([], None)
    [warning] = character["warnings"]
    assert "/assets/fetch/" in warning
    assert "/avatar/" in warning


def test_what_a_card_names_is_fetched_kept_and_exported(alice_online: Person, elsewhere: Elsewhere) -> None:
    elsewhere.at |= {"/ada.png": RED, "/bell.mp3": b"ID3 ding", "/night.png": BLUE}
    character = brought(
        alice_online,
        card(
            asset("ccdefault:", "user_icon"),
            asset(elsewhere.url("/bell.mp3"), "x_sound", "bell", "mp3"),
            asset(elsewhere.url("/ada.png").replace("http", "HTTP")),
            asset(elsewhere.url("/night.png"), "background", "../../時計 at night", "PNG"),
            asset(elsewhere.url("/none.png"), "emotion", "sad"),
        ),
    )
    fetched = fetch(alice_online, character)
    [warning] = fetched["warnings"]
    assert warning.startswith("assets/emotion/images/sad-")
    assert warning.endswith("was not fetched. The server answered 404.")
    assert b"nobody" not in alice_online.get(fetched["avatar"]).content
    files = files_of(character)
    del files["original"], files["avatar"]
    kept = {path.rpartition("-")[0]: content for path, content in files.items()}
    assert kept == {
        "assets/x-sound/audio/bell": b"ID3 ding",
        "assets/icon/images/main": RED,
        "assets/background/images/時計-at-night": BLUE,
    }

    # Only what is not here is asked for again.
    asked = len(elsewhere.asked)
    again = fetch(alice_online, character)
    assert elsewhere.asked[asked:] == ["/none.png"]
    assert (again["warnings"], again["avatar"]) == ([warning], fetched["avatar"])

    data, exported, archived = archive_of(alice_online, character)
    assert archived == files
    uris = [each["uri"] for each in exported["data"]["assets"]]
    assert {uri.removeprefix("embeded://") for uri in uris if uri.startswith("embeded://")} == set(files)
    assert (uris[0], uris[4]) == ("ccdefault:", elsewhere.url("/none.png"))
    # The other forms carry no files, and keep the addresses.
    whole = alice_online.get(f"/api/characters/{character['id']}/export/", params={"as": "json-v3"}).json()
    assert whole["data"]["assets"][2]["uri"] == elsewhere.url("/ada.png").replace("http", "HTTP")

    back = brought(alice_online, data)
    assert back["warnings"] == []
    assert {path: content for path, content in files_of(back).items() if path.startswith("assets/")} == files
    assert back["avatar"].partition("?")[2] == fetched["avatar"].partition("?")[2]
    assert archive_of(alice_online, back)[1]["data"]["assets"] == exported["data"]["assets"]
    copy = alice_online.post(f"/api/characters/{character['id']}/duplicate/").json()
    assert archive_of(alice_online, copy)[2] == files


def test_a_picture_that_is_there_stays_and_the_icon_is_kept_beside_it(
    alice_online: Person, elsewhere: Elsewhere
) -> None:
    elsewhere.at["/ada.png"] = RED
    character = brought(alice_online, as_png(v3(assets=[asset(elsewhere.url("/ada.png"))]), "ccv3", colour="blue"))
    before = character["avatar"]
    fetched = fetch(alice_online, character)
    assert (fetched["warnings"], fetched["avatar"]) == ([], before)
    data, exported, files = archive_of(alice_online, character)
    main, other = exported["data"]["assets"]
    assert (main["name"], other["type"]) == ("main", "icon")
    assert other["name"].startswith("main-")
    assert files[other["uri"].removeprefix("embeded://")] == RED
    back = brought(alice_online, data)
    assert back["avatar"].partition("?")[2] == before.partition("?")[2]


def test_an_icon_that_is_no_picture_is_told(alice_online: Person, elsewhere: Elsewhere) -> None:
    elsewhere.at["/ada.svg"] = b"<svg/>"
    character = brought(alice_online, card(asset(elsewhere.url("/ada.svg"), ext="svg")))
    fetched = fetch(alice_online, character)
    assert fetched["avatar"] is None
    assert [each[:42] for each in fetched["warnings"]] == ["The icon was kept, and did not become the "]


def test_fifty_at_a_time(alice_online: Person, elsewhere: Elsewhere) -> None:
    elsewhere.at |= {f"/{number}": b"x" for number in range(60)}
    character = brought(alice_online, card(*[asset(elsewhere.url(f"/{n}"), "emotion", f"{n}") for n in range(60)]))
    first = fetch(alice_online, character)
    assert (len(elsewhere.asked), len(first["warnings"])) == (50, 1)
    assert first["warnings"][0].endswith(": 10.")
    assert fetch(alice_online, character)["warnings"] == []
    assert len(set(elsewhere.asked)) == len(elsewhere.asked) == 60


@pytest.mark.slow
def test_there_is_room_for_what_an_import_would_take(alice_online: Person, elsewhere: Elsewhere) -> None:
    large = 18 * 2**20
    elsewhere.at |= {f"/{number}": bytes([number]) * large for number in range(3)}
    elsewhere.at["/small"] = b"x"
    character = brought(
        alice_online,
        card(*[asset(elsewhere.url(f"/{n}"), "other", f"{n}", "bin") for n in (0, 1, 2, "small")]),
    )
    fetched = fetch(alice_online, character)
    [warning] = fetched["warnings"]
    assert warning.endswith("was not fetched. It is larger than what there is room for.")
    assert len(files_of(character)) == 4
    back = brought(alice_online, archive_of(alice_online, character)[0])
    assert sum(len(content) > 1_000_000 for content in files_of(back).values()) == 2


def test_who_has_no_card_has_nothing_to_fetch(alices: SimpleNamespace, alice_online: Person) -> None:
    before = alice_online.get(f"/api/characters/{alices.character.pk}/").json()
    assert fetch(alice_online, before) == {**before, "warnings": []}


ODD: list[Any] = [
    *("x", None, 12, [], {}),
    {"type": "icon", "uri": None},
    {"type": ["icon"], "uri": "http://127.0.0.1/", "name": {"a": 1}, "ext": 12},
    {"uri": "http://127.0.0.1/"},
    {"type": "\ud800", "uri": "http://127.0.0.1/\ud800", "name": "\0", "ext": "../x"},
    {"type": "a/../..", "uri": "HTTPS://127.0.0.1/", "name": "a\\b:c", "ext": "p n g"},
    {"type": "x" * 5_000, "uri": "http://" + "a" * 20_000, "name": "é" * 5_000, "ext": "x" * 500},
]


def test_odd_assets_are_told_of_in_text_that_can_be_sent(alice_online: Person) -> None:
    character = brought(alice_online, card(*ODD))
    fetched = fetch(alice_online, character)
    assert len(fetched["warnings"]) == 5
    assert files_of(character).keys() == {"original"}


said = st.one_of(st.text(st.characters(codec=None)), st.integers(), st.none(), st.lists(st.text()))


@given(st.fixed_dictionaries({"type": said, "name": said, "ext": said, "uri": st.text(st.characters(codec=None))}))
def test_paths_are_safe_whatever_a_card_says(one: Any) -> None:
    path = cards.path_of(one)
    charx.check_path(path)
    assert path.startswith("assets/")
    assert len(path) <= MAX_PATH - 50
    path.encode()
    assert cards.path_of({**one, "uri": one["uri"] + "x"}) != path


def test_a_file_of_the_cards_own_is_not_taken_for_one_that_was_fetched(
    alice_online: Person, elsewhere: Elsewhere
) -> None:
    elsewhere.at["/ada.png"] = RED
    own = {"assets/icon/images/main.png": BLUE}
    character = brought(alice_online, as_charx(v3(assets=[asset(elsewhere.url("/ada.png"))]), own))
    fetch(alice_online, character)
    files = files_of(character)
    assert files["assets/icon/images/main.png"] == BLUE
    assert RED in files.values()


def test_what_came_while_it_was_fetched_is_counted(alices: SimpleNamespace) -> None:
    make_file(alices.character, "asset", "a", b"x", "text/plain")
    CharacterFile.objects.filter(path="a").update(size=49 * 2**20 - 1000)
    assert shelf.add(alices.character, {"b": b"x" * 2_000, "a": b"y"}) == ["b"]
    assert bytes(CharacterFile.objects.get(path="a").content) == b"x"
