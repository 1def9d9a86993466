"""Tools as clients send them, and sending them."""

import json
from typing import Any

from rest_framework.test import APIClient

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
