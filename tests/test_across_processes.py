"""Two server processes with Redis: what one begins, the other resumes, stops and survives."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from apps.accounts import tokens
from apps.accounts.models import User
from apps.conversations.models import Conversation, Message
from tests.ai_server import AIServer
from tests.factories import make_conversation
from tests.online import Person, chunks, read_until, until
from tests.processes import ServerProcess, start_all
from tests.redis_server import RedisServer

KEY = {"Idempotency-Key": "one"}


class Pair:
    """Alice at two servers."""

    def __init__(self, servers: list[ServerProcess], user: User) -> None:
        self.servers = servers
        self.here, self.there = (Person(server.url, tokens.sign_in(user)["access"]) for server in servers)
        self.conversation = make_conversation(user)

    def path(self, action: str) -> str:
        return f"/api/conversations/{self.conversation.pk}/{action}"

    def resume(self) -> requests.Response:
        return self.there.get(self.path("stream/"), stream=True)


@pytest.fixture
def pair(transactional_db: None, redis_server: RedisServer, ai: AIServer, alice: User) -> Iterator[Pair]:
    servers = [ServerProcess(REDIS_URL=redis_server.url) for _ in range(2)]
    start_all(*servers)
    yield Pair(servers, alice)
    ai.reset()
    for server in servers:
        server.remove()


def told(found: list[Any]) -> str:
    return "".join(chunk["delta"] for chunk in found if isinstance(chunk, dict) and chunk["type"] == "text-delta")


def answer_of(conversation: Conversation) -> Message:
    return Message.objects.filter(conversation=conversation, depth=2).order_by("id").last()  # type: ignore[return-value]


def bytes_of(response: requests.Response) -> list[bytes]:
    return [line for line in response.iter_lines() if line and not line.startswith(b":")]


def test_a_stream_is_resumed_and_stopped_and_joined_on_the_other(pair: Pair, ai: AIServer) -> None:
    gate = ai.waits("Once ")
    read: dict[str, list[bytes]] = {}
    first = pair.here.post(
        pair.path("chat/"), {"content": "Tell me."}, headers={**KEY, "Accept": "text/event-stream"}, stream=True
    )
    until(gate.waiting.is_set)
    answers: list[requests.Response] = []
    threads = [
        threading.Thread(target=lambda: read.update(first=bytes_of(first))),
        threading.Thread(target=lambda: read.update(second=bytes_of(pair.resume()))),
        threading.Thread(
            target=lambda: answers.append(pair.there.post(pair.path("chat/"), {"content": "Tell me."}, headers=KEY))
        ),
    ]
    for thread in threads:
        thread.start()
    for number in range(20):
        gate.says(f"piece {number} ")
    until(lambda: "piece 19" in answer_of(pair.conversation).content)
    late = threading.Thread(target=lambda: read.update(late=bytes_of(pair.resume())))
    late.start()
    stopper = Person(pair.there.url)
    stopper.session.headers.update(pair.there.session.headers)
    stopped = stopper.post(pair.path("stop/")).json()["assistant_message"]
    assert gate.client_gone.wait(10)
    for thread in [*threads, late]:
        thread.join(20)
    assert stopped["status"] == "stopped"
    assert stopped["content"] == "Once " + "".join(f"piece {number} " for number in range(20))
    assert read["first"] == read["second"] == read["late"]
    assert answers[0].json()["assistant_message"] == stopped
    assert ai.calls == 1
    assert pair.here.chat(pair.conversation.pk, "Go on.").status_code == 201


@pytest.mark.slow  # the lease has to run out
def test_when_a_process_is_killed_its_answer_is_ended_and_the_conversation_goes_on(pair: Pair, ai: AIServer) -> None:
    gate = ai.waits("Once upon ")
    first = pair.here.post(
        pair.path("chat/"), {"content": "Tell me."}, headers={"Accept": "text/event-stream"}, stream=True
    )
    until(gate.waiting.is_set)
    gate.says("a time")
    found: list[Any] = []
    reader = threading.Thread(target=lambda: found.extend(chunks(pair.resume())))
    reader.start()
    until(lambda: answer_of(pair.conversation).content == "Once upon a time")
    pair.servers[0].kill()
    first.close()
    refused = pair.there.chat(pair.conversation.pk, "Hello?")
    assert refused.status_code == 409
    until(lambda: answer_of(pair.conversation).status == "interrupted", seconds=30)
    reader.join(20)
    assert told(found) == "Once upon a time"
    assert found[-2]["type"] == "error"
    assert found[-3]["data"]["assistant_message"]["status"] == "interrupted"
    message = answer_of(pair.conversation)
    assert (message.content, message.error["code"]) == ("Once upon a time", "interrupted")  # type: ignore[index]
    assert ai.calls == 1
    again = pair.there.post(pair.path("regenerate/"), {}).json()
    assert again["assistant_message"]["sibling_count"] == 2
    assert ai.calls == 2


def test_when_the_server_that_one_reads_at_stops_the_answer_goes_on(pair: Pair, ai: AIServer) -> None:
    gate = ai.waits("Once upon ")
    body = {"content": "Tell me."}
    first = pair.here.post(pair.path("chat/"), body, headers={**KEY, "Accept": "text/event-stream"}, stream=True)
    until(gate.waiting.is_set)
    found: list[Any] = []
    answers: list[requests.Response] = []
    second = pair.resume()
    retry = Person(pair.there.url)
    retry.session.headers.update(pair.there.session.headers)
    threads = [
        threading.Thread(target=lambda: found.extend(chunks(second))),
        threading.Thread(target=lambda: answers.append(retry.post(pair.path("chat/"), body, headers=KEY))),
    ]
    for thread in threads:
        thread.start()
    until(lambda: told(found) == "Once upon ")
    pair.servers[1].terminate()
    for thread in threads:
        thread.join(20)
    # Nobody is told an end that there was not.
    assert found[-1]["type"] == "text-delta"
    assert (answers[0].status_code, answers[0].json()["errors"][0]["code"]) == (503, "shutting_down")
    gate.says("a time.")
    gate.release()
    whole = list(chunks(first))
    assert whole[-1] == "[DONE]"
    assert told(whole) == "Once upon a time."
    again = pair.here.post(pair.path("chat/"), body, headers=KEY)
    assert again.json()["assistant_message"]["content"] == "Once upon a time."
    assert ai.calls == 1


def test_when_redis_goes_the_answer_is_saved_and_nobody_hangs(
    pair: Pair, ai: AIServer, redis_server: RedisServer
) -> None:
    gate = ai.waits("Once upon ")
    read: dict[str, list[Any]] = {"here": [], "there": []}
    first = pair.here.post(
        pair.path("chat/"), {"content": "Tell me."}, headers={"Accept": "text/event-stream"}, stream=True
    )
    until(gate.waiting.is_set)
    second = pair.resume()
    threads = [
        threading.Thread(target=lambda: read["here"].extend(chunks(first))),
        threading.Thread(target=lambda: read["there"].extend(chunks(second))),
    ]
    for thread in threads:
        thread.start()
    until(lambda: told(read["there"]) == "Once upon ")
    redis_server.kill()
    gate.says("a time.")
    gate.release()
    for thread in threads:
        thread.join(20)
    for found in read.values():
        assert told(found) == "Once upon a time."
        assert [chunk["type"] for chunk in found[-3:-1]] == ["data-turn", "finish"]
        assert found[-1] == "[DONE]"
    assert answer_of(pair.conversation).status == "complete"
    # Without Redis all goes on; a stop from the other process finds its way by the database.
    gate = ai.waits("And then")
    body = {"content": "Go on."}
    third = chunks(pair.here.post(pair.path("chat/"), body, headers={"Accept": "text/event-stream"}, stream=True))
    read_until(third, "And then")
    stopped = pair.there.post(pair.path("stop/")).json()["assistant_message"]
    assert (stopped["status"], stopped["content"]) == ("stopped", "And then")
    assert gate.client_gone.wait(10)
    assert list(third)[-1] == "[DONE]"
