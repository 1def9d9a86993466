"""Dumps that are broken, or hold what cannot be stored: each is told with its place, and the rest goes on."""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.characters.models import Character
from apps.conversations.models import Conversation, Message
from tests.legacy_dumps import ADA, EVENING, HELLO, check_heads, counts, dump, run

BAD = [
    (3, "it is no object"),
    ({"id": 1, "chat_history": [HELLO]}, "The character has no name"),
    ({"name": "Ada", "chat_history": "once upon a time"}, "its history: it is no list of messages"),
    ({"name": "Ada", "chat_history": '[{"role": "us'}, "its history: it ends too early"),
    ({"name": "Ada", "chat_history": 12}, "its history: it is no list of messages"),
    ({"name": "Ada", "chat_history": [HELLO, 5, EVENING]}, "message 2: it is no message"),
    ({"name": "Ada", "chat_history": [HELLO, {"role": "user"}, EVENING]}, "message 2: it has no text"),
    ({"name": "Ada", "chat_history": [HELLO, {"content": "Hi."}]}, "message 2: it does not say who spoke"),
    ({"name": "Ada", "chat_history": [{"role": "banana", "content": "Hi."}]}, "message 1: it does not say who spoke"),
    ({"name": "Ada", "description": "long" * 100_000, "chat_history": [HELLO]}, "at most 200,000 can be kept"),
]


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize(("bad", "why"), BAD, ids=[why for _, why in BAD])
def test_what_is_bad_is_told_and_the_rest_goes_on(alice: User, tmp_path: Path, bad: Any, why: str, form: str) -> None:
    path = tmp_path / f"old.{form}"
    records = [{**ADA, "id": "first"}, bad, {**ADA, "id": "last"}]
    path.write_text(json.dumps(records) if form == "json" else "\n".join(map(json.dumps, records)))
    _, complained = run(path)
    assert f"left out: {'record' if form == 'json' else 'line'} 2" in complained
    assert why in complained
    assert "FAILED Left out: 1;" in complained
    assert Character.objects.filter(description="Repairs clocks.").count() == 2
    assert Message.objects.filter(conversation__character__description="Repairs clocks.").count() == 4
    check_heads()


@pytest.mark.parametrize(
    "broken",
    [
        '{"id": 5, "name": "Ada" oops}',
        '{"id": 5, "name": "Ada", "chat_history": [{"role": "user", "content": tru}]}',
        '{"id": 5, "name": "Ada", "n": ' + "1" * 5000 + "}",
        '{"id": 5, "name": "Ada", "n": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"id": 5, "name": "\\ud8zz", "n": "},]\\"{"}',
        "nonsense",
    ],
    ids=["garbage", "no value", "digits", "depth", "escape", "word"],
)
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_broken_json_is_told_and_the_rest_goes_on(alice: User, tmp_path: Path, broken: str, form: str) -> None:
    path = tmp_path / f"old.{form}"
    first, last = json.dumps(ADA), json.dumps({**ADA, "id": 8})
    path.write_text(f"[{first},\n{broken},\n{last}]" if form == "json" else f"{first}\n{broken}\n{last}\n")
    _, complained = run(path)
    assert f"left out: {'record' if form == 'json' else 'line'} 2" in complained
    assert Message.objects.filter(conversation__character__description="Repairs clocks.").count() == 4


def test_brackets_that_do_not_match(alice: User, tmp_path: Path) -> None:
    first, last = json.dumps(ADA), json.dumps({**ADA, "id": 8})
    broken = '{"id": 5, "name": "Ada", "chat_history": [}]}'
    path = tmp_path / "old.jsonl"
    path.write_text(f"{first}\n{broken}\n{last}\n")
    assert "left out: line 2: " in run(path)[1]
    assert counts() == (2, 2, 4)
    path = tmp_path / "old.json"
    path.write_text(f"[{first},\n{broken},\n{last}]")
    # Where the record ends cannot be told.
    assert "left out: the rest of the file" in run(path)[1]
    assert counts() == (3, 3, 6)


def test_a_file_that_was_cut_off(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps([ADA, {**ADA, "id": 8}])[:-40])
    _, complained = run(path)
    assert "left out: record 2: it ends too early" in complained
    assert counts() == (1, 1, 2)
    path.write_text(json.dumps([ADA, {**ADA, "id": 8}]))
    run(path)
    assert counts() == (2, 2, 4)


