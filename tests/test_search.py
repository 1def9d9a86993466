"""Search: what was said is found, as it stands now, by its words and by nobody else."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.api.rows import new_id
from apps.conversations.models import MAX_CONTENT, Conversation, Message
from tests.ai_server import AIServer
from tests.factories import grow, make_character, make_conversation, say
from tests.online import Person, chunks, until


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return make_conversation(alice, make_character(alice, first_message=""), title="About time")


def search(client: APIClient, q: str, **query: Any) -> list[Any]:
    response = client.get("/api/search/", {"q": q, **query})
    assert response.status_code == 200, response.content
    return response.json()["results"]


def marked(client: APIClient, q: str) -> list[str]:
    return [hit["highlight"] for hit in search(client, q)]


def test_a_message_is_found_with_where_it_is(conversation: Conversation, as_alice: APIClient) -> None:
    say(conversation, "It is late.")
    message = say(conversation, "My clock has stopped.")
    [hit] = search(as_alice, "CLOCK")
    assert hit == {
        "kind": "message",
        "conversation": {
            "id": str(conversation.pk),
            "title": "About time",
            "character": str(conversation.character_id),
            "character_name": "Ada",
        },
        "message": {
            "id": str(message.pk),
            "role": "user",
            "created_at": message.created_at.isoformat().replace("+00:00", "Z"),
        },
        "highlight": "My <mark>clock</mark> has stopped",
    }


def test_a_title_is_found(conversation: Conversation, as_alice: APIClient) -> None:
    [hit] = search(as_alice, "time")
    assert (hit["kind"], hit["message"], hit["highlight"]) == ("conversation", None, "About <mark>time</mark>")
    assert hit["conversation"]["id"] == str(conversation.pk)


SAID = ["red clock", "blue clock", "red watch, not a clock", "a clock that is red"]

QUERIES = {
    "clock red": [0, 2, 3],
    '"red clock"': [0],
    '"red clock': [0],
    "clock -red": [1],
    '-"red clock" clock': [1, 2, 3],
    "blue or watch": [1, 2],
    "blue OR watch": [1, 2],
    "blue or red -watch": [0, 1, 3],
    "blue or -clock": [1],
    "blue or": [],
    '"or" or blue': [1],
    "-clock": [],
    "-clock !": [],
    "clo": [],
    "watch, clock": [2],
    "watch!": [2],
    "clock ((( & | !": [0, 1, 2, 3],
    "clock 😀": [0, 1, 2, 3],
}


@pytest.mark.parametrize("q", QUERIES)
def test_the_syntax_is_that_of_web_searches(q: str, conversation: Conversation, as_alice: APIClient) -> None:
    said = [str(say(conversation, text).pk) for text in SAID]
    assert [hit["message"]["id"] for hit in search(as_alice, q)] == [said[number] for number in reversed(QUERIES[q])]


@pytest.mark.parametrize(
    "q", ['"" - !', '"', "-", "- -", "()", "''", "、。", "...", "-!", '-""', "&!|", "\\", ":*", "\x01"]
)
def test_nothing_to_search_for_finds_nothing(q: str, conversation: Conversation, as_alice: APIClient) -> None:
    say(conversation, "My clock has stopped. - ! 、。 ...")
    assert search(as_alice, q) == []


@pytest.mark.parametrize(
    ("text", "q", "highlight"),
    [
        ("我的时钟坏了", "时钟", "我的<mark>时钟</mark>坏了"),
        ("我的clock坏了。", "clock", "我的<mark>clock</mark>坏了"),
        ("時計が壊れました", "時計", "<mark>時計</mark>が壊れました"),
        ("コーヒーをください", "コーヒー", "<mark>コーヒー</mark>をください"),
        ("𠮷野家へ行く", "𠮷野", "<mark>𠮷野</mark>家へ行く"),
        ("내 시계가 멈췄어요", "시계", "내 <mark>시계</mark>가 멈췄어요"),
        ("ห้องฉันสวย", "ฉัน", "ห้อง<mark>ฉัน</mark>สวย"),
        ("Мои ЧАСЫ стоят", "часы", "Мои <mark>ЧАСЫ</mark> стоят"),
        ("ساعتي توقفت", "ساعتي", "<mark>ساعتي</mark> توقفت"),
        ("मेरी घड़ी बंद है", "घड़ी", "मेरी <mark>घड़ी</mark> बंद है"),
        ("“Uhr”, sagte er", "uhr", "<mark>Uhr</mark>”, sagte er"),
        ("see example.com/clocks-and/more", "clocks", "see example.com/<mark>clocks</mark>-and/more"),
        ("me@example.com", "example", "me@<mark>example</mark>.com"),
        ("a well-known clock", "well-known", "a <mark>well</mark>-<mark>known</mark> clock"),
        ("it costs 3.14", "3.14", "it costs <mark>3</mark>.<mark>14</mark>"),
        ("*waves_slowly*", "waves", "<mark>waves</mark>_slowly"),
        ("don't", "don't", "<mark>don</mark>&#x27;<mark>t</mark>"),
        ("-5 and +5", "5", "<mark>5</mark> and +<mark>5</mark>"),
        ("<b>clock</b> &amp; <tick>", "clock", "b&gt;<mark>clock</mark>&lt;/b&gt; &amp;amp; &lt;tick"),
        ("<script>alert(1)</script>", "alert", "script&gt;<mark>alert</mark>(1)&lt;/script"),
        ("\x02clock\x03 \x01<mark>tick</mark>", "tick", "clock &lt;mark&gt;<mark>tick</mark>&lt;/mark"),
    ],
)
def test_words_of_any_language_are_found_and_marked(
    text: str, q: str, highlight: str, conversation: Conversation, as_alice: APIClient
) -> None:
    say(conversation, text)
    assert marked(as_alice, q) == [highlight]


def test_letters_in_another_order_are_another_word(conversation: Conversation, as_alice: APIClient) -> None:
    say(conversation, "我的时钟坏了")
    assert search(as_alice, "钟时") == []


def test_a_long_text_is_shown_around_the_hit(conversation: Conversation, as_alice: APIClient) -> None:
    say(conversation, "before " * 3_000 + "clock" + " after" * 3_000)
    [highlight] = marked(as_alice, "clock")
    assert "before <mark>clock</mark> after" in highlight
    assert len(highlight.split()) <= 41


@pytest.mark.parametrize("q", ["clock watch", "watch clock", "watch or clock", "clock -spring"])
def test_words_that_are_far_from_each_other_are_shown_where_the_first_is(
    q: str, conversation: Conversation, as_alice: APIClient
) -> None:
    say(conversation, "before " * 3_000 + "clock" + " between" * 3_000 + " watch")
    [highlight] = marked(as_alice, q)
    assert "before <mark>clock</mark> between" in highlight


# PostgreSQL alone takes a quarter of a minute to find the best part of such a text.
def test_a_text_that_repeats_the_query_is_shown_soon(conversation: Conversation, as_alice: APIClient) -> None:
    say(conversation, "tick tock " * 20_000)
    assert len(search(as_alice, "tick tock " * 20)) == len(search(as_alice, '"' + "tick tock " * 19 + '"')) == 1


def test_a_word_between_chinese_letters_is_shown_wherever_it_is(
    conversation: Conversation, as_alice: APIClient
) -> None:
    say(conversation, "我的clocks" * 1_000 + "我的clock坏了" + "时钟" * 1_000)
    [highlight] = marked(as_alice, "clock")
    assert "我的<mark>clock</mark>坏了" in highlight


SENTINEL = "findme "

LARGE = {
    "one word of 4-byte letters": "𐍈" * MAX_CONTENT,
    "4-byte letters": " ".join(chr(0x10000 + number) for number in range(MAX_CONTENT // 2)),
    "pairs of 4-byte letters": " ".join(
        chr(0x12000 + number // 250) + chr(0x12000 + number % 250) for number in range(MAX_CONTENT // 3)
    ),
    "short words": " ".join(f"{number:x}" for number in range(MAX_CONTENT // 6)),
    "joined words": "-".join(
        chr(0x12000 + number // 250) + chr(0x12000 + number % 250) for number in range(MAX_CONTENT // 3)
    ),
    "Chinese of few letters": "时钟坏了" * (MAX_CONTENT // 4),
    "Chinese": "".join(chr(0x20000 + number % 0xA000) for number in range(MAX_CONTENT)),
    "Chinese between pairs": "".join(
        chr(0x20000 + number % 0x12000) + chr(0x12000 + number // 250) + chr(0x12000 + number % 250)
        for number in range(MAX_CONTENT // 3)
    ),
    "one huge word": "x" * MAX_CONTENT,
    "emoji": "👩‍👩‍👧😀" * (MAX_CONTENT // 6),
    "combining marks": "e" + "\u0301" * (MAX_CONTENT - 10),
    "tags": "<b" * (MAX_CONTENT // 2),
    "addresses": "http://a.b/c?d=" * (MAX_CONTENT // 15),
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_nothing_that_can_be_said_is_too_much(text: str, conversation: Conversation, as_alice: APIClient) -> None:
    content = SENTINEL + text[: MAX_CONTENT - len(SENTINEL)]
    response = as_alice.post(f"/api/conversations/{conversation.pk}/messages/", {"content": content}, format="json")
    assert response.status_code == 201, response.content[:300]
    assert Message.objects.get(pk=response.json()["id"]).content == content
    [highlight] = marked(as_alice, "findme")
    assert highlight.startswith("<mark>findme</mark>")


def test_an_edited_message_is_found_by_its_new_text(conversation: Conversation, as_alice: APIClient) -> None:
    message = say(conversation, "My clock has stopped.")
    address = f"/api/conversations/{conversation.pk}/messages/{message.pk}/"
    assert as_alice.patch(address, {"content": "My watch has stopped."}, format="json").status_code == 200
    assert search(as_alice, "clock") == []
    assert marked(as_alice, "watch") == ["My <mark>watch</mark> has stopped"]
    as_alice.patch(f"/api/conversations/{conversation.pk}/", {"title": "Springs"}, format="json")
    assert [hit["kind"] for hit in search(as_alice, "springs")] == ["conversation"]


@pytest.mark.parametrize("what", ["message", "conversation"])
def test_what_is_deleted_is_not_found(what: str, conversation: Conversation, as_alice: APIClient) -> None:
    message = say(conversation, "My clock has stopped.")
    address = f"/api/conversations/{conversation.pk}/"
    assert search(as_alice, "clock")
    if what == "message":
        address += f"messages/{message.pk}/"
    assert as_alice.delete(address).status_code == 204
    assert search(as_alice, "clock") == []


def test_every_branch_is_searched(conversation: Conversation, as_alice: APIClient) -> None:
    for text in ("One clock.", "Another clock."):
        body = {"content": text, "parent": None}
        as_alice.post(f"/api/conversations/{conversation.pk}/messages/", body, format="json")
    assert marked(as_alice, "clock") == ["Another <mark>clock</mark>", "One <mark>clock</mark>"]


def test_an_answer_is_found_once_it_has_ended(
    alice_online: Person, as_alice: APIClient, alice: User, ai: AIServer
) -> None:
    conversation = make_conversation(alice, title="Birds")
    gate = ai.waits("A nightingale")
    response = alice_online.stream(conversation.pk, "What sings?")
    until(lambda: Message.objects.filter(status="generating", content__contains="nightingale").exists())
    assert search(as_alice, "nightingale") == []
    assert marked(as_alice, "sings") == ["What <mark>sings</mark>"]
    gate.release(" sang.")
    assert list(chunks(response))[-1] == "[DONE]"
    assert marked(as_alice, "nightingale") == ["A <mark>nightingale</mark> sang"]


def test_filters(alice: User, alices: SimpleNamespace, as_alice: APIClient) -> None:
    other = make_conversation(alice, make_character(alice, name="Basil"), title="Hours")
    say(other, "Half a day.")
    assert len(search(as_alice, "half")) == 2
    for name, row in (("conversation", other), ("character", other.character)):
        [hit] = search(as_alice, "half", **{name: row and row.pk})
        assert hit["conversation"]["title"] == "Hours"
        [hit] = search(as_alice, "hours", **{name: row and row.pk})
        assert search(as_alice, "clocks", **{name: row and row.pk}) == []
    both = {"conversation": other.pk, "character": alices.character.pk}
    assert search(as_alice, "half", **both) == search(as_alice, "half", conversation=new_id()) == []


@pytest.mark.parametrize("q", [None, "", "   ", "x" * 201, "a\0b"])
def test_q_must_be_a_line_of_words(q: str | None, as_alice: APIClient) -> None:
    response = as_alice.get("/api/search/", {} if q is None else {"q": q})
    assert (response.status_code, [error["attr"] for error in response.json()["errors"]]) == (400, ["q"])


def test_messages_and_titles_are_paged_together_both_ways(alice: User, as_alice: APIClient) -> None:
    character = make_character(alice, first_message="")
    expected = []
    for number in range(4):
        conversation = make_conversation(alice, character, title=f"Clock {number}")
        expected += [str(conversation.pk), *(str(say(conversation, f"Clock {each}").pk) for each in range(2))]
    expected.reverse()

    def walk(address: str | None, link: str) -> list[Any]:
        pages = []
        while address:
            pages.append(as_alice.get(address).json())
            address = pages[-1][link]
        return pages

    def ids(page: Any) -> list[str]:
        return [(hit["message"] or hit["conversation"])["id"] for hit in page["results"]]

    for size in (1, 5, 12):
        forth = walk(f"/api/search/?q=clock&page_size={size}", "next")
        assert [key for page in forth for key in ids(page)] == expected
        assert forth[0]["previous"] is None
        if size < 12:
            back = walk(forth[-1]["previous"], "previous")
            assert [key for page in [*back[::-1], forth[-1]] for key in ids(page)] == expected


def test_only_ones_own_is_found(alices: SimpleNamespace, as_bob: APIClient, bob: User) -> None:
    say(make_conversation(bob, title="Nothing"), "What time is it?")
    assert [hit["conversation"]["title"] for hit in search(as_bob, "time or clocks")] == ["Nothing"]


def test_the_number_of_queries_does_not_grow(conversation: Conversation, as_alice: APIClient) -> None:
    counts = []
    for more in (1, 49):
        grow(conversation, more)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(search(as_alice, "line")) >= more
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert not [query["sql"] for query in queries if '"search"' in query["sql"]]
