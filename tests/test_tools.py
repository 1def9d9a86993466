"""Tools of a user's: made, listed, changed."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.tools import views
from apps.tools.models import MAX_DESCRIPTION, Tool
from apps.tools.parameters import NOTHING
from tests.tool_bodies import DICE, HTTP, MCP, SEARCH, SECRET, TOOLS, faults, http, make, patch, patched, post


def test_a_builtin_one(as_alice: APIClient) -> None:
    made = make(as_alice, DICE)
    (function,) = made.pop("functions")
    assert function["name"] == "roll"
    assert function["description"].startswith("Rolls dice")
    assert function["parameters"]["required"] == ["dice"]
    assert {name: made[name] for name in made if name not in ("id", "created_at", "updated_at")} == {
        **DICE,
        "description": "",
        "http": None,
        "mcp": None,
        "parameters": {},
        "secret_names": [],
        "listed": [],
        "usable_by_others": False,
    }
    assert patched(as_alice, made, description="For luck.")["functions"][0]["description"] == "For luck."


def test_an_http_one(as_alice: APIClient) -> None:
    made = make(as_alice, HTTP)
    assert made["http"] == HTTP["http"]
    assert (made["builtin"], made["mcp"]) == (None, None)
    assert made["parameters"] == SEARCH
    assert made["secret_names"] == ["KEY"]
    assert made["functions"] == [{"name": "search", "description": "Searches.", "parameters": SEARCH}]


def test_the_least_of_an_http_one(as_alice: APIClient) -> None:
    made = make(as_alice, {"name": "ping", "kind": "http", "http": {"url": "https://api.example"}})
    assert made["http"] == {
        "method": "GET",
        "url": "https://api.example",
        "headers": {},
        "query": {},
        "body": None,
    }
    assert made["parameters"] == NOTHING


def test_an_mcp_one_offers_nothing_at_first(as_alice: APIClient) -> None:
    made = make(as_alice, MCP)
    assert made["mcp"] == {**MCP["mcp"], "functions": None}  # type: ignore[dict-item]
    assert made["functions"] == []
    assert (made["builtin"], made["http"], made["parameters"]) == (None, None, {})


def test_parts_are_changed(as_alice: APIClient) -> None:
    made = make(as_alice, HTTP)
    changed = patched(as_alice, made, http={"method": "PUT"})
    assert changed["http"] == {**made["http"], "method": "PUT"}
    changed = patched(as_alice, made, http={"query": {}, "body": None}, description="")
    assert changed["http"] == {**made["http"], "method": "PUT", "query": {}, "body": None}
    assert changed["secret_names"] == ["KEY"]
    assert changed["updated_at"] > made["updated_at"]
    assert patched(as_alice, made, http=None, mcp=None, builtin=None)["http"] == changed["http"]
    assert as_alice.get(f"{TOOLS}{made['id']}/").json()["http"] == changed["http"]


def test_put_leaves_what_is_left_out(as_alice: APIClient) -> None:
    made = make(as_alice, HTTP)
    body = {"name": "find", "kind": "http"}
    changed = as_alice.put(f"{TOOLS}{made['id']}/", body, format="json").json()
    assert (changed["name"], changed["http"], changed["parameters"]) == ("find", made["http"], SEARCH)


def test_the_kind_changes_with_what_it_needs(as_alice: APIClient) -> None:
    made = make(as_alice, DICE)
    assert faults(patch(as_alice, made, kind="http")) == {("http", "required")}
    assert faults(patch(as_alice, made, kind="http", http={"method": "GET"})) == {("http.url", "required")}
    assert faults(patch(as_alice, made, kind="mcp", mcp={"functions": []})) == {("mcp.url", "required")}
    assert faults(patch(as_alice, made, kind="mcp", http={"url": "https://a.example"})) == {("mcp", "required")}
    changed = patched(as_alice, made, kind="http", http={"url": "https://api.example/"})
    assert changed["http"]["headers"] == {}
    assert changed["builtin"] is None
    changed = patched(as_alice, made, kind="mcp", mcp={"url": "https://api.example/"})
    assert changed["mcp"] == {"url": "https://api.example/", "headers": {}, "functions": None}
    changed = patched(as_alice, made, kind="builtin", builtin="time")
    assert (changed["builtin"], changed["http"], changed["mcp"]) == ("time", None, None)


def test_what_is_of_another_kind_is_passed_over(as_alice: APIClient) -> None:
    made = make(as_alice, DICE, http=HTTP["http"], mcp=MCP["mcp"], parameters=SEARCH)
    assert (made["http"], made["mcp"], made["parameters"]) == (None, None, {})


def test_lists_are_newest_first(as_alice: APIClient) -> None:
    names = ["a", "b", "c"]
    for name in names:
        make(as_alice, DICE, name=name)
    assert [tool["name"] for tool in as_alice.get(TOOLS).json()["results"]] == names[::-1]


def test_another_users_do_not_exist(as_alice: APIClient, as_bob: APIClient) -> None:
    path = f"{TOOLS}{make(as_alice, DICE)['id']}/"
    for method, address in (
        *(("get", path), ("put", path), ("patch", path), ("delete", path)),
        *(("post", f"{path}run/"), ("post", f"{path}refresh/")),
    ):
        assert getattr(as_bob, method)(address, {}, format="json").status_code == 404
    assert as_bob.get(TOOLS).json()["results"] == []
    # Nor are their names taken.
    make(as_bob, DICE)


def test_there_is_an_end_to_them(as_alice: APIClient, alice: User) -> None:
    Tool.objects.bulk_create(
        Tool(user=alice, name=f"t{n}", kind="builtin", config={"builtin": "dice"}) for n in range(views.MOST_TOOLS)
    )
    assert faults(post(as_alice, DICE)) == {(None, "too_many")}


# ── What is refused ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "1a", "-a", "a b", "a.b", "a/b", "ä", "a\n\nb", "a" * 65, "a\0", "\ud800", "ａ", "а", "{a}", "a$"),
        *(5, 1.5, True, None, [], {}, ["a"]),
    ],
)
def test_bad_names(as_alice: APIClient, name: Any) -> None:
    assert {attr for attr, _ in faults(post(as_alice, {**DICE, "name": name}))} == {"name"}


@pytest.mark.parametrize("name", ["a", "_", "_a-B9", "a" * 64, "inf", "null"])
def test_good_names(as_alice: APIClient, name: str) -> None:
    assert make(as_alice, DICE, name=name)["functions"][0]["name"] == name


def test_a_name_is_there_once(as_alice: APIClient) -> None:
    made = make(as_alice, DICE)
    assert faults(post(as_alice, DICE)) == {("name", "unique")}
    other = make(as_alice, DICE, name="Roll")
    assert faults(patch(as_alice, other, name="roll")) == {("name", "unique")}
    assert patched(as_alice, made, name="roll")["name"] == "roll"


BAD_TEMPLATE = "bad_template"


@pytest.mark.parametrize(
    ("body", "attr", "code"),
    [
        ({"name": "a"}, "kind", "required"),
        ({**DICE, "kind": "stdio"}, "kind", "invalid_choice"),
        ({**DICE, "kind": []}, "kind", "invalid_choice"),
        ({**DICE, "builtin": "shell"}, "builtin", "invalid_choice"),
        ({**DICE, "builtin": None}, "builtin", "required"),
        ({**DICE, "description": "x" * (MAX_DESCRIPTION + 1)}, "description", "max_length"),
        ({**DICE, "kind": "http"}, "http", "required"),
        ({**DICE, "kind": "mcp"}, "mcp", "required"),
        ({**HTTP, "http": {}}, "http.url", "required"),
        ({**HTTP, "http": "https://api.example"}, "http.non_field_errors", "invalid"),
        (http(url="api.example"), "http.url", BAD_TEMPLATE),
        (http(url="file:///etc/passwd"), "http.url", BAD_TEMPLATE),
        (http(url="https://{q}/"), "http.url", BAD_TEMPLATE),
        (http(url="https://api.example/{secrets.KEY}"), "http.url", BAD_TEMPLATE),
        (http(url="https://api.example/#a"), "http.url", BAD_TEMPLATE),
        (http(url="https://user:pass@api.example/"), "http.url", "bad_url"),
        (http(url="https://api.example:99999/"), "http.url", "bad_url"),
        (http(url="https://api.exa\u2100mple/"), "http.url", "bad_url"),
        (http(url="https://[::1/"), "http.url", "bad_url"),
        (http(url="https://api.example/a b"), "http.url", "bad_url"),
        (http(url="https://api.example/" + "a" * 2_000), "http.url", "max_length"),
        (http(url="https://api.example/{other}"), "http.url", "unknown_argument"),
        (http(method="TRACE"), "http.method", "invalid_choice"),
        (http(headers=[]), "http.headers", "not_a_dict"),
        (http(headers={"X-A": 5}), "http.headers.X-A", "invalid"),
        (http(headers={"X-A": None}), "http.headers.X-A", "null"),
        (http(headers={"X A": "a"}), "http.headers", "bad_name"),
        (http(headers={"": "a"}), "http.headers", "bad_name"),
        (http(headers={"X-A\r\nX-B": "a"}), "http.headers", "bad_name"),
        (http(headers={"\ud800": 5}), "http.headers", "bad_name"),
        (http(headers={"X(A)": "a"}), "http.headers", "bad_header"),
        (http(headers={"X-A": "a\r\nX-B: b"}), "http.headers", "bad_header"),
        (http(headers={"Host": "evil.example"}), "http.headers", "bad_header"),
        (http(headers={"content-LENGTH": "5"}), "http.headers", "bad_header"),
        (http(headers={"Proxy-Authorization": "a"}), "http.headers", "bad_header"),
        (http(headers={"X-A": "{other}"}), "http.headers", "unknown_argument"),
        (http(headers={"X-A": "{secrets.OTHER}"}), "http.headers", "unknown_secret"),
        (http(headers={"X-A": "{"}), "http.headers", BAD_TEMPLATE),
        (http(headers={f"X-{n}": "a" for n in range(51)}), "http.headers", "too_many"),
        (http(headers={"X-A": "a" * 4_001}), "http.headers.X-A", "max_length"),
        (http(query={"a": "{other}"}), "http.query", "unknown_argument"),
        (http(query={"a": "{q"}), "http.query", BAD_TEMPLATE),
        (http(query={"a": "\0"}), "http.query.a", "null_characters_not_allowed"),
        (http(query={"a": "\ud800"}), "http.query.a", "surrogate_characters_not_allowed"),
        (http(query="a=b"), "http.query", "not_a_dict"),
        (http(body="text"), "http.body", "not_an_object"),
        (http(body={"a": "{other}"}), "http.body", "unknown_argument"),
        (http(body={"a": ["{secrets.X}"]}), "http.body", "unknown_secret"),
        (http(body={"a": "}"}), "http.body", BAD_TEMPLATE),
        (http(body=json.loads('{"a":' * 20 + "1" + "}" * 20)), "http.body", BAD_TEMPLATE),
        (http(body=json.loads('{"a":' * 40 + "1" + "}" * 40)), "http.body", "too_deep"),
        (http(body={"a": 10**30}), "http.body", "bad_number"),
        (http(body={"a": "\0"}), "http.body", "bad_text"),
        ({**HTTP, "parameters": {"type": "string"}}, "parameters", "bad_schema"),
        ({**HTTP, "parameters": {}}, "parameters", "bad_schema"),
        ({**HTTP, "parameters": []}, "parameters", "not_an_object"),
        (
            {**HTTP, "parameters": {"type": "object", "properties": {"q": {"$ref": "http://a"}}}},
            "parameters",
            "bad_schema",
        ),
        ({**HTTP, "parameters": {"type": "object", "title": "\ud800"}}, "parameters", "bad_text"),
        ({**HTTP, "parameters": {"type": "object", "maxProperties": 10**30}}, "parameters", "bad_number"),
        ({**HTTP, "parameters": {"type": "object", "description": "x" * 20_000}}, "parameters", "bad_schema"),
        ({**HTTP, "parameters": json.loads('{"not":' * 500 + "{}" + "}" * 500)}, "parameters", "too_deep"),
        ({**HTTP, "parameters": {"type": "object"}}, "http.url", "unknown_argument"),
        ({**MCP, "mcp": {"url": "https://mcp.example/{a}"}}, "mcp.url", BAD_TEMPLATE),
        ({**MCP, "mcp": {"url": "python server.py"}}, "mcp.url", "bad_url"),
        ({**MCP, "mcp": {"url": "stdio://server"}}, "mcp.url", "bad_url"),
        ({**MCP, "mcp": {"command": "sh"}}, "mcp.url", "required"),
        ({**MCP, "mcp": {"url": "https://mcp.example", "headers": {"X": "{a}"}}}, "mcp.headers", "unknown_argument"),
        ({**MCP, "mcp": {"url": "https://mcp.example", "functions": "all"}}, "mcp.functions", "not_a_list"),
        ({**MCP, "mcp": {"url": "https://mcp.example", "functions": ["a"] * 101}}, "mcp.functions", "max_length"),
        ({**MCP, "mcp": {"url": "https://mcp.example", "functions": [5]}}, "mcp.functions.0", "invalid"),
        ({**MCP, "secrets": {}}, "mcp.headers", "unknown_secret"),
        ({**HTTP, "secrets": {"KEY": "abc"}}, "secrets.KEY", "min_length"),
        ({**HTTP, "secrets": {"KEY": "x" * 4_001}}, "secrets.KEY", "max_length"),
        ({**HTTP, "secrets": {"KEY": 12345}}, "secrets.KEY", "invalid"),
        ({**HTTP, "secrets": {"KEY": "abcd\0"}}, "secrets.KEY", "null_characters_not_allowed"),
        ({**HTTP, "secrets": {"a b": "abcd"}}, "secrets", "bad_name"),
        ({**HTTP, "secrets": {"\udfff": "abcd"}}, "secrets", "bad_name"),
        ({**HTTP, "secrets": {"KEY": None}}, "http.headers", "unknown_secret"),
        ({**HTTP, "secrets": {f"K{n}": "abcd" for n in range(51)}}, "secrets", "too_many"),
        ({**HTTP, "secrets": "abcd"}, "secrets", "not_a_dict"),
        ({**DICE, "usable_by_others": "yes"}, "usable_by_others", "invalid"),
    ],
)
def test_what_is_wrong_is_named(as_alice: APIClient, body: Any, attr: str, code: str) -> None:
    response = post(as_alice, body)
    assert faults(response) == {(attr, code)}
    assert not Tool.objects.exists()
    assert SECRET not in response.content.decode()


def test_what_would_no_longer_fit_is_refused(as_alice: APIClient) -> None:
    made = make(as_alice, HTTP)
    assert faults(patch(as_alice, made, parameters=NOTHING)) == {("http.url", "unknown_argument")}
    assert faults(patch(as_alice, made, secrets={"KEY": None})) == {("http.headers", "unknown_secret")}
    assert faults(patch(as_alice, made, http={"body": {"a": "{b}"}})) == {("http.body", "unknown_argument")}
    row = Tool.objects.get()
    assert (row.config, row.secret_names, row.parameters) == (HTTP["http"], ["KEY"], SEARCH)
