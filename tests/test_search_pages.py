"""Search: its pages are the same by whichever way they are found, and cost no more than they must."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.conversations.models import Conversation, Message
from apps.conversations.search import FEW, MORE
from tests.factories import grow, make_character, make_conversation

SIZE = 2
# One more than the page is asked for, to know whether it is the last one.
NEAR, FAR = FEW * (SIZE + 1), FEW * MORE * (SIZE + 1)
COUNT = FAR + 2 * NEAR


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return make_conversation(alice, make_character(alice, first_message=""))


def write(conversation: Conversation, count: int, is_hit: Callable[[int], bool]) -> list[str]:
    """So many messages; those that are hits, by their number from the newest one, say "clock". The hits' ids, newest
    first."""
    keys = list(grow(conversation, count).order_by("-id").values_list("id", flat=True)[:count])
    hits = [key for number, key in enumerate(keys) if is_hit(number)]
    Message.objects.filter(pk__in=hits).update(content="The clock has stopped.")
    return [str(key) for key in hits]


def pages(client: APIClient, address: str | None, link: str = "next") -> list[Any]:
    found = []
    while address:
        response = client.get(address)
        assert response.status_code == 200, response.content
        found.append(response.json())
        address = found[-1][link]
    return found


def ids(pages: list[Any]) -> list[str]:
    return [hit["message"]["id"] for page in pages for hit in page["results"]]


HITS: dict[str, Callable[[int], bool]] = {
    "everywhere": lambda number: True,
    "often": lambda number: number % 3 == 0,
    "now and then": lambda number: number % 20 == 0,
    "seldom": lambda number: number % 70 == 30,
    "the newest and the oldest": lambda number: number < SIZE or number >= COUNT - SIZE,
    "the newest, and some after a gap": lambda number: number < SIZE - 1 or number in (FAR + 3, FAR + 5, FAR + 8),
    "where the walk ends": lambda number: number in (NEAR - 1, NEAR, NEAR + 1, FAR - 1, FAR, FAR + 1),
    "as the walk's last": lambda number: number in (0, NEAR - 1, FAR - 1, COUNT - 1),
    "behind the walk's last": lambda number: number in (NEAR - 1, NEAR + 1),
    "once": lambda number: number == COUNT - 1,
    "never": lambda number: False,
}


@pytest.mark.parametrize("is_hit", HITS.values(), ids=HITS)
def test_no_hit_is_missing_or_told_twice(
    is_hit: Callable[[int], bool], conversation: Conversation, as_alice: APIClient, bob: User
) -> None:
    expected = write(conversation, COUNT, is_hit)
    write(make_conversation(bob), 5, lambda number: True)
    forth = pages(as_alice, f"/api/search/?q=clock&page_size={SIZE}")
    assert ids(forth) == expected
    back = pages(as_alice, forth[-1]["previous"], "previous")
    assert ids([*back[::-1], forth[-1]]) == expected


@pytest.mark.parametrize("by", ["conversation", "character"])
def test_what_is_left_out_is_walked_past(by: str, conversation: Conversation, alice: User, as_alice: APIClient) -> None:
    expected = write(conversation, 2 * NEAR, lambda number: number % 4 == 0)
    write(make_conversation(alice), 2 * NEAR, lambda number: True)
    address = f"/api/search/?q=clock&page_size={SIZE}&{by}={getattr(conversation, f'{by}_id', conversation.pk)}"
    assert ids(pages(as_alice, address)) == expected


def statements(client: APIClient, address: str) -> list[str]:
    """Those that look for messages."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    said = [query["sql"] for query in queries if "conversations_message.search @@" in query["sql"]]
    return [sql for sql in said if "ts_headline" not in sql]


WAYS: dict[str, tuple[Callable[[int], bool], int]] = {
    "one's newest are enough": (lambda number: number % 2 == 0, 1),
    "some more of them are": (lambda number: number % 8 == 0, 2),
    "they are not": (lambda number: (number % 8 == 0 and number < NEAR) or number > FAR, 3),
    "none of them is": (lambda number: number > NEAR, 2),
}


@pytest.mark.parametrize(("is_hit", "asked"), WAYS.values(), ids=WAYS)
def test_the_database_is_asked_as_often_as_it_takes(
    is_hit: Callable[[int], bool], asked: int, conversation: Conversation, as_alice: APIClient
) -> None:
    write(conversation, COUNT, is_hit)
    assert len(statements(as_alice, f"/api/search/?q=clock&page_size={SIZE}")) == asked


def test_who_said_little_is_answered_at_once(conversation: Conversation, as_alice: APIClient) -> None:
    write(conversation, NEAR - 1, lambda number: number == NEAR - 2)
    assert len(statements(as_alice, f"/api/search/?q=clock&page_size={SIZE}")) == 1


def plan(sql: str, *without: str) -> list[Any]:
    """The nodes of a statement's plan, run where so few rows give PostgreSQL no other reason to use an index."""
    with connection.cursor() as cursor:
        for name in ("seqscan", *without):
            cursor.execute(f"SET LOCAL enable_{name} = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        found = cursor.fetchone()[0]
    tree = json.loads(found) if isinstance(found, str) else found
    nodes, left = [], [tree[0]["Plan"]]
    while left:
        nodes.append(left.pop())
        left += nodes[-1].get("Plans", [])
    return nodes


def test_a_page_of_a_common_word_looks_at_no_more_than_its_rows(
    conversation: Conversation, as_alice: APIClient
) -> None:
    write(conversation, COUNT, lambda number: True)
    [walk] = statements(as_alice, f"/api/search/?q=clock&page_size={SIZE}")
    [scan] = [node for node in plan(walk, "sort", "bitmapscan") if "Index Name" in node]
    assert (scan["Index Name"], scan["Actual Rows"]) == ("message_newest", SIZE + 1)


def test_where_the_walk_was_too_long_postgresql_cannot_decide_to_go_on(
    conversation: Conversation, as_alice: APIClient
) -> None:
    write(conversation, COUNT, lambda number: number == COUNT - 1)
    _, rest = statements(as_alice, f"/api/search/?q=clock&page_size={SIZE}")
    # Even where it would rather not sort: no index must look as if it had the order.
    assert "Sort" in [node["Node Type"] for node in plan(rest, "sort", "bitmapscan")]
