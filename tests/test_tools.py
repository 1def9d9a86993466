"""Tools of a user's: made, changed, given to characters, and their secrets kept."""

import io
import json
import zipfile
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters.models import Character
from apps.tools import serializers, vault, views
from apps.tools.functions import LONGEST_NAME, functions_of, offered
from apps.tools.models import MAX_DESCRIPTION, Tool
from apps.tools.parameters import NOTHING
from tests.factories import make_character, make_tool, make_user

TOOLS = "/api/tools/"
SECRET = "open-sesame-1001"

SEARCH = {
    "type": "object",
    "properties": {"q": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["q"],
}
HTTP = {
    "name": "search",
    "description": "Searches.",
    "kind": "http",
    "http": {
        "method": "POST",
        "url": "https://api.example/find/{q}",
        "headers": {"Authorization": "Bearer {secrets.KEY}"},
        "query": {"n": "{n}"},
        "body": {"text": "{q}", "deep": [{"key": "{secrets.KEY}"}]},
    },
    "parameters": SEARCH,
    "secrets": {"KEY": SECRET},
}
MCP = {
    "name": "clockwork",
    "kind": "mcp",
    "mcp": {"url": "https://mcp.example/mcp", "headers": {"X-Key": "{secrets.KEY}"}},
    "secrets": {"KEY": SECRET},
}
DICE = {"name": "roll", "kind": "builtin", "builtin": "dice"}
LISTED = [
    {"name": name, "description": f"{name}s.", "parameters": {"type": "object", "properties": {"to": {}}}}
    for name in ("wind", "strike", "a.b", "a/b")
]


def post(client: APIClient, body: Any) -> Any:
    # As Python writes it: the test client cannot send lone surrogates otherwise.
    return client.generic("POST", TOOLS, json.dumps(body), content_type="application/json")


def make(client: APIClient, body: Any, **more: Any) -> Any:
    response = post(client, {**body, **more})
    assert response.status_code == 201, response.content
    return response.json()


def patch(client: APIClient, tool: Any, **changes: Any) -> Any:
    return client.patch(f"{TOOLS}{tool['id']}/", changes, format="json")


def patched(client: APIClient, tool: Any, **changes: Any) -> Any:
    response = patch(client, tool, **changes)
    assert response.status_code == 200, response.content
    return response.json()


def faults(response: Any, status: int = 400) -> set[tuple[str, str]]:
    assert response.status_code == status, response.content
    return {(error["attr"], error["code"]) for error in response.json()["errors"]}


def http(**changes: Any) -> Any:
    return {**HTTP, "http": {**HTTP["http"], **changes}}  # type: ignore[dict-item]


# ── Their form ───────────────────────────────────────────────────────────────────────────────


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


# ── Secrets ──────────────────────────────────────────────────────────────────────────────────


def test_secrets_are_never_shown(as_alice: APIClient, alice: User, client: Client) -> None:
    made = make(as_alice, HTTP)
    make(as_alice, MCP)
    path = f"{TOOLS}{made['id']}/"
    shown = [
        as_alice.get(path),
        as_alice.get(TOOLS),
        patch(as_alice, made, secrets={"OTHER": SECRET + "!"}),
        as_alice.put(path, HTTP, format="json"),
        patch(as_alice, made, secrets={"KEY": SECRET, "x y": SECRET}),
        patch(as_alice, made, secrets={"KEY": SECRET * 1000}),
        patch(as_alice, made, secrets=SECRET),
        as_alice.post(f"{path}run/", {"arguments": {}}, format="json"),
        as_alice.get(path, HTTP_ACCEPT="text/html"),
    ]
    assert [response.status_code for response in shown] == [200, 200, 200, 200, 400, 400, 400, 400, 200]
    root = User.objects.create_superuser("root@example.com", "an analytical engine")
    client.force_login(root)
    for page in ("", f"{made['id']}/change/", f"{made['id']}/history/", "?q=search"):
        shown.append(client.get(f"/admin/tools/tool/{page}"))
        assert shown[-1].status_code == 200
        assert "api.example" not in shown[-1].content.decode()
    archive: Any = as_alice.get("/api/auth/users/me/export/")
    with zipfile.ZipFile(io.BytesIO(b"".join(archive.streaming_content))) as unpacked:
        lines = unpacked.read("tools.jsonl").decode()
    assert "Bearer {secrets.KEY}" in lines
    for text in (lines, *(response.content.decode() for response in shown)):
        assert SECRET not in text
        assert "gAAAA" not in text
    row = Tool.objects.get(pk=made["id"])
    assert SECRET not in row.secrets
    assert vault.unseal(row.secrets) == {"KEY": SECRET, "OTHER": SECRET + "!"}


def test_secrets_come_and_go(as_alice: APIClient) -> None:
    made = make(as_alice, HTTP)
    assert patched(as_alice, made, secrets={"B": "bbbb", "A": "aaaa"})["secret_names"] == ["A", "B", "KEY"]
    assert patched(as_alice, made, description="x", secrets={})["secret_names"] == ["A", "B", "KEY"]
    assert patched(as_alice, made, secrets={"A": None, "B": "cccc", "never": None})["secret_names"] == ["B", "KEY"]
    assert vault.unseal(Tool.objects.get().secrets) == {"KEY": SECRET, "B": "cccc"}
    patched(as_alice, made, http={"headers": {}, "body": None}, secrets={"B": None, "KEY": None})
    assert Tool.objects.get().secrets == ""


def test_there_is_an_end_to_secrets(as_alice: APIClient) -> None:
    made = make(as_alice, HTTP)
    most = serializers.MOST_PAIRS
    patched(as_alice, made, secrets={f"K{n}": "abcd" for n in range(most - 1)})
    assert faults(patch(as_alice, made, secrets={"ONE_MORE": "abcd"})) == {("secrets", "too_many")}
    assert len(patched(as_alice, made, secrets={"ONE_MORE": "abcd", "K0": None})["secret_names"]) == most


def test_they_are_sealed_differently_each_time() -> None:
    assert vault.seal({"A": "same"}) != vault.seal({"A": "same"})
    assert vault.seal({}) == ""
    assert vault.unseal("") == {}


def test_under_another_key_they_are_lost_and_said_to_be(as_alice: APIClient, alice: User, settings: Any) -> None:
    made = make(as_alice, HTTP)
    # Every sign-in has ended, too.
    as_alice.force_authenticate(alice)
    sealed = Tool.objects.get().secrets
    before = settings.SECRET_KEY
    settings.SECRET_KEY = "another key, which is as long as the one that there was"
    with pytest.raises(vault.Unreadable):
        vault.unseal(sealed)
    # Other changes leave them alone: the old key may come back.
    assert patched(as_alice, made, description="Later.", http={"method": "PUT"})["secret_names"] == ["KEY"]
    assert Tool.objects.get().secrets == sealed
    # Its fallbacks read what the older key sealed; what is set anew is sealed by the new one.
    settings.SECRET_KEY_FALLBACKS = [before]
    assert vault.unseal(sealed) == {"KEY": SECRET}
    patched(as_alice, made, secrets={"B": "bbbb"})
    settings.SECRET_KEY_FALLBACKS = []
    assert vault.unseal(Tool.objects.get().secrets) == {"KEY": SECRET, "B": "bbbb"}


def test_what_is_lost_is_set_anew(as_alice: APIClient, alice: User, settings: Any) -> None:
    made = make(as_alice, HTTP)
    # Every sign-in has ended, too.
    as_alice.force_authenticate(alice)
    settings.SECRET_KEY = "another key, which is as long as the one that there was"
    assert faults(patch(as_alice, made, secrets={"OTHER": "abcd"})) == {("http.headers", "unknown_secret")}
    assert patched(as_alice, made, secrets={"KEY": "abcd"})["secret_names"] == ["KEY"]
    assert vault.unseal(Tool.objects.get().secrets) == {"KEY": "abcd"}


@pytest.mark.parametrize("broken", ["x", "gAAAA", "\u00e9", "g" * 1_000])
def test_what_is_no_sealed_secret_is_unreadable(broken: str) -> None:
    with pytest.raises(vault.Unreadable):
        vault.unseal(broken)


# ── What an MCP server listed ────────────────────────────────────────────────────────────────


def mcp_tool(user: User, **fields: Any) -> Tool:
    config = {"url": "https://mcp.example/mcp", "headers": {}, "functions": None}
    return make_tool(user, "clockwork", **{"kind": "mcp", "config": config, "listed": LISTED, **fields})


def names_of(tool: Any) -> list[str]:
    return [function["name"] for function in tool["functions"]]


def test_chosen_functions_are_offered(as_alice: APIClient, alice: User) -> None:
    tool = {"id": mcp_tool(alice).pk}
    chosen = patched(as_alice, tool, mcp={"functions": ["strike", "unknown", "strike"]})
    assert names_of(chosen) == ["clockwork__strike"]
    assert names_of(patched(as_alice, tool, mcp={"functions": []})) == []
    assert len(names_of(patched(as_alice, tool, mcp={"functions": None}))) == 4
    assert len(names_of(patched(as_alice, tool, description="x"))) == 4


@pytest.mark.parametrize("change", [{"url": "https://other.example/mcp"}, {"headers": {"X-A": "b"}}])
def test_what_another_server_offers_is_not_known(as_alice: APIClient, alice: User, change: Any) -> None:
    tool = {"id": mcp_tool(alice).pk}
    assert names_of(patched(as_alice, tool, mcp=change)) == []


def test_what_was_listed_is_forgotten_with_the_kind(as_alice: APIClient, alice: User) -> None:
    tool = {"id": mcp_tool(alice).pk}
    url = "https://other.example/mcp"
    patched(as_alice, tool, kind="http", http={"url": url})
    assert names_of(patched(as_alice, tool, kind="mcp", mcp={"url": url})) == []


def test_names_of_functions_are_their_own(alice: User) -> None:
    tool = mcp_tool(alice)
    names = [function.name for function in functions_of(tool)]
    assert names[:3] == ["clockwork__wind", "clockwork__strike", "clockwork__a_b"]
    assert names[3].startswith("clockwork__a_b_")
    tool.name = "x" * LONGEST_NAME
    names = [function.name for function in functions_of(tool)]
    assert len({*names}) == 4
    assert {len(name) for name in names} == {LONGEST_NAME}
    assert [function.own for function in functions_of(tool)] == ["wind", "strike", "a.b", "a/b"]


def test_of_one_name_the_first_is_offered(alice: User) -> None:
    tools = [mcp_tool(alice), make_tool(alice, "clockwork__wind")]
    found = offered(tools)
    assert len(found) == 4
    assert found["clockwork__wind"].tool is tools[0]


# ── Characters that have them ────────────────────────────────────────────────────────────────


def test_a_character_is_given_tools(as_alice: APIClient, alices: SimpleNamespace) -> None:
    made = make(as_alice, DICE)
    path = f"/api/characters/{alices.character.pk}/"
    given = as_alice.patch(path, {"tools": [made["id"], made["id"]]}, format="json")
    assert given.json()["tools"] == [made["id"]]
    assert as_alice.delete(f"{TOOLS}{made['id']}/").status_code == 204
    assert as_alice.get(path).json()["tools"] == []


def test_only_ones_own(as_alice: APIClient, alices: SimpleNamespace, bob: User) -> None:
    path = f"/api/characters/{alices.character.pk}/"
    for ids, fault in (
        ([str(make_tool(bob).pk)], ("tools", "does_not_exist")),
        (["01890a5d-ac96-774b-bcce-b302099a8057"], ("tools", "does_not_exist")),
        (["x"], ("tools.0", "invalid")),
        ([5], ("tools", "does_not_exist")),
        ("x", ("tools", "not_a_list")),
    ):
        response = as_alice.patch(path, {"tools": ids}, format="json")
        assert faults(response) == {fault}
    assert [tool.pk for tool in alices.character.tools.all()] == [alices.tool.pk]


def test_others_see_none_and_copy_none(as_bob: APIClient, bob: User, alice: User) -> None:
    character = make_character(alice, visibility="public", prompt_visible=True)
    character.tools.add(make_tool(alice, usable_by_others=True))
    path = f"/api/characters/{character.pk}/"
    assert "tools" not in as_bob.get(path).json()
    assert "tools" not in as_bob.get("/api/characters/?scope=all").json()["results"][0]
    copy = as_bob.post(f"{path}duplicate/", format="json").json()
    assert copy["tools"] == []


def test_ones_own_copy_has_them(as_alice: APIClient, alices: SimpleNamespace) -> None:
    copy = as_alice.post(f"/api/characters/{alices.character.pk}/duplicate/", format="json").json()
    assert copy["tools"] == [str(alices.tool.pk)]
    assert Character.objects.get(pk=copy["id"]).tools.get() == alices.tool


def test_the_admin_deletes_and_changes_nothing_else(client: Client, alice: User) -> None:
    client.force_login(User.objects.create_superuser("root@example.com", "an analytical engine"))
    tool = mcp_tool(alice)
    page = f"/admin/tools/tool/{tool.pk}/"
    client.post(f"{page}change/", {"name": "other", "kind": "builtin", "config": "{}", "usable_by_others": "on"})
    before, tool = tool, Tool.objects.get()
    assert (tool.name, tool.kind, tool.config, tool.usable_by_others) == (before.name, "mcp", before.config, False)
    assert client.get("/admin/tools/tool/add/").status_code == 403
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 302
    assert not Tool.objects.exists()


def test_an_account_takes_its_tools_along(alice: User) -> None:
    make_tool(alice)
    kept = make_tool(make_user("dora@example.com"))
    alice.delete()
    assert list(Tool.objects.all()) == [kept]
