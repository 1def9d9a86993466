"""Finding passages: by a question's words, the rare ones first, in any language, and only in what is one's own."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.characters.models import Character
from apps.knowledge import backfill, library
from apps.knowledge.asking import PASSAGES
from apps.knowledge.models import Passage
from apps.knowledge.search import COMMON, MAX_QUESTION, Found, find, fused, read
from config.offer import Source
from tests.factories import make_character, make_document
from tests.refusals import refused


@pytest.fixture
def ada(alice: User) -> Character:
    return make_character(alice)


def asked(character: Character, question: str, limit: int = 20, **options: Any) -> list[Found]:
    return find(character, question, user=character.user, limit=limit, **options)


def texts(found: list[Found]) -> list[str]:
    return [each.text for each in found]


def know(character: Character, *said: str) -> None:
    for text in said:
        make_document(character, "Notes", text)


def test_a_passage_is_found_with_where_it_stands(ada: Character, as_alice: APIClient) -> None:
    know(ada, "The cat sleeps.")
    text = "# Cape Sorrow\n\n## The clocks\n\nForty clocks tick in the tower.\n"
    document = make_document(ada, "The lighthouse", text, "markdown")
    answer = as_alice.get(f"/api/characters/{ada.pk}/knowledge/search/", {"q": "How many clocks?"})
    [found] = answer.json()["results"]
    assert answer.json() == {"next": None, "previous": None, "results": [found]}
    passage = Passage.objects.get(document=document)
    assert found.pop("score") > 0
    assert found == {
        "id": str(passage.pk),
        "document": str(document.pk),
        "title": "The lighthouse",
        "heading": "Cape Sorrow › The clocks",
        "text": text.strip(),
    }


def test_headings_are_searched_too(ada: Character) -> None:
    text = "# Pendulums\n\nThey swing." + "\n\nNothing more is said of them here." * 60
    make_document(ada, "Clocks", text, "markdown")
    assert len(asked(ada, "pendulums")) == Passage.objects.count() > 1


# ── What counts ──────────────────────────────────────────────────────────────────────────────

SAID = [
    "The lamp of the tower is lit at dusk, and the keeper sits below it.",
    "The tower has a hundred steps, and the sea is below it.",
    "The keeper is called Ada, and the cat is called Basil.",
    "It is the nightingale that sings in the garden of the keeper.",
]


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("What is it that sings in the garden?", 3),
        ("Is there a nightingale?", 3),
        ("How many steps does the tower have?", 1),
        ("Who is the cat of the keeper?", 2),
        ("When is the lamp lit?", 0),
        ("lamp", 0),
        ("THE LAMPS", 0),
        ("nightingales", 3),
        ("Basil", 2),
        ("step", 1),
    ],
)
def test_the_rare_words_of_a_question_decide(question: str, best: int, ada: Character) -> None:
    know(ada, *SAID)
    assert texts(asked(ada, question))[0] == SAID[best]


def test_not_all_words_need_be_there(ada: Character) -> None:
    know(ada, *SAID)
    question = "Tell me, please: does anybody know whether one hears a nightingale around here on Tuesdays?"
    assert texts(asked(ada, question))[0] == SAID[3]


def test_words_side_by_side_count_more_than_the_same_words_apart(ada: Character) -> None:
    know(ada, "A clock that is red.", "The red clock.", "Red is the colour of this clock.")
    assert texts(asked(ada, "the red clock"))[0] == "The red clock."


def test_what_has_hardly_anything_of_the_question_is_left_out(ada: Character) -> None:
    know(ada, *SAID, *["The sea is grey, and it is wide."] * 20)
    assert texts(asked(ada, "In the garden, what is it that sings?")) == [SAID[3]]


@pytest.mark.parametrize(
    ("said", "question"),
    [
        (["我的时钟坏了。", "钟声在时间里回响。"], "谁的时钟？"),
        (["時計が壊れました。", "壊れた計画の時。"], "時計はどこですか"),
        (["시계가 멈췄어요.", "계절이 바뀌는 시."], "시계는 어디에 있어요?"),
        (["นาฬิกาเสียแล้ว", "เสือกินปลา"], "นาฬิกาอยู่ที่ไหน"),
        (["Часы на башне стоят.", "Башня высокая."], "Кто чинит часы?"),
        (["ساعتي توقفت", "البرج عال"], "أين ساعتي؟"),
        (["घड़ी बंद है", "मीनार ऊँची है"], "घड़ी कहाँ है?"),
        (["Die Turmuhr steht still.", "Der Turm ist hoch."], "Warum stehen die Turmuhren?"),
        (["Das Café schließt um zehn.", "Das Kino nicht."], "Cafe\u0301"),
    ],
)
def test_every_language_is_found_in_by_its_words(said: list[str], question: str, ada: Character) -> None:
    know(ada, *said)
    assert texts(asked(ada, question))[0] == said[0]


def test_a_word_that_is_everywhere_hides_no_rare_one(ada: Character) -> None:
    common = "The clock ticks and ticks."
    document = make_document(ada, "Ticks", common)
    rows = [
        Passage(document=document, user=ada.user, character=ada, place=place, text=common)
        for place in range(1, COMMON + 50)
    ]
    Passage.objects.bulk_create(rows)
    know(ada, "The nightingale sings to the clock.")
    assert texts(asked(ada, "the clock and the nightingale"))[0] == "The nightingale sings to the clock."
    # Nothing else is asked for: then some of them.
    assert texts(asked(ada, "the clock ticks", limit=3)) == [common] * 3


@pytest.mark.parametrize(
    "question",
    [
        *(
            "",
            " ",
            "?",
            "...",
            "''",
            "()",
            "&|!",
            ":*",
            "\\",
            "a:*",
            "'a':*",
            '"',
            "\x01",
            "、。",
            "😀",
            "<->",
            "-",
            "%s",
        ),
        *("x" * 5000, "'" * 5000, "x " * 5000, "时" * 5000, "e" + "\u0301" * 3000, "\u200b", "ﬁ", "İ", "ǅ", "½", "²"),
        *("don't", "O'Brien\\", "a&b|c!d", "1e400", "\ud800", "a\0b", "\uffff", "//", "http://a.b/c?d=e", "a" * 60),
        " ".join(f"word{number}" for number in range(500)),
    ],
)
def test_any_question_has_an_answer(question: str, ada: Character) -> None:
    know(ada, *SAID)
    assert isinstance(asked(ada, question), list)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.text(max_size=40) | st.lists(st.sampled_from([*"'\\:*&|!<>()-. ", "a", "Bc", "时"])).map("".join))
def test_no_question_is_taken_for_syntax(question: str, alices: SimpleNamespace) -> None:
    assert isinstance(asked(alices.character, question), list)


def test_of_a_long_question_the_beginning_and_the_long_words_are_read() -> None:
    question = " ".join(f"w{number}" for number in range(200)) + " nightingale " + "x " * MAX_QUESTION
    words = [word.text for word in read(question).words]
    assert len(words) == 40
    assert words[0] == "nightingale"


def test_no_more_is_found_than_is_asked_for(ada: Character, as_alice: APIClient) -> None:
    know(ada, *[f"Clock number {number}." for number in range(30)])
    assert len(asked(ada, "clock", limit=4)) == 4
    assert asked(ada, "clock", limit=0) == []
    answer = as_alice.get(f"/api/characters/{ada.pk}/knowledge/search/", {"q": "clock"}).json()
    assert len(answer["results"]) == PASSAGES
    scores = [found["score"] for found in answer["results"]]
    assert scores == sorted(scores, reverse=True)


def test_the_same_is_found_in_the_same_order(ada: Character) -> None:
    know(ada, *["The clock ticks."] * 9)
    assert asked(ada, "clock") == asked(ada, "clock")


@pytest.mark.parametrize("q", [None, "", " ", "x" * (MAX_QUESTION + 1), "a\0b"])
def test_q_must_be_a_question(q: str | None, ada: Character, as_alice: APIClient) -> None:
    response = as_alice.get(f"/api/characters/{ada.pk}/knowledge/search/", {} if q is None else {"q": q})
    assert (response.status_code, [error["attr"] for error in response.json()["errors"]]) == (400, ["q"])


def test_the_number_of_queries_does_not_grow(ada: Character) -> None:
    counts = []
    for more in (1, 30):
        know(ada, *[f"Clock number {number}." for number in range(more)])
        with CaptureQueriesContext(connection) as queries:
            assert len(asked(ada, "how does the clock go", limit=50)) >= more
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 3
    knows_nothing = make_character(ada.user)
    with CaptureQueriesContext(connection) as queries:
        assert asked(knows_nothing, "clock") == []
    assert len(queries) == 1


# ── Changes ──────────────────────────────────────────────────────────────────────────────────


def test_what_is_deleted_is_not_found(ada: Character, as_alice: APIClient) -> None:
    document = make_document(ada, "Clocks", "The clock ticks.")
    assert asked(ada, "clock")
    as_alice.delete(f"/api/characters/{ada.pk}/knowledge/{document.pk}/")
    assert asked(ada, "clock") == []


def test_another_title_is_shown_at_once(ada: Character, as_alice: APIClient) -> None:
    document = make_document(ada, "Clocks", "The clock ticks.")
    address = f"/api/characters/{ada.pk}/knowledge/{document.pk}/"
    as_alice.patch(address, {"title": "Watches"}, format="json")
    assert [found.title for found in asked(ada, "clock")] == ["Watches"]


# ── Whose ────────────────────────────────────────────────────────────────────────────────────


def test_only_what_this_character_knows_is_found(ada: Character, bob: User) -> None:
    other, bobs = make_character(ada.user, name="Basil"), make_character(bob)
    for character in (ada, other, bobs):
        know(character, f"The clock of {character.pk} ticks.")
    for character in (ada, other, bobs):
        assert texts(asked(character, "clock")) == [f"The clock of {character.pk} ticks."]


def test_nobody_elses_question_is_answered_of_a_public_character(ada: Character, bob: User) -> None:
    Character.objects.filter(pk=ada.pk).update(visibility="public", prompt_visible=True)
    ada.refresh_from_db()
    know(ada, "The clock ticks.")
    assert find(ada, "clock", user=bob, limit=5) == []
    assert len(find(ada, "clock", user=ada.user, limit=5)) == 1


def test_what_a_former_owner_gave_is_not_the_new_ones(ada: Character, alice: User, bob: User) -> None:
    know(ada, "The clock ticks.")
    Character.objects.filter(pk=ada.pk).update(user=bob)
    ada.refresh_from_db()
    assert find(ada, "clock", user=bob, limit=5) == find(ada, "clock", user=alice, limit=5) == []


# ── Vectors ──────────────────────────────────────────────────────────────────────────────────

THERE = Source("embeddings", "http://127.0.0.1:9/v1", "", ("a-model",))


@pytest.fixture
def tower(ada: Character) -> Character:
    """Three passages, each in a direction of its own."""
    know(ada, "Tick.", "Meow.", "Splash.")
    keys = Passage.objects.order_by("id").values_list("pk", flat=True)
    directions = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    backfill.keep(list(zip(keys, directions, strict=True)), "a-model")
    return ada


@pytest.fixture
def vectors(tower: Character) -> Any:
    with override_settings(EMBEDDINGS=THERE):
        yield tower


def test_a_passage_is_found_by_what_it_means(vectors: Character) -> None:
    assert texts(asked(vectors, "What swims?", vector=[0.1, 0.2, 0.9])) == ["Splash.", "Meow.", "Tick."]
    assert texts(asked(vectors, "What swims?", limit=1, vector=[0.1, 0.2, 0.9])) == ["Splash."]
    assert asked(vectors, "What swims?") == []


def test_words_and_meaning_count_together(vectors: Character) -> None:
    assert texts(asked(vectors, "Who goes meow?", vector=[0.1, 0.8, 0.9])) == ["Meow.", "Splash.", "Tick."]


def test_ranks_are_fused() -> None:
    one, two, three = (Passage().pk for _ in range(3))
    scores = fused([[one, two], [two, three]])
    assert sorted(scores, key=lambda key: -scores[key]) == [two, one, three]
    assert fused([]) == fused([[]]) == {}


@pytest.mark.parametrize("vector", [[0.1, 0.9], [0.5] * 1536, [1.0]])
def test_vectors_of_another_length_are_not_compared(vector: list[float], vectors: Character) -> None:
    assert texts(asked(vectors, "tick", vector=vector)) == ["Tick."]


def test_vectors_of_another_model_are_not_compared(vectors: Character) -> None:
    keys = Passage.objects.order_by("id").values_list("pk", flat=True)
    backfill.keep([(keys[0], [0.0, 0.0, 1.0])], "another-model")
    assert texts(asked(vectors, "What swims?", vector=[0.0, 0.0, 1.0])) == ["Splash.", "Meow."]


def test_passages_without_a_vector_are_found_by_their_words_beside(vectors: Character) -> None:
    know(vectors, "The fish swims.")
    backfill.keep([(Passage.objects.order_by("id").last().pk, [])], "a-model")  # type: ignore[union-attr]
    know(vectors, "The whale swims.")
    found = texts(asked(vectors, "What swims?", vector=[0.0, 0.0, 1.0]))
    assert set(found) == {"Splash.", "Meow.", "Tick.", "The fish swims.", "The whale swims."}


def test_where_nothing_is_configured_vectors_are_not_used(tower: Character) -> None:
    assert asked(tower, "What swims?", vector=[0.0, 0.0, 1.0]) == []


def test_a_database_without_pgvector_finds_words(vectors: Character) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION vector")
    assert texts(asked(vectors, "tick", vector=[0.0, 0.0, 1.0])) == ["Tick."]


def test_meaning_is_compared_in_ones_own_alone(vectors: Character, bob: User) -> None:
    bobs = make_character(bob, visibility="public")
    know(bobs, "Blub.")
    backfill.keep([(Passage.objects.get(character=bobs).pk, [0.0, 0.0, 1.0])], "a-model")
    other = make_character(vectors.user)
    know(other, "Gurgle.")
    assert "Blub." not in texts(asked(vectors, "What swims?", vector=[0.0, 0.0, 1.0]))
    assert asked(other, "What swims?", vector=[0.0, 0.0, 1.0]) == []
    assert find(bobs, "What swims?", user=vectors.user, limit=5, vector=[0.0, 0.0, 1.0]) == []
    assert texts(asked(bobs, "What swims?", vector=[0.0, 0.0, 1.0])) == ["Blub."]


def test_the_whole_text_of_a_document_survives_its_vectors(vectors: Character) -> None:
    document = make_document(vectors, "Long", "The keeper winds forty clocks each night. " * 100)
    keys = Passage.objects.filter(document=document).values_list("pk", flat=True)
    backfill.keep([(key, [1.0, 1.0, 1.0]) for key in keys], "a-model")
    assert library.text_of(document) == "The keeper winds forty clocks each night. " * 100


def test_nobody_finds_by_a_search_what_is_not_theirs(ada: Character, as_bob: APIClient, anonymous: APIClient) -> None:
    Character.objects.filter(pk=ada.pk).update(visibility="public")
    know(ada, "The clock ticks.")
    address = f"/api/characters/{ada.pk}/knowledge/search/"
    refused(as_bob.get(address, {"q": "clock"}), 404, "not_found")
    refused(anonymous.get(address, {"q": "clock"}), 401, "not_authenticated")
