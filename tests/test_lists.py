"""Pages by cursor: every row exactly once, in both directions, whatever happens meanwhile."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters.models import Character
from apps.conversations import turns
from apps.conversations.models import Conversation, Message, Role
from tests.factories import grow, make_character, make_conversation, say

THEN = datetime(2026, 1, 1, tzinfo=UTC)


def page(client: APIClient, address: str) -> Any:
    """`address` may be a link out of another page."""
    parts = urlsplit(address)
    response = client.get(f"{parts.path}?{parts.query}")
    assert response.status_code == 200, response.content
    found = response.json()
    assert set(found) - {"since"} == {"next", "previous", "results"}
    return found


def pages(client: APIClient, address: str | None, link: str = "next") -> Iterator[Any]:
    while address:
        found = page(client, address)
        yield found
        address = found[link]


def ids(found: Any) -> list[str]:
    return [row["id"] for row in found["results"]]


def all_ids(found: Any) -> list[str]:
    return [key for each in found for key in ids(each)]


def keys(rows: Any) -> list[str]:
    return [str(row.pk) for row in rows]


def make_characters(alice: User, count: int) -> tuple[str, list[str]]:
    return "/api/characters/?", keys(make_character(alice) for _ in range(count))[::-1]


def make_conversations(alice: User, count: int) -> tuple[str, list[str]]:
    """With equal times two by two, and the newest of them first where they are."""
    character = make_character(alice)
    made = [make_conversation(alice, character) for _ in range(count)]
    for number, conversation in enumerate(made):
        moment = THEN + timedelta(days=number // 2)
        Conversation.objects.filter(pk=conversation.pk).update(last_message_at=moment)
    return "/api/conversations/?", keys(made)[::-1]


def make_path(alice: User, count: int) -> tuple[str, list[str]]:
    conversation = make_conversation(alice, make_character(alice, first_message=""))
    return f"/api/conversations/{conversation.pk}/messages/?", keys(grow(conversation, count))[::-1]


def make_tree(alice: User, count: int) -> tuple[str, list[str]]:
    """Some on the active path, some beside it."""
    address, path = make_path(alice, count - count // 2)
    conversation = Message.objects.get(pk=path[-1]).conversation
    root = Message.objects.get(pk=path[-1])
    beside = [turns.append(conversation, root, role=Role.USER, content="?") for _ in range(count // 2)]
    turns.save_head(conversation)
    return f"{address}path=all&", path[::-1] + keys(beside)


LISTS = [make_characters, make_conversations, make_path, make_tree]
Make = Callable[[User, int], tuple[str, list[str]]]


@pytest.mark.parametrize("make", LISTS)
@pytest.mark.parametrize("size", [1, 3, 7, 8])
def test_the_pages_hold_every_row_once_forwards_and_backwards(
    make: Make, size: int, alice: User, as_alice: APIClient
) -> None:
    address, expected = make(alice, 7)
    forwards = list(pages(as_alice, f"{address}page_size={size}"))
    assert all_ids(forwards) == expected
    assert [len(ids(each)) for each in forwards[:-1]] == [size] * (len(forwards) - 1)
    assert forwards[0]["previous"] is None

    backwards = list(pages(as_alice, forwards[-1]["previous"], "previous"))
    assert [ids(each) for each in reversed(backwards)] == [ids(each) for each in forwards[:-1]]
    if backwards:
        again = page(as_alice, backwards[-1]["next"])
        assert ids(again) == ids(forwards[1])


@pytest.mark.parametrize("make", LISTS)
def test_a_list_without_rows_is_one_empty_page(make: Make, alice: User, as_alice: APIClient) -> None:
    address, _ = make(alice, 2)
    Conversation.objects.all().update(active_leaf=None, generating=None)
    Message.objects.all().delete()
    if "messages" not in address:
        Conversation.objects.all().delete()
        Character.objects.all().delete()
    empty = {"next": None, "previous": None, "results": []}
    assert {name: part for name, part in page(as_alice, address).items() if name != "since"} == empty


@pytest.mark.parametrize("make", LISTS)
def test_a_page_holds_fifty_unless_asked_otherwise(make: Make, alice: User, as_alice: APIClient) -> None:
    address, expected = make(alice, 51)
    assert ids(page(as_alice, address)) == expected[:50]
    assert ids(page(as_alice, f"{address}page_size=100")) == expected


def test_links_keep_the_other_parameters_and_the_host(alice: User, as_alice: APIClient) -> None:
    for _ in range(2):
        make_character(alice, tags=["clocks & watches"])
    link = page(as_alice, "/api/characters/?page_size=1&tag=clocks%20%26%20watches")["next"]
    assert link.startswith("http://testserver/api/characters/?")
    assert "tag=clocks" in link
    assert len(ids(page(as_alice, link))) == 1


def test_rows_added_or_removed_meanwhile_shift_nothing(alice: User, as_alice: APIClient) -> None:
    address, expected = make_characters(alice, 8)
    first = page(as_alice, f"{address}page_size=3")
    newer = make_character(alice)
    Character.objects.filter(pk__in=[expected[1], expected[2], expected[4]]).delete()
    second = page(as_alice, first["next"])
    assert ids(second) == [expected[3], expected[5], expected[6]]
    assert ids(page(as_alice, second["next"])) == [expected[7]]
    assert ids(page(as_alice, second["previous"])) == [str(newer.pk), expected[0]]


def test_a_conversation_that_goes_on_meanwhile_goes_to_the_front(alice: User, as_alice: APIClient) -> None:
    address, expected = make_conversations(alice, 6)
    first = page(as_alice, f"{address}page_size=2")
    say(Conversation.objects.get(pk=expected[5]), "Still there?")
    assert all_ids(pages(as_alice, first["next"])) == expected[2:5]
    assert ids(page(as_alice, address))[0] == expected[5]


def test_conversations_are_ordered_by_their_last_message_else_their_making(alice: User, as_alice: APIClient) -> None:
    silent = make_character(alice, first_message="")
    first, second, third = (make_conversation(alice, silent) for _ in range(3))
    assert ids(page(as_alice, "/api/conversations/")) == keys([third, second, first])
    say(first, "Hello?")
    assert ids(page(as_alice, "/api/conversations/")) == keys([first, third, second])


@pytest.mark.parametrize("direction", ["next", "previous"])
def test_switching_the_branch_meanwhile_does_not_tear_the_listing(
    direction: str, alice: User, as_alice: APIClient
) -> None:
    address, path = make_path(alice, 9)
    listed = list(pages(as_alice, f"{address}page_size=3"))
    conversation = Message.objects.get(pk=path[0]).conversation
    fork = turns.append(conversation, Message.objects.get(pk=path[6]), role=Role.USER, content="Or else?")
    turns.save_head(conversation)

    start, other = (listed[0]["next"], "previous") if direction == "next" else (listed[2]["previous"], "next")
    there = list(pages(as_alice, start, direction))
    assert [ids(each) for each in there] == [path[3:6], path[6:] if direction == "next" else path[:3]]
    back = list(pages(as_alice, there[-1][other], other))
    assert [ids(each) for each in back] == [path[3:6], path[:3] if direction == "next" else path[6:]]
    assert ids(page(as_alice, address)) == [str(fork.pk), *path[6:]]


def test_a_turn_said_meanwhile_does_not_shift_the_path(alice: User, as_alice: APIClient) -> None:
    address, path = make_path(alice, 5)
    first = page(as_alice, f"{address}page_size=2")
    say(Message.objects.get(pk=path[0]).conversation, "One more.")
    assert all_ids(pages(as_alice, first["next"])) == path[2:]


def test_a_listing_goes_on_where_its_leaf_was_deleted(alice: User, as_alice: APIClient) -> None:
    """What is left is listed, and nothing of another branch."""
    address, path = make_path(alice, 6)
    first = page(as_alice, f"{address}page_size=2")
    as_alice.delete(f"{address[:-1]}{path[0]}/")
    assert ids(page(as_alice, first["next"])) == path[2:4]


def test_the_path_is_found_at_any_depth(alice: User, as_alice: APIClient) -> None:
    address, path = make_path(alice, 3_000)
    listed = list(pages(as_alice, f"{address}page_size=100"))
    assert all_ids(listed) == path
    assert ids(page(as_alice, listed[-1]["previous"])) == path[-200:-100]


@pytest.fixture
def shelf(alice: User, bob: User) -> SimpleNamespace:
    mine = make_character(alice, name="Mine", tags=["clocks", "Zürich"], creator_notes="Ticks loudly.")
    shown = make_character(alice, name="Shown", visibility="public", tags=["clocks"])
    bobs = make_character(bob, name="Bob's", visibility="public", tags=["birds"])
    make_character(bob, name="Hidden", tags=["clocks"])
    return SimpleNamespace(mine=mine, shown=shown, bobs=bobs)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Shown", "Mine"]),
        ("scope=mine", ["Shown", "Mine"]),
        ("scope=public", ["Bob's", "Shown"]),
        ("scope=all", ["Bob's", "Shown", "Mine"]),
        ("tag=clocks", ["Shown", "Mine"]),
        ("tag=Z%C3%BCrich", ["Mine"]),
        ("tag=clock", []),
        ("scope=all&tag=birds", ["Bob's"]),
        ("search=mine", ["Mine"]),
        ("search=LOUDLY%20ticks", ["Mine"]),
        ("search=ticks%20quietly", []),
        ("search=clocks&scope=all", ["Shown", "Mine"]),
        ("search=repairs", []),
        ("search=hidden&scope=all", []),
    ],
)
def test_characters_can_be_narrowed(query: str, expected: list[str], shelf: object, as_alice: APIClient) -> None:
    assert [row["name"] for row in page(as_alice, f"/api/characters/?{query}")["results"]] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Old", "Birds", "Clocks"]),
        ("character={ada}", ["Clocks"]),
        ("character={bird}", ["Old", "Birds"]),
        ("archived=true", ["Old"]),
        ("archived=false", ["Birds", "Clocks"]),
        ("pinned=true", ["Birds"]),
        ("pinned=false", ["Old", "Clocks"]),
        ("pinned=false&archived=false", ["Clocks"]),
        ("pinned=true&character={ada}", []),
        ("pinned=true&character={bird}", ["Birds"]),
        ("search=CLOCK", ["Clocks"]),
        ("search=feather", ["Birds"]),
        ("search=wren", ["Old", "Birds"]),
        ("search=wren%20old", ["Old"]),
        ("search=wren&archived=false", ["Birds"]),
        ("search=wren&pinned=false", ["Old"]),
        ("search=hello", []),
    ],
)
def test_conversations_can_be_narrowed(query: str, expected: list[str], alice: User, as_alice: APIClient) -> None:
    ada, wren = make_character(alice), make_character(alice, name="Wren")
    make_conversation(alice, ada, title="Clocks")
    make_conversation(alice, wren, title="Birds", topic="Feathers", pinned=True)
    make_conversation(alice, wren, title="Old", archived=True)
    found = page(as_alice, "/api/conversations/?" + query.format(ada=ada.pk, bird=wren.pk))
    assert [row["title"] for row in found["results"]] == expected


def make_public(alice: User, count: int) -> tuple[str, list[str]]:
    return "/api/characters/?scope=public&", keys(make_character(alice, visibility="public") for _ in range(count))


def make_all(alice: User, count: int) -> tuple[str, list[str]]:
    return make_public(alice, count)[0].replace("public", "all"), []


def make_ui_messages(alice: User, count: int) -> tuple[str, list[str]]:
    conversation = make_conversation(alice, make_character(alice, first_message=""))
    return f"/api/chat/{conversation.pk}/messages/?", keys(grow(conversation, count))


def make_models(alice: User, count: int) -> tuple[str, list[str]]:
    return "/api/models/?", []


@pytest.mark.parametrize("make", [*LISTS, make_public, make_all, make_ui_messages, make_models])
def test_one_row_costs_as_many_queries_as_fifty(make: Make, alice: User, as_alice: APIClient) -> None:
    def cost(count: int) -> int:
        address, _ = make(alice, count)
        with CaptureQueriesContext(connection) as queries:
            found = page(as_alice, address)
        assert len(ids(found)) == count or make is make_models
        # Which database it is, is asked once in ten seconds, with whatever page it happens to be.
        return sum("pg_control_system" not in query["sql"] for query in queries)

    few = cost(1)
    Character.objects.all().delete()
    Conversation.objects.all().delete()
    assert cost(50) == few <= 6
