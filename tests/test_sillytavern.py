"""SillyTavern's chats: read leniently, kept whole, written back."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.conversations import tree
from apps.conversations.documents import dates
from apps.conversations.documents.sillytavern_export import to_lines
from apps.conversations.models import Conversation, Message
from tests.factories import make_character, make_conversation, say
from tests.refusals import refused
from tests.test_documents import brought, export
from tests.written import OBJECT, TEXT, WHEN, Document, documents, few, some

IMPORT = "/api/conversations/import/"

HEADER = {"chat_metadata": {"note_prompt": "Rain."}, "user_name": "Ned", "character_name": "Mira"}

pytestmark = pytest.mark.django_db


def said(name: str, mes: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "is_user": name == "Ned", "is_system": False, "mes": mes, "extra": {}, **more}


def chat(*lines: Any, header: Any = HEADER) -> bytes:
    return "\n".join(json.dumps(line) for line in [*([header] if header else []), *lines]).encode()


def upload(client: APIClient, data: bytes, **fields: str) -> Any:
    file = SimpleUploadedFile("notes.txt", data)
    return client.post(IMPORT, {"file": file, **fields}, format="multipart")


def read(client: APIClient, data: bytes) -> tuple[Conversation, list[str]]:
    response = upload(client, data)
    assert response.status_code == 201, response.content
    found = response.json()
    return Conversation.objects.get(pk=found["id"]), found["warnings"]


def path(conversation: Conversation) -> list[Message]:
    return tree.path_to(conversation.active_leaf_id, conversation, limit=1000)[::-1]


def written(client: APIClient, conversation: Any) -> list[Any]:
    response = export(client, conversation, "sillytavern")
    assert response.headers["Content-Type"] == "application/jsonl; charset=utf-8"
    assert response.headers["Content-Disposition"].endswith('.jsonl"')
    # On the newline alone: other characters end lines for Python, but not here.
    return [json.loads(line) for line in response.content.decode().removesuffix("\n").split("\n")]


WHOLE = [
    said(
        "Mira",
        "Hello.",
        swipes=["Hello.", "Hi.", "Oh, you."],
        swipe_id=0,
        swipe_info=[{"send_date": "2026-01-02T03:04:05.000Z", "extra": {}}] * 3,
        send_date="2026-01-02T03:04:05.000Z",
    ),
    said("Ned", "Anything unusual?", send_date="January 2, 2026 3:05am", force_avatar="ned.png"),
    said(
        "Mira",
        "Define unusual.",
        swipes=["Nothing.", "Define unusual."],
        swipe_id=1,
        swipe_info=[
            {"send_date": 1767323160000, "extra": {"reasoning": "Nothing to hide.", "model": "small"}},
            {"send_date": "2026-01-02T03:06:07.000Z", "extra": {}, "gen_started": None},
        ],
        send_date="2026-1-2@03h06m07s",
        gen_started="2026-01-02T03:06:00.000Z",
        extra={"api": "openai", "model": "large", "reasoning": "She stalls.", "token_count": 9, "branches": ["B"]},
    ),
    {**said("Mira", "A hidden line."), "is_system": True},
    said("System", "The rain thickens.", extra={"type": "narrator"}),
    {**said("SillyTavern System", "Tool calls: Roll dice"), "is_system": True},
    said("Ned", ""),
]


def test_a_chat_becomes_a_tree(as_alice: APIClient) -> None:
    conversation, warnings = read(as_alice, chat(*WHOLE))
    assert warnings == []
    assert (conversation.character_name, conversation.persona_name, conversation.title) == ("Mira", "Ned", "")
    assert conversation.extra == {"sillytavern": HEADER}
    assert conversation.message_count == 10
    rows = path(conversation)
    assert [row.content for row in rows] == [line["mes"] for line in WHOLE]
    roles = ["assistant", "user", "assistant", "assistant", "system", "system", "user"]
    assert [row.role for row in rows] == roles
    assert [row.extra.get("hidden") for row in rows] == [None, None, None, True, None, True, None]
    assert (rows[2].model, rows[2].reasoning, rows[2].completion_tokens) == ("large", "She stalls.", 9)
    assert rows[2].created_at == datetime(2026, 1, 2, 3, 6, 7, tzinfo=UTC)
    siblings = Message.objects.filter(parent=rows[1]).order_by("id")
    assert [(row.content, row.reasoning, row.model) for row in siblings] == [
        ("Nothing.", "Nothing to hide.", "small"),
        ("Define unusual.", "She stalls.", "large"),
    ]
    assert siblings[0].created_at == datetime(2026, 1, 2, 3, 6, tzinfo=UTC)
    # Without a date of their own, as the one before.
    assert rows[3].created_at == rows[2].created_at


def test_what_was_read_is_written_back(as_alice: APIClient) -> None:
    conversation, _ = read(as_alice, chat(*WHOLE))
    assert written(as_alice, conversation.pk) == [HEADER, *WHOLE]
    # Also after a trip through our own document.
    again = brought(as_alice, export(as_alice, conversation.pk).json())
    assert written(as_alice, again) == [HEADER, *WHOLE]


def test_what_changed_meanwhile_is_written(as_alice: APIClient) -> None:
    conversation, _ = read(as_alice, chat(WHOLE[0], WHOLE[1], WHOLE[2]))
    leaf = path(conversation)[2]
    address = f"/api/conversations/{conversation.pk}/"
    as_alice.patch(f"{address}messages/{leaf.pk}/", {"content": "Edited."}, format="json")
    Message.objects.filter(pk=leaf.pk).update(reasoning="Thought again.")
    line = written(as_alice, conversation.pk)[3]
    assert (line["mes"], line["swipes"], line["swipe_id"]) == ("Edited.", ["Nothing.", "Edited."], 1)
    assert line["extra"] == {**WHOLE[2]["extra"], "reasoning": "Thought again."}

    other = Message.objects.get(content="Nothing.")
    as_alice.patch(address, {"active_leaf": str(other.pk)}, format="json")
    line = written(as_alice, conversation.pk)[3]
    assert (line["mes"], line["swipe_id"], line["send_date"]) == ("Nothing.", 0, 1767323160000)
    assert line["extra"] == {"reasoning": "Nothing to hide.", "model": "small"}
    assert (line["name"], line["is_user"]) == ("Mira", False)


def test_what_was_said_here_is_written(alice: User, as_alice: APIClient) -> None:
    character = make_character(alice, alternate_greetings=["Good evening."])
    conversation = make_conversation(alice, character, persona_name="Al")
    say(conversation, "Hm.")
    answer = say(conversation, "So?", "assistant", model="m", completion_tokens=2, reasoning="Why?")
    say(conversation, "The rain thickens.", "system", extra={"hidden": True})
    header, greeting, turn, reply, note = written(as_alice, conversation.pk)
    assert (header["user_name"], header["character_name"]) == ("Al", "Ada")
    assert greeting["swipes"] == ["Hello, Al.", "Good evening."]
    assert greeting["swipe_id"] == 0
    assert [info["extra"] for info in greeting["swipe_info"]] == [{}, {}]
    assert (turn["name"], turn["is_user"], turn["mes"], "swipes" in turn) == ("Al", True, "Hm.", False)
    assert (reply["name"], reply["extra"]) == ("Ada", {"model": "m", "token_count": 2, "reasoning": "Why?"})
    assert datetime.fromisoformat(reply["send_date"]) == answer.created_at
    assert (note["is_system"], note["extra"]) == (True, {"type": "narrator"})


# ── Round trips ──────────────────────────────────────────────────────────────────────────────

ABOUT = st.fixed_dictionaries(
    {},
    optional={
        "model": TEXT,
        "reasoning": TEXT,
        "token_count": st.integers(-1, 2**32),
        "type": st.sampled_from(["narrator", "comment"]),
        "more": OBJECT,
    },
)
DATE = st.one_of(WHEN, st.integers(-(10**12), 10**13), st.just("June 19, 2023 2:20pm"), TEXT, st.none())
INFO = st.fixed_dictionaries({"send_date": DATE, "extra": ABOUT}, optional={"gen_started": DATE, "more": OBJECT})


@st.composite
def chat_lines(draw: st.DrawFn) -> dict[str, Any]:
    line = draw(
        st.fixed_dictionaries(
            {"name": TEXT, "mes": TEXT},
            optional={
                "is_user": st.booleans(),
                "is_system": st.booleans(),
                "send_date": DATE,
                "extra": ABOUT,
                "force_avatar": TEXT,
                "gen_finished": DATE,
            },
        )
    )
    if infos := draw(st.lists(INFO, max_size=3)):
        swipes = draw(st.lists(TEXT, min_size=len(infos), max_size=len(infos)))
        shown = draw(st.integers(0, len(infos) - 1))
        swipes[shown] = line["mes"]
        line |= {"swipes": swipes, "swipe_id": shown, "swipe_info": infos}
    return line


@some
@given(header=OBJECT, lines=st.lists(chat_lines(), max_size=5))
def test_any_chat_is_written_back(header: dict[str, Any], lines: list[Any], as_alice: APIClient) -> None:
    header = {"chat_metadata": {}, **header}
    header.pop("mes", None)
    conversation, _ = read(as_alice, chat(*lines, header=header))
    assert written(as_alice, conversation.pk) == [header, *lines]


@few
@given(document=documents())
def test_a_chat_of_any_conversation_is_read_back(document: Document, as_alice: APIClient) -> None:
    lines = list(to_lines(document, "Ned"))
    conversation, warnings = read(as_alice, chat(*lines[1:], header=lines[0]))
    assert warnings == []
    assert written(as_alice, conversation.pk) == lines
    assert [row.content for row in path(conversation)] == [line["mes"] for line in lines[1:]]


# ── What strangers write ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "when"),
    [
        ("2026-01-02T03:04:05.006Z", "2026-01-02T03:04:05.006000+00:00"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05+00:00"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00"),
        ("June 19, 2023 2:20pm", "2023-06-19T14:20:00+00:00"),
        ("January 2, 2026 12:05am", "2026-01-02T00:05:00+00:00"),
        ("Dec 31, 2025 12:05:09 PM", "2025-12-31T12:05:09+00:00"),
        (1767323160000, "2026-01-02T03:06:00+00:00"),
        (1767323160000.5, "2026-01-02T03:06:00.000500+00:00"),
        ("1767323160000", "2026-01-02T03:06:00+00:00"),
        ("2024-07-12@01h31m37s123ms", "2024-07-12T01:31:37.123000+00:00"),
        ("2026-1-2@03h06m07s", "2026-01-02T03:06:07+00:00"),
        ("2023-6-19 @14h 20m 50s 682ms", "2023-06-19T14:20:50.682000+00:00"),
        ("2023-6-19 @14h 20m 50s 7ms", "2023-06-19T14:20:50.007000+00:00"),
        *(
            (nonsense, None)
            for nonsense in (
                *(None, True, "", "soon", [], {}, 10**30, -(10**17), float("inf"), float("nan"), "9" * 17),
                *("June 31, 2023 2:20pm", "Ju 1, 2023 2:20pm", "June 1, 2023 13:20pm", "2023-13-19@14h20m50s"),
                *("0001-01-01T00:00:00+14:00", "2023-6-19 @99h 20m 50s 682ms"),
            )
        ),
    ],
)
def test_each_form_of_date(value: Any, when: str | None) -> None:
    found = dates.read(value)
    assert (found and found.isoformat()) == when


def test_lines_are_read_leniently(as_alice: APIClient) -> None:
    data = b"\r\n".join(
        [
            b"\xef\xbb\xbf" + chat(header={**HEADER, "user_name": "unused", "character_name": "unused"}),
            b"",
            chat(
                said("Mira", {"message": "Nested."}, swipes=[{"message": "Other."}, "Stale."], swipe_id=1), header=None
            ),
            chat(said("Ned", "One\u2028line\x85still."), header=None),
            b"[1, 2]",
            b'{"name": "Mira"}',
            chat(said("Mira", "When?", send_date="soon"), header=None),
            b'{"name": "Mira", "mes": "\\u0000 \\ud800", "extra": {"n": 1e999, "big": 1' + b"0" * 30 + b"}}",
            b'{"name": "Mira", "mes": "caf\xe9"}',
            b'{"mes": "deep", "extra": ' + b'{"a":' * 60 + b"1" + b"}" * 61,
            b"[" * 100_000,
            b'{"name": "Mira", "mes": "cut o',
        ]
    )
    conversation, warnings = read(as_alice, data)
    assert (conversation.character_name, conversation.persona_name) == ("Mira", "Ned")
    contents = ["Nested.", "One\u2028line\x85still.", "When?", "\ufffd \ufffd", "caf\ufffd", "deep"]
    assert [row.content for row in path(conversation)] == contents
    assert [warning.split(":")[0] for warning in warnings] == [f"Line {number}" for number in range(5, 13)]
    assert "cut off" in warnings[-1]
    assert written(as_alice, conversation.pk)[1]["swipes"] == ["Other.", "Nested."]
    assert export(as_alice, conversation.pk).json()["messages"][4]["extra"]["sillytavern"]["line"]["extra"] == {
        "n": None,
        "big": "1" + "0" * 30,
    }


def test_warnings_are_not_endless(as_alice: APIClient) -> None:
    _, warnings = read(as_alice, chat(said("Ned", "Hm.")) + b"\n{" * 150)
    assert len(warnings) == 101
    assert warnings[-1] == "And 50 more."


def test_a_groups_file_has_no_header(as_alice: APIClient) -> None:
    conversation, _ = read(as_alice, chat(said("Mira", "Hello."), said("Theo", "Hello!"), header=None))
    assert (conversation.character_name, conversation.message_count) == ("Mira", 2)
    header, *lines = written(as_alice, conversation.pk)
    assert (header["character_name"], [line["name"] for line in lines]) == ("Mira", ["Mira", "Theo"])
    assert "**Theo**" in export(as_alice, conversation.pk, "markdown").content.decode()


@pytest.mark.parametrize(
    ("swipes", "swipe_id", "shown"),
    [
        ([], 0, ["Now."]),
        (["Then.", "Now."], None, ["Then.", "Now."]),
        (["Then."], 7, ["Then.", "Now."]),
        (["Then."], True, ["Then.", "Now."]),
        ([None, "Then."], 0, ["Now.", "Then."]),
        ("Then.", 0, ["Now."]),
    ],
)
def test_swipes_that_do_not_fit(swipes: Any, swipe_id: Any, shown: list[str], as_alice: APIClient) -> None:
    line = said("Mira", "Now.", swipes=swipes, swipe_id=swipe_id, swipe_info=[{}] * 9)
    conversation, _ = read(as_alice, chat(line))
    rows = Message.objects.filter(conversation=conversation).order_by("id")
    assert [row.content for row in rows] == shown
    assert path(conversation)[-1].content == "Now."


@pytest.mark.parametrize("extra", [12, {"line": 12}, {"line": {"extra": 12}}, {"swipe_of": [], "swipe_info": "x"}])
def test_what_people_put_there_themselves_breaks_nothing(extra: Any, alice: User, as_alice: APIClient) -> None:
    conversation = make_conversation(alice, extra={"sillytavern": extra if isinstance(extra, int) else {}})
    say(conversation, "Hm.", "assistant", extra={"sillytavern": extra}, model="m")
    assert written(as_alice, conversation.pk)[-1]["mes"] == "Hm."
    assert "Hm." in export(as_alice, conversation.pk, "markdown").content.decode()


# ── How it is sent ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["application/jsonl", "application/x-ndjson"])
def test_lines_may_be_the_body(kind: str, as_alice: APIClient) -> None:
    response = as_alice.generic("POST", IMPORT, chat(said("Mira", "Hello.")), content_type=kind)
    assert response.status_code == 201
    assert response.json()["message_count"] == 1


def test_a_file_is_told_by_what_is_in_it(alice: User, as_alice: APIClient) -> None:
    character = make_character(alice)
    document = export(as_alice, make_conversation(alice, character).pk).json()
    for data in (json.dumps(document, indent=2).encode(), b"\xef\xbb\xbf" + json.dumps(document).encode()):
        response = upload(as_alice, data, character=str(character.pk))
        assert response.json()["character"] == str(character.pk)
        assert export(as_alice, response.json()["id"]).json() == document
    assert upload(as_alice, chat(said("Mira", "Hello.")), character=str(character.pk)).json()["character"]


@pytest.mark.parametrize("data", [b"nonsense", b"\0" * 100, b"[]", b'{"a": 1}', b'"x"', b"\xff\xfe{}", b"{" * 100_000])
def test_what_is_neither_is_refused(data: bytes, as_alice: APIClient) -> None:
    refused(upload(as_alice, data), 400, "invalid", "file")
    response = as_alice.generic("POST", IMPORT, data, content_type="application/jsonl")
    refused(response, 400, "invalid", "file")
    assert not Conversation.objects.exists()


def test_a_form_without_a_file_or_with_a_strangers_character(bob: User, as_alice: APIClient) -> None:
    refused(as_alice.post(IMPORT, {"character": ""}, format="multipart"), 400, "required", "file")
    refused(upload(as_alice, b""), 400, "empty", "file")
    for character in (str(make_character(bob).pk), "01890000-0000-7000-8000-000000000000"):
        refused(upload(as_alice, chat(said("Ned", "Hm.")), character=character), 400, "does_not_exist", "character")
    refused(upload(as_alice, chat(said("Ned", "Hm.")), character="x"), 400, "invalid", "character")
