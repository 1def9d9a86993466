"""Lists that are asked for again: 304 while they would be the same, and nobody's tag opens another's."""

from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from tests.endpoints import everything, schema
from tests.factories import make_character, say
from tests.online import Person

LISTS = ["/api/characters/", "/api/conversations/", "/api/conversations/{}/messages/"]
TREE = "/api/conversations/{}/messages/?path=all"


def get(client: APIClient, address: str, known: str | None = None, **headers: str) -> Any:
    return client.get(address, headers={"If-None-Match": known, **headers} if known is not None else headers)


@pytest.mark.parametrize("address", [*LISTS, TREE])
def test_a_list_that_is_the_same_is_not_sent_twice(address: str, alices: SimpleNamespace, as_alice: APIClient) -> None:
    address = address.format(alices.conversation.pk)
    first = get(as_alice, address)
    tag = first["ETag"]
    assert (first.status_code, first["Cache-Control"]) == (200, "private, no-cache")
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', f'{tag},"other"', "*"):
        again = get(as_alice, address, known)
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag), known
        assert {"Authorization", "Accept"} <= set(again["Vary"].split(", "))
        assert again["Cache-Control"] == "private, no-cache"
    for unknown in ("", '"other"', "nonsense", tag.upper(), tag[:-1], "\0", '"' * 1000, "W/"):
        assert get(as_alice, address, unknown).status_code == 200, unknown
    head = as_alice.head(address, headers={"If-None-Match": tag})
    assert (head.status_code, head["ETag"]) == (304, tag)


def test_a_server_sends_no_body_with_it(alices: SimpleNamespace, alice_online: Person) -> None:
    first = alice_online.get("/api/conversations/")
    again = alice_online.get("/api/conversations/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert again.headers["X-Request-ID"]
    assert not {"Content-Type", "Content-Length"} & set(again.headers)


def test_any_change_is_another_tag(alices: SimpleNamespace, as_alice: APIClient) -> None:
    address = f"/api/conversations/{alices.conversation.pk}/"
    lists = [each.format(alices.conversation.pk) for each in LISTS]
    message = f"{address}messages/{alices.message.pk}/"
    changes: list[tuple[str, str, dict[str, Any], set[str]]] = [
        ("PATCH", address, {"title": "Watches"}, {lists[1]}),
        ("PATCH", address, {"archived": True}, {lists[1]}),
        ("PATCH", message, {"rating": 1}, set(lists[1:])),
        ("PATCH", message, {"content": "What year is it?"}, set(lists[1:])),
        ("POST", f"{address}messages/", {"content": "Hm."}, set(lists[1:])),
        # A sibling, off the path: what stays on it has one more beside it.
        ("POST", f"{address}messages/", {"content": "Or else?", "parent": str(alices.message.pk)}, set(lists[1:])),
        ("DELETE", message, {}, set(lists[1:])),
        ("PATCH", f"/api/characters/{alices.character.pk}/", {"name": "Grace"}, {lists[0]}),
        ("DELETE", f"/api/characters/{alices.character.pk}/", {}, set(lists[:2])),
    ]
    for method, where, body, changed in changes:
        tags = {each: get(as_alice, each)["ETag"] for each in lists}
        done = getattr(as_alice, method.lower())(where, body, format="json")
        assert done.status_code < 300, done.content
        assert {each for each in lists if get(as_alice, each, tags[each]).status_code == 200} == changed, (where, body)


def test_text_that_is_being_written_is_another_tag(alices: SimpleNamespace, as_alice: APIClient) -> None:
    answer = say(alices.conversation, "Half", "assistant", status="generating")
    address = LISTS[2].format(alices.conversation.pk)
    tag = get(as_alice, address)["ETag"]
    type(answer).objects.filter(pk=answer.pk).update(content="Half past")
    assert get(as_alice, address, tag).status_code == 200


@pytest.mark.parametrize("address", LISTS[:2])
def test_one_users_tag_is_no_key_to_anothers_list(
    address: str, alices: SimpleNamespace, as_alice: APIClient, as_bob: APIClient, bob: User
) -> None:
    make_character(alices.user, visibility="public")
    for query in ("", "?search=nothing"):  # the latter: both are empty
        hers = get(as_alice, address + query)
        his = get(as_bob, address + query, hers["ETag"])
        assert (his.status_code, his["ETag"] != hers["ETag"]) == (200, True)
    everything(bob)
    assert not [row for row in get(as_bob, address, hers["ETag"]).json()["results"] if row in hers.json()["results"]]


def test_another_users_messages_are_not_there_whatever_tag_is_sent(
    alices: SimpleNamespace, as_alice: APIClient, as_bob: APIClient, anonymous: APIClient
) -> None:
    address = LISTS[2].format(alices.conversation.pk)
    tag = get(as_alice, address)["ETag"]
    for known in (tag, "*"):
        assert get(as_bob, address, known).status_code == 404
        assert get(anonymous, address, known).status_code == 401
    assert get(as_alice, f"{address}?cursor=nonsense", "*").status_code == 400


def test_people_with_browsers_get_the_page(alices: SimpleNamespace, as_alice: APIClient) -> None:
    page = get(as_alice, LISTS[0], "*", Accept="text/html")
    assert (page.status_code, "ETag" in page, page["Cache-Control"]) == (200, False, "private, no-cache")


def test_the_schema_tells_which_lists_do_this() -> None:
    reads = {path: each["get"]["responses"] for path, each in schema()["paths"].items() if "get" in each}
    told = {path for path, answers in reads.items() if "304" in answers and "ETag" in answers["200"]["headers"]}
    assert told == {address.replace("{}", "{id}") for address in LISTS}
