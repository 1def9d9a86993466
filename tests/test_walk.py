"""A newcomer's first minutes: the README's walk, copied line by line, with the real model."""

import json
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.ai_server import AIServer
from tests.launched import PATIENCE, ROOT, Run, until
from tests.online import Person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def the_walk() -> str:
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("## Three minutes with curl")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


def answer_of(text: str) -> str:
    """The text of the one stream in there."""
    chunks = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: {")]
    return "".join(chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta")


def documents_in(text: str) -> list[Any]:
    """JSON documents, one after the other as curl leaves them."""
    found = []
    while text := text.lstrip():
        document, end = json.JSONDecoder().raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def sign_in(run: Run) -> Person:
    demo = {"email": "demo@dramatis.local", "password": "dramatis-demo"}
    return Person(run.url, Person(run.url).post("/api/auth/jwt/create/", demo).json()["access"])


def begin(person: Person) -> str:
    character = person.get("/api/characters/").json()["results"][0]["id"]
    made: str = person.post("/api/conversations/", {"character": character}).json()["id"]
    return made


def test_the_readmes_walk_gives_a_streamed_answer_that_outlives_a_kill(run: Callable[..., Run]) -> None:
    first = run()
    script = the_walk().replace("http://127.0.0.1:8000", first.url)
    walked = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    streamed = answer_of(walked.stdout)
    assert streamed.strip()
    assert "data: [DONE]" in walked.stdout
    whole, listing, prompt, imported = documents_in(walked.stdout.rpartition("data: [DONE]")[2])
    assert whole["assistant_message"]["status"] == "complete"
    assert whole["assistant_message"]["content"].strip()
    # The model counted, and nobody guessed.
    assert whole["assistant_message"]["prompt_tokens"] > 50
    assert whole["assistant_message"]["completion_tokens"] > 0
    said = [message["content"] for message in listing["results"]]
    assert streamed in said
    assert len(said) == 5
    assert prompt["messages"][-1] == {"role": "user", "content": "Who rings the fog bell?"}
    assert prompt["lore"]
    assert (imported["name"], imported["warnings"]) == ("Ada", [])

    first.kill()
    second = run()
    person = sign_in(second)
    conversation = person.get("/api/conversations/").json()["results"][0]["id"]
    messages = person.get(f"/api/conversations/{conversation}/messages/").json()["results"]
    assert [message["content"] for message in messages] == said
    assert second.stop() == 0


def test_a_stop_mid_answer_keeps_what_was_said(run: Callable[..., Run]) -> None:
    first = run()
    person = sign_in(first)
    conversation = begin(person)
    stream = person.stream(conversation, "Tell me a very long story, with every detail.")
    lines = stream.iter_lines(chunk_size=1)
    for line in lines:
        if b"text-delta" in line:
            break
    assert first.stop(signal.SIGTERM) == 0
    # Who was listening is told how it ended.
    assert list(lines)[-2] == b"data: [DONE]"

    second = run()
    messages = sign_in(second).get(f"/api/conversations/{conversation}/messages/").json()["results"]
    assert messages[1]["content"] == "Tell me a very long story, with every detail."
    assert messages[0]["status"] in {"complete", "interrupted"}
    assert messages[0]["content"].strip()
    assert second.stop() == 0


def test_a_stop_answers_who_waits_for_json_with_what_was_saved(run: Callable[..., Run], ai: AIServer) -> None:
    gate = ai.waits()
    first = run(AI_BASE_URL=ai.url, AI_MODEL="test-model")
    person = sign_in(first)
    conversation = begin(person)
    answers: list[requests.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(person.chat(conversation, "Are you there?")))
    waiting.start()
    gate.says("I am")
    until(lambda: "I am" in str(person.get(f"/api/conversations/{conversation}/messages/").json()), "it is saved")
    assert first.stop(signal.SIGTERM) == 0
    waiting.join(PATIENCE)
    [answer] = answers
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "interrupted")
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["user_message"]["content"] == "Are you there?"
    assert "I am" in answer.json()["assistant_message"]["content"]
    assert answer.json()["assistant_message"]["status"] == "interrupted"
