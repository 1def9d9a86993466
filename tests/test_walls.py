"""Nobody gets inside by what users name: every way out, every hostile address, through the server as people use it.

`tests/test_outbound.py` tries the way out itself; here it is tools, MCP servers, pictures and the assets of cards.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.accounts.models import User
from apps.characters.models import Character
from apps.tools.models import Tool
from apps.tools.templates import ORIGIN
from tests.elsewhere import HOST, Elsewhere
from tests.factories import make_character, make_file, make_tool
from tests.hostile_addresses import HOSTILE, LOCATIONS, Hostile, Names
from tests.online import Person
from tests.sentinel import SECRET, Sentinel

NUMBERS = count()
FUNCTION = {"name": "add", "description": "", "parameters": {"type": "object", "properties": {}}}
# Of what a failed tool or address is answered with.
FAILURES = {"refused", "redirected", "unreachable", "timeout", "broken"}
REFUSALS = {
    *("bad_url", "bad_template", "blank", "max_length", "null_characters_not_allowed"),
    *("surrogate_characters_not_allowed", "not_public", "unreachable", "timeout"),
}


@dataclass
class Alice:
    """Herself, and a character of hers."""

    person: Person
    user: User
    character: Character


@pytest.fixture
def hers(alice: User, alice_online: Person) -> Alice:
    # Her own requests go straight to the server, whatever the environment says.
    alice_online.session.trust_env = False
    return Alice(alice_online, alice, make_character(alice))


# ── The ways out ─────────────────────────────────────────────────────────────────────────────

# Each tries an address in every form in which a user can set it, and gives the answers.


def by_http(hers: Alice, url: str) -> Iterator[Any]:
    body = {"name": f"a{next(NUMBERS)}", "kind": "http", "http": {"url": url}}
    made = hers.person.post("/api/tools/", body)
    yield made
    yield from run(hers, made, "http", {"method": "GET", "url": url, "headers": {}, "query": {}, "body": None})


def by_mcp(hers: Alice, url: str) -> Iterator[Any]:
    body = {"name": f"a{next(NUMBERS)}", "kind": "mcp", "mcp": {"url": url}}
    made = hers.person.post("/api/tools/", body)
    yield made
    yield from run(hers, made, "mcp", {"url": url, "headers": {}, "functions": None})


def run(hers: Alice, made: Any, kind: str, config: dict[str, Any]) -> Iterator[Any]:
    """The tool, or where it was refused one like it that got past the serializer."""
    if made.status_code == 201:
        key = made.json()["id"]
    elif could_be_kept(kind, config["url"]):
        key = make_tool(hers.user, f"a{next(NUMBERS)}", kind=kind, config=config).pk
    else:
        return
    if kind == "mcp":
        yield hers.person.post(f"/api/tools/{key}/refresh/")
        Tool.objects.filter(pk=key).update(listed=[FUNCTION])
    yield hers.person.post(f"/api/tools/{key}/run/", {"arguments": {}})
    Tool.objects.filter(pk=key).delete()


def could_be_kept(kind: str, url: str) -> bool:
    """By the database, and in the form that the filling in of a template relies on."""
    try:
        url.encode()
        return "\0" not in url and (kind == "mcp" or bool(ORIGIN.match(url) and urlsplit(url)))
    except ValueError:
        return False


def by_avatar(hers: Alice, url: str) -> Iterator[Any]:
    yield hers.person.request("PUT", f"/api/characters/{hers.character.pk}/avatar/", json={"url": url})


def by_assets(hers: Alice, url: str) -> Iterator[Any]:
    card = {
        "spec": "chara_card_v3",
        "spec_version": "3.0",
        "data": {"name": "Ada", "assets": [{"type": "icon", "name": "main", "uri": url, "ext": "png"}]},
    }
    made = hers.person.post("/api/characters/import/", card)
    yield made
    yield hers.person.post(f"/api/characters/{made.json()['id']}/assets/fetch/")
    Character.objects.filter(pk=made.json()["id"]).delete()


WAYS: dict[str, Callable[[Alice, str], Iterator[Any]]] = {
    "HTTP tool": by_http,
    "MCP": by_mcp,
    "avatar": by_avatar,
    "assets": by_assets,
}


# ── What is looked at ────────────────────────────────────────────────────────────────────────


def trouble(response: Any) -> str:
    """What is wrong with an answer, if anything: that it is neither a refusal in the house's shape nor a failure."""
    body = response.json()
    if response.status_code in (400, 502):
        if set(body) != {"type", "errors"} or not all(
            set(error) == {"code", "detail", "attr"} for error in body["errors"]
        ):
            return "not the shape of errors"
        codes = {error["code"] for error in body["errors"]}
        return "" if codes <= REFUSALS | FAILURES else f"codes {codes}"
    if response.status_code not in (200, 201):
        return f"status {response.status_code}"
    if "/run/" in response.url:
        return "" if body["text"] is None and body["error"]["code"] in FAILURES else "it ran"
    if "/assets/fetch/" in response.url:
        return "" if body["avatar"] is None else "a picture"
    return ""


