"""Completions on a server that is told to stop: some end in time, the others are told, and all are counted."""

import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from apps.accounts import keys
from apps.accounts.models import User
from apps.chat.models import Generation
from tests.ai_server import AIServer
from tests.factories import make_character
from tests.online import until
from tests.processes import ServerProcess

HELLO: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def process(transactional_db: None, ai: AIServer) -> Iterator[ServerProcess]:
    process = ServerProcess(DRAIN_SECONDS="0.5")
    process.start()
    yield process
    ai.reset()
    process.remove()


def test_what_cannot_end_is_told(process: ServerProcess, alice: User, ai: AIServer) -> None:
    make_character(alice)
    client = OpenAI(base_url=f"{process.url}/v1", api_key=keys.make(alice, "Tests")[1], max_retries=0)
    heard: dict[str, Any] = {}

    def read(name: str, stream: bool) -> None:
        try:
            answer = client.chat.completions.create(model="ada", messages=HELLO, stream=stream)
            heard[name] = [each.choices[0].delta.content for each in answer] if stream else answer
        except openai.APIError as error:
            heard[name] = error

    readers = []
    for name, stream in (("ends", True), ("streams", True), ("waits", False)):
        gate = ai.waits("Once ")
        readers.append(threading.Thread(target=read, args=(name, stream)))
        readers[-1].start()
        until(gate.waiting.is_set)
        if name == "ends":
            ending = gate
    stopping = threading.Thread(target=process.terminate)
    stopping.start()
    ending.says("over.")
    ending.release()
    for thread in [stopping, *readers]:
        thread.join(30)
        assert not thread.is_alive()
    client.close()
    assert heard["ends"] == ["", "Once ", "over.", None]
    assert heard["streams"].code == "interrupted"
    assert (heard["waits"].status_code, heard["waits"].code) == (503, "interrupted")
    found = sorted(Generation.objects.values_list("purpose", "status", "error"))
    assert found == [("completion", "complete", ""), *[("completion", "interrupted", "interrupted")] * 2]
