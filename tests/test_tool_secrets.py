"""Secrets of tools: kept sealed, never shown."""

import io
import zipfile
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.tools import serializers, vault
from apps.tools.models import Tool
from tests.tool_bodies import HTTP, MCP, SECRET, TOOLS, faults, make, patch, patched


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
