"""Vectors of passages and questions: from a real server, and from one that misbehaves; nobody waits for either."""

import asyncio
import io
import time
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import override_settings
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters.models import Character
from apps.knowledge import backfill, embeddings
from apps.knowledge.asking import ask
from apps.knowledge.embeddings import (
    MOST_BYTES,
    REST,
    Embedder,
    EmbeddingsBusy,
    EmbeddingsError,
    EmbeddingsFailed,
    TextsRefused,
)
from apps.knowledge.models import Passage
from config.offer import Source, read_embeddings
from tests.embeddings_server import KEY, MEANINGS, MODEL, EmbeddingsServer, answer
from tests.factories import make_character, make_document
from tests.online import Person, until

T = TypeVar("T")


@pytest.fixture
def endpoint() -> Iterator[EmbeddingsServer]:
    with EmbeddingsServer() as server, override_settings(EMBEDDINGS=server.source):
        yield server


@pytest.fixture
def ada(alice: User) -> Character:
    return make_character(alice)


def run(work: Coroutine[Any, Any, T]) -> T:
    async def closing() -> T:
        try:
            return await work
        finally:
            await embeddings.close()

    return asyncio.run(closing())


def embedder() -> Embedder:
    found = embeddings.embedder()
    assert found is not None
    return found


