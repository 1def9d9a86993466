"""Files that are to be known: what is read of them, and what is refused, with its reason; hostile ones cost little."""

import time
from contextlib import suppress
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.api.long_work import AT_ONCE
from apps.characters.models import Character
from apps.knowledge import pdf, reading, views
from apps.knowledge.models import Document
from apps.knowledge.reading import MAX_FILE, MAX_TEXT, NotReadable, clean, read_plain
from tests.factories import make_character, make_picture
from tests.online import Person
from tests.pdf_files import content_of, encrypted, make_pdf, stream, written
from tests.refusals import refused


@pytest.fixture
def ada(alice: User) -> Character:
    return make_character(alice)


def give(client: APIClient, character: Character, content: bytes, name: str = "notes.txt", **fields: str) -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(f"/api/characters/{character.pk}/knowledge/", {"file": file, **fields}, format="multipart")


def text_of(client: APIClient, character: Character, given: Any) -> str:
    assert given.status_code == 201, given.content
    address = f"/api/characters/{character.pk}/knowledge/{given.json()['id']}/passages/"
    return "".join(passage["text"] for passage in client.get(address, {"page_size": 100}).json()["results"])


# ── Text ─────────────────────────────────────────────────────────────────────────────────────

SAID = "Es ist halb zehn. 时钟坏了。 𠮷野家 😀"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (SAID.encode(), SAID),
        (SAID.encode("utf-8-sig"), SAID),
        (b"\xff\xfe" + SAID.encode("utf-16-le"), SAID),
        (b"\xfe\xff" + SAID.encode("utf-16-be"), SAID),
        (b"one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        (b"The clock\0 ticks, and ticks.\x08", "The clock ticks, and ticks."),
        (b"a page\x0canother", "a page\x0canother"),
        ("Zoe\u0308".encode(), "Zoë"),
        # Half a pair; both halves, each encoded on its own.
        (b"tick\xed\xa0\x80tock", "tick\ufffdtock"),
        (b"\xed\xa0\xbd\xed\xb8\x80", "😀"),
        (b"\xff\xfe" + "tick".encode("utf-16-le") + b"\x00\xd8", "tick\ufffd"),
        (b"\xff\xfe" + "tick".encode("utf-16-le") + b"t", "tick\ufffd"),
    ],
)
def test_text_is_read_in_the_encodings_that_say_what_they_are(
    content: bytes, text: str, ada: Character, as_alice: APIClient
) -> None:
    given = give(as_alice, ada, content)
    assert text_of(as_alice, ada, given) == text
    assert (
        given.json() | {"size": len(content), "characters": len(text), "kind": "text", "warnings": []} == given.json()
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \n\t \r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfe", "empty"),
        (make_picture(), "not_text"),
        (make_picture(form="JPEG"), "not_text"),
        (b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(range(256)), "not_text"),
        (b"\x7fELF" + bytes(200), "not_text"),
        (bytes(1000), "not_text"),
        (b"{\\rtf1\\ansi The clock ticks.}", "not_text"),
        ("The clock ticks.".encode("utf-16-le"), "not_text"),
        (b"\xff\xfe\0\0" + "The clock ticks.".encode("utf-32-le"), "not_text"),
        ("Es schlägt zwölf.".encode("latin-1"), "bad_encoding"),
        ("時計が壊れました".encode("shift-jis"), "bad_encoding"),
        ("Часы стоят".encode("koi8-r"), "bad_encoding"),
        (b"x" * (MAX_TEXT + 1), "too_long"),
    ],
)
def test_what_is_no_text_is_refused_and_the_reason_told(
    content: bytes, code: str, ada: Character, as_alice: APIClient
) -> None:
    refused(give(as_alice, ada, content), 400, code, "file")
    assert not Document.objects.exists()


@settings(deadline=None)
@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda data: b"\xff\xfe" + data))
def test_any_bytes_are_text_that_can_be_kept_or_refused(data: bytes) -> None:
    try:
        text = read_plain(data, "text").text
    except NotReadable:
        return
    assert text.strip()
    assert "\0" not in text
    text.encode()
    assert clean(text) == text


def test_a_file_of_20_mb_is_the_most(ada: Character, alice_online: Person) -> None:
    address = f"/api/characters/{ada.pk}/knowledge/"
    # Few characters, many bytes.
    file = {"file": ("a.txt", b"x" + b"\n" * (MAX_TEXT - 1))}
    assert alice_online.request("POST", address, files=file).status_code == 201
    file = {"file": ("a.txt", b" " * (MAX_FILE + 1))}
    refused(alice_online.request("POST", address, files=file), 400, "too_big", "file")


