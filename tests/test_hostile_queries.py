"""Query parameters and headers from strangers: a 400 that names the parameter, or an answer; never a 500."""

import base64
import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from rest_framework.test import APIClient

from apps.accounts import keys
from apps.api.rows import new_id
from apps.knowledge.models import Fact
from tests.endpoints import Operation, operations
from tests.factories import grow, make_character, make_conversation, make_document, make_tool
from tests.refusals import fields

READS = [operation for operation in operations() if operation.method == "GET" and operation.query]
PAGED = [operation for operation in READS if "cursor" in operation.query]


def names(response: Any) -> set[str]:
    assert response.status_code == 400, response.content[:300]
    return fields(response)


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


NOW = "2026-01-01T00:00:00+00:00"
ID = str(new_id())

# None of these was given out by any list.
BROKEN = {
    "empty": "",
    "garbage": "garbage",
    "not base64": "%%%",
    "NUL": "\0",
    "emoji": "😀",
    "no JSON": encoded(b"nonsense"),
    "no UTF-8": encoded(b"\xff\xfe\xfd"),
    "null": encoded(None),
    "an object": encoded({"n": 1}),
    "a number": encoded(12),
    "an empty list": encoded([]),
    "too many parts": encoded(["n", NOW, ID, ID]),
    "deep": encoded(b"[" * 100_000),
    "a long number": encoded(b"[" + b"9" * 5_000 + b"]"),
    "NaN": encoded(b'["n", NaN, NaN]'),
    **{
        f"{label} of {length}": encoded(value[:1] + value[1 : length - 1] + value[-1:])
        for length in (2, 3)
        for label, value in {
            "no direction": ["x", NOW, ID],
            "a direction that is a list": [["n"], NOW, ID],
            "null direction": [None, NOW, ID],
            "no id": ["n", NOW, "nobody"],
            "an id that is a number": ["n", NOW, 12],
            "an id that is a list": ["n", NOW, [ID]],
            "an id that is an object": ["p", NOW, {"id": ID}],
            "an id that is null": ["n", NOW, None],
            "an id with NUL": ["n", NOW, ID + "\0"],
            "a surrogate": ["n", NOW, "\ud800"],
        }.items()
    },
}

# Of a list that is sorted by a time, whose cursor holds one.
BROKEN_TIMES = ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01", "0000-01-01T00:00:00Z",
                "99999-01-01T00:00:00Z", "2026-01-01T00:00:00+99:00", 12, None, [], True, "\0"]  # fmt: skip
EDGES_OF_TIME = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999999Z",
                 "0001-01-01T00:00:00Z"]  # fmt: skip