def vectors() -> dict[str, Any]:
    """What is kept, by the passage's text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT text, embedding, embedding_model FROM knowledge_passage ORDER BY id")
        return {text: (vector, model) for text, vector, model in cursor.fetchall()}


# ── The endpoint ─────────────────────────────────────────────────────────────────────────────


def test_texts_become_vectors(endpoint: EmbeddingsServer) -> None:
    texts = ["The clock.", "The cat."]
    assert run(embedder().embed(texts)) == [MEANINGS["clock"], MEANINGS["cat"]]
    assert endpoint.heard == [{"model": MODEL, "input": texts, "encoding_format": "float"}]
    [headers] = endpoint.headers
    assert (headers["path"], headers["authorization"]) == ("/v1/embeddings", f"Bearer {KEY}")


def test_their_order_is_that_of_their_index(endpoint: EmbeddingsServer) -> None:
    endpoint.sends({"data": [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}]})
    assert run(embedder().embed(["one", "two"])) == [[1.0], [2.0]]
    endpoint.sends({"data": [{"embedding": [1]}, {"embedding": [2]}]})
    assert run(embedder().embed(["one", "two"])) == [[1.0], [2.0]]


def test_without_a_key_none_is_sent(endpoint: EmbeddingsServer) -> None:
    async def keyless() -> None:
        one = Embedder(endpoint.url + "/", "", MODEL)
        await one.embed(["x"])
        await one.close()

    asyncio.run(keyless())
    assert "authorization" not in endpoint.headers[0]
    assert endpoint.headers[0]["path"] == "/v1/embeddings"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, TextsRefused) for status in (400, 413, 422)),
        *((status, EmbeddingsBusy) for status in (408, 429, 500, 503)),
        *((status, EmbeddingsFailed) for status in (301, 302, 401, 403, 404)),
    ],
)
def test_a_status_says_what_went_wrong(status: int, kind: type[EmbeddingsError], endpoint: EmbeddingsServer) -> None:
    endpoint.fails(status, Location=f"{endpoint.url}/elsewhere")
    with pytest.raises(kind) as caught:
        run(embedder().embed(["x"]))
    assert caught.value.reason == f"status {status}"
    assert len(endpoint.heard) == 1, "no redirect is followed"


BROKEN: dict[str, Any] = {
    "no JSON": b"nonsense",
    "nothing": b"",
    "deep": b"[" * 100_000,
    "null": None,
    "a list": [],
    "no data": {},
    "data that is no list": {"data": 7},
    "too few": {"data": []},
    "too many": {"data": answer(["x", "y"])["data"]},
    "another index": {"data": [{"index": 7, "embedding": [1.0]}]},
    "no index at all": {"data": [{"index": [], "embedding": [1.0]}]},
    "no vector": {"data": [{"index": 0}]},
    "text": {"data": [{"index": 0, "embedding": "AACAPw=="}]},
    "numbers as text": {"data": [{"index": 0, "embedding": ["1"]}]},
    "an empty vector": {"data": [{"index": 0, "embedding": []}]},
    "zeros": {"data": [{"index": 0, "embedding": [0, 0.0]}]},
    "too small to be kept": {"data": [{"index": 0, "embedding": [1e-60]}]},
    "too large to be kept": {"data": [{"index": 0, "embedding": [1e60]}]},
    "larger still": b'{"data": [{"index": 0, "embedding": [1%s]}]}' % (b"0" * 400),
    "not a number": b'{"data": [{"index": 0, "embedding": [NaN]}]}',
    "null among numbers": {"data": [{"index": 0, "embedding": [1.0, None]}]},
    "too long": {"data": [{"index": 0, "embedding": [1.0] * 16_001}]},
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_no_vector(body: Any, endpoint: EmbeddingsServer) -> None:
    endpoint.sends(body)
    with pytest.raises(EmbeddingsFailed, match="broken answer"):
        run(embedder().embed(["x"]))


def test_vectors_of_different_lengths_are_none(endpoint: EmbeddingsServer) -> None:
    endpoint.sends({"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]})
    with pytest.raises(EmbeddingsFailed):
        run(embedder().embed(["one", "two"]))


def test_an_answer_without_end_is_cut_off(endpoint: EmbeddingsServer) -> None:
    endpoint.sends(b" " * (MOST_BYTES + 1))
    with pytest.raises(EmbeddingsFailed, match="answer too long"):
        run(embedder().embed(["x"]))


def test_what_comes_late_or_not_at_all_is_a_failure(endpoint: EmbeddingsServer) -> None:
    endpoint.hangs()
    with pytest.raises(EmbeddingsFailed, match="no answer in time"):
        run(embedder().embed(["x"], patience=0.2))
    endpoint.drops()
    with pytest.raises(EmbeddingsFailed, match="no connection"):
        run(embedder().embed(["x"]))
    with (
        override_settings(EMBEDDINGS=Source("embeddings", "http://127.0.0.1:9/v1", KEY, (MODEL,))),
        pytest.raises(EmbeddingsFailed, match="no connection") as caught,
    ):
        run(embedder().embed(["x"]))
    # aiohttp's own exception knows the address, and its request the key.
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_after_a_failure_nobody_asks_for_a_while(endpoint: EmbeddingsServer) -> None:
    async def ask_again_and_again() -> None:
        now = 1000.0
        one = Embedder(endpoint.url, KEY, MODEL, clock=lambda: now)
        assert await one.of_question("The cat?") == MEANINGS["cat"]
        endpoint.fails(503)
        assert await one.of_question("The cat?") is None
        assert await one.of_question("The cat?") is None
        assert len(endpoint.heard) == 2
        now += REST
        assert await one.of_question("The cat?") == MEANINGS["cat"]
        await one.close()

    asyncio.run(ask_again_and_again())


# ── Passages ─────────────────────────────────────────────────────────────────────────────────


def test_passages_are_given_their_vectors(endpoint: EmbeddingsServer, transactional_db: None, ada: Character) -> None:
    make_document(ada, "Notes", "# Animals\n\nIt purrs.", "markdown")
    make_document(ada, "Notes", "Half past nine.")
    other = make_character(ada.user)
    make_document(other, "Notes", "Not asked for.")
    assert run(backfill.embed(ada.pk)) == 2
    assert vectors() == {
        "# Animals\n\nIt purrs.": (MEANINGS["purr"], MODEL),
        "Half past nine.": ([pytest.approx(number, 1e-6) for number in [0.6, 0.6, 0.5]], MODEL),
        "Not asked for.": (None, None),
    }
    # With its heading, which says what it is about.
    assert endpoint.heard[0]["input"] == ["Animals\n# Animals\n\nIt purrs.", "Half past nine."]
    assert run(backfill.embed(ada.pk)) == 0
    assert len(endpoint.heard) == 1


def test_many_are_sent_in_batches_and_a_failure_leaves_the_rest_for_later(
    endpoint: EmbeddingsServer, transactional_db: None, ada: Character
) -> None:
    make_document(ada, "Long", "The keeper winds forty clocks each night. " * 2500)
    count = Passage.objects.count()
    assert count > 3 * backfill.BATCH
    endpoint.sends(answer(["clock"] * backfill.BATCH))
    endpoint.fails(503)
    assert run(backfill.embed(ada.pk)) == backfill.BATCH
    assert run(backfill.embed(ada.pk)) == count - backfill.BATCH
    assert max(len(heard["input"]) for heard in endpoint.heard) == backfill.BATCH


def test_a_passage_too_long_for_the_model_is_known_by_its_beginning(
    endpoint: EmbeddingsServer, transactional_db: None, ada: Character
) -> None:
    long, longer = "The cat purrs. " + "x" * 200, "The fish swims. " + "x" * 1000
    for text in ("It is time.", long, longer):
        make_document(ada, "Notes", text)
    endpoint.longest = 120
    assert run(backfill.embed(ada.pk)) == 2
    kept = vectors()
    assert (kept["It is time."][0], kept[long][0]) == (MEANINGS["time"], MEANINGS["cat"])
    # Not even a quarter of it fits: it is not tried again and again.
    assert kept[longer] == ([], MODEL)
    asked = len(endpoint.heard)
    assert run(backfill.embed(ada.pk)) == 0
    assert len(endpoint.heard) == asked


def test_where_every_text_is_refused_it_is_not_the_texts(
    endpoint: EmbeddingsServer, transactional_db: None, ada: Character
) -> None:
    make_document(ada, "Notes", "It is time.")
    endpoint.fails(400, always=True)
    assert run(backfill.embed(ada.pk)) == 0
    assert vectors() == {"It is time.": (None, None)}
    assert embedder().rests


def test_a_passage_of_nothing_is_not_sent(endpoint: EmbeddingsServer, transactional_db: None, ada: Character) -> None:
    make_document(ada, "Notes", "It is time." + "\n" * 3000)
    assert Passage.objects.count() > 1
    assert run(backfill.embed(ada.pk)) == 1
    assert [heard["input"] for heard in endpoint.heard] == [[Passage.objects.order_by("place")[0].text]]
    assert run(backfill.embed(ada.pk)) == 0


def test_another_model_makes_them_anew(endpoint: EmbeddingsServer, transactional_db: None, ada: Character) -> None:
    make_document(ada, "Notes", "It is time.")
    run(backfill.embed(ada.pk))
    with override_settings(EMBEDDINGS=Source("embeddings", endpoint.url, KEY, ("another",))):
        assert run(backfill.embed(ada.pk)) == 1
        assert vectors()["It is time."] == (MEANINGS["time"], "another")
    assert endpoint.heard[-1]["model"] == "another"


def test_without_an_endpoint_there_is_nothing_to_do(transactional_db: None, ada: Character) -> None:
    make_document(ada, "Notes", "It is time.")
    assert run(backfill.embed(ada.pk)) == 0
    assert [found.text for found in run(ask(ada, "What time?", user=ada.user))] == ["It is time."]


# ── Questions ────────────────────────────────────────────────────────────────────────────────


def test_a_question_is_answered_by_its_meaning(
    endpoint: EmbeddingsServer, transactional_db: None, ada: Character, bob: User
) -> None:
    for text in ("Half an hour.", "It purrs.", "Salt water fish."):
        make_document(ada, "Notes", text)
    run(backfill.embed(ada.pk))
    assert next(found.text for found in run(ask(ada, "What swims?", user=ada.user))) == "Salt water fish."
    asked = len(endpoint.heard)
    assert run(ask(ada, "What swims?", user=bob)) == []
    assert run(ask(make_character(ada.user), "What swims?", user=ada.user)) == []
    assert len(endpoint.heard) == asked, "nobody's question is sent where nothing is known"


def test_a_turn_does_not_wait_for_an_endpoint_that_is_away(
    endpoint: EmbeddingsServer, transactional_db: None, ada: Character
) -> None:
    make_document(ada, "Notes", "It is time.")
    run(backfill.embed(ada.pk))
    endpoint.fails(503, always=True)
    for _ in range(3):
        assert [found.text for found in run(ask(ada, "time", user=ada.user))] == ["It is time."]
    assert len(endpoint.heard) == 2
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION vector")
    try:
        assert len(run(ask(ada, "time", user=ada.user))) == 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION vector")


# ── Served ───────────────────────────────────────────────────────────────────────────────────


def address(character: Character, rest: str = "") -> str:
    return f"/api/characters/{character.pk}/knowledge/{rest}"


def found(person: Person, character: Character, question: str) -> list[str]:
    answer = person.get(address(character, "search/"), params={"q": question})
    assert answer.status_code == 200, answer.text
    return [each["text"] for each in answer.json()["results"]]


def all_have_vectors() -> bool:
    return all(model == MODEL for _, model in vectors().values())


def test_what_is_given_can_be_found_at_once_and_soon_by_its_meaning(
    endpoint: EmbeddingsServer, alice_online: Person, ada: Character
) -> None:
    for text in ("Half an hour.", "It purrs."):
        assert alice_online.post(address(ada), {"title": "Notes", "text": text}).status_code == 201
        assert text in found(alice_online, ada, text)
    until(all_have_vectors)
    assert found(alice_online, ada, "What time is it?")[0] == "Half an hour."
    assert found(alice_online, ada, "Where is the cat?")[0] == "It purrs."


def test_an_endpoint_that_is_away_delays_nothing(
    endpoint: EmbeddingsServer, alice_online: Person, ada: Character
) -> None:
    endpoint.hangs(always=True)
    began = time.monotonic()
    assert alice_online.post(address(ada), {"title": "Notes", "text": "It is time."}).status_code == 201
    assert found(alice_online, ada, "time") == ["It is time."]
    assert time.monotonic() - began < embeddings.QUESTION_PATIENCE


def test_what_got_no_vector_gets_one_when_it_is_next_asked_for(
    endpoint: EmbeddingsServer, alice_online: Person, ada: Character
) -> None:
    make_document(ada, "Notes", "It is time.")
    assert found(alice_online, ada, "time") == ["It is time."]
    until(all_have_vectors)
    assert found(alice_online, ada, "Which hour?") == ["It is time."]


def test_a_server_that_stops_does_not_wait_for_vectors(
    endpoint: EmbeddingsServer, transactional_db: None, ada: Character
) -> None:
    make_document(ada, "Notes", "It is time.")
    endpoint.hangs(always=True)

    async def begin_and_stop() -> None:
        await backfill.begin(ada.pk)
        await backfill.begin(ada.pk)
        while not endpoint.heard:
            await asyncio.sleep(0.01)
        await backfill.stop()

    run(begin_and_stop())
    assert len(endpoint.heard) == 1, "one at a time is enough"
    assert vectors() == {"It is time.": (None, None)}


def test_where_no_server_runs_a_text_is_kept_and_vectors_are_for_later(
    endpoint: EmbeddingsServer, ada: Character, as_alice: APIClient
) -> None:
    made = as_alice.post(address(ada), {"title": "Notes", "text": "It is time."}, format="json")
    assert (made.status_code, endpoint.heard) == (201, [])


def test_refusals_of_a_search_are_what_they_are_elsewhere(
    endpoint: EmbeddingsServer, alice_online: Person, bob_online: Person, ada: Character
) -> None:
    make_document(ada, "Notes", "It is time.")
    assert bob_online.get(address(ada, "search/"), params={"q": "time"}).status_code == 404
    assert alice_online.get(address(ada, "search/")).status_code == 400
    assert endpoint.heard == []


# ── Operators ────────────────────────────────────────────────────────────────────────────────


def test_a_command_gives_everybodys_passages_what_they_lack(
    endpoint: EmbeddingsServer, transactional_db: None, ada: Character, bob: User
) -> None:
    make_document(ada, "Notes", "It is time.")
    make_document(make_character(bob), "Notes", "It purrs.")
    said = io.StringIO()
    call_command("embed_knowledge", stdout=said)
    assert said.getvalue() == "Passages with a new vector: 2.\n"
    assert all_have_vectors()
    make_document(ada, "Notes", "It swims.")
    endpoint.fails(401)
    with pytest.raises(CommandError, match="endpoint failed"):
        call_command("embed_knowledge", stdout=said)
    call_command("embed_knowledge", stdout=said)
    assert all_have_vectors()


def test_the_command_says_where_nothing_is_configured() -> None:
    with pytest.raises(CommandError, match="EMBEDDINGS_BASE_URL"):
        call_command("embed_knowledge")


@pytest.mark.parametrize(
    ("url", "key", "model", "complaint"),
    [
        ("http://127.0.0.1/v1", "", "", "EMBEDDINGS_MODEL"),
        ("ftp://host/v1", "", "m", "EMBEDDINGS_BASE_URL"),
        ("hunter2", "", "m", "EMBEDDINGS_BASE_URL"),
        ("http://user:hunter2@host/v1", "", "m", "EMBEDDINGS_BASE_URL"),
        ("http://host/v1", "hunter2\n", "m", "EMBEDDINGS_BASE_URL"),
    ],
)
def test_settings_that_make_no_sense_are_refused_and_not_repeated(
    url: str, key: str, model: str, complaint: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=complaint) as caught:
        read_embeddings(url, key, model)
    assert "hunter2" not in str(caught.value)


def test_nothing_configured_is_nothing() -> None:
    assert read_embeddings("", "", "") is read_embeddings(None, None, None) is None
    assert embeddings.embedder() is None
