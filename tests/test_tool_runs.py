"""Trying tools, and running HTTP tools against real servers: well-behaved ones, and others."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest

from apps.accounts.models import User
from apps.tools import running, vault
from apps.tools.functions import functions_of
from apps.tools.models import Tool
from apps.tools.results import MOST_TEXT, Nowhere
from tests.factories import make_tool
from tests.online import Person
from tests.outbound_server import OK, forever
from tests.sentinel import Sentinel
from tests.web import Heard, Web

SECRET = 'open "sesame"/é&1001'
SCHEMA = {
    "type": "object",
    "properties": {"q": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["q"],
}


@pytest.fixture
def web(settings: Any) -> Iterator[Web]:
    with Web() as web:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{web.port}"]
        yield web


def http_tool(
    user: User, url: str, secrets: dict[str, str] | None = None, *, name: str = "search", **config: Any
) -> Tool:
    whole = {"method": "GET", "url": url, "headers": {}, "query": {}, "body": None, **config}
    fields = {"secrets": vault.seal(secrets or {}), "secret_names": sorted(secrets or {})}
    return make_tool(user, name, kind="http", config=whole, parameters=SCHEMA, **fields)


def tried(person: Person, tool: Tool, **arguments: Any) -> Any:
    response = person.post(f"/api/tools/{tool.pk}/run/", {"arguments": arguments})
    assert response.status_code == 200, response.text
    assert response.json().pop("milliseconds") >= 0
    return response.json()


def error(person: Person, tool: Tool, **arguments: Any) -> str:
    ran = tried(person, tool, **{"q": "x", **arguments})
    assert (ran["text"], ran["sources"]) == (None, [])
    assert set(ran["error"]) == {"code", "detail"}
    return str(ran["error"]["code"])


# ── Builtin ones ─────────────────────────────────────────────────────────────────────────────


def test_a_builtin_tool_is_tried(alice_online: Person, alice: User) -> None:
    ran = tried(alice_online, make_tool(alice, builtin="calculator"), expression="6 * 7")
    assert (ran["raw"], ran["error"], ran["sources"]) == ({"expression": "6 * 7", "value": 42}, None, [])
    assert json.loads(ran["text"]) == ran["raw"]


def test_a_builtin_tool_fails(alice_online: Person, alice: User) -> None:
    ran = tried(alice_online, make_tool(alice, builtin="calculator"), expression="1 / 0")
    assert (ran["text"], ran["raw"]) == (None, None)
    assert ran["error"] == {"code": "bad_arguments", "detail": "It divides by zero."}


@pytest.mark.parametrize(
    ("builtin", "arguments"), [("knowledge", {"query": "x"}), ("remember", {"fact": "x"}), ("recall", {})]
)
def test_some_need_a_conversation(alice_online: Person, alice: User, builtin: str, arguments: Any) -> None:
    ran = tried(alice_online, make_tool(alice, builtin=builtin), **arguments)
    assert ran["error"]["code"] == "needs_conversation"


def test_arguments_that_do_not_fit_are_refused(alice_online: Person, alice: User, web: Web) -> None:
    tool = http_tool(alice, web.url)
    path = f"/api/tools/{tool.pk}/run/"
    for body, attr, code in (
        ({}, "arguments", "bad_arguments"),
        ({"arguments": {}}, "arguments", "bad_arguments"),
        ({"arguments": {"q": 5}}, "arguments", "bad_arguments"),
        ({"arguments": []}, "arguments", "not_an_object"),
        ({"arguments": None}, "arguments", "null"),
        ({"arguments": {"q": "\0"}}, "arguments", "bad_text"),
        ({"arguments": {"q": "x", "n": 10**30}}, "arguments", "bad_number"),
        ({"arguments": {"q": "x"}, "function": "other"}, "function", "unknown_function"),
        ({"arguments": {"q": "x"}, "function": 5}, "function", "invalid"),
        ([], "non_field_errors", "invalid"),
    ):
        response = alice_online.post(path, body)
        assert response.status_code == 400, (body, response.text)
        assert [(each["attr"], each["code"]) for each in response.json()["errors"]] == [(attr, code)]
    raw = '{"arguments": {"q": "\\ud800"}}'
    response = alice_online.request("POST", path, data=raw, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert web.heard == []


def test_anothers_is_not_there_to_be_tried(bob_online: Person, alice: User) -> None:
    assert bob_online.post(f"/api/tools/{make_tool(alice).pk}/run/", {}).status_code == 404


# ── HTTP, as it should be ────────────────────────────────────────────────────────────────────


def test_an_answer_is_told(alice_online: Person, alice: User, web: Web) -> None:
    web.answers('{"clock": "½ 10"}'.encode(), b"Content-Type: application/json")
    tool = http_tool(alice, f"{web.url}/find/{{q}}", headers={"X-N": "{n}"}, query={"in": "all"})
    ran = tried(alice_online, tool, q="a/b c", n=5, other=[1, True])
    assert ran["text"] == '{"clock": "½ 10"}'
    assert ran["raw"] == {"status": 200, "content_type": "application/json", "body": ran["text"], "cut": False}
    assert ran["error"] is None
    (heard,) = web.heard
    assert heard.line == "GET /find/a%2Fb%20c?in=all&other=1&other=true HTTP/1.1"
    assert heard.headers["x-n"] == "5"
    assert heard.body == b""
    assert "cookie" not in heard.headers
    assert "authorization" not in heard.headers


def test_a_body_is_sent(alice_online: Person, alice: User, web: Web) -> None:
    web.answers(b"done")
    secrets = {"KEY": SECRET}
    tool = http_tool(
        alice, web.url, secrets, method="PATCH", headers={"X-Key": "{secrets.KEY}"}, body={"for": ["{q}"], "k": "{n}"}
    )
    assert tried(alice_online, tool, q='"}é')["text"] == "done"
    (heard,) = web.heard
    assert heard.line == "PATCH / HTTP/1.1"
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["x-key"].encode("latin-1").decode() == SECRET
    assert json.loads(heard.body) == {"for": ['"}é']}


def test_its_function_may_be_named(alice_online: Person, alice: User, web: Web) -> None:
    web.answers(b"done")
    body = {"arguments": {"q": "x"}, "function": "search"}
    assert alice_online.post(f"/api/tools/{http_tool(alice, web.url).pk}/run/", body).json()["text"] == "done"


@pytest.mark.parametrize("payload", [b"", b" \n ", b"\0\0"])
def test_an_empty_answer_is_said_to_be(alice_online: Person, alice: User, web: Web, payload: bytes) -> None:
    web.answers(payload)
    assert tried(alice_online, http_tool(alice, web.url), q="x")["text"] == "The server answered without a text."


@pytest.mark.parametrize("status", [b"204 No Content", b"201 Created"])
def test_every_success_is_one(alice_online: Person, alice: User, web: Web, status: bytes) -> None:
    web.replies(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n")
    assert tried(alice_online, http_tool(alice, web.url), q="x")["error"] is None


def test_long_answers_are_cut(alice_online: Person, alice: User, web: Web) -> None:
    web.answers("é".encode() * 500_000)
    ran = tried(alice_online, http_tool(alice, web.url), q="x")
    assert ran["raw"]["body"] == "é" * MOST_TEXT
    assert ran["raw"]["cut"] is True
    assert ran["text"] == "é" * MOST_TEXT + "\n[The rest is left out.]"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"a\xff\xfeb", "a��b"),
        (b"a\xed\xa0\x80b", "a���b"),
        (b"a\0b", "ab"),
        (b"\xe2\x82", "�"),
        ("😀\u202e\x1b".encode(), "😀\u202e\x1b"),
    ],
)
def test_what_is_no_text_becomes_text(alice_online: Person, alice: User, web: Web, payload: bytes, text: str) -> None:
    web.answers(payload, b"Content-Type: a\xff/b")
    ran = tried(alice_online, http_tool(alice, web.url), q="x")
    assert (ran["text"], ran["raw"]["body"]) == (text, text)


# ── HTTP, as it should not be ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [304, 400, 401, 404, 429, 500, 503])
def test_other_statuses_are_failures(alice_online: Person, alice: User, web: Web, status: int) -> None:
    web.replies(
        b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\nno..." % status if status != 304 else b"HTTP/1.1 304 X\r\n\r\n"
    )
    ran = tried(alice_online, http_tool(alice, web.url), q="x")
    assert ran["error"]["code"] == "bad_status"
    assert str(status) in ran["error"]["detail"]
    assert ran["raw"]["status"] == status
    assert len(web.heard) == 1


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 307 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "unreachable"),
        (b"hello\r\n\r\n", "unreachable"),
        (b"", "unreachable"),
        (OK + b"Content-Length: 50\r\n\r\nshort", "unreachable"),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", "unreachable"),
        (OK + b"Content-Length: 50000000\r\n\r\n" + b"x" * 3_000_000, "too_big"),
        (OK + b"\r\n" + b"x" * 50_000_000, "too_big"),
    ],
    ids=["redirect", "redirect home", "no HTTP", "nothing", "short", "no gzip", "50 MB said", "50 MB sent"],
)
def test_servers_that_misbehave(alice_online: Person, alice: User, web: Web, raw: bytes, code: str) -> None:
    web.replies(raw)
    assert error(alice_online, http_tool(alice, web.url)) == code
    assert len(web.heard) == 1


def test_nobody_goes_where_the_operator_allows_nothing(alice_online: Person, alice: User, sentinel: Sentinel) -> None:
    tool = http_tool(alice, f"http://127.0.0.1:{sentinel.port}/")
    assert error(alice_online, tool) == "refused"
    assert sentinel.connections() == 0


def test_what_no_header_carries_is_not_sent(alice_online: Person, alice: User, web: Web) -> None:
    tool = http_tool(alice, web.url, headers={"X-A": "{q}"})
    assert error(alice_online, tool, q="a\r\nX-B: c") == "refused"
    assert web.heard == []


def test_what_the_path_needs_is_said(alice_online: Person, alice: User, web: Web) -> None:
    tool = http_tool(alice, f"{web.url}/{{q}}/{{n}}")
    assert error(alice_online, tool) == "bad_arguments"
    assert error(alice_online, tool, q="..", n=5) == "bad_arguments"
    assert web.heard == []


def test_what_is_sent_has_an_end(alice_online: Person, alice: User, web: Web) -> None:
    assert error(alice_online, http_tool(alice, web.url, method="POST"), q="x" * 1_500_000) == "too_big"
    assert error(alice_online, http_tool(alice, web.url + "/{q}", name="long"), q="x" * 10_000) == "refused"
    assert web.heard == []


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def half_a_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"X-A: ")
    await asyncio.sleep(60)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "handler",
    [silence, half_a_head, forever(OK + b"\r\n", b"x", 0.01), forever(OK, b"X-A: b\r\n", 0.05)],
    ids=["says nothing", "half a head", "never ends", "headers without end"],
)
async def test_servers_that_take_too_long(web: Web, handler: Any) -> None:
    web.does(handler)
    config = {"method": "GET", "url": web.url, "headers": {}, "query": {}, "body": None}
    tool = Tool(name="search", kind="http", parameters=SCHEMA, config=config)
    (function,) = functions_of(tool)
    came = await running.run(function, {"q": "x"}, Nowhere(), seconds=0.3)
    assert came.result is None
    assert came.failure is not None
    assert came.failure.code in ("timeout", "unreachable")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "arguments", [{"q": "\ud800"}, {"q": "x", "n": float("nan")}, {"q": "x", "y": 10**400}, [], None, "x", 5]
)
async def test_nothing_that_a_model_says_is_raised(web: Web, arguments: Any) -> None:
    tool = Tool(name="search", kind="http", parameters=SCHEMA, config={"url": web.url})
    (function,) = functions_of(tool)
    came = await running.run(function, arguments, Nowhere(), seconds=5)
    assert came.failure is not None
    assert came.failure.code == "bad_arguments"


# ── Secrets ──────────────────────────────────────────────────────────────────────────────────


def echo(heard: Heard) -> bytes:
    """All that it heard, in the ways in which servers repeat it."""
    key = heard.headers["x-key"].encode("latin-1").decode()
    told = [heard.line, key, json.dumps(key), json.dumps(key, ensure_ascii=False), json.dumps(key).replace("/", "\\/")]
    told += [quote_plus(key), "".join(f"{letter}\0" for letter in key)]
    body = "\n".join(told).encode() + b"\n" + heard.body
    head = b"Content-Type: text/" + quote_plus(key).encode() + b"\r\n"
    return (
        b"HTTP/1.1 %d X\r\n%bContent-Length: %d\r\n\r\n" % (404 if "fail" in heard.line else 200, head, len(body))
        + body
    )


@pytest.mark.parametrize("q", ["fine", "fail"])
def test_secrets_that_are_repeated_are_masked(alice_online: Person, alice: User, web: Web, q: str) -> None:
    web.replies(echo)
    tool = http_tool(
        alice,
        f"{web.url}/{{q}}",
        {"KEY": SECRET, "PART": SECRET[:8]},
        method="POST",
        headers={"X-Key": "{secrets.KEY}"},
        query={"key": "{secrets.KEY}"},
        body={"key": "{secrets.KEY}", "part": "<{secrets.PART}>"},
    )
    response = alice_online.post(f"/api/tools/{tool.pk}/run/", {"arguments": {"q": q}})
    ran = response.json()
    assert (ran["error"] is None) is (q == "fine")
    assert "•••" in ran["raw"]["body"]
    assert "•••" in ran["raw"]["content_type"]
    assert "sesame" not in response.text
    assert "1001" not in response.text


def test_a_secret_cannot_be_asked_for(alice_online: Person, alice: User, web: Web) -> None:
    web.replies(lambda heard: OK + b"\r\n" + heard.line.encode() + heard.body)
    tool = http_tool(alice, f"{web.url}/{{q}}", {"KEY": SECRET}, method="POST")
    ran = tried(alice_online, tool, q="{secrets.KEY}", KEY="{secrets.KEY}", **{"secrets.KEY": "x"})
    assert "sesame" not in web.heard[0].line + web.heard[0].body.decode()
    assert ran["error"] is None


def test_secrets_of_another_key_are_said_to_be_lost(alice_online: Person, alice: User, web: Web, settings: Any) -> None:
    tool = http_tool(alice, web.url, {"KEY": SECRET}, headers={"X-Key": "{secrets.KEY}"})
    tool.secrets = tool.secrets[:-4] + "AAA="
    tool.save()
    assert error(alice_online, tool) == "bad_secret"
    assert web.heard == []
