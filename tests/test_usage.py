"""Usage: every call counts once, on its day, for whoever made it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.chat.models import Generation
from tests.ai_server import AIServer
from tests.factories import make_conversation
from tests.online import Person

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


def call(user: User, when: datetime = NOON, **fields: Any) -> Generation:
    known = {"status": "complete", "provider": "default", "model": "test-model"}
    return Generation.objects.create(user=user, created_at=when, **{**known, **fields})


def used(client: APIClient, **query: str) -> list[Any]:
    response = client.get("/api/usage/", query)
    assert response.status_code == 200, response.content
    found = response.json()
    assert (found["next"], found["previous"]) == (None, None)
    return found["results"]


def test_a_day_of_one_model(alice: User, as_alice: APIClient) -> None:
    for number, status in enumerate(["complete", "complete", "stopped", "failed", "interrupted"], start=1):
        call(
            alice,
            status=status,
            prompt_tokens=100 * number,
            completion_tokens=number,
            latency_ms=1_000 * number,
            first_token_ms=10 * number,
        )
    call(alice, status="running")
    call(alice, purpose="title", prompt_tokens=7)
    assert used(as_alice, **MARCH) == [
        {
            "day": "2026-03-01",
            "provider": "default",
            "model": "test-model",
            "calls": 7,
            "completed": 3,
            "stopped": 1,
            "failed": 1,
            "interrupted": 1,
            "prompt_tokens": 1_507,
            "completion_tokens": 15,
            "latency_ms": {"median": 3_000, "p95": 4_800},
            "first_token_ms": {"median": 30, "p95": 48},
        }
    ]


def test_what_nobody_told_is_null(alice: User, as_alice: APIClient) -> None:
    call(alice, status="failed")
    [row] = used(as_alice, **MARCH)
    nothing = {"median": None, "p95": None}
    assert (row["prompt_tokens"], row["completion_tokens"]) == (None, None)
    assert (row["latency_ms"], row["first_token_ms"]) == (nothing, nothing)


def test_the_newest_day_comes_first_then_the_model(alice: User, as_alice: APIClient) -> None:
    for days in (0, 2, 1):
        for model in ("b", "a"):
            call(alice, NOON + timedelta(days=days), model=model)
    call(alice, provider="another", model="a")
    assert [(row["day"][-2:], row["model"], row["provider"]) for row in used(as_alice, **MARCH)] == [
        *[("03", "a", "default"), ("03", "b", "default"), ("02", "a", "default"), ("02", "b", "default")],
        *[("01", "a", "another"), ("01", "a", "default"), ("01", "b", "default")],
    ]


def test_days_are_those_of_utc_and_both_ends_count(alice: User, as_alice: APIClient) -> None:
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    for moment in (first - tick, first, last - tick, last):
        call(alice, moment)
    assert [row["day"] for row in used(as_alice, **MARCH)] == ["2026-03-31", "2026-03-01"]


def test_the_last_30_days_are_shown_unless_asked_otherwise(alice: User, as_alice: APIClient) -> None:
    today = datetime.now(UTC)
    days = [today - timedelta(days=number) for number in (0, 29, 30)]
    for day in days:
        call(alice, day)
    shown = [f"{day:%Y-%m-%d}" for day in days]
    assert [row["day"] for row in used(as_alice)] == shown[:2]
    assert [row["day"] for row in used(as_alice, to=shown[1])] == shown[1:]
    assert [row["day"] for row in used(as_alice, **{"from": shown[2]})] == shown


def test_anothers_calls_never_count(alice: User, bob: User, as_alice: APIClient, as_bob: APIClient) -> None:
    call(alice)
    assert used(as_bob, **MARCH) == []
    call(bob)
    for client in (as_alice, as_bob):
        assert [row["calls"] for row in used(client, **MARCH)] == [1]


def test_what_is_deleted_was_used_all_the_same(
    alice: User, alice_online: Person, as_alice: APIClient, ai: AIServer
) -> None:
    conversation = make_conversation(alice, title="Clocks")
    ai.says("Good evening.", usage={"prompt_tokens": 40, "completion_tokens": 3})
    assert alice_online.chat(conversation.pk).status_code == 201
    before = used(as_alice)
    assert [(row["calls"], row["completed"], row["prompt_tokens"]) for row in before] == [(1, 1, 40)]
    assert before[0]["latency_ms"]["median"] is not None
    assert as_alice.delete(f"/api/conversations/{conversation.pk}/").status_code == 204
    assert used(as_alice) == before


@pytest.mark.parametrize(
    ("query", "name"),
    [
        *[
            ({name: text}, name)
            for name in ("from", "to")
            for text in (
                "",
                "yesterday",
                "2026-02-30",
                "2026-3-1",
                "20260301",
                "2026-W10-1",
                "2026-03-01T00:00",
                "٢٠٢٦-٠٣-٠١",
                "0000-01-01",
            )
        ],
        ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
        ({"from": "9999-12-31"}, "from"),
        ({"from": "2025-01-01", "to": "2026-01-02"}, "from"),
        ({"from": "0001-01-01"}, "from"),
    ],
)
def test_days_that_make_no_sense_are_refused(query: dict[str, str], name: str, as_alice: APIClient) -> None:
    response = as_alice.get("/api/usage/", query)
    assert response.status_code == 400, response.content
    assert [error["attr"] for error in response.json()["errors"]] == [name]


def test_the_edges_of_time_are_days_too(alices: SimpleNamespace, as_alice: APIClient) -> None:
    assert used(as_alice, to="0001-01-01") == used(as_alice, to="9999-12-31") == []
    assert used(as_alice, **{"from": "2025-01-01", "to": "2026-01-01"}) == []


def test_it_is_one_query_however_many_calls(alice: User, as_alice: APIClient) -> None:
    counts = []
    for number in range(3):
        call(alice, NOON + timedelta(days=number), model=f"model-{number}")
        with CaptureQueriesContext(connection) as queries:
            assert len(used(as_alice, **MARCH)) == number + 1
        counts.append(len(queries))
    assert counts == [2, 2, 2]  # the token's, and this one
