"""What a tool offers to models, and the characters that are given tools."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters.models import Character
from apps.tools.functions import LONGEST_NAME, functions_of, offered
from apps.tools.models import Tool
from tests.factories import make_character, make_tool, make_user
from tests.tool_bodies import DICE, LISTED, TOOLS, faults, make, patched


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
