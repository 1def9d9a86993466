"""The people of the soak: they talk, send again what was lost, stop, come back on the other server, and remember what
they were told, so that it can be held against the database afterwards."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.people import chunks

LOST = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
STREAM = {"Accept": "text/event-stream"}
# What a client may be answered while servers die under it.
EXPECTED = {200, 201, 204, 409, 502, 503, 504}
# Longer than any lease and any start: who has no answer by then never gets one.
PATIENCE = 90.0


@dataclass(frozen=True, slots=True)
class Told:
    """A client was told of an answer: this row is there, below this turn, and says at least this."""

    message: str
    text: str
    asked: str | None


@dataclass(slots=True)
class Talk:
    """A conversation as its owner knows it."""

    id: str
    asked: str | None = None
    answer: str | None = None
    text: str = ""


@dataclass(slots=True)
class Ask:
    """One request under one key, however often it is sent."""

    talk: Talk
    action: str
    body: dict[str, Any]
    key: str
    asked: str | None
    message: str | None = None
    sent: int = 0
    refused: bool = False  # before anything was saved


@dataclass
class Memory:
    """What all of them were told. Appending and counting under a lock: they are threads."""

    told: list[Told] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, event: str) -> None:
        with self.lock:
            self.events[event] += 1

    def complain(self, what: str) -> None:
        with self.lock:
            self.wrong.append(what)


class Talker(threading.Thread):
    def __init__(
        self, name: str, seed: str, urls: list[str], token: str, talks: list[str], memory: Memory, over: threading.Event
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.random = random.Random(f"{seed} {name}")
        self.urls = urls
        self.at = self.random.randrange(len(urls))
        self.headers = {"Authorization": f"Bearer {token}"}
        self.talks = [Talk(each) for each in talks]
        self.memory = memory
        self.over = over
        self.number = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.over.is_set():
                if self.random.random() < 0.2:
                    self.move()
                self.resolve(self.next_ask())
        except BaseException as error:
            self.failure = error
            raise

    def move(self) -> None:
        self.at = (self.at + 1) % len(self.urls)

    def next_ask(self) -> Ask:
        talk = self.random.choice(self.talks)
        self.number += 1
        turn = f"turn-{self.name}-{self.number}"
        roll = self.random.random()
        if talk.answer and roll < 0.15:
            ask = Ask(talk, "regenerate", {}, turn, talk.asked)
        elif talk.text.strip() and roll < 0.25:
            ask = Ask(talk, "continue", {}, turn, talk.asked)
        else:
            ask = Ask(talk, "chat", {"content": f"{turn}: and then?"}, turn, f"{turn}: and then?")
        self.memory.asks.append(ask)
        return ask

    def resolve(self, ask: Ask) -> None:
        """Send it until it is answered, or until it is sure that it was refused."""
        give_up_at = time.monotonic() + PATIENCE
        while time.monotonic() < give_up_at:
            try:
                done = self.send(ask)
            except LOST:
                self.memory.count("connections lost")
                done = False
                if ask.message and self.random.random() < 0.5:
                    return  # it has been told that the turn is saved, and turns to something else
            if done:
                return
            self.move()
            time.sleep(self.random.uniform(0.05, 0.5))
        self.memory.complain(f"{ask.key}: no answer in {PATIENCE:.0f} s")

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        options["headers"] = {**self.headers, **options.get("headers", {})}
        response = requests.request(method, self.urls[self.at] + path, timeout=(5, 60), **options)
        code = ""
        if response.status_code >= 400:
            code = response.json()["errors"][0]["code"]
        with self.memory.lock:
            self.memory.statuses[f"{response.status_code} {code}".strip()] += 1
        if response.status_code not in EXPECTED:
            self.memory.complain(f"{method} {path}: {response.status_code} {response.text[:300]}")
        return response

    def send(self, ask: Ask) -> bool:
        """True once it is settled."""
        path = f"/api/conversations/{ask.talk.id}/"
        streams = self.random.random() < 0.6
        stopper = self.stop_later(path, ask) if self.random.random() < 0.1 else None
        headers = {"Idempotency-Key": ask.key, **(STREAM if streams else {})}
        ask.sent += 1
        try:
            response = self.request("POST", f"{path}{ask.action}/", json=ask.body, headers=headers, stream=streams)
            with response:
                if response.status_code == 200:
                    return self.read(ask, response)
                return self.heard(ask, response)
        finally:
            if stopper is not None:
                stopper.cancel()
                stopper.join()

    def heard(self, ask: Ask, response: requests.Response) -> bool:
        """JSON: the turn and its answer, or why there is none."""
        body = response.json()
        if "assistant_message" in body:
            self.note(ask, body)
            return True
        if response.status_code == 409:
            self.memory.count("found the conversation busy")
            ask.refused = True
            return True
        return response.status_code not in (502, 503, 504)

    def read(self, ask: Ask, response: requests.Response) -> bool:
        leaves = self.random.random() < 0.15
        stay = self.random.uniform(0, 2)
        began = time.monotonic()
        told = ""
        for chunk in chunks(response):
            if chunk == "[DONE]":
                return True
            told = self.take(ask, chunk, told)
            if leaves and time.monotonic() - began > stay:
                self.memory.count("left and came back on the other server")
                response.close()
                self.come_back(ask)
                return True
        return False

    def come_back(self, ask: Ask) -> None:
        """On the other server; where that is down, the answer is looked up at the end like every other."""
        self.move()
        told = ""
        try:
            with self.request("GET", f"/api/conversations/{ask.talk.id}/stream/", stream=True) as response:
                if response.status_code != 200:
                    return
                for chunk in chunks(response):
                    if chunk == "[DONE]":
                        return
                    told = self.take(ask, chunk, told)
        except LOST:
            self.memory.count("connections lost")

    def take(self, ask: Ask, chunk: dict[str, Any], told: str) -> str:
        """One chunk of a stream; what it has told by then."""
        if chunk["type"] == "start":
            self.note_id(ask, chunk["messageId"])
        elif chunk["type"] == "text-delta":
            told += chunk["delta"]
        elif chunk["type"] == "data-turn":
            self.note(ask, chunk["data"])
            self.compare(ask, told, chunk["data"]["assistant_message"])
        return told

    def compare(self, ask: Ask, told: str, message: dict[str, Any]) -> None:
        """A stream tells what is saved; where its writer was killed, it may have told some words more."""
        says = message["content"]
        if not (told == says or (message["status"] in ("interrupted", "stopped") and told.startswith(says))):
            self.memory.complain(f"{ask.key}: told {told[-60:]!r}, saved {says[-60:]!r} ({message['status']})")

    def stop_later(self, path: str, ask: Ask) -> threading.Timer:
        url = self.random.choice(self.urls)

        def stop() -> None:
            try:
                response = requests.post(f"{url}{path}stop/", headers=self.headers, timeout=(5, 30))
            except LOST:
                return
            with self.memory.lock:
                self.memory.statuses[f"{response.status_code}"] += 1
            if response.status_code == 200:
                if message := response.json()["assistant_message"]:
                    self.memory.count("stopped")
                    self.memory.told.append(Told(message["id"], message["content"], None))
            elif response.status_code not in EXPECTED:
                self.memory.complain(f"stop: {response.status_code} {response.text[:300]}")

        timer = threading.Timer(self.random.uniform(0.1, 3), stop)
        timer.start()
        return timer

    def note_id(self, ask: Ask, message: str) -> None:
        if ask.message not in (None, message):
            self.memory.complain(f"{ask.key}: first {ask.message}, then {message}")
        ask.message = message
        ask.talk.asked, ask.talk.answer, ask.talk.text = ask.asked, message, ""
        self.memory.told.append(Told(message, "", ask.asked))

    def note(self, ask: Ask, turn: dict[str, Any]) -> None:
        message = turn["assistant_message"]
        self.note_id(ask, message["id"])
        ask.talk.text = message["content"]
        self.memory.told.append(Told(message["id"], message["content"], ask.asked))
        self.memory.count(f"told {message['status']}")


def all_of(talkers: list[Talker], each: Callable[[Talker], object]) -> None:
    threads = [threading.Thread(target=each, args=[talker]) for talker in talkers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
