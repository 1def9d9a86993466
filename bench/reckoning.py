"""What the soak finds in the database: before, to begin with; afterwards, held against what people were told."""

import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import requests
from django.db.models import Count, F, Max

from apps.accounts import tokens
from apps.accounts.models import User
from apps.characters.models import Character
from apps.chat.models import Generation, GenerationStatus
from apps.conversations import turns
from apps.conversations.models import Conversation, Message, MessageStatus, Role
from bench.talkers import Memory, Talker

WORD = re.compile(r"(c\d+)w(\d+)")
TURN = re.compile(r"turn-[0-9a-z-]+")


def people(count: int, talks: int) -> list[tuple[str, list[str]]]:
    """A token, and conversations, for each."""
    made = []
    for number in range(count):
        user = User.objects.create_user(f"person{number}@example.com", "a password that nobody asks for")
        character = Character.objects.create(user=user, name="Ada")
        ids = [str(turns.begin(user, character, title="Named").pk) for _ in range(talks)]
        made.append((tokens.sign_in(user)["access"], ids))
    return made


def still_running() -> int:
    rows = (
        Generation.objects.filter(status=GenerationStatus.RUNNING),
        Message.objects.filter(status=MessageStatus.GENERATING),
        Conversation.objects.filter(generating__isnull=False),
    )
    return max(each.count() for each in rows)


def wait_for_quiet(until: float) -> int:
    """How many are still running at that time, by the monotonic clock; returns earlier where none is."""
    while (running := still_running()) and time.monotonic() < until:
        time.sleep(0.5)
    return running


def last_words(talker: Talker, unusable: list[str]) -> None:
    """One more turn in each of a person's conversations, as anybody would take it."""
    for number, talk in enumerate(talker.talks):
        url = talker.urls[number % len(talker.urls)]
        body = {"content": f"turn-last-{talker.name}-{number}"}
        path = f"/api/conversations/{talk.id}/"
        response = requests.post(f"{url}{path}chat/", json=body, headers=talker.headers, timeout=60)
        if response.status_code != 201 or not response.json()["assistant_message"]["content"]:
            unusable.append(f"{talk.id}: {response.status_code} {response.text[:200]}")
            continue
        listed = requests.get(f"{url}{path}messages/", headers=talker.headers, timeout=60)
        if listed.status_code != 200 or listed.json()["results"][1]["content"] != body["content"]:
            unusable.append(f"{talk.id}: its messages answer {listed.status_code}")


@dataclass
class Reckoning:
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    # Words saved of each of the model's calls, and generations of each turn.
    saved: dict[str, int] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    # Seconds from its last sign of life to the end that another process gave it.
    longest: float = 0.0


def reckon(memory: Memory, calls: list[dict[str, Any]]) -> Reckoning:
    """`calls`: as the model recorded them."""
    found = Reckoning()
    rows = Message.objects.filter(role=Role.ASSISTANT).select_related("parent")
    answers = {str(row.pk): row for row in rows}
    for told in set(memory.told):
        row = answers.get(told.message)
        if row is None:
            found.lost.append(f"{told.message}: told, and not there")
        elif told.asked is not None and (row.parent is None or row.parent.content != told.asked):
            found.lost.append(f"{told.message}: should answer {told.asked!r}")
        elif not row.content.startswith(told.text):
            found.lost.append(f"{told.message}: told {told.text[-60:]!r}, saved {row.content[-60:]!r}")
    said = Message.objects.filter(role=Role.USER).values("content").annotate(rows=Count("pk")).filter(rows__gt=1)
    found.twice = [f"{each['rows']} times: {each['content']}" for each in said]
    _read_words(found, list(answers.values()), {call["tag"]: len(call["said"]) for call in calls})
    _count_generations(found, memory)
    dead = Generation.objects.filter(status=GenerationStatus.INTERRUPTED, ended_at__isnull=False)
    if longest := dead.aggregate(longest=Max(F("ended_at") - F("heartbeat")))["longest"]:
        found.longest = longest.total_seconds()
    return found


def _read_words(found: Reckoning, answers: list[Message], said: dict[str, int]) -> None:
    """Each answer is the beginning of one call, or of several one after another where it was continued; one that is
    complete ends where its last call did."""
    for message in answers:
        words = WORD.findall(message.content)
        if WORD.sub("", message.content).strip():
            found.torn.append(f"{message.pk}: {message.content[-60:]!r}")
        for tag, number in words:
            if found.saved.get(tag, 0) != int(number):
                found.torn.append(f"{message.pk}: {tag} goes on with word {number}")
                break
            found.saved[tag] = int(number) + 1
        if message.status == MessageStatus.COMPLETE and words and found.saved[words[-1][0]] != said[words[-1][0]]:
            found.torn.append(f"{message.pk}: complete, and lacks the end of {words[-1][0]}")


def _count_generations(found: Reckoning, memory: Memory) -> None:
    """Each of a client's requests begins one generation at most, and one that was refused begins none."""
    turns_asked = Generation.objects.filter(purpose="turn").values_list("message__parent__content", flat=True)
    found.generations = dict(_by_turn(turns_asked))
    requests_made = _by_turn(ask.asked for ask in memory.asks if not ask.refused)
    for turn, count in found.generations.items():
        if not turn.startswith("turn-last") and count > requests_made[turn]:
            found.twice.append(f"{turn}: {requests_made[turn]} requests, {count} generations")


def _by_turn(texts: Iterable[str | None]) -> Counter[str]:
    return Counter(turn.group() for text in texts if text and (turn := TURN.search(text)))
