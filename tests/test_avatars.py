"""Pictures of characters: nothing but their pixels is kept, and whoever sees the character sees its picture."""

import re
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters import pictures
from apps.characters.models import CharacterFile
from tests.factories import make_character, make_picture
from tests.online import Person
from tests.refusals import refused

pytestmark = pytest.mark.django_db

SECRET = "taken at 51.5007, -0.1246"


def opened(content: bytes) -> Any:
    image = Image.open(BytesIO(content))
    image.load()
    return image


def moving(form: str, frames: int = 4, size: tuple[int, int] = (60, 40)) -> bytes:
    file = BytesIO()
    first, *others = [
        Image.new("RGB", size, (number * 40 % 256, number * 7 % 256, number * 97 % 256)) for number in range(frames)
    ]
    more = {} if form == "MPO" else {"duration": 80, "loop": 0}
    first.save(file, form, save_all=True, append_images=others, **more)
    return file.getvalue()


# ── What is made of a file ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("form", "kind"),
    [("PNG", "image/png"), ("GIF", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/jpeg")],
)
def test_each_form_is_read(form: str, kind: str) -> None:
    picture = pictures.clean(make_picture("red", form))
    assert (picture.media_type, picture.width, picture.height) == (kind, 6, 4)
    red, green, blue = opened(picture.content).convert("RGB").getpixel((3, 2))
    assert red > 240
    assert green < 15
    assert blue < 15
    assert opened(pictures.as_png(picture.content, kind)).format == "PNG"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_pixels_of_every_kind_are_kept(mode: str) -> None:
    file = BytesIO()
    Image.new(mode, (6, 4), 32_768 if mode == "I;16" else 0).save(file, "PNG")
    kept = opened(pictures.clean(file.getvalue()).content)
    was = opened(file.getvalue())
    expected = (128, 128, 128, 255) if mode == "I;16" else was.convert("RGBA").getpixel((0, 0))
    assert kept.convert("RGBA").getpixel((0, 0)) == expected


def test_a_photograph_in_the_colours_of_print_is_read() -> None:
    file = BytesIO()
    Image.new("CMYK", (6, 4)).save(file, "JPEG")
    assert opened(pictures.clean(file.getvalue()).content).mode == "RGB"


def test_a_picture_stands_upright_and_tells_nothing_else() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, SECRET
    told = PngInfo()
    told.add_text("chara", SECRET)
    for data in (
        make_picture(form="JPEG", exif=exif, comment=SECRET.encode()),
        make_picture(form="WEBP", exif=exif),
        make_picture(exif=exif, pnginfo=told) + SECRET.encode(),
    ):
        assert SECRET.encode() in data
        picture = pictures.clean(data)
        assert SECRET.encode() not in picture.content
        assert (picture.width, picture.height) == (4, 6)


def test_what_can_be_seen_through_stays_so() -> None:
    file = BytesIO()
    Image.new("RGBA", (6, 4), (255, 0, 0, 0)).save(file, "WEBP", lossless=True)
    picture = pictures.clean(file.getvalue())
    assert (picture.media_type, opened(picture.content).getpixel((0, 0))[3]) == ("image/png", 0)


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP"])
def test_what_moves_goes_on_moving(form: str) -> None:
    picture = pictures.clean(moving(form))
    assert not picture.stilled
    for content in (picture.content, pictures.as_png(picture.content, picture.media_type)):
        image = Image.open(BytesIO(content))
        assert image.n_frames == 4
        image.seek(1)
        image.load()
        assert image.info["duration"] == 80


def test_a_cameras_photograph_does_not_move() -> None:
    picture = pictures.clean(moving("MPO"))
    assert (picture.media_type, picture.stilled) == ("image/jpeg", False)


def test_a_large_photograph_is_exported_smaller() -> None:
    photograph = pictures.clean(make_picture(form="JPEG", size=(4000, 1000)))
    assert opened(pictures.as_png(photograph.content, photograph.media_type)).size == (2048, 512)


def test_of_too_many_frames_the_first_is_kept() -> None:
    picture = pictures.clean(moving("GIF", pictures.MAX_FRAMES + 1, (2, 2)))
    assert picture.stilled
    assert getattr(opened(picture.content), "n_frames", 1) == 1


NOISE = make_picture(size=(64, 64))

BAD = {
    "nothing": (b"", "not_a_picture"),
    "text": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_picture"),
    "a form that is not read": (make_picture(form="TIFF"), "not_a_picture"),
    "the head alone": (NOISE[:40], "not_a_picture"),
    "cut off": (make_picture(size=(64, 64), form="JPEG")[:-300], "not_a_picture"),
    "a wide one": (make_picture(size=(pictures.MAX_SIDE + 1, 1)), "too_many_pixels"),
    "a bomb": (
        make_picture(size=(1, 1)).replace(b"\0\0\0\1\0\0\0\1", b"\x7f\xff\xff\xff\x7f\xff\xff\xff"),
        "not_a_picture",
    ),
    "too many bytes": (b"x" * (pictures.MAX_BYTES + 1), "too_big"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_refused_by_its_cause(name: str) -> None:
    data, code = BAD[name]
    with pytest.raises(pictures.NotAPicture) as caught:
        pictures.clean(data)
    assert caught.value.code == code
    assert caught.value.detail


def test_a_frame_that_grows_is_refused() -> None:
    """A GIF's second frame may be larger than its first one, and than all that was looked at."""
    data = bytearray(moving("GIF", 2, (8, 8)))
    second = data.rindex(b"\x2c")
    data[second + 5 : second + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(pictures.NotAPicture):
        pictures.clean(bytes(data))


@pytest.mark.parametrize("name", ["Ada", "Captain Bram", "時計", "🙂", "x" * 200])
def test_who_has_no_picture_gets_a_plain_one(name: str) -> None:
    image = opened(pictures.plain(name))
    assert (image.format, image.size) == ("PNG", pictures.PLAIN)
    assert pictures.plain(name) == pictures.plain(name)


# ── Over HTTP ────────────────────────────────────────────────────────────────────────────────


def avatar(character: Any) -> str:
    return f"/api/characters/{character.pk}/avatar/"


def put(client: APIClient, character: Any, data: bytes) -> Any:
    return client.put(avatar(character), {"file": SimpleUploadedFile("a", data)}, format="multipart")


def test_a_picture_is_put_shown_and_taken_away(alice: User, as_alice: APIClient) -> None:
    character = make_character(alice)
    page = f"/api/characters/{character.pk}/"
    assert as_alice.get(page).json()["avatar"] is None
    refused(as_alice.get(avatar(character)), 404, "not_found")

    put_there = put(as_alice, character, make_picture("red"))
    assert (put_there.status_code, put_there.json()["warnings"]) == (200, [])
    address = as_alice.get(page).json()["avatar"]
    assert address == put_there.json()["avatar"]
    assert re.fullmatch(re.escape(avatar(character)) + r"\?v=[0-9a-f]{12}", address)
    shown = as_alice.get(address)
    assert (shown.status_code, shown["Content-Type"], shown["X-Content-Type-Options"]) == (200, "image/png", "nosniff")
    assert opened(shown.content).getpixel((0, 0)) == (255, 0, 0)

    assert put(as_alice, character, make_picture("blue", "JPEG")).json()["avatar"] != address
    assert as_alice.get(address)["Content-Type"] == "image/jpeg"
    assert CharacterFile.objects.count() == 1

    for _ in range(2):
        assert as_alice.delete(avatar(character)).status_code == 204
    assert as_alice.get(page).json()["avatar"] is None
    assert not CharacterFile.objects.exists()


def test_what_is_known_is_not_sent_again(alices: SimpleNamespace, as_alice: APIClient) -> None:
    address = as_alice.get(f"/api/characters/{alices.character.pk}/").json()["avatar"]
    lasting, checked = as_alice.get(address), as_alice.get(avatar(alices.character))
    assert lasting["Cache-Control"] == "private, max-age=31536000, immutable"
    assert checked["Cache-Control"] == "private, no-cache"
    for old in ("", "0", "0" * 12):
        assert as_alice.get(f"{avatar(alices.character)}?v={old}")["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(lasting["Vary"].replace(" ", "").split(","))
    for tag in (lasting["ETag"], "*", f'"other", {lasting["ETag"]}'):
        with CaptureQueriesContext(connection) as queries:
            unchanged = as_alice.get(address, HTTP_IF_NONE_MATCH=tag)
        assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", lasting["ETag"])
        assert not [each for each in queries if '"content"' in each["sql"]]
    assert as_alice.get(address, HTTP_IF_NONE_MATCH='"other"').status_code == 200


def test_a_public_characters_picture_is_everybodys_to_see(
    alices: SimpleNamespace, as_bob: APIClient, anonymous: APIClient
) -> None:
    address = avatar(alices.character)
    refused(as_bob.get(address), 404, "not_found")
    alices.character.visibility = "public"
    alices.character.save()
    assert as_bob.get(address).status_code == 200
    refused(anonymous.get(address), 401, "not_authenticated")
    refused(put(as_bob, alices.character, make_picture()), 404, "not_found")
    refused(as_bob.delete(address), 404, "not_found")
    assert as_bob.get(address).status_code == 200


@pytest.mark.parametrize("name", [name for name in BAD if name != "too many bytes"])
def test_what_is_no_picture_is_a_400_and_changes_nothing(
    name: str, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    data, code = BAD[name]
    before = as_alice.get(avatar(alices.character)).content
    refused(put(as_alice, alices.character, data), 400, code, "file")
    assert as_alice.get(avatar(alices.character)).content == before


def test_a_picture_may_be_larger_than_other_bodies(alices: SimpleNamespace, alice_online: Person) -> None:
    data = make_picture() + b"x" * 3_000_000
    response = alice_online.request("PUT", avatar(alices.character), files={"file": data})
    assert response.status_code == 200, response.text
    response = alice_online.request("PUT", avatar(alices.character), files={"file": b"x" * (pictures.MAX_BYTES + 1)})
    refused(response, 400, "too_big", "file")


def test_lists_do_not_touch_bytes(alice: User, as_alice: APIClient) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            listed = as_alice.get("/api/characters/").json()["results"]
        assert all(each["avatar"] for each in listed)
        assert not [each for each in queries if "characterfile" in each["sql"]]
        return len(queries)

    costs = []
    for _ in range(3):
        put(as_alice, make_character(alice), make_picture())
        costs.append(cost())
    assert len(set(costs)) == 1
    assert "content" in CharacterFile.objects.all()[0].get_deferred_fields()