# ── Names and kinds ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "title", "kind"),
    [
        ("Clocks.txt", "Clocks", "text"),
        ("Clocks", "Clocks", "text"),
        ("clocks.and.more.MD", "clocks.and.more", "markdown"),
        ("Uhren und Zeit.markdown", "Uhren und Zeit", "markdown"),
        ("时钟.md", "时钟", "markdown"),
        ("../../etc/passwd", "passwd", "text"),
        (".md", ".md", "text"),
        (" a   b.txt", "a b", "text"),
        ("x" * 300 + ".txt", "x" * 200, "text"),
    ],
)
def test_a_file_is_called_by_its_name(name: str, title: str, kind: str, ada: Character, as_alice: APIClient) -> None:
    found = give(as_alice, ada, b"# One\n\nThe clock ticks.", name).json()
    assert (found["title"], found["kind"]) == (title, kind)


def test_a_title_that_is_given_goes_before_the_files_name(ada: Character, as_alice: APIClient) -> None:
    assert give(as_alice, ada, b"Tick.", title="  Of clocks ").json()["title"] == "Of clocks"
    refused(give(as_alice, ada, b"Tick.", title="x" * 201), 400, "max_length", "title")
    refused(give(as_alice, ada, b"Tick.", title=" "), 400, "blank", "title")


def test_a_form_without_a_file_is_refused(ada: Character, as_alice: APIClient) -> None:
    address = f"/api/characters/{ada.pk}/knowledge/"
    refused(as_alice.post(address, {"title": "Clocks"}, format="multipart"), 400, "required", "file")
    refused(as_alice.post(address, {"file": "no file"}, format="multipart"), 400, "invalid", "file")


# ── PDF ──────────────────────────────────────────────────────────────────────────────────────


def test_a_pdf_is_its_text_page_by_page(ada: Character, as_alice: APIClient) -> None:
    pages = ["The clock ticks. (Always.)\nIt never stops.", "Half past nine."]
    given = give(as_alice, ada, make_pdf(*pages), "clocks.txt")
    assert text_of(as_alice, ada, given) == "\f".join(pages)
    found = given.json()
    assert (found["kind"], found["title"], found["passages"], found["warnings"]) == ("pdf", "clocks", 1, [])


def test_passages_of_a_pdf_are_named_by_their_page(ada: Character, as_alice: APIClient) -> None:
    long = "The keeper winds forty clocks each night.\n" * 40
    found = give(as_alice, ada, make_pdf(long, long, long)).json()
    address = f"/api/characters/{ada.pk}/knowledge/{found['id']}/passages/"
    headings = [passage["heading"] for passage in as_alice.get(address).json()["results"]]
    assert headings == ["Page 1", "Page 1", "Page 2", "Page 2", "Page 3", "Page 3"]


def test_pages_without_text_are_told_of(ada: Character, as_alice: APIClient) -> None:
    [warning] = give(as_alice, ada, make_pdf("", "The clock ticks.", " ")).json()["warnings"]
    assert warning.startswith("2 of 3 pages have no text.")


def test_pages_that_cannot_be_read_are_left_out_and_told_of() -> None:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [4 0 R 6 0 R] /Count 2 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
        stream(content_of("The clock ticks.")),
        b"<< /Type /Page /Parent 2 0 R /Contents 7 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
        b"<< /Length 9 /Filter /Nonsense >>\nstream\nnot known\nendstream",
    ]
    read = pdf.read(written(objects))
    assert (read.text, read.warnings) == ("The clock ticks.\f", ("1 of 2 pages could not be read, and were left out.",))


def test_ligatures_are_letters(ada: Character, as_alice: APIClient) -> None:
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Differences [65 /fi /ffl] >> >>"
    page = b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
    tree = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>"]
    file = written([*tree, font, page, stream(content_of("Anally, a waBe"))])
    assert pdf.read(file).text == "finally, a waffle"


WHOLE = make_pdf("The clock ticks.")

