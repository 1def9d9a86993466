"""A newcomer's first minutes: the README's walk, copied line by line, with the real model."""

import json
import re
import signal
import subprocess
from collections.abc import Callable

import pytest
import requests

from tests.launched import PATIENCE, ROOT, Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def the_walk() -> str:
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("## Three minutes with curl")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


def answer_of(text: str) -> str:
    """The text of the one stream in there."""
    chunks = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: {")]
    return "".join(chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta")


def test_the_readmes_walk_gives_a_streamed_answer_that_outlives_a_kill(run: Callable[..., Run]) -> None:
    first = run()
    script = the_walk().replace("http://127.0.0.1:8000", first.url)
    walked = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    streamed = answer_of(walked.stdout)
    assert streamed.strip()
    assert "data: [DONE]" in walked.stdout
    whole, listing = [json.loads(line) for line in walked.stdout.splitlines() if line.startswith('{"')]
    assert whole["assistant_message"]["status"] == "complete"
    assert whole["assistant_message"]["content"].strip()
    # The model counted, and nobody guessed.
    assert whole["assistant_message"]["prompt_tokens"] > 50
    assert whole["assistant_message"]["completion_tokens"] > 0
    said = [message["content"] for message in listing["results"]]
    assert streamed in said
    assert len(said) == 5

    first.kill()
    second = run()
    api = f"{second.url}/api"
    demo = {"email": "demo@dramatis.local", "password": "dramatis-demo"}
    token = requests.post(f"{api}/auth/jwt/create/", json=demo, timeout=PATIENCE).json()["access"]
    headers = {"Authorization": f"Bearer {token}"}
    conversation = requests.get(f"{api}/conversations/", headers=headers, timeout=PATIENCE).json()["results"][0]
    messages = requests.get(f"{api}/conversations/{conversation['id']}/messages/", headers=headers, timeout=PATIENCE)
    assert [message["content"] for message in messages.json()["results"]] == said
    assert second.stop() == 0


def test_a_stop_mid_answer_keeps_what_was_said(run: Callable[..., Run]) -> None:
    first = run()
    api = f"{first.url}/api"
    demo = {"email": "demo@dramatis.local", "password": "dramatis-demo"}
    token = requests.post(f"{api}/auth/jwt/create/", json=demo, timeout=PATIENCE).json()["access"]
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    character = session.get(f"{api}/characters/", timeout=PATIENCE).json()["results"][0]["id"]
    made = session.post(f"{api}/conversations/", json={"character": character}, timeout=PATIENCE).json()
    stream = session.post(
        f"{api}/conversations/{made['id']}/chat/",
        json={"content": "Tell me a very long story, with every detail."},
        headers={"Accept": "text/event-stream"},
        stream=True,
        timeout=PATIENCE,
    )
    for line in stream.iter_lines(chunk_size=1):
        if b"text-delta" in line:
            break
    assert first.stop(signal.SIGTERM) == 0
    stream.close()

    second = run()
    api = f"{second.url}/api"
    messages = session.get(f"{api}/conversations/{made['id']}/messages/", timeout=PATIENCE).json()["results"]
    assert messages[1]["content"] == "Tell me a very long story, with every detail."
    assert messages[0]["status"] in {"complete", "interrupted"}
    assert messages[0]["content"].strip()
    assert second.stop() == 0
