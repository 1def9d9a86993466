"""Real server processes, killed and told to stop in the middle of an answer, and a database that is restarted."""

import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from apps.accounts import tokens
from apps.accounts.models import User
from apps.chat.models import Generation
from apps.conversations.models import Conversation, Message
from config.local.postgres import EmbeddedPostgres
from tests.ai_server import AIServer
from tests.factories import make_conversation
from tests.online import Person, Server, chunks, until
from tests.processes import ServerProcess, manage


@pytest.fixture
def process(transactional_db: None, ai: AIServer) -> Iterator[ServerProcess]:
    process = ServerProcess(DRAIN_SECONDS="0.5")
    process.start()
    yield process
    ai.reset()
    process.remove()


def at(process: ServerProcess, user: User) -> Person:
    return Person(process.url, tokens.sign_in(user)["access"])


def answer_in(conversation: Conversation) -> Message:
    return Message.objects.filter(conversation=conversation, role="assistant", depth=2).get()


def reading(response: requests.Response) -> tuple[threading.Thread, list[Any]]:
    """Read to the end on the side; what a killed server leaves unfinished ends the reading too."""
    found: list[Any] = []

    def read() -> None:
        try:
            found.extend(chunks(response))
        except requests.RequestException:
            found.append("lost")

    thread = threading.Thread(target=read)
    thread.start()
    return thread, found


def test_a_server_that_is_told_to_stop_lets_answers_end_and_keeps_the_others(
    process: ServerProcess, alice: User, ai: AIServer, server: Server
) -> None:
    person, talks = at(process, alice), [make_conversation(alice) for _ in range(3)]
    ends, hangs = ai.waits("Soon "), ai.waits("For ever ")
    responses = [person.stream(talk.pk) for talk in talks[:2]]
    silent = ai.hangs()
    json_answers: list[requests.Response] = []
    waiting = threading.Thread(target=lambda: json_answers.append(at(process, alice).chat(talks[2].pk)))
    waiting.start()
    for event in (ends.waiting, hangs.waiting, silent.arrived):
        until(event.is_set)
    readers = [reading(response) for response in responses]
    stopping = threading.Thread(target=process.terminate)
    stopping.start()
    ends.says("over.")
    ends.release()
    hangs.says("and ever")
    for thread in [stopping, waiting, *(reader for reader, _ in readers)]:
        thread.join(30)
        assert not thread.is_alive()
    whole, cut, never = (answer_in(talk) for talk in talks)
    assert (whole.status, whole.content) == ("complete", "Soon over.")
    assert (cut.status, cut.content) == ("interrupted", "For ever and ever")
    assert (never.status, never.content) == ("interrupted", "")
    assert [found[-2]["type"] for _, found in readers] == ["finish", "error"]
    assert json_answers[0].status_code == 503
    assert json_answers[0].json()["errors"][0]["code"] == "interrupted"
    assert json_answers[0].headers["Retry-After"]
    assert not Generation.objects.filter(status="running").exists()
    # And elsewhere.
    other = Person(server.url, tokens.sign_in(alice)["access"])
    assert other.get(f"/api/conversations/{talks[1].pk}/messages/").json()["results"][0]["content"] == cut.content
    assert ai.calls == 3
    assert other.chat(talks[1].pk, "Go on.").status_code == 201


@pytest.mark.slow  # the lease has to run out
def test_what_a_killed_server_was_writing_is_kept_and_ended(process: ServerProcess, alice: User, ai: AIServer) -> None:
    conversation = make_conversation(alice)
    gate = ai.waits("Once upon ")
    response = at(process, alice).stream(conversation.pk, "Tell me.", id="mine")
    until(gate.waiting.is_set)
    reader, found = reading(response)
    gate.says("a time ")
    # A checkpoint later nothing of it can be lost; what is said now may be.
    until(lambda: answer_in(conversation).content == "Once upon a time ")
    gate.says("there was")
    process.kill()
    reader.join(20)
    assert found[-1] == "lost" or "[DONE]" not in found
    asked = Message.objects.get(conversation=conversation, role="user")
    assert (asked.content, asked.client_id, asked.status) == ("Tell me.", "mine", "complete")

    process.start()
    person = at(process, alice)
    message = until(lambda: Message.objects.filter(status="interrupted").first(), seconds=30)
    assert message.content in ("Once upon a time ", "Once upon a time there was")
    generation = Generation.objects.get()
    assert (generation.status, generation.error) == ("interrupted", "interrupted")
    assert person.get(f"/api/conversations/{conversation.pk}/").json()["generating"] is None
    assert person.get(f"/api/conversations/{conversation.pk}/stream/").status_code == 204
    assert ai.calls == 1, "nobody asked for that"
    again = person.post(f"/api/conversations/{conversation.pk}/regenerate/", {})
    assert again.status_code == 201
    assert again.json()["user_message"]["id"] == str(asked.pk)