REFUSED = {
    "no_text": [make_pdf(""), make_pdf(*[" "] * 20)],
    "encrypted": [encrypted(WHOLE, "secret")],
    "damaged": [
        b"%PDF-1.7",
        b"%PDF-1.7\n" + b"nonsense" * 100,
        WHOLE[: len(WHOLE) // 2],
        written([b"<< /Type /Catalog >>"]),
        written([b"null"]),
        written([b"<< /Type /Catalog /Pages 2 0 R >>", b"[]"]),
        written([b"<< >>"] * 3, trailer=b"/Root 99 0 R"),
        WHOLE.replace(b"startxref", b"startxxxx").replace(b"obj", b"xxx"),
    ],
    "too_many_pages": [make_pdf(*["Tick."] * (reading.MAX_PAGES + 1))],
    "too_long": [make_pdf(*["Tick tock. " * 4000] * 50)],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "content"), [pytest.param(code, each, id=code) for code, several in REFUSED.items() for each in several]
)
def test_what_cannot_be_read_of_a_pdf_is_told_by_its_reason(
    code: str, content: bytes, ada: Character, as_alice: APIClient
) -> None:
    refused(give(as_alice, ada, content, "clocks.pdf"), 400, code, "file")


def test_a_pdf_that_anybody_may_open_is_read_though_it_is_encrypted() -> None:
    assert pdf.read(encrypted(WHOLE, "")).text == "The clock ticks."


# ── PDFs that mean harm ──────────────────────────────────────────────────────────────────────


def of_one_content(content: bytes, pages: int) -> bytes:
    """Pages that all have the same content: as an object, ready-made."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(b"%d 0 R" % (5 + n) for n in range(pages)), pages),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        content,
    ]
    page = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
    return written([*objects, *[page] * pages])


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


HOSTILE = {
    "a bomb": of_one_content(stream(b" " * 200_000_000), 1),
    "a bomb in a bomb": of_one_content(stream(b"\0" * 500_000_000, times=2), 1),
    "endless lists": of_one_content(stream(nested(1_000_000)), 1),
    "a tree that holds itself": written(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000000 >>"]
    ),
    "an object that is itself": written(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids 2 0 R /Count 2 0 R >>"]
    ),
    "a previous part that is this one": WHOLE.replace(b"/Root", b"/Prev 9 /Root"),
    "numbers beyond measure": WHOLE.replace(b"/Size 5", b"/Size 99999999999999999999"),
    "form that draws itself": written(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
            b"<< /Type /XObject /Subtype /Form /Resources << /XObject << /X 3 0 R >> >> /Length 5 >>\n"
            b"stream\n/X Do\nendstream",
            b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << /XObject << /X 3 0 R >> >> >>",
            stream(b"/X Do " * 1000),
        ]
    ),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_pdf_is_refused_or_read_and_nothing_worse(content: bytes) -> None:
    assert len(content) < MAX_FILE
    began = time.monotonic()
    with suppress(NotReadable):
        pdf.read(content, seconds=10)
    assert time.monotonic() - began < 10 + pdf.SPARE


@pytest.mark.slow
def test_one_that_takes_too_long_is_given_up() -> None:
    slow = of_one_content(stream(b"(tick) Tj " * 300_000), 1000)
    with pytest.raises(NotReadable) as caught:
        pdf.read(slow, seconds=1)
    assert caught.value.code == "too_complex"


@pytest.mark.slow
def test_one_that_takes_too_much_memory_is_given_up() -> None:
    content = stream(b"(" + b"x" * 60_000_000 + b") Tj")
    with pytest.raises(NotReadable) as caught:
        pdf.read(of_one_content(content, 1), memory=200 * 1024 * 1024)
    assert caught.value.code in ("too_complex", "damaged")


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(st.data())
def test_any_damage_to_a_pdf_is_borne(data: st.DataObject) -> None:
    file = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 5))):
        file[data.draw(st.integers(9, len(file) - 1))] = data.draw(st.integers(0, 255))
    with suppress(NotReadable):
        assert pdf.read(bytes(file)).text


@pytest.mark.slow
def test_few_read_theirs_at_once_and_a_pdf_stops_no_text(ada: Character, as_alice: APIClient) -> None:
    for places, busy, free in ((views.pdfs, WHOLE, b"Tick."), (views.texts, b"Tick.", WHOLE)):
        for _ in range(AT_ONCE):
            places.acquire()
        try:
            refused(give(as_alice, ada, busy), 429, "throttled")
            assert give(as_alice, ada, free).status_code == 201
        finally:
            places.release(AT_ONCE)
    # A refusal gives its place back, too.
    for _ in range(AT_ONCE + 1):
        refused(give(as_alice, ada, b"%PDF-1.7"), 400, "damaged", "file")
        refused(give(as_alice, ada, b""), 400, "empty", "file")
