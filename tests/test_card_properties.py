"""What goes out of a card and comes in again is the same."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.characters import cards
from tests.cards import chunk_of, json_of, png
from tests.slow import examples

NOW = 1_800_000_000

texts = st.text(max_size=12)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
unknown = st.dictionaries(st.text("xyz_", min_size=4, max_size=6), anything, max_size=3)
entries = st.builds(
    lambda known, more: {**more, **known},
    st.fixed_dictionaries(
        {"keys": st.lists(texts, max_size=2) | anything, "content": texts},
        optional={"extensions": unknown | anything, "enabled": anything, "insertion_order": anything, "id": anything},
    ),
    unknown,
)
books = st.builds(
    lambda known, more: {**more, **known},
    st.fixed_dictionaries({"entries": st.lists(entries, max_size=3)}, optional={"scan_depth": anything}),
    unknown,
)
data = st.builds(
    lambda known, more: {**more, **known},
    st.fixed_dictionaries(
        {"name": st.sampled_from(["Ada", "Zoë", "古い"]), "description": texts},
        optional={
            **dict.fromkeys(("personality", "first_mes", "system_prompt", "creator", "nickname"), texts | anything),
            "tags": st.lists(texts, max_size=3) | anything,
            "alternate_greetings": st.lists(texts, max_size=3) | anything,
            "character_book": books | anything,
            "extensions": unknown | anything,
            "assets": anything,
            "group_only_greetings": st.lists(texts, max_size=2),
            "creation_date": st.integers(0, NOW),
        },
    ),
    unknown,
)
cards_found = st.one_of(
    data,
    st.builds(
        lambda inner, more: {**more, "spec": "chara_card_v2", "spec_version": "2.0", "data": inner}, data, unknown
    ),
    st.builds(
        lambda inner, more: {**more, "spec": "chara_card_v3", "spec_version": "3.0", "data": inner}, data, unknown
    ),
)

quick = settings(max_examples=examples(50), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def unknown_in(root: Any) -> dict[str, Any]:
    """What no specification names, of the whole card and of each entry of its book."""
    inner = root.get("data", root)
    return {key: value for place in (root, inner) for key, value in place.items() if set(key) <= set("xyz_")}


@quick
@given(cards_found)
def test_nothing_is_lost_on_the_way_out_and_in(root: Any) -> None:
    card = cards.read(json_of(root))
    for version in (2, 3):
        written = cards.write_json(card.original, card.fields, version, now=NOW)
        assert unknown_in(json.loads(cards.dumps(written))) == unknown_in(root)
        again = cards.read(cards.dumps(written).encode())
        assert again.fields == card.fields
        assert cards.write_json(again.original, again.fields, version, now=NOW) == written
    picture = cards.write_png(png(), card.original, card.fields, now=NOW)
    packed_up = cards.write_charx(card.original, card.fields, {"x/1.bin": b"1"}, png(), now=NOW)
    for file in (picture, packed_up):
        again = cards.read(file)
        assert again.fields == card.fields
        assert again.picture
    assert chunk_of(picture, "ccv3")["data"].keys() >= (root.get("data") or root).keys() - {"spec", "spec_version"} - {
        "character_book",
        "nickname",
    }


@quick
@given(cards_found, cards_found)
def test_any_change_is_written(root: Any, other: Any) -> None:
    """An edited character goes out as it is now, whatever came in."""
    card, now = cards.read(json_of(root)), cards.read(json_of(other)).fields
    for version in (2, 3):
        written = cards.dumps(cards.write_json(card.original, now, version, now=NOW)).encode()
        assert cards.read(written).fields == now


@quick
@given(books, books)
def test_books_are_merged_without_loss(old: Any, new: Any) -> None:
    first, second = cards.read_book(json_of(old)).lorebook, cards.read_book(json_of(new)).lorebook
    merged = cards.merge_books(first, second)
    told = [(entry["keys"], entry["content"]) for entry in merged["entries"]]
    assert merged["entries"][: len(first["entries"])] == first["entries"]
    assert all((entry["keys"], entry["content"]) in told for entry in second["entries"])
    assert cards.merge_books(merged, second) == merged
