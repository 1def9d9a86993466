"""Tools that reach other servers, in a turn: a real MCP server, a real HTTP server, and what goes wrong there."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.conversations.models import Conversation
from tests.ai_server import AIServer
from tests.factories import make_character, make_conversation
from tests.mcp_server import ToolServer
from tests.online import Person


class Weather(BaseHTTPRequestHandler):
    """What tools meet out there, by the path."""

    seen: list[tuple[str, str, dict[str, str], bytes]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        match urlsplit(self.path).path:
            case "/weather":
                city = parse_qs(urlsplit(self.path).query)["city"][0]
                self._say(json.dumps({"city": city, "sky": "clear", "key": self.headers["X-Key"]}).encode())
            case "/huge":
                self.send_response(200)
                self.end_headers()
                try:
                    for _ in range(50):
                        self.wfile.write(b"x" * 1_000_000)
                except OSError:
                    pass
            case "/broken":
                self._say(b"\xff\xfe \xc3( \x00 clear")
            case "/fails":
                self._say(b"the database is on fire", 500)
            case "/nothing":
                self._say(b"", 204)
            case "/hangs":
                self.connection.recv(1)
            case _:
                self.send_response(302)
                self.send_header("Location", "http://169.254.169.254/")
                self.end_headers()

    def _say(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def weather(settings: Any) -> Iterator[str]:
    Weather.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Weather) as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.server_port}"]
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def talk(alice: User) -> Conversation:
    return make_conversation(alice, make_character(alice), title="x")


def give(client: APIClient, conversation: Conversation, **tool: Any) -> dict[str, Any]:
    """Make a tool as its owner would, and give it to the character."""
    made = client.post("/api/tools/", tool, format="json")
    assert made.status_code == 201, made.data
    character = conversation.character
    assert character is not None
    tools = [str(tool.pk) for tool in character.tools.all()] + [made.data["id"]]
    assert client.patch(f"/api/characters/{character.pk}/", {"tools": tools}, format="json").status_code == 200
    return dict(made.data)


CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def test_a_server_of_its_owners_is_asked(
    talk: Conversation, weather: str, as_alice: APIClient, alice_online: Person, ai: AIServer
) -> None:
    give(
        as_alice,
        talk,
        name="weather",
        description="The sky over a city.",
        kind="http",
        http={"url": f"{weather}/weather", "query": {"city": "{city}"}, "headers": {"X-Key": "{secrets.KEY}"}},
        parameters=CITY,
        secrets={"KEY": "hush-hush"},
    )
    ai.calls_tool("weather", {"city": "Århus & more"})
    ai.says("It is clear.")
    turn = alice_online.chat(talk.pk, "How is the weather?").json()["assistant_message"]
    [call] = turn["tool_calls"]
    assert json.loads(call["result"]) == {"city": "Århus & more", "sky": "clear", "key": "•••"}
    assert Weather.seen[0][2]["X-Key"] == "hush-hush"
    assert "hush-hush" not in json.dumps(ai.heard) + json.dumps(turn)


@pytest.mark.parametrize(
    ("path", "code", "told"),
    [
        ("huge", "too_big", "longer than"),
        ("broken", "", "clear"),
        ("fails", "bad_status", "answered 500"),
        ("nothing", "", "without a text"),
        ("hangs", "timeout", "too long"),
        ("elsewhere", "unreachable", "another address"),
    ],
)
def test_whatever_it_does_the_turn_ends_well(
    talk: Conversation,
    weather: str,
    as_alice: APIClient,
    alice_online: Person,
    ai: AIServer,
    settings: Any,
    path: str,
    code: str,
    told: str,
) -> None:
    settings.TOOL_SECONDS = 1.0 if path == "hangs" else 20.0
    give(as_alice, talk, name="weather", kind="http", http={"url": f"{weather}/{path}"})
    ai.calls_tool("weather", {})
    ai.says("I could not see.")
    turn = alice_online.chat(talk.pk).json()["assistant_message"]
    assert (turn["status"], turn["content"]) == ("complete", "I could not see.")
    [call] = turn["tool_calls"]
    assert (call["error"] or {"code": ""})["code"] == code
    assert told in ai.heard[-1]["messages"][-1]["content"]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_real_mcp_server_is_used(
    talk: Conversation,
    as_alice: APIClient,
    alice_online: Person,
    ai: AIServer,
    settings: Any,
    as_json: bool,
) -> None:
    with ToolServer(as_json=as_json) as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
        tool = give(as_alice, talk, name="clockwork", kind="mcp", mcp={"url": f"http://127.0.0.1:{server.port}/mcp"})
        assert tool["functions"] == []
        listed = alice_online.post(f"/api/tools/{tool['id']}/refresh/").json()["functions"]
        assert {each["name"] for each in listed} > {"clockwork__add", "clockwork__repeat", "clockwork__count"}
        ai.calls_tools(
            ("clockwork__add", {"a": 40, "b": 2}, "a"),
            ("clockwork__add", {"a": "x"}, "b"),
            ("clockwork__repeat", {"text": "ab", "times": 3}, "c"),
        )
        ai.says("Forty-two.")
        turn = alice_online.chat(talk.pk, "Add!").json()["assistant_message"]
    assert {tool["function"]["name"] for tool in ai.heard[0]["tools"]} == {each["name"] for each in listed}
    add, bad, repeat = turn["tool_calls"]
    assert (add["result"], add["error"]) == ("42", None)
    assert bad["error"]["code"] == "bad_arguments"
    assert repeat["result"] == "ababab"
    # It has gone: the model is told, and the turn goes on.
    ai.calls_tool("clockwork__add", {"a": 1, "b": 1})
    ai.says("Two, I think.")
    turn = alice_online.chat(talk.pk).json()["assistant_message"]
    assert (turn["status"], turn["content"]) == ("complete", "Two, I think.")
    assert turn["tool_calls"][0]["error"]["code"] == "unreachable"
