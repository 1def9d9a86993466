"""Lorebooks of every kind become a `character_book`, and two become one."""

from typing import Any

import pytest

from apps.characters import cards
from tests.cards import chunk, json_of, png, text, v2, v3

ENTRY = {"keys": ["bell"], "content": "It is cracked.", "extensions": {}, "enabled": True, "insertion_order": 1}
BOOK = {"name": "Cape", "entries": [ENTRY], "scan_depth": 3}


def read(book: Any) -> dict[str, Any]:
    return cards.read_book(book if isinstance(book, bytes) else json_of(book)).lorebook


@pytest.mark.parametrize(
    "book",
    [
        BOOK,
        [ENTRY],
        {"spec": "lorebook_v3", "data": BOOK},
        v2(character_book=BOOK),
        v3(character_book=BOOK),
        png(text("ccv3", v3(character_book=BOOK))),
        {"entries": {"7": {"key": ["bell"], "content": "It is cracked."}}},
        {"lorebookVersion": 5, "entries": [{"keys": ["bell"], "text": "It is cracked."}]},
        png(text("naidata", {"lorebookVersion": 5, "entries": [{"keys": ["bell"], "text": "It is cracked."}]})),
        {"kind": "memory", "entries": [{"keywords": ["bell"], "entry": "It is cracked."}]},
        {"type": "risu", "data": [{"key": "bell", "content": "It is cracked."}]},
    ],
)
def test_each_kind_is_read(book: Any) -> None:
    [entry] = read(book)["entries"]
    assert (entry["keys"], entry["content"], entry["enabled"]) == (["bell"], "It is cracked.", True)
    assert {"extensions", "insertion_order", "use_regex"} <= entry.keys()


@pytest.mark.parametrize("book", [b"", b"x", {}, [], {"name": "x"}, v2(), png(), png(chunk(b"tEXt", b"naidata\0!"))])
def test_what_has_no_book_is_refused(book: Any) -> None:
    with pytest.raises(cards.NotACard):
        read(book)


def test_nothing_of_world_info_is_lost() -> None:
    entry = {
        "uid": 4,
        "key": ["bell", "/gong/i"],
        "keysecondary": ["fog"],
        "comment": "The bell",
        "content": "It is cracked.",
        "constant": False,
        "selective": True,
        "selectiveLogic": 3,
        "order": 50,
        "position": 4,
        "depth": 2,
        "role": 1,
        "disable": True,
        "probability": 40,
        "useProbability": True,
        "group": "metal",
        "groupOverride": True,
        "groupWeight": 7,
        "excludeRecursion": True,
        "preventRecursion": True,
        "delayUntilRecursion": 2,
        "scanDepth": None,
        "matchWholeWords": True,
        "caseSensitive": False,
        "sticky": 1,
        "cooldown": 2,
        "delay": 3,
        "displayIndex": 9,
        "of_nobody": {"kept": [1]},
    }
    book = read({"entries": {"10": {"key": ["x"]}, "4": entry}, "name": "Cape", "of_nobody": 1})
    assert (book["name"], book["of_nobody"], [each["id"] for each in book["entries"]]) == ("Cape", 1, [4, 10])
    assert book["entries"][0] == {
        "id": 4,
        "keys": ["bell", "/gong/i"],
        "secondary_keys": ["fog"],
        "comment": "The bell",
        "content": "It is cracked.",
        "constant": False,
        "selective": True,
        "insertion_order": 50,
        "enabled": False,
        "position": "after_char",
        "use_regex": True,
        "extensions": {
            "position": 4,
            "selectiveLogic": 3,
            "depth": 2,
            "role": 1,
            "probability": 40,
            "useProbability": True,
            "group": "metal",
            "group_override": True,
            "group_weight": 7,
            "exclude_recursion": True,
            "prevent_recursion": True,
            "delay_until_recursion": 2,
            "scan_depth": None,
            "match_whole_words": True,
            "case_sensitive": False,
            "sticky": 1,
            "cooldown": 2,
            "delay": 3,
            "display_index": 9,
            "of_nobody": {"kept": [1]},
        },
    }


def test_odd_entries_are_put_right() -> None:
    odd = {"keys": "bell, gong", "content": None, "enabled": "false", "insertion_order": "-3", "secondary_keys": None}
    found = cards.read_book(json_of({"entries": [odd, 5, {"keys": ["", " x "]}]}))
    first, second = found.lorebook["entries"]
    assert (first["keys"], first["content"], first["enabled"]) == (["bell", "gong"], "", False)
    assert (first["insertion_order"], first["secondary_keys"], second["keys"]) == (-3, [], [" x "])
    assert found.warnings == ["lorebook: an entry that is no object was left out."]


def test_two_books_become_one() -> None:
    mine = {"name": "Mine", "scan_depth": 1, "extensions": {"a": 1}, "entries": [{**ENTRY, "id": 0}]}
    other = {**ENTRY, "keys": ["gong"], "id": 0}
    theirs = {
        "name": "Theirs",
        "token_budget": 9,
        "extensions": {"a": 2, "b": 2},
        "entries": [{**ENTRY, "id": 5}, other],
    }
    merged = cards.merge_books(mine, theirs)
    assert (merged["name"], merged["scan_depth"], merged["token_budget"]) == ("Mine", 1, 9)
    assert merged["extensions"] == {"a": 1, "b": 2}
    assert [(entry["id"], entry["keys"]) for entry in merged["entries"]] == [(0, ["bell"]), (1, ["gong"])]
    assert cards.merge_books(merged, theirs) == merged
    assert cards.merge_books({}, theirs)["entries"] == read(theirs)["entries"]
    # A lorebook that was written by hand may be anything.
    assert cards.merge_books({"entries": "x"}, theirs)["entries"] == read(theirs)["entries"]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    "book", [{"entries": None}, {"entries": {}}, {"entries": [None, 3, {"keys": "bell, gong"}]}, {"entries": "x"}]
)
def test_an_odd_book_of_the_api_is_written_in_its_form(book: dict[str, Any], version: int) -> None:
    fields = {**dict.fromkeys(cards.FIELDS, ""), "name": "Ada", "lorebook": book}
    fields |= {"tags": [], "alternate_greetings": [], "extensions": {}}
    card = cards.write_json(None, fields, version, now=0)
    written = card["data"]["character_book"]
    assert isinstance(written["entries"], list)
    assert all(isinstance(entry["keys"], list) and isinstance(entry["content"], str) for entry in written["entries"])
    assert cards.read(cards.dumps(card).encode()).warnings == []