def test_a_client_that_does_not_wait_for_json_loses_nothing(
    alice_online: Person, server: Server, alice: User, ai: AIServer
) -> None:
    conversation = make_conversation(alice)
    gate = ai.waits("Once ")
    with pytest.raises(requests.ReadTimeout):
        alice_online.post(f"/api/conversations/{conversation.pk}/chat/", {"content": "Tell me."}, timeout=0.5)
    gate.says("upon a time.")
    gate.release()
    until(lambda: answer_in(conversation).status == "complete")
    other = Person(server.url, tokens.sign_in(alice)["access"])
    newest = other.get(f"/api/conversations/{conversation.pk}/messages/").json()["results"][0]
    assert newest["content"] == "Once upon a time."


class OwnDatabase:
    """A PostgreSQL for one test, with a server process on it."""

    def __init__(self, home: Path) -> None:
        self.postgres = EmbeddedPostgres(home)
        self.url = self.postgres.start()
        manage("migrate", "--verbosity", "0", DATABASE_URL=self.url, DATABASE_DIRECT_URL="")
        self.server = ServerProcess(DATABASE_URL=self.url, AI_TOKEN_TIMEOUT="30", AI_TURN_TIMEOUT="60")
        self.server.start()

    def crash(self) -> None:
        """An immediate shutdown: connections are cut, nothing is tidied up."""
        process = self.postgres.child.process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(30)

    def start_again(self) -> None:
        self.postgres.begin()
        self.postgres.wait()

    def ask(self, statement: str) -> list[Any]:
        with psycopg.connect(self.url) as direct:
            return direct.execute(statement).fetchall()

    def remove(self) -> None:
        self.server.remove()
        self.postgres.remove()


@pytest.fixture
def own_database(ai: AIServer) -> Iterator[OwnDatabase]:
    home = Path(tempfile.mkdtemp(prefix="dramatis-restart-"))
    home.chmod(0o711)
    database = OwnDatabase(home)
    yield database
    ai.reset()
    database.remove()


def test_a_database_that_is_restarted_mid_answer_costs_nothing(own_database: OwnDatabase, ai: AIServer) -> None:
    person = Person(own_database.server.url)
    account = {"email": "ada@example.com", "password": "analytical engine"}
    person.post("/api/auth/users/", account)
    token = person.post("/api/auth/jwt/create/", account).json()["access"]
    person.session.headers["Authorization"] = f"Bearer {token}"
    character = person.post("/api/characters/", {"name": "Ada"}).json()["id"]
    talk, other = (person.post("/api/conversations/", {"character": character}).json()["id"] for _ in range(2))
    gate = ai.waits("Once ")
    reader, found = reading(person.stream(talk, "Tell me."))
    until(gate.waiting.is_set)
    own_database.crash()
    gate.says("upon ")
    refused = Person(person.url, token).chat(other, "Are you there?")
    assert refused.status_code == 503
    assert refused.json()["errors"][0]["code"] == "database_unavailable"
    assert refused.headers["Retry-After"]
    gate.says("a time.")
    gate.release()
    assert gate.ended.wait(20)
    own_database.start_again()
    reader.join(30)
    assert found[-1] == "[DONE]"
    assert found[-2] == {"type": "finish", "finishReason": "stop"}
    assert found[-3]["data"]["assistant_message"]["content"] == "Once upon a time."
    said = "SELECT role, content, status FROM conversations_message ORDER BY id"
    assert own_database.ask(said) == [("user", "Tell me.", "complete"), ("assistant", "Once upon a time.", "complete")]
    assert ai.calls == 1
    accepted = until(lambda: (answer := Person(person.url, token).chat(other, "And now?")).ok and answer)
    assert accepted.status_code == 201
