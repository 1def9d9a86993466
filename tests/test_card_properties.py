"""Import → export → import loses nothing, whatever keys and types a card has."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.characters import cards
from tests.cards import as_json, charx, png, text

NOW = 1_700_000_000
some = settings(max_examples=60, deadline=None)

letters = st.text(st.characters(codec=None), max_size=8)
leaves = st.none() | st.booleans() | st.integers(-(10**19), 10**19) | st.floats(-1e20, 1e20) | letters
trees = st.recursive(leaves, lambda each: st.lists(each, max_size=3) | st.dictionaries(letters, each, max_size=3))
unknown = st.dictionaries(letters.map("of_nobody_".__add__), trees, max_size=3)
texts = letters | leaves | trees

ENTRY_KEYS = ("keys", "key", "content", "enabled", "disable", "insertion_order", "use_regex", "extensions", "id")
entries = st.builds(
    lambda known, rest: {**known, **rest}, st.dictionaries(st.sampled_from(ENTRY_KEYS), trees, max_size=6), unknown
)
books = trees | st.builds(
    lambda entries, rest: {**rest, "entries": entries},
    st.lists(entries | trees, max_size=3) | st.dictionaries(st.sampled_from(["0", "1", "x"]), entries, max_size=3),
    unknown,
)
KEYS = (
    *("nickname", "description", "personality", "scenario", "first_mes", "mes_example", "creator_notes", "creator"),
    *("system_prompt", "post_history_instructions", "character_version", "alternate_greetings", "tags", "extensions"),
    *("group_only_greetings", "assets", "source"),
)
datas = st.builds(
    lambda known, rest, book: {**known, **rest, **({} if book is None else {"character_book": book}), "name": "Ada"},
    st.dictionaries(st.sampled_from(KEYS), texts, max_size=8),
    unknown,
    books,
)


@st.composite
def files_of_json(draw: st.DrawFn) -> dict[str, Any]:
    data = draw(datas)
    spec = draw(st.sampled_from(["chara_card_v2", "chara_card_v3", None]))
    if spec is None:
        return {"description": "", **data}
    tag = {"spec": spec, "spec_version": draw(st.sampled_from(["2.0", "3.0", 3, "x", None]))}
    # Some have the fields at the root, some repeat them there.
    return draw(
        st.sampled_from([{**tag, "data": data}, {**tag, **data}, {"description": "", **data, **tag, "data": data}])
    )


def holds(one: Any, other: Any) -> bool:
    """Whether all that the first says is in the second."""
    if isinstance(one, dict):
        return isinstance(other, dict) and all(key in other and holds(item, other[key]) for key, item in one.items())
    return json.dumps(one) == json.dumps(other)


def of_nobody(place: Any) -> Any:
    return {key: item for key, item in place.items() if key.startswith("of_nobody_")}


@given(files_of_json(), st.sampled_from([2, 3]))
@some
def test_json(file: dict[str, Any], version: int) -> None:
    card = cards.read(as_json(file))
    written = cards.write_json(card.original, card.fields, version, now=NOW)
    again = cards.read(cards.dumps(written).encode())
    assert again.fields == card.fields
    assert holds(of_nobody(file), written) or holds(of_nobody(file), written["data"])
    if "data" in file:
        assert holds(of_nobody(file["data"]), written["data"])
    assert cards.write_json(again.original, again.fields, version, now=NOW) == written
    # By way of the other version, too.
    other = cards.write_json(again.original, again.fields, 5 - version, now=NOW)
    assert cards.read(cards.dumps(other).encode()).fields == card.fields


@given(files_of_json())
@some
def test_png(file: dict[str, Any]) -> None:
    card = cards.read(png(text("chara", file)))
    assert card.picture is not None
    written = cards.write_png(card.picture, card.original, card.fields, now=NOW)
    again = cards.read(written)
    assert again.fields == card.fields
    # The second has what V3 added to the first; from then on all are the same.
    second = cards.write_png(written, again.original, again.fields, now=NOW)
    again = cards.read(second)
    assert again.fields == card.fields
    assert cards.write_png(second, again.original, again.fields, now=NOW) == second


@given(files_of_json(), st.dictionaries(st.sampled_from(["a.png", "x_meta/0.json", "module.risum"]), st.binary()))
@some
def test_charx(file: dict[str, Any], files: dict[str, bytes]) -> None:
    card = cards.read(charx(file, files))
    written = cards.write_charx(card.original, card.fields, card.files, None, now=NOW)
    again = cards.read(written)
    assert (again.fields, again.files) == (card.fields, files)
    assert cards.write_charx(again.original, again.fields, again.files, None, now=NOW) == written


@given(files_of_json(), st.sampled_from(["description", "first_message", "creator_notes", "nickname"]), st.text("abc"))
@some
def test_a_change_is_written_and_nothing_else(file: dict[str, Any], name: str, value: str) -> None:
    card = cards.read(as_json(file))
    fields = {**card.fields, name: value}
    again = cards.read(cards.dumps(cards.write_json(card.original, fields, 3, now=NOW)).encode())
    assert again.fields == fields


@given(st.fixed_dictionaries({"entries": trees | st.lists(entries, max_size=2)}) | st.fixed_dictionaries({"x": trees}))
@example({"entries": None})
@example({"entries": "abc"})
@example({"entries": 5})
@some
def test_any_lorebook_written_by_hand_is_exported(book: dict[str, Any]) -> None:
    """The API takes any object for one."""
    card = cards.read(as_json({"name": "Ada", "description": ""}))
    for original in (card.original, None):
        written = cards.write_json(original, {**card.fields, "lorebook": book}, 3, now=NOW)
        assert all(isinstance(entry, dict) for entry in written["data"]["character_book"]["entries"])
        cards.read(cards.dumps(written).encode())


def test_a_character_made_here_is_a_clean_card() -> None:
    fields = cards.read(as_json({"name": "Ada", "description": "Keeps a lighthouse."})).fields
    written = cards.write_json(None, fields, 3, now=NOW)
    assert (written["spec"], written["spec_version"]) == ("chara_card_v3", "3.0")
    assert written["data"]["modification_date"] == NOW
    assert {"name", "first_mes", "mes_example", "extensions", "tags", "group_only_greetings"} <= written["data"].keys()
    assert {"nickname", "character_book"}.isdisjoint(written["data"])


def test_the_creation_stays_and_what_repeats_a_field_changes_with_it() -> None:
    file = {
        "name": "Ada",
        "description": "Old.",
        "first_mes": "Hello.",
        "spec": "chara_card_v3",
        "data": {
            "name": "Ada",
            "description": "Old.",
            "first_mes": "Hello.",
            "creation_date": 5,
            "modification_date": 6,
        },
    }
    card = cards.read(as_json(file))
    written = cards.write_json(card.original, {**card.fields, "description": "New."}, 3, now=NOW)
    assert (written["description"], written["data"]["description"]) == ("New.", "New.")
    assert (written["data"]["creation_date"], written["data"]["modification_date"]) == (5, NOW)