@pytest.mark.parametrize("operation", PAGED, ids=str)
def test_a_cursor_that_was_not_given_out_is_refused(
    operation: Operation, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    forms = [{}, *({"path": choice} for choice in operation.query.get("path", {}).get("enum", []))]
    for form in forms:
        for label, cursor in BROKEN.items():
            response = as_alice.get(operation.address(alices), operation.asking(cursor=cursor, **form))
            assert names(response) == {"cursor"}, label


@pytest.mark.parametrize("time", BROKEN_TIMES, ids=repr)
def test_a_cursor_with_a_broken_time_is_refused(time: Any, alices: SimpleNamespace, as_alice: APIClient) -> None:
    for direction in "np":
        response = as_alice.get("/api/conversations/", {"cursor": encoded([direction, time, ID])})
        assert names(response) == {"cursor"}


@pytest.mark.parametrize("time", EDGES_OF_TIME)
def test_the_edges_of_time_are_before_or_after_everything(
    time: str, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    found = [
        as_alice.get("/api/conversations/", {"cursor": encoded([direction, time, ID])}).json()["results"]
        for direction in "np"
    ]
    assert sorted(len(page) for page in found) == [0, 1]


@pytest.mark.parametrize("operation", PAGED, ids=str)
def test_a_cursor_cut_anywhere_is_no_500(operation: Operation, alices: SimpleNamespace, as_alice: APIClient) -> None:
    make_character(alices.user)
    make_conversation(alices.user)
    make_document(alices.character, "Watches", "A watch is a small clock.")
    make_tool(alices.user)
    Fact.objects.create(user=alices.user, character=alices.character, text="She sings.")
    keys.make(alices.user, "A phone")
    grow(alices.conversation, 4)
    first = as_alice.get(operation.address(alices), operation.asking(page_size=1)).json()["next"]
    cursor = first.partition("cursor=")[2].partition("&")[0]
    assert as_alice.get(operation.address(alices), operation.asking(cursor=cursor)).json()["results"]
    for length in range(0, len(cursor), 3):
        assert as_alice.get(operation.address(alices), operation.asking(cursor=cursor[:length])).status_code == 400
        flipped = cursor[:length] + ("A" if cursor[length] != "A" else "B") + cursor[length + 1 :]
        assert as_alice.get(operation.address(alices), operation.asking(cursor=flipped)).status_code in {200, 400}


@pytest.mark.parametrize("operation", PAGED, ids=str)
def test_a_cursor_of_another_list_is_no_500(operation: Operation, alices: SimpleNamespace, as_alice: APIClient) -> None:
    cursors = [[direction, *parts] for direction in "np" for parts in ([ID], [NOW, ID], [ID, ID])]
    cursors += [["n", str(row.pk), str(row.pk)] for row in (alices.character, alices.conversation)]
    for cursor in cursors:
        response = as_alice.get(operation.address(alices), operation.asking(cursor=encoded(cursor)))
        assert response.status_code in {200, 400}


@pytest.mark.parametrize("operation", PAGED, ids=str)
def test_a_page_has_from_1_to_100_rows(operation: Operation, alices: SimpleNamespace, as_alice: APIClient) -> None:
    odd = ["0", "-1", "101", "abc", "1" + "0" * 30, "", "1.5", "1e1", " 1", "+1", "１", "٣", "0x10", "null", "\0", "[]"]
    for size in odd:
        assert names(as_alice.get(operation.address(alices), operation.asking(page_size=size))) == {"page_size"}, size
    for size in ["1", "100", "007"]:
        assert as_alice.get(operation.address(alices), operation.asking(page_size=size)).status_code == 200, size


def not_fitting(part: dict[str, Any]) -> list[Any]:
    if part["type"] == "array":
        return [*not_fitting(part["items"]), ["x"] * (part["maxItems"] + 1)]
    if part["type"] == "integer":
        return ["nonsense", "\0", "[]", "1.5", "0", "-1", str(part["maximum"] + 1), "1" + "0" * 30, "1" + "0" * 5_000]
    if "enum" in part or part.get("format") in {"uuid", "date"} or part["type"] == "boolean":
        return ["nonsense", "\0", "[]", "12", part.get("enum", [""])[0].upper() + "x", "😀", "1" + "0" * 30]
    return ["\0", "a\0b", "x" * (part["maxLength"] + 1), "x" * 60_000]


CHECKED = [
    pytest.param(operation, name, id=f"{operation}?{name}")
    for operation in READS
    for name in operation.query
    if name not in {"cursor", "page_size", "since"}
]


@pytest.mark.parametrize(("operation", "name"), CHECKED)
def test_what_does_not_fit_a_parameter_is_refused_by_its_name(
    operation: Operation, name: str, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    for value in not_fitting(operation.query[name]):
        response = as_alice.get(operation.address(alices), operation.asking(**{name: value}))
        assert names(response) == {name}, value[:60]


@pytest.mark.parametrize("operation", READS, ids=str)
def test_queries_that_are_only_odd_are_answered(
    operation: Operation, alices: SimpleNamespace, as_alice: APIClient
) -> None:
    words = ["%", "_", "\\", "'", '"', ";--", "(", "a b " * 20, "\u202e", "{{user}}", "{name}", "%s", "$1", ".*"]
    for name, part in operation.query.items():
        if part["type"] == "string" and "maxLength" in part and operation.file is None:
            for word in words:
                response = as_alice.get(operation.address(alices), operation.asking(**{name: word}))
                assert (response.status_code, response.json().get("results", [])) == (200, []), word
    for raw in ("%FF%FE", "search=%ED%A0%80", "=", "&&&", "unknown=%00", "%00=1", "a[]=1", "search[]=x", "format=xml"):
        query = "&".join([*filter(None, [urlencode(operation.asking())]), raw])
        assert as_alice.get(f"{operation.address(alices)}?{query}").status_code == 200, raw


def test_too_many_parameters_are_refused(as_alice: APIClient, db: None) -> None:
    many = "&".join(f"a{number}=1" for number in range(5_000))
    assert as_alice.get(f"/api/characters/?{many}").status_code == 400


@pytest.mark.parametrize("given", ["a b", "x" * 129, "\xe4", "<script>", "a\tb", ""])
def test_a_request_id_that_is_none_is_replaced(given: str, anonymous: APIClient) -> None:
    returned = anonymous.get("/healthz", HTTP_X_REQUEST_ID=given).headers["X-Request-ID"]
    assert returned != given
    assert len(returned) == 36


@pytest.mark.parametrize("path", ["/api/{}", "/{}", "/api/characters/{}/", "/api/conversations/{}/messages/{}/"])
def test_odd_paths_are_not_found(path: str, as_alice: APIClient, db: None) -> None:
    for odd in ("\0", "..", "%2e%2e", "//", "😀", "a" * 60_000, "{id}", "%s", "\ud7ff", "a\nb"):
        address = path.format(quote(odd), quote(odd))
        if address.strip("/"):  # the root is a page of its own
            assert as_alice.generic("POST", address).status_code == 404, address[:80]