def found(hers: Alice, sentinel: Sentinel, way: str, url: str, kept: set[str]) -> list[str]:
    """Everything that is not as it should be; `kept` is what no answer may tell."""
    wrong = []
    for response in WAYS[way](hers, url):
        if problem := trouble(response):
            wrong.append(f"{problem}: {response.text[:200]}")
        # What she said herself comes back with what she made.
        if response.status_code != 201 or way == "assets":
            wrong += [f"it tells of {secret}" for secret in kept if secret in response.text]
    if connections := sentinel.connections():
        wrong.append(f"{connections} connections")
    return wrong


def try_all(hers: Alice, sentinel: Sentinel, way: str, several: list[Hostile]) -> None:
    failed = {}
    for hostile in several:
        url = hostile.url(sentinel.port)
        led_to = {address for each in hostile.answers.values() for answer in each for address in answer}
        with pytest.MonkeyPatch.context() as patch:
            hostile.names().answer(patch)
            wrong = found(hers, sentinel, way, url, led_to | {SECRET.decode()})
        if wrong:
            failed[f"{hostile.name} {url[:80]!a}"] = wrong
    assert not failed, "\n".join(f"{name}: {wrong}" for name, wrong in failed.items())


# ── Hostile addresses ────────────────────────────────────────────────────────────────────────

# Their first answer is nowhere, which it takes some systems seconds to find out.
WAITING = [hostile for hostile in HOSTILE if hostile.name in ("rebinding", "rebinding to v6", "host in a fragment")]


@pytest.mark.parametrize("way", WAYS)
def test_nobody_gets_inside(way: str, hers: Alice, sentinel: Sentinel) -> None:
    try_all(hers, sentinel, way, [hostile for hostile in HOSTILE if hostile not in WAITING])


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_name_that_leads_elsewhere_the_second_time_leads_nobody_inside(
    way: str, hers: Alice, sentinel: Sentinel
) -> None:
    try_all(hers, sentinel, way, WAITING[:1])


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_nobody_gets_inside_who_waits(way: str, hers: Alice, sentinel: Sentinel) -> None:
    assert len(WAITING) == 3
    try_all(hers, sentinel, way, WAITING[1:])


