"""Coming back to an answer that is being written, and stopping it."""

import threading
from collections.abc import Callable

import pytest
import requests

from apps.accounts import tokens
from apps.accounts.models import User
from apps.chat import asking, generations
from apps.chat.models import Generation
from apps.conversations.models import Conversation, Message
from tests.ai_server import AIServer
from tests.checkpoint import checkpoint
from tests.factories import make_conversation
from tests.online import Person, Server, chunks, read_until, until


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return make_conversation(alice)


@pytest.fixture
def elsewhere(server: Server, alice: User) -> Person:
    """Another device of hers."""
    return Person(server.url, tokens.sign_in(alice)["access"])


def resume(person: Person, conversation: Conversation) -> requests.Response:
    return person.get(f"/api/conversations/{conversation.pk}/stream/", stream=True)


def stop(person: Person, conversation: Conversation) -> requests.Response:
    return person.post(f"/api/conversations/{conversation.pk}/stop/")


def without_comments(body: bytes) -> bytes:
    return b"\n".join(line for line in body.split(b"\n\n") if not line.startswith(b":"))


def test_every_reader_gets_the_same_bytes_whenever_they_come(
    alice_online: Person, elsewhere: Person, conversation: Conversation, ai: AIServer
) -> None:
    gate = ai.waits("Once ", pieces=1)
    read: dict[str, bytes] = {}
    begun: list[str] = []
    threads = []

    def reads(name: str, ask: Callable[[], requests.Response]) -> None:
        response = ask()
        assert response.status_code == 200
        assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
        begun.append(name)
        read[name] = response.content

    def start(name: str, ask: Callable[[], requests.Response]) -> None:
        threads.append(threading.Thread(target=reads, args=[name, ask]))
        threads[-1].start()

    start("first", lambda: alice_online.stream(conversation.pk))
    until(gate.waiting.is_set)
    for number in range(8):
        device = Person(elsewhere.url, elsewhere.session.headers["Authorization"].split()[1])
        start(f"reader {number}", lambda device=device: resume(device, conversation))  # type: ignore[misc]
        gate.says(f"piece {number} 🎈 ")
    # Who comes after the end gets nothing.
    until(lambda: len(begun) == 9)
    gate.release()
    for thread in threads:
        thread.join(20)
    assert len(read) == 9
    assert len({without_comments(body) for body in read.values()}) == 1
    assert ai.calls == 1
    body = read["first"].decode()
    assert body.startswith('data: {"type":"start","messageId":"')
    assert body.endswith("data: [DONE]\n\n")


def test_a_page_that_was_reloaded_mid_answer_goes_on_where_it_was(
    alice_online: Person, elsewhere: Person, conversation: Conversation, ai: AIServer
) -> None:
    gate = ai.waits("Once ")
    response = alice_online.stream(conversation.pk)
    next(chunks(response))
    response.close()
    gate.says("upon a time.")
    again = resume(elsewhere, conversation)
    gate.release()
    found = list(chunks(again))
    told = "".join(chunk["delta"] for chunk in found[:-1] if chunk["type"] == "text-delta")
    assert told == "Once upon a time." == Message.objects.get(status="complete", depth=2).content
    assert resume(elsewhere, conversation).status_code == 204


def test_there_is_nothing_to_resume_where_nothing_is_written(
    alice_online: Person, bob_online: Person, conversation: Conversation
) -> None:
    response = resume(alice_online, conversation)
    assert (response.status_code, response.content) == (204, b"")
    assert resume(bob_online, conversation).status_code == 404