@pytest.mark.parametrize("text", ["", " \n", "[]", "3", '"x"', "{", "{}", '{"clocks": [1]}', "\0\0\0\0", "\ufeff[]"])
def test_files_with_nothing_in_them(alice: User, tmp_path: Path, text: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(text)
    run(path)
    assert counts() == (0, 0, 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings(alice: User, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(json.dumps([{**ADA, "name": "Адa 🕰"}], ensure_ascii=False).encode(encoding))
    assert run(path)[1] == ""
    assert Character.objects.get().name == "Адa 🕰"


def test_what_cannot_be_stored_is_mended(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    history = [
        {"role": "user", "content": "nul \0 here", "id": "a\0", "note": float("inf"), "many": 10**400},
        {"role": "assistant", "content": "half \ud83d here"},
        {"role": "user", "content": "x" * 300_000, "deep": json.loads("[" * 200 + "]" * 200)},
    ]
    record = {"id": "\0", "name": "A\0da\ud800", "huge": 10**30, "tags": [1, "a\0"], "chat_history": history}
    path.write_bytes(json.dumps([record]).encode() + b"   ")
    _, complained = run(path)
    assert "FAILED" not in complained
    assert "record 1, message 1: characters that cannot be stored were replaced" in complained
    contents = list(Message.objects.order_by("id").values_list("content", flat=True))
    assert contents[:2] == ["nul \ufffd here", "half \ufffd here"]
    assert len(contents[2]) == 300_000
    assert "Ada" in Character.objects.get().name
    run(path)
    assert counts() == (1, 1, 3)
    path.write_bytes(b'[{"name": "Ada", "chat_history": [{"role": "user", "content": "caf\xe9"}]}]')
    assert "mended: record 1, message 1" in run(path)[1]


def test_what_is_told_of_a_record_can_be_printed(alice: User, tmp_path: Path) -> None:
    history = [{**HELLO, "time": "\ud800\033[2J\nleft out: nothing", "timestamp": None}]
    _, complained = run(dump(tmp_path / "old.json", {**ADA, "created_at": "\ud800", "chat_history": history}))
    assert complained.encode().count(b"\n") == 2
    assert "\033" not in complained


def test_a_character_that_has_lists_like_tables(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({**ADA, "conversations": [1], "threads": [{"id": 1}]}))
    assert run(path)[1] == ""
    assert counts() == (1, 1, 2)


def test_what_has_no_place_here_is_kept(alice: User, tmp_path: Path) -> None:
    record = {**ADA, "mood": "calm", "chat_history": [{**HELLO, "tokens": 12, "id": 3}]}
    run(dump(tmp_path / "old.json", record))
    assert Character.objects.get().extensions["legacy"] == {"source": "old.json", "id": "7", "kept": {"mood": "calm"}}
    message = Message.objects.get()
    assert (message.client_id, message.extra) == ("legacy:3", {"legacy": {"tokens": 12}})


def test_card_fields_and_names_of_ones_own(alice: User, tmp_path: Path) -> None:
    record = {"bot": "Ada", "char_persona": "Clocks.", "greeting": "Hi.", "tags": '["a", "b"]', "log": [HELLO]}
    record["jailbreak"] = "Stay calm."
    run(dump(tmp_path / "old.json", record), column=["character.name=bot", "character.history=log"])
    character = Character.objects.get()
    assert (character.name, character.description, character.first_message) == ("Ada", "Clocks.", "Hi.")
    assert (character.tags, character.post_history_instructions) == (["a", "b"], "Stay calm.")
    assert Message.objects.count() == 1


def test_a_dry_run_writes_nothing_and_counts_the_same(alice: User, tmp_path: Path) -> None:
    history = [{"role": "user", "content": str(number)} for number in range(5000)]
    path = dump(tmp_path / "old.json", ADA, {"name": "Bram", "chat_history": history}, {"id": 9})
    dry, complained = run(path, dry_run=True)
    assert counts() == (0, 0, 0)
    assert "record 3" in complained
    real, _ = run(path)
    assert dry.splitlines()[1:] == real.splitlines()[1:]
    assert "5,002 messages (0 there already)" in real
    assert "0 messages (5,002 there already)" in run(path, dry_run=True)[0]


def test_who_is_not_there(alice: User, tmp_path: Path) -> None:
    assert "There is no account carol@example.com" in run(tmp_path / "x.json", user="carol@example.com")[1]
    assert "The file cannot be read" in run(tmp_path / "x.json")[1]
    assert "cannot be reached" in run("postgresql://me:secret@127.0.0.1:9/x")[1]
    assert "secret" not in run("postgresql://me:secret@127.0.0.1:9/x")[1]
    assert "is not understood" in run(tmp_path / "x.json", column=["message.colour=red"])[1]


def test_records_may_name_whose_they_are(alice: User, bob: User, tmp_path: Path) -> None:
    records = [
        {**ADA, "id": 1, "email": "Bob@example.com"},
        {**ADA, "id": 2, "email": "nobody@example.com"},
        {**ADA, "id": 3},
    ]
    _, complained = run(dump(tmp_path / "old.json", *records), column=["character.owner=email"])
    assert "record 2: there is no account nobody@example.com" in complained
    assert {row.user for row in Character.objects.all()} == {alice, bob}
    assert {row.user for row in Conversation.objects.all()} == {alice, bob}
