"""Tokens that say when a client last looked: how long they hold, and what is none."""

import base64
import json
import time
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.conversations.changes import Token, short
from apps.conversations.models import Conversation
from tests.device import CONVERSATIONS, messages_of, ok
from tests.factories import make_conversation


def refusal(response: Any) -> tuple[int, str, str]:
    [error] = response.json()["errors"]
    return response.status_code, error["code"], error["attr"]


@pytest.fixture
def talk(alice: User) -> Conversation:
    return make_conversation(alice, title="Clocks")


def forged(**parts: Any) -> str:
    now = Token.now()
    whole = {name: parts.get(name, getattr(now, name)) for name in ("issued", "days", "database", "snapshot")}
    return encoded(list(whole.values()))


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


DAYS = 24 * 60 * 60


def test_a_token_from_before_what_is_remembered_has_expired(
    as_alice: APIClient, talk: Conversation, settings: LazySettings
) -> None:
    now = int(time.time())
    young, old = forged(issued=now - 29 * DAYS), forged(issued=now - 31 * DAYS)
    far = forged(snapshot=f"{10**17}:{10**17}:")
    tomorrow = forged(issued=now + 2 * DAYS)
    elsewhere = forged(database="000000000000")
    for address in (CONVERSATIONS, messages_of(talk)):
        assert as_alice.get(address, {"since": young}).status_code == 200
        for expired in (old, far, tomorrow, elsewhere, forged(issued=0), forged(days=0, issued=now - DAYS)):
            assert refusal(as_alice.get(address, {"since": expired})) == (410, "sync_expired", None)

    # Another setting makes no token good that was given out for less, and none that is too old now.
    settings.SYNC_RETENTION_DAYS = 7
    assert as_alice.get(CONVERSATIONS, {"since": young}).status_code == 410
    short = forged(issued=now - 8 * DAYS)
    settings.SYNC_RETENTION_DAYS = 60
    assert as_alice.get(CONVERSATIONS, {"since": short}).status_code == 410


BROKEN = [
    *(
        "",
        "nonsense",
        "\0",
        "😀",
        "%%%",
        "Ww",
        encoded(None),
        encoded([]),
        encoded({}),
        encoded([1, 2, 3]),
        "W" * 50_000,
    ),
    base64.urlsafe_b64encode(b"[" * 50_000).decode(),
]

SNAPSHOTS = [None, 1, [], "", ":", "::", "5", "5:5", "5:4:", "0:5:", "5:0:", "-5:5:", "5:6:7", "5:6:4", "5:9:7,6",
             "5:9:6,", "5:9:,6", "5:9: 6", "5:9:6:7", "5:9:0", "05:9:", "٥:٩:", "5:9:6\n", "5:9:\0", "+5:9:", "5.0:9:",
             "5:9:" + "6," * 5_000 + "6", f"5:{2**64}:", f"{2**63}:{2**63}:", f"5:{10**30}:", "'; --",
             "\ud800"]  # fmt: skip

ODD_PARTS: dict[str, list[Any]] = {
    "issued": [None, "1", 1.5, True, -1, 10**12, 10**400, [], {}],
    "days": [None, "30", 30.0, False, -1, 10**12, {}],
    "database": [None, 1, [], {}, "x" * 2_000],
    "snapshot": SNAPSHOTS,
}


@pytest.mark.parametrize("where", ["since", "cursor"])
def test_a_token_that_was_not_given_out_is_refused_by_name(where: str, as_alice: APIClient, talk: Conversation) -> None:
    broken = [*BROKEN, *(forged(**{name: odd}) for name, each in ODD_PARTS.items() for odd in each)]
    for address in (CONVERSATIONS, messages_of(talk)):
        for text in broken:
            query = {"since": text}
            if where == "cursor":
                query = {"since": forged(), "cursor": encoded(["since", str(talk.pk), text])}
            assert refusal(as_alice.get(address, query)) == (400, "invalid", where), text[:80]
        for cursor in ("", encoded(["since", "nobody", forged()]), encoded(["since", str(talk.pk), 1]), encoded([1])):
            query = {"since": forged(), "cursor": cursor}
            assert refusal(as_alice.get(address, query)) == (400, "invalid", "cursor")
        # Those of one way of listing are none of the other.
        going_on = encoded(["since", str(talk.pk), forged()])
        assert refusal(as_alice.get(address, {"cursor": going_on})) == (400, "invalid", "cursor")


numbers = st.integers(-1, 12) | st.integers(2**62, 2**65)
snapshots = st.builds(
    lambda low, high, between, dot: f"{low}:{high}{dot}{','.join(map(str, between))}",
    numbers, numbers, st.lists(numbers, max_size=4), st.sampled_from([":", ":", ":", ",", ""]),
)  # fmt: skip


@pytest.mark.django_db
@given(snapshots | st.text(":,0123456789", max_size=30) | st.text(max_size=20))
@bounds(max_examples=300, deadline=None)
def test_postgresql_takes_every_snapshot_that_is_let_through(text: str) -> None:
    try:
        token = Token.read(encoded([1, 1, "", text]))
    except ValidationError:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(%s::pg_snapshot)::text", [token.snapshot])
        assert cursor.fetchone() == (str(token.xmin),)


def test_a_token_stays_short_however_many_are_under_way(as_alice: APIClient, talk: Conversation) -> None:
    few, many = "100:900:100,200", "100:9000:" + ",".join(map(str, range(100, 9000, 10)))
    assert (short(few), short(many)) == (few, "100:100:")
    assert as_alice.get(CONVERSATIONS, {"since": forged(snapshot="100:100:")}).status_code == 200


@pytest.mark.parametrize(
    "query", ["character={}", "archived=true", "archived=", "pinned=false", "search=clock", "search="]
)
def test_what_changed_is_told_whole(query: str, as_alice: APIClient, talk: Conversation) -> None:
    address = f"{CONVERSATIONS}?{query.format(talk.character_id)}"
    assert refusal(as_alice.get(f"{address}&since={forged()}")) == (400, "not_with_filters", "since")
    assert ok(as_alice.get(address.removesuffix("archived=")))["since"]
    for path in ("active", "all"):
        query_both = {"path": path, "since": forged()}
        assert refusal(as_alice.get(messages_of(talk), query_both)) == (400, "not_with_filters", "since")