def test_a_stop_keeps_the_text_and_hangs_up_on_the_model(
    alice_online: Person, elsewhere: Person, conversation: Conversation, ai: AIServer
) -> None:
    gate = ai.waits("Once upon")
    found = chunks(alice_online.stream(conversation.pk))
    read_until(found, "Once upon")
    stopped = stop(elsewhere, conversation)
    assert stopped.status_code == 200
    answer = stopped.json()["assistant_message"]
    assert (answer["content"], answer["status"], answer["error"]) == ("Once upon", "stopped", None)
    assert gate.client_gone.wait(10)
    assert [chunk if isinstance(chunk, str) else chunk["type"] for chunk in found][-2:] == ["abort", "[DONE]"]
    assert Message.objects.get(pk=answer["id"]).status == "stopped"
    assert Generation.objects.get().status == "stopped"
    assert elsewhere.get(f"/api/conversations/{conversation.pk}/").json()["generating"] is None
    again = stop(elsewhere, conversation)
    assert (again.status_code, again.json()) == (200, {"assistant_message": None})
    assert alice_online.chat(conversation.pk, "Go on.").status_code == 201


def test_whoever_waits_for_json_gets_the_stopped_turn(
    alice_online: Person, elsewhere: Person, conversation: Conversation, ai: AIServer
) -> None:
    gate = ai.waits("Once upon")
    answers: list[requests.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(alice_online.chat(conversation.pk)))
    waiting.start()
    until(gate.waiting.is_set)
    with resume(elsewhere, conversation) as response:
        read_until(chunks(response), "Once upon")
    stops = [threading.Thread(target=lambda: answers.append(stop(elsewhere, conversation))) for _ in range(2)]
    for thread in stops:
        thread.start()
    for thread in [waiting, *stops]:
        thread.join(20)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    for answer in answers:
        message = answer.json()["assistant_message"]
        # Of two stops at once the second may find that nothing runs any more.
        assert message is None or (message["status"], message["content"]) == ("stopped", "Once upon")


def test_a_stop_before_the_first_word(
    alice_online: Person, elsewhere: Person, conversation: Conversation, ai: AIServer
) -> None:
    call = ai.hangs()
    response = alice_online.stream(conversation.pk)
    until(call.arrived.is_set)
    answer = stop(elsewhere, conversation).json()["assistant_message"]
    assert (answer["content"], answer["status"]) == ("", "stopped")
    assert call.client_gone.wait(10)
    assert list(chunks(response))[-1] == "[DONE]"


def test_word_of_a_stop_left_in_the_database_is_found(
    alice_online: Person, conversation: Conversation, ai: AIServer
) -> None:
    """As by a process that Redis does not reach."""
    gate = ai.waits("Once upon")
    response = alice_online.stream(conversation.pk)
    until(gate.waiting.is_set)
    running = generations.running(conversation)
    assert running is not None
    generations.ask_to_stop(running)
    assert gate.client_gone.wait(10)
    assert list(chunks(response))[-1] == "[DONE]"
    assert Message.objects.get(depth=2).status == "stopped"


def test_an_answer_whose_process_died_can_be_followed_and_stopped(
    alice_online: Person,
    conversation: Conversation,
    alice: User,
    server: Server,
    ai: AIServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its rows are all there is: a reader waits for what becomes of it, and a stop ends it before its lease does."""
    monkeypatch.setattr("apps.chat.runtime.STOP_PATIENCE", 1.0)
    job = asking.say(alice, conversation.pk, None, {"content": "Where were we?"})
    assert isinstance(job, asking.Job)
    checkpoint(job, generations.Written("We were at"))
    found: list[object] = []
    reader = threading.Thread(target=lambda: found.extend(chunks(resume(alice_online, conversation))))
    reader.start()
    answer = stop(Person(server.url, tokens.sign_in(alice)["access"]), conversation).json()["assistant_message"]
    assert (answer["content"], answer["status"]) == ("We were at", "stopped")
    reader.join(20)
    kinds = [chunk["type"] for chunk in found[:-1] if isinstance(chunk, dict)]
    assert kinds == ["start", "start-step", "text-start", "text-delta", "text-end", "data-turn", "abort"]
    # Should the process have lived after all, what it still has to say is kept, and the stop stands.
    outcome = generations.end(job, generations.Written("We were at sea.", status=generations.MessageStatus.COMPLETE))
    assert outcome.status == "stopped"
    assert Message.objects.get(pk=job.message).content == "We were at sea."
    assert ai.calls == 0