@contextmanager
def proxies(port: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.setenv(name, f"http://127.0.0.1:{port}")
            patch.setenv(name.lower(), f"http://127.0.0.1:{port}")
        for name in ("NO_PROXY", "no_proxy"):
            patch.delenv(name, raising=False)
        yield


INSIDE = ["loopback", "v6 mapped", "localhost", "name that leads inside", "mixed answers", "https"]


@pytest.mark.parametrize("way", WAYS)
def test_proxies_in_the_environment_are_not_asked(way: str, hers: Alice, sentinel: Sentinel) -> None:
    several = [hostile for hostile in HOSTILE if hostile.name in INSIDE]
    assert len(several) == len(INSIDE)
    with proxies(sentinel.port):
        assert os.environ["HTTP_PROXY"]
        try_all(hers, sentinel, way, several)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_allowed_is_not_asked_by_a_proxy_either(
    way: str, hers: Alice, sentinel: Sentinel, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Elsewhere() as there, proxies(sentinel.port):
        there.allow(settings, monkeypatch)
        for response in WAYS[way](hers, there.url("/none")):
            assert response.status_code in (200, 201, 400, 502)
        assert there.asked
        assert set(there.asked) == {"/none"}
    assert sentinel.connections() == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [302, 307])
def test_redirects_lead_nobody_inside(
    status: int, way: str, hers: Alice, sentinel: Sentinel, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = {}
    with Elsewhere() as there:
        there.allow(settings, monkeypatch)
        for number, location in enumerate(LOCATIONS):
            location = location.replace("PORT", str(sentinel.port))
            there.at[f"/{number}"] = (status, {"Location": location, "Refresh": f"0;url={location}"})
            if wrong := found(hers, sentinel, way, there.url(f"/{number}"), {location, SECRET.decode()}):
                failed[location] = wrong
            assert f"/{number}" in there.asked
        assert len(set(there.asked)) == len(LOCATIONS)
    assert not failed, "\n".join(f"{name}: {wrong}" for name, wrong in failed.items())


# ── What an operator allows ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", WAYS)
def test_the_same_way_leads_to_what_is_allowed(way: str, hers: Alice, sentinel: Sentinel, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{sentinel.port}"]
    answers = list(WAYS[way](hers, f"http://127.0.0.1:{sentinel.port}/"))
    assert sentinel.connections() >= 1
    last = answers[-1]
    match way:
        case "HTTP tool":
            assert last.json()["text"] == SECRET.decode()
        case "MCP":
            assert [answer.status_code for answer in answers] == [201, 502, 200]
            assert last.json()["error"]["code"] == "broken"
        case "avatar":
            assert [error["code"] for error in last.json()["errors"]] == ["not_a_picture"]
        case "assets":
            [warning] = last.json()["warnings"]
            assert warning.startswith("The icon was kept")


@pytest.mark.parametrize("way", WAYS)
def test_one_host_that_is_allowed_opens_no_other(
    way: str, hers: Alice, sentinel: Sentinel, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = [f"{HOST}:{sentinel.port}"]
    Names({HOST: [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}).answer(monkeypatch)
    for host in ("127.0.0.1", "[::1]", "localhost", "other.example", f"a.{HOST}", f"{HOST}@127.0.0.1"):
        assert found(hers, sentinel, way, f"http://{host}:{sentinel.port}/", {SECRET.decode()}) == [], host
    list(WAYS[way](hers, f"http://{HOST}:{sentinel.port}/"))
    assert sentinel.connections() >= 1


def test_an_answer_does_not_tell_what_leads_inside_from_what_is_nowhere(hers: Alice, sentinel: Sentinel) -> None:
    names = {"door.example": [["127.0.0.1"]], "inner.example": [["10.0.0.5"]], "none.example": [[]]}
    for way in WAYS:
        told = set[str]()
        for host in (*names, "127.0.0.1", "10.0.0.5"):
            with pytest.MonkeyPatch.context() as patch:
                Names(names).answer(patch)
                *_, last = WAYS[way](hers, f"http://{host}:{sentinel.port}/")
            body = last.json()
            told.add(str(body.get("errors") or body.get("error") or body["warnings"][0].partition(". ")[2]))
        assert len(told) == 1, way
    assert sentinel.connections() == 0


def test_what_an_original_says_is_not_fetched_by_anything_else(hers: Alice, sentinel: Sentinel, settings: Any) -> None:
    """Allowed or not: exports, copies and imports fetch nothing."""
    settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{sentinel.port}"]
    url = f"http://127.0.0.1:{sentinel.port}/"
    data = {"name": "Ada", "assets": [{"type": "icon", "name": "main", "uri": url, "ext": "png"}], "avatar": url}
    card = {"spec": "chara_card_v3", "spec_version": "3.0", "data": data}
    key = hers.person.post("/api/characters/import/", card).json()["id"]
    make_file(Character.objects.get(pk=key), "asset", "a.txt", url.encode(), "text/plain")
    for form in ("png", "json-v2", "json-v3", "charx"):
        assert hers.person.get(f"/api/characters/{key}/export/", params={"as": form}).ok
    assert hers.person.post(f"/api/characters/{key}/duplicate/").status_code == 201
    assert hers.person.get(f"/api/characters/{key}/").json()["avatar"] is None
    assert sentinel.connections() == 0
